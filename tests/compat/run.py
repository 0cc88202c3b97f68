#!/usr/bin/env python3
"""Starts each example of config/examples under sup, reloads it under load, and prints what became of the requests.

Then it reloads to a broken twin of the example, which must be refused.

Each runs in a copy of its folder on a port of its own. Exit code 0: every server behaved, or lost what servers.py explains.
"""

import argparse
import contextlib
import json
import os
import random
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path

from alone import Alone
from clients import Load, ask_fastcgi, ask_http, ask_line, fastcgi_request
from servers import SERVERS

EXAMPLES = Path(__file__).resolve().parents[2] / "config" / "examples"


@dataclass
class Row:
    name: str
    started: bool = False
    ready_ms: int = 0
    reloads: int = 0
    answered: int = 0
    failed: int = 0
    keepalive: str = "-"
    drained: bool = False
    refused: str = "-"  # its broken twin: yes or NO
    slowest_ms: int = 0
    causes: list = field(default_factory=list)
    notes: list = field(default_factory=list)


def free_port():
    """Below the range from which the kernel serves connecting clients, so that none of them takes it meanwhile."""
    while True:
        port = random.randrange(20000, 30000)
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
                return port
            except OSError:
                continue


def listen_on_path(target, path):
    """A unix socket instead. Who unlinks what it listens on gets the path at which nothing is."""
    file = target / "sup.json"
    text = re.sub(r'"address": "127[^"]*"', f'"address": "unix:{path}"', file.read_text())
    file.write_text(text.replace("{address:", "{path:"))


def copy_example(name, target, port):
    """The example with its one port replaced wherever it stands: nginx.conf and the like repeat it."""
    source = EXAMPLES / name
    written = re.search(r'"address": "127\.0\.0\.1:(\d+)"', (source / "sup.json").read_text()).group(1)
    shutil.copytree(source, target)
    target.chmod(0o755)
    for file in target.iterdir():
        if file.is_file():
            text = file.read_text()
            if written in text:
                file.write_text(text.replace(written, str(port)))


class Instance:
    def __init__(self, sup, folder, name):
        self.sup, self.folder, self.name = sup, folder, name
        self.environment = {**os.environ, "SUP_RUNTIME_DIR": str(folder.parent / "run")}

    def call(self, *arguments, timeout=120):
        return subprocess.run([self.sup, *arguments], env=self.environment, cwd=self.folder, capture_output=True, text=True,
                              timeout=timeout)

    def log(self, lines=25):
        path = Path(self.environment["SUP_RUNTIME_DIR"]) / self.name / "sup.log"
        return path.read_text(errors="replace").splitlines()[-lines:] if path.exists() else []

    def problems(self):
        """What the master said about workers that did not leave as they should."""
        return [line for line in self.log(1000) if "did not finish" in line or "left processes" in line]


def reload_all(instance, row, count, pause):
    for _ in range(count):
        done = instance.call("reload", instance.name, "--timeout", "60s", "--drained")
        if done.returncode != 0:
            row.notes.append(f"reload {row.reloads + 1} failed: {done.stderr.strip()[-300:]}")
            return
        row.reloads += 1
        time.sleep(pause)


def try_twin(instance, row, twin):
    """Reloads to the release that cannot serve, under load, and puts the good one back."""
    path = instance.folder / twin.file
    good = path.read_bytes()
    replace(path, path.read_text().replace(twin.instead_of, twin.text).encode() if twin.instead_of else twin.text.encode())
    done = instance.call("reload", instance.name, "--timeout", "60s")
    replace(path, good)
    row.refused = "yes" if done.returncode == 1 else "NO"
    if done.returncode != 1:
        row.notes.append(f"its broken twin ended with {done.returncode}: {(done.stdout + done.stderr).strip()[-300:]}")


def replace(path, content):
    """As a deployment does it: a new file, renamed over the old one."""
    new = path.with_name(path.name + ".new")
    new.write_bytes(content)
    new.chmod(path.stat().st_mode)
    new.rename(path)


def tell(load, row, server):
    row.answered = load.answered["fresh"]
    row.failed = sum(load.failures["fresh"].values())
    row.slowest_ms = round(load.slowest * 1000)
    if server.keepalive:
        row.keepalive = f"{load.answered['keep-alive']}/{sum(load.failures['keep-alive'].values())}"
    for kind, failures in load.failures.items():
        row.causes += [f"{kind}: {count} x {what}" for what, count in failures.most_common(3)]


@contextlib.contextmanager
def prepared(server, options):
    """A copy of the example, built, and where to connect to it."""
    with tempfile.TemporaryDirectory(prefix="sup-compat-") as scratch:
        os.chmod(scratch, 0o755)
        folder = Path(scratch) / server.name
        port = free_port()
        copy_example(server.name, folder, port)
        if server.build:
            environment = {**os.environ, "GO111MODULE": "off", "GOCACHE": scratch + "/go", "GOFLAGS": ""}
            subprocess.run(server.build, cwd=folder, env=environment, check=True)
        if options.unix:
            listen_on_path(folder, scratch + "/socket")
        yield folder, scratch + "/socket" if options.unix else ("127.0.0.1", port)


def load_on(server, folder, address, options):
    ask = ask_line if server.lines else ask_http
    if server.script:
        ask = ask_fastcgi(fastcgi_request(str(folder / server.script)))
    return Load(address, ask, options.clients, options.clients // 2 if server.keepalive else 0)


def run_alone(server, options):
    row = Row(server.name + " alone")
    with prepared(server, options) as (folder, address):
        alone = Alone(folder)
        try:
            alone.replace()
            row.started = True
            with load_on(server, folder, address, options) as load:
                for _ in range(options.reloads):
                    alone.replace()
                    row.reloads += 1
                    time.sleep(options.pause)
            tell(load, row, server)
        finally:
            alone.close()
    return row


def run_server(server, options):
    row = Row(server.name)
    with prepared(server, options) as (folder, address):
        instance = Instance(options.sup, folder, server.name)
        try:
            began = time.monotonic()
            started = instance.call("start", "sup.json", "--timeout", "60s")
            row.ready_ms = round((time.monotonic() - began) * 1000)
            if started.returncode != 0:
                row.notes.append(started.stderr.strip()[-600:])
                return row
            row.started = True
            with load_on(server, folder, address, options) as load:
                time.sleep(0.5)
                reload_all(instance, row, options.reloads, options.pause)
                problems = instance.problems()
                try_twin(instance, row, server.broken)
                time.sleep(0.5)
            tell(load, row, server)
            row.drained = row.reloads == options.reloads and not problems
            row.notes += problems[:3]
        finally:
            instance.call("stop", server.name, "--timeout", "60s")
            if options.verbose or not row.started:
                print("\n".join(instance.log()), file=sys.stderr)
    return row


COLUMNS = ["server", "started", "ready ms", "reloads", "answered", "failed", "keep-alive ok/failed", "drained in time", "slowest ms",
           "broken refused"]


def cells(row):
    yes = {True: "yes", False: "NO"}
    return [row.name, yes[row.started], str(row.ready_ms), str(row.reloads), str(row.answered), str(row.failed), row.keepalive,
            yes[row.drained], str(row.slowest_ms), row.refused]


def print_table(rows):
    lines = [COLUMNS] + [cells(row) for row in rows]
    widths = [max(len(line[i]) for line in lines) for i in range(len(COLUMNS))]
    for line in lines:
        print("  ".join(text.ljust(width) for text, width in zip(line, widths)).rstrip())


def verdict(server, row, options):
    """Whether this row is as it should be."""
    good = row.started and row.reloads == options.reloads and row.refused == "yes" and (row.drained or bool(server.known_loss))
    lost = row.failed or (server.keepalive and not row.keepalive.endswith("/0"))
    return good and (not lost or bool(server.known_loss))


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sup", required=True, type=os.path.abspath)
    parser.add_argument("--reloads", type=int, default=10)
    parser.add_argument("--clients", type=int, default=6)
    parser.add_argument("--pause", type=float, default=0.2, help="seconds between two reloads")
    parser.add_argument("--quick", action="store_true", help="only the servers that are marked for it")
    parser.add_argument("--json", help="also write the rows to this file")
    parser.add_argument("--verbose", action="store_true", help="show each instance's log")
    parser.add_argument("--unix", action="store_true", help="on unix sockets, those servers for which that is tried")
    parser.add_argument("--alone", action="store_true", help="without sup: what a server loses by itself")
    parser.add_argument("--packages", action="store_true", help="print the Debian packages that are needed, and end")
    parser.add_argument("names", nargs="*", help="only these servers")
    options = parser.parse_args()
    chosen = [server for server in SERVERS
              if (not options.names or server.name in options.names) and (not options.quick or server.quick)
              and (not options.unix or server.unix)]
    if options.packages:
        print("\n".join(sorted({package for server in chosen for package in server.packages})))
        return 0
    rows = []
    for server in chosen:
        print(f"-- {server.name}", flush=True)
        rows.append(run_alone(server, options) if options.alone else run_server(server, options))
    print()
    print_table(rows)
    good = True
    for server, row in zip(chosen, rows):
        good &= options.alone or verdict(server, row, options)
        details = row.causes + row.notes
        if row.failed and server.known_loss:
            details.append(f"known: {server.known_loss}")
        if details:
            print(f"\n{server.name}:\n  " + "\n  ".join(details))
    if options.json:
        Path(options.json).write_text(json.dumps([vars(row) for row in rows], indent=2) + "\n")
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
