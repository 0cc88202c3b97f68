"""A short run of sup alone that fails when sup loses something, or when what would measure that does not notice losses."""

from . import phases
from .load import Load
from .peers import Sup, free_port

RUNS = [("new connections", phases.fresh), ("keep-alive, back to back", phases.keepalive), ("POST 4 KiB", phases.post),
        ("1,000 idle connections", phases.idle)]


def run(bench, directory, say):
    """0 when all is well."""
    bench.scale = min(bench.scale, 0.5)
    problems = notices_refusal(bench)
    peer = Sup(directory)
    try:
        peer.start()
        for title, function in RUNS:
            result = function(bench, peer)
            say(f"{title}: {result['requests']} answered, {result['failed_total']} failed, {result['closed_total']} closed "
                f"in {result['reloads']} reloads")
            problems += wrong_with(title, result)
    finally:
        peer.stop()
    for problem in problems:
        say("WRONG: " + problem)
    return 1 if problems else 0


def notices_refusal(bench):
    """The load generator must count what it cannot have."""
    with Load(bench.load_program, free_port(), "/", clients=2, duration_s=0.2) as load:
        result = load.result()
    right = result["requests"] == 0 and 0 < result["failed_total"] == result["failed"].get("refused")
    return [] if right else [f"nobody listens, but the load generator counts {result['failed']}"]


def wrong_with(title, result):
    times = result["gone_ms"] if isinstance(result["gone_ms"], list) else [result["gone_ms"]]
    checks = [(result["requests"] > 0, "no request was answered"),
              (result["failed_total"] == 0, f"requests failed: {result['failed']}"),
              (result["closed_total"] == 0, f"connections were closed: {result['closed']}"),
              (result["reloads"] > 0 and not result.get("unheard"), "a reload did not happen"),
              (None not in times, "an old generation did not go")]
    return [f"{title}: {words}" for right, words in checks if not right]
