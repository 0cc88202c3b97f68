// A worker that knows nothing of sup.
#pragma once

namespace sup::test {

// As systemd would start it: one request a connection, and at the drain signal it stops accepting.
inline constexpr const char* plain_server = R"(
import os, select, signal, socket, time

listener = socket.socket(fileno=3)
listener.setblocking(False)
wake, waker = socket.socketpair()
waker.setblocking(False)
signal.set_wakeup_fd(waker.fileno())
stopping = []
signal.signal(signal.SIGTERM, lambda *_: stopping.append(True))
with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as notify:
    notify.sendto(b"READY=1", os.environ["NOTIFY_SOCKET"])
poll = select.poll()
poll.register(listener, select.POLLIN)
poll.register(wake, select.POLLIN)
body = b"plain, generation %s\n" % os.environ["SUP_GENERATION"].encode()
answer = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\nConnection: close\r\n\r\n%s" % (len(body), body)
while True:
    poll.poll()
    if stopping:
        break
    try:
        connection, _ = listener.accept()
    except BlockingIOError:
        continue
    except OSError:  # no descriptor is free
        time.sleep(0.01)
        continue
    with connection:
        connection.settimeout(30)
        received = b""
        while b"\r\n\r\n" not in received:
            more = connection.recv(65536)
            if not more:
                break
            received += more
        connection.sendall(answer)
)";

}  // namespace sup::test
