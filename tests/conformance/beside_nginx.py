#!/usr/bin/env python3
"""Sends every case of cases.json to nginx, and compares what it answers with what the table says of it.

nginx passes requests on to a backend here that says what it saw. Exit code 0: the table is right, 1: it is not,
77: there is no nginx of the version that was asked ("SKIPPED: ..." says why).
"""

import argparse
import contextlib
import json
import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

CASES = Path(__file__).resolve().parent / "cases.json"
SKIPPED = 77
SHOWN = 80  # a longer target, method or body is told by its size

CONFIGURATION = """
daemon off; master_process off; error_log {folder}/error.log; pid {folder}/pid;
events {{ worker_connections 64; }}
http {{
    access_log off; default_type text/plain;
    client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy; fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi; scgi_temp_path {folder}/scgi;
    server {{
        listen unix:{folder}/nginx.sock;
        location / {{
            proxy_pass http://unix:{folder}/backend.sock;
            proxy_ignore_client_abort on;  # a client that has sent everything still waits for its answers
        }}
    }}
}}
"""


def bytes_of(send):
    """A string has a letter for each byte; a list has strings, and [string, how often]."""
    if isinstance(send, str):
        return send.encode("latin-1")
    return b"".join(bytes_of(part) if isinstance(part, str) else bytes_of(part[0]) * part[1] for part in send)


def brief(text):
    return text if len(text) <= SHOWN else f"({len(text)} bytes)"


def seen(method, target, body):
    return " ".join(brief(part) for part in (method, target, body) if part)


def receive_all(connection):
    received = b""
    with contextlib.suppress(ConnectionError):
        while piece := connection.recv(65536):
            received += piece
    return received


class Backend:
    """Answers each request that nginx makes with what it saw."""

    def __init__(self, path):
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(path)
        self.listener.listen(64)
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        while True:
            connection, _ = self.listener.accept()
            with connection, contextlib.suppress(OSError):
                self.answer(connection)

    def answer(self, connection):
        received = b""
        while b"\r\n\r\n" not in received:
            received += connection.recv(65536)
        head, body = received.split(b"\r\n\r\n", 1)
        length = re.search(rb"\r\nContent-Length: (\d+)", head, re.IGNORECASE)
        while length and len(body) < int(length.group(1)):
            body += connection.recv(65536)
        method, target, _ = (part.decode("latin-1") for part in head.split(b"\r\n")[0].split(b" ", 2))
        told = b"" if method == "HEAD" else seen(method, target, body.decode("latin-1")).encode("latin-1")
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(told), told))


def outcome(received, head_only):
    """The answers in order: each one's status, and what the handler saw where there is one."""
    answers = []
    while received:
        if not received.startswith(b"HTTP/1.1 "):
            return " | ".join(answers + ["without a head"])
        head, _, rest = received.partition(b"\r\n\r\n")
        status = head[9:12].decode()
        length = re.search(rb"\r\nContent-Length: (\d+)", head, re.IGNORECASE)
        size = int(length.group(1)) if length and not head_only else 0
        body, received = rest[:size].decode("latin-1"), rest[size:]
        answers.append(f"{status} {body}" if status == "200" and body else status)
    return " | ".join(answers) or "nothing"


def ask(path, sent):
    with socket.socket(socket.AF_UNIX) as client:
        client.settimeout(20)
        client.connect(path)
        received = []
        # Both ways at once: who refuses early does not read the rest.
        reader = threading.Thread(target=lambda: received.append(receive_all(client)))
        reader.start()
        with contextlib.suppress(OSError):
            client.sendall(sent)
            client.shutdown(socket.SHUT_WR)
        reader.join()
        return outcome(received[0] if received else b"", sent.startswith(b"HEAD "))


@contextlib.contextmanager
def running(program):
    with tempfile.TemporaryDirectory(prefix="sup-nginx-") as folder:
        Backend(folder + "/backend.sock")
        configuration = Path(folder, "nginx.conf")
        configuration.write_text(CONFIGURATION.format(folder=folder))
        process = subprocess.Popen([program, "-c", str(configuration), "-p", folder, "-e", folder + "/error.log"],
                                   stderr=subprocess.DEVNULL)
        try:
            deadline = time.monotonic() + 20
            while not os.path.exists(folder + "/nginx.sock"):
                if process.poll() is not None or time.monotonic() > deadline:
                    raise SystemExit("nginx does not start:\n" + Path(folder, "error.log").read_text())
                time.sleep(0.02)
            yield folder + "/nginx.sock"
        finally:
            process.terminate()
            process.wait()


def write_table(table):
    """One case a line."""
    lines = ",\n".join("    " + json.dumps(case) for case in table["cases"])
    CASES.write_text(f'{{\n  "nginx": {json.dumps(table["nginx"])},\n  "cases": [\n{lines}\n  ]\n}}\n')


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--record", action="store_true", help="write what nginx answers into the table")
    parser.add_argument("names", nargs="*", help="only these cases")
    options = parser.parse_args()
    program = shutil.which("nginx", path=os.environ.get("PATH", "") + ":/usr/sbin")
    if program is None:
        print("SKIPPED: nginx is not installed (scripts/install nginx)")
        return SKIPPED
    table = json.loads(CASES.read_text())
    version = subprocess.run([program, "-v"], capture_output=True, text=True).stderr.strip().rsplit("/", 1)[-1]
    if options.record:
        table["nginx"] = version
    if version != table["nginx"]:
        print(f"SKIPPED: the table was recorded with nginx {table['nginx']}, this is {version} (--record writes it anew)")
        return SKIPPED
    wrong = 0
    with running(program) as path:
        for case in table["cases"]:
            if options.names and case["name"] not in options.names:
                continue
            answered = ask(path, bytes_of(case["send"]))
            if options.record:
                case["nginx"] = answered
            elif case["nginx"] != answered:
                wrong += 1
                print(f"{case['name']}: the table says {case['nginx']!r}, nginx answered {answered!r}")
    if options.record:
        write_table(table)
    print(f"nginx {version}: {len(table['cases'])} cases, {wrong} wrong")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
