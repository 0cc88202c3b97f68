"""The servers side by side: how each is configured, started, reloaded and ended."""

import os
import resource
import shutil
import signal
import socket
import subprocess
import time
from pathlib import Path

from . import procfs

TEMPLATES = Path(__file__).resolve().parent.parent / "peers"
# As long as sup's own answer, so that nobody sends more bytes than the others.
BODY = "hello world from pid:00000, ppid: 00000, generation: 1, version: v1"
DESCRIPTORS = min(resource.getrlimit(resource.RLIMIT_NOFILE)[1], 65536)
CONNECTIONS = 2048  # room for each worker's connections, where a server wants to know that beforehand


class PeerFailed(Exception):
    """A peer did not do what every peer must; says what, with the end of its log."""


class Peer:
    """One server: a master process of ours and whatever it starts."""

    name = ""
    program = ""            # without which this peer is left out
    processes = 2           # descendants when it is up and no reload goes on
    workers = 2
    path = "/"              # what the load asks for
    who_path = "/pid"       # answers with "pid:" and the worker's pid
    post_path = "/"
    echoes = False          # a POST is answered with its body
    holds_idle = True       # can keep more clients connected than it has processes
    many_idle = False       # takes part in the measurement with as many idle connections as the descriptors allow
    alone = False           # can do with one worker
    download = False        # answers /file with a file of file_size bytes
    file_size = 0
    reload_signal = signal.SIGHUP

    def __init__(self, directory):
        self.directory = Path(directory) / self.name
        self.directory.mkdir()
        self.port = 0
        self.connections = CONNECTIONS
        self._process = None

    # What a peer defines.

    def command(self):
        raise NotImplementedError

    def environment(self):
        return {}

    def substitutions(self):
        return {}

    # What all peers have.

    @classmethod
    def available(cls):
        return shutil.which(cls.program) is not None

    @property
    def master(self):
        return self._process.pid

    def generation(self):
        """All processes below the master that live now."""
        return procfs.descendants(self.master)

    def start(self, attempts=3):
        """Returns when the server answers and all its processes are there."""
        for attempt in range(attempts):
            self.port = free_port()
            self._fill_templates()
            try:
                self._launch()
                return
            except PeerFailed:
                self.stop()
                if attempt == attempts - 1:
                    raise

    def stop(self):
        """Ends the master and everything below it, by pid."""
        if self._process is None:
            return
        below = self.generation()
        if self._process.poll() is None:
            self._process.terminate()
            try:
                self._process.wait(5)
            except subprocess.TimeoutExpired:
                below |= self.generation()
                self._process.kill()
                self._process.wait()
        ends = procfs.Ends(below)
        if ends.wait(2) is None:
            for pid in below:
                kill(pid, signal.SIGKILL)
            ends.wait(2)
        ends.close()
        self._process = None

    def restart(self, **changes):
        """Ends it and starts it anew, with other numbers of its own: workers, connections …"""
        self.stop()
        for name, value in changes.items():
            setattr(self, name, value)
        self.start()

    def request_reload(self):
        kill(self.master, self.reload_signal)

    def reload(self, seconds):
        """Reloads and returns when all processes of the next generation are there, after `seconds` in any case.

        True when they are. This keeps the pace of reloads under load; it is no measurement.
        """
        before = self.generation()
        self.request_reload()
        return wait_until(lambda: len(self.generation() - before) >= self.processes, seconds)

    def settle(self, seconds):
        """Waits until only one generation is left. True when that is so."""
        return wait_until(lambda: len(self.generation()) <= self.processes, seconds)

    def who(self):
        """The pid of the worker that answers a new connection."""
        return ask_pid(self.port, self.who_path)

    def log_tail(self):
        path = self.directory / "log"
        return "".join(path.read_text(errors="replace").splitlines(keepends=True)[-10:]) if path.exists() else ""

    def _fill_templates(self):
        if self.download:
            with open(self.directory / "file", "ab") as file:
                file.truncate(self.file_size)  # sparse: the kernel makes its pages when they are first read
        values = {"PORT": self.port, "DIR": self.directory, "WORKERS": self.workers, "BODY": BODY,
                  "CONNECTIONS": self.connections, "DESCRIPTORS": DESCRIPTORS, **self.substitutions()}
        for template in (TEMPLATES / self.template()).iterdir():
            if template.is_file():
                text = template.read_text()
                for key, value in values.items():
                    text = text.replace(f"@{key}@", str(value))
                (self.directory / template.name).write_text(text)

    def template(self):
        return self.name

    def _launch(self):
        # The kernel ends the server should we be killed (prctl(2), PR_SET_PDEATHSIG).
        command = ["setpriv", "--pdeathsig", "TERM", "--", *map(str, self.command())]
        with open(self.directory / "log", "ab") as log:
            self._process = subprocess.Popen(command, cwd=self.directory, env={**os.environ, **self.environment()},
                                             stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True)
        up = wait_until(lambda: self._process.poll() is not None or
                        (len(self.generation()) >= self.processes and self._answers()), 20)
        if not up or self._process.poll() is not None:
            raise PeerFailed(f"{self.name} does not come up:\n{self.log_tail()}")

    def _answers(self):
        try:
            return self.who() is not None
        except OSError:
            return False


class Sup(Peer):
    name = "sup"
    who_path = "/"
    post_path = "/echo"
    echoes = True
    many_idle = True
    alone = True
    download = True
    reload_signal = signal.SIGUSR2
    sup = worker = ""  # paths of the programs, set by the benchmark

    @classmethod
    def available(cls):
        return os.access(cls.sup, os.X_OK) and os.access(cls.worker, os.X_OK)

    def command(self):
        return [self.sup, "run", self.directory / "sup.json"]

    def environment(self):
        return {"SUP_RUNTIME_DIR": str(self.directory / "run")}

    def substitutions(self):
        return {"WORKER": self.worker}

    def reload(self, seconds):
        """`sup reload` itself waits, and tells."""
        done = subprocess.run([self.sup, "reload", "bench", "--timeout", f"{max(int(seconds), 1)}s"],
                              env={**os.environ, **self.environment()}, capture_output=True, text=True,
                              stdin=subprocess.DEVNULL, check=False)
        if done.returncode != 0:
            raise PeerFailed(f"sup reload: exit {done.returncode}: {done.stdout}{done.stderr}\n{self.log_tail()}")
        return True


class Nginx(Peer):
    name = "nginx"
    program = "nginx"
    many_idle = True
    alone = True
    download = True

    def template(self):
        return "nginx"

    def substitutions(self):
        return {"REUSEPORT": ""}

    def command(self):
        return ["nginx", "-p", self.directory, "-c", self.directory / "nginx.conf", "-e", self.directory / "error.log"]


class NginxReuseport(Nginx):
    """A listening socket for each worker: the kernel spreads the connections."""

    name = "nginx-reuseport"

    def substitutions(self):
        return {"REUSEPORT": " reuseport"}


class Haproxy(Peer):
    name = "haproxy"
    program = "haproxy"
    processes = 1
    reload_signal = signal.SIGUSR2

    def template(self):
        return "haproxy"

    def substitutions(self):
        return {"OPTIONS": ""}

    def command(self):
        return ["haproxy", "-W", "-f", self.directory / "haproxy.cfg"]

    def reload(self, seconds):
        """HAProxy forgets a signal that comes shortly after it has said that the last reload succeeded: allow for that."""
        said = self._successes()
        done = super().reload(seconds) and wait_until(lambda: self._successes() > said, seconds)
        time.sleep(0.1)
        return done

    def _successes(self):
        return (self.directory / "log").read_text(errors="replace").count("Loading success")


class HaproxyPolite(Haproxy):
    """Says Connection: close with the next answer instead of closing idle connections, however long that takes."""

    name = "haproxy-polite"

    def substitutions(self):
        return {"OPTIONS": "    option idle-close-on-response\n"}


class Gunicorn(Peer):
    name = "gunicorn"
    program = "gunicorn"
    echoes = True

    def command(self):
        return ["gunicorn", "-c", self.directory / "gunicorn.conf.py", "app:app"]


class Starlet(Peer):
    """Server::Starter with Starlet, where each connection occupies a process: as many as there are busy clients, and more."""

    name = "starlet"
    program = "start_server"
    workers = 80
    processes = 81
    echoes = True
    holds_idle = False

    @classmethod
    def available(cls):
        return super().available() and shutil.which("plackup") is not None

    def command(self):
        return ["start_server", f"--port=127.0.0.1:{self.port}", "--backlog=4096", "--", "plackup", "-E", "deployment",
                "-s", "Starlet", f"--max-workers={self.workers}", "--max-reqs-per-child=1000000000",
                "--max-keepalive-reqs=1000000000", "--keepalive-timeout=3600", self.directory / "app.psgi"]


ALL = [Sup, Nginx, NginxReuseport, Haproxy, HaproxyPolite, Gunicorn, Starlet]
MAIN = [Sup, Nginx, Haproxy, Gunicorn, Starlet]


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def kill(pid, number):
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        pass


def ask_pid(port, path):
    """The number behind "pid:" in the answer to one request over a connection of its own; None when there is none."""
    with socket.create_connection(("127.0.0.1", port), timeout=5) as connection:
        connection.sendall(f"GET {path} HTTP/1.1\r\nHost: bench\r\nConnection: close\r\n\r\n".encode())
        answer = b""
        while piece := connection.recv(4096):
            answer += piece
    head, _, body = answer.partition(b"\r\n\r\n")
    digits = body.partition(b"pid:")[2]
    end = next((i for i, byte in enumerate(digits) if not 48 <= byte <= 57), len(digits))
    return int(digits[:end]) if head.startswith(b"HTTP/1.1 200") and end else None


def wait_until(condition, seconds):
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() >= deadline:
            return False
        time.sleep(0.002)
    return True
