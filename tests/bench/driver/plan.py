"""Which measurements a run takes, in which order, and how long it may take."""

import sys
import time

from . import phases
from .peers import DESCRIPTORS, PeerFailed

MANY_IDLE = max(1000, min(10000, DESCRIPTORS - 1000))

def many_idle(bench, peer):
    """Starts the server anew, with room for so many connections; its memory was measured without."""
    peer.restart(connections=MANY_IDLE + 1000)
    return phases.idle(bench, peer, clients=MANY_IDLE)


# Name in the results, what people read, and the function. The measurements without reloads come first: their workers are fresh.
MEASUREMENTS = [
    ("throughput", "raw throughput (wrk)", phases.throughput),
    ("memory", "memory", phases.memory),
    ("quiet", "latency without reloads", phases.think50_quiet),
    ("think50", "latency with reloads, 50 ms think time", phases.think50_and_picture),
    ("fresh", "new connections", phases.fresh),
    ("keepalive", "keep-alive, back to back", phases.keepalive),
    ("think5", "keep-alive, 5 ms think time, balance", phases.think5_and_balance),
    ("post", "POST 4 KiB", phases.post),
    ("idle", "1,000 idle connections", phases.idle),
    ("idle2", "1,000 idle connections, again", phases.idle),
    ("many_idle", f"{MANY_IDLE:,} idle connections", many_idle),
    ("alone", "CPU and memory of one worker", phases.alone),
    ("download", "a file of 1 GiB from one worker", phases.download),
]


def applies(name, bench, peer):
    if name == "idle2" and bench.scale < 0.5:
        return False
    if name in ("idle", "idle2"):
        return peer.holds_idle
    if name in ("many_idle", "alone", "download"):
        return getattr(peer, name)
    return True


def measure(bench, peer, say):
    """All measurements of one started peer."""
    results = {}
    for name, title, function in MEASUREMENTS:
        if not applies(name, bench, peer):
            continue
        if not peer.settle(3):
            say(f"  {peer.name}: an old generation is still there before '{title}'")
        begun = time.monotonic()
        results[name] = function(bench, peer)
        say(f"  {peer.name:16} {title:40} {describe(results[name])}  [{time.monotonic() - begun:.1f} s]")
    return results


def describe(result):
    """One line about a result, for who watches."""
    words = []
    if "failed_total" in result:
        reloads = f" in {result['reloads']} reloads" if "reloads" in result else ""
        words.append(f"{result['requests']} answered, {result['failed_total']} failed, "
                     f"{result['closed_total']} closed{reloads}")
    if "gone_ms" in result:
        times = result["gone_ms"] if isinstance(result["gone_ms"], list) else [result["gone_ms"]]
        known = sorted(time for time in times if time is not None)
        words.append(f"old gone {known[len(known) // 2]:.0f} ms" if known else "old not gone")
    if result.get("busiest_before"):
        words.append(f"busiest {result['busiest_before']:.0%} / {result['busiest_after'] or 0:.0%}")
    if "cpu_us_per_request" in result:
        words.append(f"{result['cpu_us_per_request']:.2f} us, {result['user_us_per_request'] or 0:.2f} in user space, "
                     f"{result['idle_bytes']:.0f} bytes an idle connection")
    if "cpu_ms_per_gib" in result:
        words.append(f"{result['cpu_ms_per_gib']:.0f} ms of CPU")
    if "requests_per_s" in result:
        words.append(f"{result['requests_per_s'] or 0:.0f}/s")
    if "master_kib" in result:
        words.append(f"master {result['master_kib']} KiB, workers {result['workers_kib']} KiB")
    return ", ".join(words)


def run_rounds(bench, peer_classes, directory, rounds, deadline, say):
    """Peer after peer, round after round, until the rounds are done or a turn would not end before the deadline.

    Returns {peer: [results of a round, …]}. A peer that fails is left out from then on, unless it is the first, which is sup.
    """
    results = {peer.name: [] for peer in peer_classes}
    running = list(peer_classes)
    turn = 0.0  # the longest so far
    for number in range(1, rounds + 1):
        if number > 1 and time.monotonic() + turn * len(running) * 0.9 > deadline:
            say(f"round {number} would not end in time")
            break
        say(f"round {number} of {rounds}")
        for peer_class in rotated(list(running), number - 1):
            begun = time.monotonic()
            if begun + turn > deadline:
                say(f"  no time is left for {peer_class.name}")
                continue
            try:
                results[peer_class.name].append(one_turn(bench, peer_class, directory / str(number), say))
            except PeerFailed as problem:
                if peer_class is peer_classes[0]:
                    raise
                say(f"  {problem}\n  {peer_class.name} is left out from here on")
                running.remove(peer_class)
            turn = max(turn, time.monotonic() - begun)
    return results


def rotated(items, by):
    """Each round begins with another peer, so that nobody always comes first."""
    by %= max(len(items), 1)
    return items[by:] + items[:by]


def one_turn(bench, peer_class, directory, say):
    directory.mkdir(exist_ok=True)
    peer = peer_class(directory)
    try:
        peer.start()
        return measure(bench, peer, say)
    finally:
        peer.stop()


def printer(start):
    def say(text):
        print(f"{time.monotonic() - start:6.1f}  {text}", flush=True, file=sys.stdout)
    return say
