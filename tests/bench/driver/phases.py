"""The measurements, one function each. Each takes a running peer and returns plain values for the results file."""

import socket
import time

from . import procfs
from .load import Load, wrk_rate
from .peers import wait_until

RELOAD_PATIENCE = 4.0   # seconds until a reload that does not come up is given up
FAST_RELOADS = 0.25     # seconds between reloads, at the least
CALM_RELOADS = 1.0      # the same where the picture comes from
REST = 0.15             # share of a measurement without reloads at its start, and at its end


class Bench:
    """What all measurements share: the load generator and how long things may take."""

    def __init__(self, load_program, scale):
        self.load_program = load_program
        self.scale = scale                 # of all durations
        self.gone_patience = max(3.0 * scale, 2.0)  # how long to wait for an old generation

    def seconds(self, full):
        return full * self.scale

    def load(self, peer, **options):
        options.setdefault("path", peer.path)
        return Load(self.load_program, peer.port, **options)


def outcome(result):
    """What matters of a result of the load generator, without its bulk."""
    keys = ("requests", "failed", "failed_total", "closed", "closed_total", "connections", "elapsed_s", "latency_us")
    return {key: result[key] for key in keys}


def since(start, moment):
    """In milliseconds; None for what did not happen."""
    return None if moment is None else (moment - start) * 1e3


class Reloads:
    """Reloads of one peer while load goes on: when each was asked for, and when its old generation had gone."""

    def __init__(self, peer):
        self._peer = peer
        self.asked = []
        self._took_ms = []
        self.unheard = 0  # asked for, but nothing came of it
        self._ends = []

    def repeat_until(self, end, interval):
        while time.monotonic() < end:
            ends = procfs.Ends(self._peer.generation())
            asked = time.monotonic()
            if self._peer.reload(RELOAD_PATIENCE):
                self.asked.append(asked)
                self._took_ms.append(since(asked, time.monotonic()))
                self._ends.append(ends)
            else:
                self.unheard += 1
                ends.close()
            sleep_until(asked + interval)

    def finish(self, patience):
        """What is known of them; waits so long for the last old generation to go."""
        gone = []
        deadline = time.monotonic() + patience
        for asked, ends in zip(self.asked, self._ends):
            at = ends.wait(deadline - time.monotonic())
            gone.append(since(asked, at))
            ends.close()
        return {"reloads": len(self.asked), "unheard": self.unheard, "took_ms": self._took_ms, "gone_ms": gone}


def under_reloads(bench, peer, seconds, interval=FAST_RELOADS, **options):
    """Load with reloads all through it, but for a rest at the start; ends when the last old generation has gone."""
    reloads = Reloads(peer)
    with bench.load(peer, duration_s=60, **options) as load:
        sleep_until(load.started_at + seconds * REST)
        reloads.repeat_until(load.started_at + seconds * (1 - REST), interval)
        known = reloads.finish(min(bench.gone_patience, 2.0))
        sleep_until(load.started_at + seconds)
        load.command("stop")
        result = load.result()
    return {**outcome(result), **known}, result, [at - load.started_at for at in reloads.asked]


def sleep_until(moment):
    time.sleep(max(moment - time.monotonic(), 0))


def fresh(bench, peer):
    return under_reloads(bench, peer, bench.seconds(1.6), mode="fresh")[0]


def keepalive(bench, peer):
    return under_reloads(bench, peer, bench.seconds(1.6))[0]


def post(bench, peer):
    return under_reloads(bench, peer, bench.seconds(1.6), path=peer.post_path, body=4096, echo=peer.echoes)[0]


def think5_and_balance(bench, peer):
    """Clients that pause 5 ms. Who serves them is asked a second after they connected and a second after the last reload."""
    reloads = Reloads(peer)
    with bench.load(peer, path=peer.who_path, think_ms=5, duration_s=60) as load:
        sleep_until(load.started_at + 1.0)
        load.command("who")
        reloads.repeat_until(time.monotonic() + bench.seconds(1.2), FAST_RELOADS)
        sleep_until(time.monotonic() + 1.0)
        load.command("who")
        load.command("stop")
        result = load.result()
    known = reloads.finish(bench.gone_patience)
    shares = [busiest_share(census["clients"]) for census in result["censuses"]]
    return {**outcome(result), **known, "censuses": result["censuses"], "busiest_before": shares[0], "busiest_after": shares[1]}


def busiest_share(clients):
    total = sum(clients.values())
    return max(clients.values()) / total if total else None


def think50_and_picture(bench, peer):
    """A load that every peer sustains, with a reload each second: its latencies, and how they go through time."""
    seconds = max(bench.seconds(4.5), 2.6)
    measured, result, marks = under_reloads(bench, peer, seconds, interval=CALM_RELOADS, think_ms=50)
    return {**measured, "histogram": result["histogram"], "series": result["series"], "reload_marks_s": marks}


def think50_quiet(bench, peer):
    with bench.load(peer, think_ms=50, duration_s=bench.seconds(1.5)) as load:
        result = load.result()
    return {**outcome(result), "histogram": result["histogram"]}


def alone(bench, peer):
    """What one worker by itself costs: CPU time for each request, keep-alive, back to back, and memory for each idle connection.

    With one worker, because what several spend on sharing the clients among them depends on the machine's cores more than on the server.
    """
    peer.restart(workers=1, processes=1)
    workers = peer.generation()
    before = procfs.cpu_ns(workers)
    with bench.load(peer, duration_s=bench.seconds(3.0)) as load:
        result = load.result()
    microseconds = (procfs.cpu_ns(workers) - before) / 1e3 / max(result["requests"], 1)
    share = procfs.user_share(workers)
    return {**outcome(result), "cpu_us_per_request": microseconds,
            "user_us_per_request": microseconds * share if share is not None else None,
            "idle_bytes": idle_bytes(bench, peer)}


def download(bench, peer):
    """What one worker spends on a gigabyte that it sends from the page cache, to one client that reads as fast as it can."""
    peer.restart(workers=1, processes=1, file_size=1 << (30 if bench.scale >= 0.5 else 28))
    workers = peer.generation()
    fetch(peer)  # reads the file for the first time
    spent = []
    for _ in range(2):
        before = procfs.cpu_ns(workers)
        fetch(peer)
        spent.append((procfs.cpu_ns(workers) - before) / 1e6)
    return {"cpu_ms_per_gib": min(spent) * 2**30 / peer.file_size}


def fetch(peer):
    with socket.create_connection(("127.0.0.1", peer.port), timeout=60) as client:
        client.sendall(b"GET /file HTTP/1.1\r\nHost: bench\r\nConnection: close\r\n\r\n")
        space = bytearray(1 << 20)
        came = 0
        while count := client.recv_into(space):
            came += count
    if came <= peer.file_size:
        raise RuntimeError(f"{peer.name} sent {came} bytes of a file of {peer.file_size}")


def idle_bytes(bench, peer, clients=2000):
    """What each connection that has had an answer and now waits adds to the worker's memory."""
    workers = peer.generation()
    before = procfs.pss_kib(workers)
    with bench.load(peer, mode="idle", clients=clients, duration_s=60) as load:
        load.wait_established()
        after = procfs.pss_kib(workers)
        load.command("ask")
        load.result()
    return max(after - before, 0) * 1024 / clients


def memory(_, peer):
    return {"master_kib": procfs.pss_kib([peer.master]), "workers_kib": procfs.pss_kib(peer.generation())}


def throughput(bench, peer):
    return {"requests_per_s": wrk_rate(peer.port, peer.path, bench.seconds(1.0))}


def idle(bench, peer, clients=1000):
    """One reload while so many clients are connected and idle; then each asks once.

    Taken here: from the request to the first answer by a new worker, and to the end of the last old process.
    """
    with bench.load(peer, path=peer.who_path, mode="idle", clients=clients, duration_s=60) as load:
        load.wait_established()
        old = peer.generation()
        ends = procfs.Ends(old)
        asked = time.monotonic()
        peer.request_reload()
        answered = first_answer_by_others(peer, old, RELOAD_PATIENCE)
        gone = ends.wait(asked + bench.gone_patience - time.monotonic())
        ends.close()
        wait_until(lambda: len(peer.generation() - old) >= peer.processes, RELOAD_PATIENCE)
        load.command("ask")
        result = load.result()
    return {**outcome(result), "reloads": 1, "clients": clients, "gone_ms": since(asked, gone),
            "first_answer_ms": since(asked, answered)}


def first_answer_by_others(peer, old, patience):
    """When a process that is not among the old ones has answered a new connection."""
    deadline = time.monotonic() + patience
    while time.monotonic() < deadline:
        try:
            pid = peer.who()
        except OSError:
            pid = None  # refused or reset; the load generator counts such things, this only looks for the successor
        if pid is not None and pid not in old:
            return time.monotonic()
    return None
