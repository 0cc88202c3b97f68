#!/usr/bin/env python3
"""sup and its peers under the same load, side by side. scripts/bench builds and installs what this needs, and runs it."""

import argparse
import json
import signal
import sys
import tempfile
import time
from pathlib import Path

sys.dont_write_bytecode = True  # leaves nothing behind among the sources

from driver import output, peers, picture, plan, smoke, summary, table
from driver.phases import Bench


ENDING_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def interrupt(*_):
    """Unwinds, so that every `finally` ends what it started, and is not disturbed at that."""
    for number in ENDING_SIGNALS:
        signal.signal(number, signal.SIG_IGN)
    raise KeyboardInterrupt


def arguments():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sup", required=True, help="the program sup")
    parser.add_argument("--worker", required=True, help="the program hello-worker")
    parser.add_argument("--load", required=True, help="the program bench-load")
    parser.add_argument("--out", type=Path, default=Path("build/bench"), help="folder for table, picture and results")
    parser.add_argument("--quick", action="store_true", help="a minute: one round, shorter, without the variants of peers")
    parser.add_argument("--smoke", action="store_true", help="seconds, sup alone; fails when a request or connection is lost")
    parser.add_argument("--output-only", action="store_true", help="a minute: only what it costs to log what workers print")
    parser.add_argument("--rounds", type=int, help="how many rounds (3; with --quick 1)")
    parser.add_argument("--scale", type=float, help="of all durations (1; with --quick 0.35)")
    parser.add_argument("--limit", type=float, help="seconds after which no further round begins (600; with --quick 60)")
    parser.add_argument("--peers", help="only these, after sup: " + ", ".join(peer.name for peer in peers.ALL[1:]))
    return parser.parse_args()


def chosen_peers(options, say):
    wanted = peers.MAIN if options.quick else peers.ALL
    if options.peers:
        names = {"sup", *options.peers.split(",")}
        wanted = [peer for peer in peers.ALL if peer.name in names]
    for peer in wanted:
        if not peer.available():
            say(f"{peer.name} is not installed: left out")
    return [peer for peer in wanted if peer.available()]


def main():
    options = arguments()
    for number in ENDING_SIGNALS:
        signal.signal(number, interrupt)
    sys.setswitchinterval(0.0005)  # the thread that stamps the end of processes must not wait for the one that asks
    start = time.monotonic()
    say = plan.printer(start)
    peers.Sup.sup = str(Path(options.sup).resolve())
    peers.Sup.worker = str(Path(options.worker).resolve())
    if not peers.Sup.available():
        sys.exit(f"bench: {options.sup} or {options.worker} cannot be executed; scripts/build makes them")
    bench = Bench(str(Path(options.load).resolve()), options.scale or (0.35 if options.quick else 1.0))
    with tempfile.TemporaryDirectory(prefix="sup-bench-") as directory:
        if options.smoke:
            return smoke.run(bench, Path(directory), say)
        if options.output_only:
            return write_output(output.measure(directory, options.rounds or 1, options.scale or 1.0, say), options.out)
        limit = options.limit or (60 if options.quick else 600)
        rounds = options.rounds or (1 if options.quick else 3)
        results = plan.run_rounds(bench, chosen_peers(options, say), Path(directory), rounds, start + limit, say)
        printed = {} if options.quick else output.measure(directory, 1, bench.scale, say)
    write(results, options.out, bench, say)
    return write_output(printed, options.out) if printed else 0


def write_output(results, out):
    out.mkdir(parents=True, exist_ok=True)
    (out / "output.json").write_text(json.dumps(results, indent=1))
    (out / "output.md").write_text(output.markdown(results))
    print()
    print(output.markdown(results))
    lost = results[output.SupText.name]["lost"] + results[output.SupJson.name]["lost"]
    return 1 if lost else 0


def write(results, out, bench, say):
    out.mkdir(parents=True, exist_ok=True)
    (out / "results.json").write_text(json.dumps({"scale": bench.scale, "peers": results}))
    summaries = summary.summarize(results)
    (out / "summary.json").write_text(json.dumps(summaries, indent=1))
    (out / "table.md").write_text(table.markdown(summaries))
    (out / "table.txt").write_text(table.text(summaries))
    (out / "latency.svg").write_text(picture.draw(results))
    print()
    print(table.text(summaries))
    say(f"table.md, table.txt, latency.svg, summary.json and results.json are in {out}")


if __name__ == "__main__":
    try:
        sys.exit(main())
    except (peers.PeerFailed, RuntimeError) as problem:
        sys.exit(f"bench: {problem}")
    except KeyboardInterrupt:
        sys.exit("bench: interrupted; everything it started has been ended")
