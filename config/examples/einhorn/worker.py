#!/usr/bin/env python3
"""A worker that was written for einhorn: its sockets, its ack, and SIGUSR2 to leave."""

import json
import os
import selectors
import signal
import socket


def sockets():
    assert os.getppid() == int(os.environ["EINHORN_MASTER_PID"])
    count = int(os.environ["EINHORN_FD_COUNT"])
    return [socket.socket(fileno=int(os.environ[f"EINHORN_FD_{i}"])) for i in range(count)]


def acknowledge():
    with socket.socket(socket.AF_UNIX) as master:
        master.connect(os.environ["EINHORN_SOCK_PATH"])
        master.sendall(json.dumps({"command": "worker:ack", "pid": os.getpid()}).encode() + b"\n")


def answer(connection):
    with connection:
        connection.settimeout(5)
        try:
            request = b""
            while b"\r\n\r\n" not in request:
                received = connection.recv(4096)
                if not received:
                    return
                request += received
            body = f"hello from einhorn's worker, generation {os.environ['SUP_GENERATION']}\n"
            connection.sendall(
                f"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: {len(body)}\r\n\r\n{body}".encode())
        except OSError:
            pass


# A byte on this socket pair is the signal: it is never between two instructions.
told, tell = socket.socketpair()
tell.setblocking(False)
signal.set_wakeup_fd(tell.fileno())
signal.signal(signal.SIGUSR2, lambda *_: None)

selector = selectors.DefaultSelector()
selector.register(told, selectors.EVENT_READ)
for listener in sockets():
    listener.setblocking(False)
    selector.register(listener, selectors.EVENT_READ)
acknowledge()
while True:
    ready = [key.fileobj for key, _ in selector.select()]
    if told in ready:
        break
    for listener in ready:
        try:
            connection, _ = listener.accept()
        except BlockingIOError:
            continue
        answer(connection)
