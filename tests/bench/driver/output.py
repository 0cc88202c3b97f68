"""What it costs to take a worker's output into a log: sup beside other supervisors and loggers, each with one printing worker."""

import shutil
import statistics
import subprocess
import sys
import time
from pathlib import Path

from . import peers, procfs

PRINTER = Path(__file__).resolve().parent / "printer.py"
LINES = 1_000_000
MARK = b"line 0"


class Logger:
    """One program that writes down what a worker prints."""

    name = ""
    program = ""
    stamps = False  # puts the time before each line

    def __init__(self, folder, lines):
        self.folder = folder
        self.printer = [sys.executable, str(PRINTER), str(lines), str(folder)]
        self._started = []

    @classmethod
    def available(cls):
        return shutil.which(cls.program) is not None

    def start(self):
        """Returns the pid of the process whose time is measured."""
        raise NotImplementedError

    def log(self):
        return [path for path in (self.folder / "log").rglob("*") if path.is_file()]

    def launch(self, command, **streams):
        streams = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, **streams}
        process = subprocess.Popen(command, cwd=self.folder, **streams)
        self._started.append(process)
        return process

    def stop(self):
        for process in reversed(self._started):
            process.terminate()
            try:
                process.wait(5)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


class Sup(Logger):
    format = "text"
    stamps = True

    @classmethod
    def available(cls):
        return peers.Sup.available()

    def start(self):
        command = ", ".join(f'"{word}"' for word in self.printer)
        (self.folder / "sup.json").write_text(
            '{ "name": "output", "listen": [ { "address": "127.0.0.1:0" } ],'
            f' "worker": {{ "command": [{command}], "ready": "1ms" }}, "drain": {{ "timeout": "1s" }},'
            f' "log": {{ "file": "log/sup.log", "max_size": "1GiB", "format": "{self.format}" }} }}')
        runtime = self.folder / "run"
        return self.launch(["env", f"SUP_RUNTIME_DIR={runtime}", peers.Sup.sup, "run", "sup.json"]).pid


class SupText(Sup):
    name = "sup"


class SupJson(Sup):
    name = "sup, JSON"
    format = "json"


class Supervisord(Logger):
    name = program = "supervisord"

    def start(self):
        (self.folder / "supervisord.conf").write_text(
            f"[supervisord]\nnodaemon=true\nlogfile={self.folder}/main.log\npidfile={self.folder}/pid\n"
            f"[program:printer]\ncommand={' '.join(self.printer)}\nredirect_stderr=true\n"
            f"stdout_logfile={self.folder}/log/printer.log\nstdout_logfile_maxbytes=1GB\n")
        return self.launch(["supervisord", "-c", "supervisord.conf"]).pid


class Piped(Logger):
    """The worker's standard output is the logger's standard input."""

    options = []

    def start(self):
        logger = self.launch([self.program, *self.options, "./log"], stdin=subprocess.PIPE)
        self.launch(self.printer, stdout=logger.stdin)
        logger.stdin.close()
        return logger.pid


class S6Log(Piped):
    name = program = "s6-log"
    options = ["-b", "n20", "s99999999"]


class S6LogStamped(S6Log):
    name = "s6-log T"
    options = ["-b", "T", "n20", "s99999999"]
    stamps = True


class Multilog(Piped):
    name = program = "multilog"
    options = ["s16777215", "n50"]


class MultilogStamped(Multilog):
    name = "multilog t"
    options = ["t", *Multilog.options]
    stamps = True


class Svlogd(Piped):
    name = program = "svlogd"

    def start(self):
        (self.folder / "log" / "config").write_text("s0\n")
        return super().start()


class SvlogdStamped(Svlogd):
    name = "svlogd -tt"
    options = ["-tt"]
    stamps = True


ALL = [SupText, SupJson, Supervisord, S6Log, S6LogStamped, Multilog, MultilogStamped, Svlogd, SvlogdStamped]


def lines_in(files):
    found = 0
    for file in files:
        with file.open("rb") as stream:
            found += sum(line.count(MARK) for line in stream)
    return found


def wait_for_log(logger, seconds):
    """Until the worker has printed everything and the log has not grown for half a second."""
    end = time.monotonic() + seconds
    size, since = -1, time.monotonic()
    while time.monotonic() < end:
        now = sum(file.stat().st_size for file in logger.log())
        if now != size or not (logger.folder / "done").exists():
            size, since = now, time.monotonic()
        elif time.monotonic() - since > 0.5:
            return
        time.sleep(0.05)


def one_turn(kind, folder, lines):
    (folder / "log").mkdir(parents=True)
    logger = kind(folder.resolve(), lines)
    try:
        pid = logger.start()
        time.sleep(0.7)  # it has read its configuration and waits
        before = procfs.cpu_ns([pid])
        (folder / "go").touch()
        wait_for_log(logger, 60)
        spent = procfs.cpu_ns([pid]) - before
    finally:
        logger.stop()
    found = lines_in(logger.log())
    shutil.rmtree(folder)
    return {"lost": lines - found, "cpu_s": spent / 1e9}


def measure(directory, rounds, scale, say):
    """{name: {lost, cpu_s, ratio, stamps}} of all that are installed; the ratio is to sup."""
    lines = max(int(LINES * min(scale, 1.0)), 10_000)
    kinds = [kind for kind in ALL if kind.available()]
    turns = {kind.name: [] for kind in kinds}
    say(f"captured output: {lines:,} lines")
    for number in range(rounds):
        for kind in kinds:
            turns[kind.name].append(one_turn(kind, Path(directory) / f"output-{number}-{kind.__name__}", lines))
    results = {}
    for kind in kinds:
        spent = statistics.median(turn["cpu_s"] for turn in turns[kind.name])
        results[kind.name] = {"lost": max(turn["lost"] for turn in turns[kind.name]), "stamps": kind.stamps,
                              "cpu_s_per_million": spent * 1_000_000 / lines}
    for result in results.values():
        result["ratio"] = result["cpu_s_per_million"] / results[SupText.name]["cpu_s_per_million"]
    return results


def markdown(results):
    rows = ["| a million lines into a log | time before each line | lost | CPU, s | to sup |", "| --- | --- | --: | --: | --: |"]
    for name, result in results.items():
        rows.append(f"| {name} | {'yes' if result['stamps'] else 'no'} | {result['lost']} | "
                    f"{result['cpu_s_per_million']:.2f} | {result['ratio']:.2f} |")
    return "\n".join(rows) + "\n"
