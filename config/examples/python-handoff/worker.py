#!/usr/bin/env python3
"""A worker of sup that speaks the channel: it takes live connections from the generation before it, and hands its
own to the next. Each line that a client sends comes back with the worker's pid before it.

docs/worker-protocol.md explains every step. Only the standard library is used.
"""

import array
import contextlib
import errno
import fcntl
import json
import os
import resource
import select
import selectors
import signal
import socket
import struct
import termios
import time

PROTOCOL = "line/1"
VERSION = 1  # of the state that a connection leaves with; a release that leaves something else writes another version
READS = [1]  # the versions that this release can resume from
MAX_UNCONSUMED = 64 * 1024
MAX_PACKET = MAX_UNCONSUMED + 1024
TOO_MANY_RETRY = 0.005  # seconds
CHANNEL_RETRY = 0.1
IDLE_GRACE = 1.0
LINGER = 2.0
RECEIVE = socket.MSG_DONTWAIT | socket.MSG_CMSG_CLOEXEC


class Connection:
    def __init__(self, sock, listener, unconsumed=b""):
        sock.setblocking(False)
        self.sock = sock
        self.listener = listener
        self.received = unconsumed  # not yet a whole line
        self.output = b""

    def at_boundary(self):
        return not self.output and len(self.received) <= MAX_UNCONSUMED


class Worker:
    def __init__(self):
        self.selector = selectors.DefaultSelector()
        self.connections = set()
        self.ending = {}  # socket: until when
        self.listeners = self.take_listeners()
        self.channel = None
        self.offer = None  # the channel's two ends, while it cannot be opened
        self.offer_at = None
        self.inbox = None  # the receiver end of this generation's
        self.successor = None  # the sender end of the next one's
        self.successor_has = []
        self.retired = []
        self.draining = False
        self.retry_at = None  # of the handoff, or to take again
        self.deadline = None
        self.idle_until = None

    # --- what sup passes -----------------------------------------------------------------------------------

    @staticmethod
    def take_listeners():
        if int(os.environ.pop("LISTEN_PID", "0")) != os.getpid():
            raise SystemExit("start me with sup: no listeners were passed")
        names = os.environ.pop("LISTEN_FDNAMES", "").split(":")
        count = int(os.environ.pop("LISTEN_FDS", "0"))
        found = {}
        for i in range(count):
            listener = socket.socket(fileno=3 + i)
            os.set_inheritable(listener.fileno(), False)
            listener.setblocking(False)
            found[names[i] if i < len(names) else f"listen{i}"] = listener
        return found

    def announce(self):
        """READY=1, and with it the master's end of the channel. That may have to come later."""
        self.notify_address = os.environ.pop("NOTIFY_SOCKET")
        if self.notify_address.startswith("@"):
            self.notify_address = "\0" + self.notify_address[1:]
        self.offer = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        # Before the master has its end, so that it knows as soon as this worker is ready.
        speaks = {"type": "speaks", "speaks": [{"protocol": PROTOCOL, "reads": READS}]}
        self.offer[0].send(json.dumps(speaks).encode())
        if not self.open_channel(b"READY=1\nX_SUP_CHANNEL=1"):
            self.notify(b"READY=1")

    def notify(self, message, descriptors=()):
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as notify:
            notify.setblocking(not self.offer_at)  # in the midst of service nothing is waited for
            notify.connect(self.notify_address)
            socket.send_fds(notify, [message], descriptors)

    def open_channel(self, message):
        """False when too many descriptors are in flight for this user: it is tried again."""
        ours, masters = self.offer
        try:
            self.notify(message, [masters.fileno()])
        except OSError as error:
            if error.errno != errno.ETOOMANYREFS:
                raise
            self.offer_at = time.monotonic() + CHANNEL_RETRY
            return False
        masters.close()
        self.offer = self.offer_at = None
        self.channel = ours
        self.channel.setblocking(False)
        self.selector.register(self.channel, selectors.EVENT_READ, self.read_channel)
        return True

    def offer_again(self):
        try:
            self.open_channel(b"X_SUP_CHANNEL=1")
        except OSError as error:
            if error.errno in (errno.ECONNREFUSED, errno.ENOENT):  # the master has died: serve on
                self.offer = self.offer_at = None
            else:  # no descriptor is free, or the master's queue is full
                self.offer_at = time.monotonic() + CHANNEL_RETRY

    def read_channel(self, _=None):
        while self.channel:
            try:
                packet, fds, flags, _ = socket.recv_fds(self.channel, 65536, 4, RECEIVE)
            except BlockingIOError:
                return
            if not packet:  # the master has died: serve on
                self.selector.unregister(self.channel)
                self.channel.close()
                self.channel = None
                return
            self.obey(json.loads(packet), [sock for sock in map(socket_or_none, fds) if sock])

    def obey(self, packet, ends):
        if packet.get("type") == "inbox" and len(ends) == 2:
            if self.inbox:  # it was closed, and this one comes in its place
                self.unwatch(self.inbox)
            self.inbox, _ = ends  # the second is for giving connections to peers
            self.selector.register(self.inbox, selectors.EVENT_READ, self.take_from_inbox)
        elif packet.get("type") == "drain":
            self.stop_waiting_for_room()
            # A successor that cannot resume what this worker leaves does not count: better end the clients politely.
            self.successor = ends[0] if ends and goes_on(packet.get("speaks")) else None
            self.successor_has = packet["listeners"]
            self.retired = packet["retired"] or self.retired
            if self.draining:
                self.move_all()
        else:  # a type that this worker does not know; dropping the sockets closes them
            pass

    # --- connections come ----------------------------------------------------------------------------------

    def accept(self, name):
        try:
            sock, _ = self.listeners[name].accept()
        except BlockingIOError:  # a peer was faster
            return False
        except OSError as error:
            self.pause_if_out_of_descriptors(error)
            return False
        self.open(Connection(sock, name))
        return True

    def take_from_inbox(self, _=None):
        """One connection; True while there may be more."""
        try:
            # At EMFILE recvmsg would lose the passed socket, so see first whether a descriptor is free.
            os.close(os.dup(self.inbox.fileno()))
            packet, fds, flags, _ = socket.recv_fds(self.inbox, MAX_PACKET, 4, RECEIVE)
        except BlockingIOError:
            return False
        except OSError as error:
            self.pause_if_out_of_descriptors(error)
            return False
        if not packet and not fds:
            if has_more(self.inbox):  # somebody has sent an empty packet
                return True
            self.unwatch(self.inbox)  # closed: this generation is leaving, and nothing more comes in
            self.inbox = None
            return False
        socks = [sock for sock in map(connection_or_none, fds) if sock]
        head, newline, unconsumed = packet.partition(b"\n")
        try:
            about = json.loads(head)
            whole = newline and len(fds) == len(socks) == 1 and not flags & (socket.MSG_CTRUNC | socket.MSG_TRUNC)
            known = about["protocol"] == PROTOCOL and about.get("version", 1) in READS and not about.get("state")
            usable = whole and known
            connection = Connection(socks[0], str(about["listener"]), unconsumed) if usable else None
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError, OSError):
            connection = None
        if connection:
            self.open(connection)
            self.answer_lines(connection)
        else:
            print(f"inbox: nobody here can use {head[:200]!r}", flush=True)
            for sock in socks:
                self.end_in_order(sock)
        return True

    def pause_if_out_of_descriptors(self, error):
        if error.errno not in (errno.EMFILE, errno.ENFILE):
            return
        for watched in self.queues():
            self.unwatch(watched)
        self.retry_at = time.monotonic() + 0.1

    def queues(self):
        listeners = [] if self.draining else self.listeners.values()
        return [*listeners, *([self.inbox] if self.inbox and not self.inbox_is_left_to_peers() else [])]

    def inbox_is_left_to_peers(self):
        """While draining: they stay, and take from it. When they go as well, it is closed, unless the master has died."""
        poll = select.poll()
        poll.register(self.inbox, select.POLLRDHUP)
        told = self.channel is not None or self.successor is not None
        return self.draining and told and not poll.poll(0)

    def open(self, connection):
        self.connections.add(connection)
        self.watch(connection)
        if self.draining:
            self.move(connection)

    # --- and are served ------------------------------------------------------------------------------------

    def watch(self, connection):
        events = selectors.EVENT_WRITE if connection.output else selectors.EVENT_READ
        handler = lambda _: self.serve(connection)
        try:
            self.selector.modify(connection.sock, events, handler)
        except KeyError:
            self.selector.register(connection.sock, events, handler)

    def watches(self, sock):
        try:
            return self.selector.get_key(sock) is not None
        except (KeyError, ValueError):  # not, or closed
            return False

    def unwatch(self, sock):
        if self.watches(sock):
            self.selector.unregister(sock)

    def serve(self, connection):
        try:
            if not connection.output:
                got = connection.sock.recv(16384)
                if not got:
                    return self.close(connection)
                connection.received += got
            self.answer_lines(connection)
        except BlockingIOError:
            pass
        except OSError:
            self.close(connection)

    def answer_lines(self, connection):
        while b"\n" in connection.received:
            line, _, connection.received = connection.received.partition(b"\n")
            connection.output += b"%d %s\n" % (os.getpid(), line)
        if connection.output:
            try:
                sent = connection.sock.send(connection.output)
                connection.output = connection.output[sent:]
            except BlockingIOError:
                pass
            except OSError:
                return self.close(connection)
        self.watch(connection)
        if self.draining:
            self.move(connection)

    def close(self, connection):
        self.unwatch(connection.sock)
        self.connections.discard(connection)
        connection.sock.close()

    # --- and go --------------------------------------------------------------------------------------------

    def drain(self):
        self.read_channel()  # the packet was sent before the signal
        self.draining = True
        self.deadline = time.monotonic() + 0.9 * int(os.environ.get("SUP_DRAIN_TIMEOUT_MS", "30000")) / 1000
        self.idle_until = time.monotonic() + IDLE_GRACE
        if self.inbox and self.inbox_is_left_to_peers():
            self.unwatch(self.inbox)
        for name, listener in self.listeners.items():
            self.unwatch(listener)
            # Without a channel nobody has said whose queue it is: then serving it does no harm.
            while (name in self.retired or self.offer) and self.accept(name):
                pass
            listener.close()
        self.move_all()

    def move_all(self):
        for connection in list(self.connections):
            self.move(connection)

    def move(self, connection):
        if connection not in self.connections or self.retry_at or self.waits_for_room():
            return
        if not connection.at_boundary():
            return
        if not self.successor or connection.listener not in self.successor_has:
            return self.end_politely(connection)
        about = {"listener": connection.listener, "protocol": PROTOCOL, "version": VERSION}
        head = json.dumps(about).encode() + b"\n"
        self.unwatch(connection.sock)  # before it is sent: it lives on elsewhere
        rights = array.array("i", [connection.sock.fileno()])
        try:
            with leaving_room():
                self.successor.sendmsg(
                    [head, connection.received],
                    [(socket.SOL_SOCKET, socket.SCM_RIGHTS, rights)],
                    socket.MSG_DONTWAIT | socket.MSG_NOSIGNAL,
                )
        except BlockingIOError:
            self.watch(connection)
            self.selector.register(self.successor, selectors.EVENT_WRITE, self.room)
        except OSError as error:
            self.watch(connection)
            if error.errno == errno.ETOOMANYREFS:
                self.retry_at = time.monotonic() + TOO_MANY_RETRY
            else:  # nobody reads it any more; whom to send to instead is in the channel, if there is somebody
                closed = self.successor
                self.read_channel()
                if self.successor is closed:
                    self.successor = None
        else:
            self.close(connection)

    def end_politely(self, connection):
        """Nobody takes it. A line that is on its way is still answered: idle clients have a moment for that."""
        if not connection.received and time.monotonic() >= self.idle_until:
            self.unwatch(connection.sock)
            self.connections.discard(connection)
            self.end_in_order(connection.sock)

    def end_in_order(self, sock):
        """A clean end, not a reset: our side now, the rest when the client has closed its own."""
        try:
            sock.shutdown(socket.SHUT_WR)
            sock.setblocking(False)
        except (OSError, AttributeError):  # not a socket, or already over
            return sock.close()
        self.ending[sock] = time.monotonic() + LINGER
        self.selector.register(sock, selectors.EVENT_READ, self.read_to_end)

    def read_to_end(self, sock):
        try:
            if sock.recv(16384):
                return
        except BlockingIOError:
            return
        except OSError:
            pass
        self.forget(sock)

    def forget(self, sock):
        self.unwatch(sock)
        del self.ending[sock]
        sock.close()

    def waits_for_room(self):
        return self.successor is not None and self.watches(self.successor)

    def stop_waiting_for_room(self):
        if self.successor:
            self.unwatch(self.successor)

    def room(self, _):
        self.stop_waiting_for_room()
        self.move_all()

    # --- the loop ------------------------------------------------------------------------------------------

    def run(self):
        wake_read, wake_write = socket.socketpair()
        for end in (wake_read, wake_write):
            end.setblocking(False)
        signal.set_wakeup_fd(wake_write.fileno())
        told = []
        signal.signal(signal.SIGTERM, lambda *_: told.append(True))
        self.selector.register(wake_read, selectors.EVENT_READ, lambda _: wake_read.recv(64))
        self.watch_queues()
        self.announce()
        while True:
            for key, _ in self.selector.select(self.patience()):
                if self.watches(key.fileobj):  # not ended by one before it
                    key.data(key.fileobj)
            if told and not self.draining:
                self.drain()
            self.timers()
            if self.draining and self.finished():
                return

    def watch_queues(self):
        for name, listener in self.listeners.items():
            if not self.draining:
                self.selector.register(listener, selectors.EVENT_READ, lambda _, n=name: self.accept(n))
        if self.inbox and self.inbox in self.queues():
            self.selector.register(self.inbox, selectors.EVENT_READ, self.take_from_inbox)

    def patience(self):
        times = [t for t in (self.retry_at, self.offer_at, self.deadline, *self.ending.values()) if t is not None]
        if self.draining and not self.successor:
            times.append(max(self.idle_until, time.monotonic() + 0.05))
        return max(0, min(times) - time.monotonic()) if times else None

    def timers(self):
        now = time.monotonic()
        if self.retry_at and now >= self.retry_at:
            self.retry_at = None
            for watched in self.queues():
                self.unwatch(watched)
            self.watch_queues()
        if self.offer_at and now >= self.offer_at:
            self.offer_again()
        if self.draining:
            self.move_all()
        if self.deadline and now >= self.deadline:
            if self.inbox:  # what nobody has taken yet is for peers, or for the master to move on
                self.unwatch(self.inbox)
                self.inbox = None
            for connection in list(self.connections):
                self.close(connection)
        for sock in [s for s, until in self.ending.items() if now >= until]:
            self.forget(sock)

    def finished(self):
        """Nothing is open, and nothing is left in this generation's inbox but what peers will take."""
        self.read_channel()
        while not self.connections and self.inbox and not self.inbox_is_left_to_peers() and self.take_from_inbox():
            pass
        return not self.connections and not self.ending and not self.retry_at


@contextlib.contextmanager
def leaving_room():
    """The kernel compares what is in flight with the sender's limit. Connections are sent with a lower one, so that
    there is always room for the channels of those who will take them."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft - min(soft // 8, 128), hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def goes_on(speaks):
    """Whether the successor reads what this worker writes; one that does not say so reads version 1."""
    if not isinstance(speaks, list):
        return VERSION == 1
    return any(one["protocol"] == PROTOCOL and VERSION in one["reads"] for one in speaks)


def has_more(inbox):
    """After an empty packet, which looks like the end: whether others wait, or may still come."""
    queued = struct.unpack("i", fcntl.ioctl(inbox, termios.FIONREAD, b"\0" * 4))[0]
    poll = select.poll()
    poll.register(inbox, select.POLLRDHUP)
    return queued > 0 or not poll.poll(0)


def socket_or_none(fd):
    """Owns a descriptor that came in; what is not a socket (such as the scoreboard) is closed."""
    try:
        return socket.socket(fileno=fd)
    except OSError:
        os.close(fd)
        return None


def connection_or_none(fd):
    """What is not a stream socket with a client is closed without being touched."""
    sock = socket_or_none(fd)
    if not sock:
        return None
    try:
        if sock.type == socket.SOCK_STREAM and not sock.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN):
            if sock.family == socket.AF_UNIX or sock.getsockname()[1]:  # a lost client leaves the port
                return sock
    except OSError:
        pass
    sock.close()
    return None


if __name__ == "__main__":
    Worker().run()
