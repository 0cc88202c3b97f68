"""The same server under the same load without sup: a few lines that hold the socket, start a new process, and tell the old one.

What is lost here is the server's own loss.
"""

import contextlib
import json
import os
import re
import signal
import socket
import subprocess
import time

# So that LISTEN_PID is the process's own; sh becomes the server.
EXEC = ["sh", "-c", 'LISTEN_PID=$$ exec "$@"', "sh"]


def configuration(folder):
    text = (folder / "sup.json").read_text()
    return json.loads(re.sub(r"^\s*//.*$", "", text, flags=re.MULTILINE))


def variables(config, address, generation):
    protocols = config["worker"].get("protocols", ["systemd"])
    found = {"SUP_GENERATION": str(generation)}
    if "systemd" in protocols:
        found |= {"LISTEN_FDS": "1", "LISTEN_FDNAMES": config["listen"][0]["name"]}
    if "server-starter" in protocols:
        found |= {"SERVER_STARTER_PORT": f"{address}=3", "SERVER_STARTER_GENERATION": str(generation)}
    return found


class Alone:
    """Generations of one server, each of as many processes as the example says, on one socket."""

    def __init__(self, folder):
        self.folder, self.config = folder, configuration(folder)
        host, port = self.config["listen"][0]["address"].split(":")
        self.address = (host, int(port))
        self.listener = socket.create_server(self.address, backlog=4096)
        self.notify = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)  # somewhere for applications that say READY=1
        self.notify.bind(str(folder / "notify"))
        self.notify.setblocking(False)
        self.generation, self.processes = 0, []

    def _start(self):
        worker = self.config["worker"]
        command = [re.sub(r"\{fd:[^}]*\}", "3", argument) for argument in worker["command"]]
        as_input = worker.get("protocols") == ["stdin"]
        environment = {**os.environ, **variables(self.config, "%s:%d" % self.address, self.generation),
                       "NOTIFY_SOCKET": str(self.folder / "notify")}
        spare = os.open("/dev/null", os.O_RDONLY)  # so that 3 is free for the listener, whatever this process has open
        os.dup2(self.listener.fileno(), 100)
        place = [] if as_input else ["bash", "-c", 'exec 3<&100 100<&-; exec "$@"', "bash"]
        process = subprocess.Popen(place + EXEC + command, cwd=self.folder, env=environment, start_new_session=True,
                                   stdin=self.listener if as_input else spare, pass_fds=[100], stdout=subprocess.DEVNULL,
                                   stderr=subprocess.DEVNULL)
        os.close(spare)
        return process

    def replace(self):
        """A new generation, and when it has had a second, the drain signal to the old one."""
        old, self.generation = self.processes, self.generation + 1
        self.processes = [self._start() for _ in range(self.config["worker"].get("count", 1))]
        time.sleep(1)
        self._forget_notifications()
        self._end(old, signal.Signals[self.config["drain"].get("signal", "SIGTERM")])

    def _forget_notifications(self):
        with contextlib.suppress(BlockingIOError):  # a full queue would hold up who says READY=1
            while self.notify.recv(4096):
                pass

    def _end(self, processes, number):
        for process in processes:
            process.send_signal(number)
        for process in processes:
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(30)
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()

    def close(self):
        self._end(self.processes, signal.SIGTERM)
        self.listener.close()
        self.notify.close()
