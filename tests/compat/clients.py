"""Clients that ask without a pause and count every request that is not answered as it should be."""

import collections
import http.client
import socket
import struct
import threading
import time

REQUEST = b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"


def ask_http(connection):
    """One request on a connection of its own; the whole answer must come."""
    connection.sendall(REQUEST)
    response = http.client.HTTPResponse(connection)
    response.begin()
    body = response.read()
    response.close()
    if response.status != 200 or b"hello" not in body:
        raise ValueError(f"status {response.status}, body {body[:60]!r}")


def ask_line(connection):
    connection.sendall(b"hello\n")
    with connection.makefile("rb") as stream:
        answer = stream.readline()
    if b"hello" not in answer:
        raise ValueError(f"answer {answer[:60]!r}")


def _record(kind, content):
    return struct.pack("!BBHHBx", 1, kind, 1, len(content), 0) + content


def _pair(name, value):
    return struct.pack("!BB", len(name), len(value)) + name.encode() + value.encode()


def fastcgi_request(script):
    """BEGIN_REQUEST as responder, the parameters, and an empty body, as the FastCGI specification has them."""
    parameters = {"SCRIPT_FILENAME": script, "REQUEST_METHOD": "GET", "REQUEST_URI": "/", "SCRIPT_NAME": "/app.php",
                  "SERVER_PROTOCOL": "HTTP/1.1", "GATEWAY_INTERFACE": "CGI/1.1", "QUERY_STRING": ""}
    encoded = b"".join(_pair(name, value) for name, value in parameters.items())
    return (_record(1, struct.pack("!HB5x", 1, 0)) + _record(4, encoded) + _record(4, b"") + _record(5, b""))


def _read_exactly(stream, size):
    data = stream.read(size)
    if len(data) != size:
        raise ConnectionError(f"closed after {len(data)} of {size} bytes")
    return data


def ask_fastcgi(request):
    def ask(connection):
        connection.sendall(request)
        answer = b""
        with connection.makefile("rb") as stream:
            while True:
                _, kind, _, size, padding = struct.unpack("!BBHHBx", _read_exactly(stream, 8))
                content = _read_exactly(stream, size)
                _read_exactly(stream, padding)
                if kind == 6:
                    answer += content
                if kind == 3:
                    break
        if b"hello" not in answer:
            raise ValueError(f"answer {answer[:60]!r}")
    return ask


class Load:
    """Threads that ask until they are told to stop. `address` is what socket.connect() wants, a path for a unix socket."""

    def __init__(self, address, ask=ask_http, fresh=6, keepalive=0, timeout=10.0):
        self.address, self.ask, self.timeout = address, ask, timeout
        self.failures = {"fresh": collections.Counter(), "keep-alive": collections.Counter()}
        self.answered = collections.Counter()
        self.slowest = 0.0
        self._lock = threading.Lock()
        self._stop = threading.Event()
        targets = [self._fresh] * fresh + [self._keepalive] * keepalive
        self._threads = [threading.Thread(target=target, daemon=True) for target in targets]

    def __enter__(self):
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self._stop.set()
        for thread in self._threads:
            thread.join()

    def _connect(self):
        if isinstance(self.address, str):
            connection = socket.socket(socket.AF_UNIX)
            connection.settimeout(self.timeout)
            connection.connect(self.address)
            return connection
        return socket.create_connection(self.address, self.timeout)

    def _count(self, kind, began, problem=None):
        with self._lock:
            if problem is None:
                self.answered[kind] += 1
                self.slowest = max(self.slowest, time.monotonic() - began)
            else:
                self.failures[kind][f"{type(problem).__name__}: {problem}"] += 1

    def _fresh(self):
        while not self._stop.is_set():
            began = time.monotonic()
            try:
                with self._connect() as connection:
                    self.ask(connection)
                self._count("fresh", began)
            except (OSError, ValueError, http.client.HTTPException) as problem:
                self._count("fresh", began, problem)
                time.sleep(0.05)  # a server that is down must not fill the table with millions

    def _keepalive(self):
        connection = None
        while not self._stop.is_set():
            began = time.monotonic()
            try:
                if connection is None:
                    connection = self._connect()
                connection.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
                response = http.client.HTTPResponse(connection)
                response.begin()
                body = response.read()
                if response.status != 200 or b"hello" not in body:
                    raise ValueError(f"status {response.status}")
                self._count("keep-alive", began)
                if response.will_close:
                    connection.close()
                    connection = None
                time.sleep(0.002)
            except (OSError, ValueError, http.client.HTTPException) as problem:
                self._count("keep-alive", began, problem)
                connection.close() if connection else None
                connection = None
        if connection:
            connection.close()
