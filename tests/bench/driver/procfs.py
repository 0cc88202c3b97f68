"""What the kernel says about processes: descendants, CPU time, memory, and when they end."""

import os
import select
import threading
import time


def children(pid):
    found = []
    try:
        for task in os.listdir(f"/proc/{pid}/task"):
            with open(f"/proc/{pid}/task/{task}/children") as file:
                found += [int(child) for child in file.read().split()]
    except OSError:
        pass  # it ended meanwhile
    return found


def descendants(pid):
    """All processes below `pid`, as a set."""
    found = set()
    unseen = [pid]
    while unseen:
        for child in children(unseen.pop()):
            if child not in found:
                found.add(child)
                unseen.append(child)
    return found


def cpu_ns(pids):
    """User and system time of all threads of these processes, in nanoseconds (proc(5), schedstat)."""
    total = 0
    for pid in pids:
        try:
            for task in os.listdir(f"/proc/{pid}/task"):
                with open(f"/proc/{pid}/task/{task}/schedstat") as file:
                    total += int(file.read().split()[0])
        except OSError:
            pass
    return total


def user_share(pids):
    """Of the processor time of these processes, the share that was spent in user space (proc(5), stat).

    The kernel counts it in ticks of 10 ms: good for seconds of work.
    """
    user = system = 0
    for pid in pids:
        try:
            with open(f"/proc/{pid}/stat") as file:
                fields = file.read().rpartition(")")[2].split()
            user += int(fields[11])
            system += int(fields[12])
        except OSError:
            pass
    return user / (user + system) if user + system else None


def pss_kib(pids):
    """Proportional set size: shared pages are divided among those who share them."""
    total = 0
    for pid in pids:
        try:
            with open(f"/proc/{pid}/smaps_rollup") as file:
                total += next(int(line.split()[1]) for line in file if line.startswith("Pss:"))
        except OSError:
            pass
    return total


class Ends:
    """Notes the moment when the last of some processes has ended, from a thread of its own.

    A pidfd becomes readable when its process ends, whoever is its parent (pidfd_open(2)).
    """

    def __init__(self, pids):
        self.at = None  # time.monotonic() of the last end
        self._descriptors = []
        for pid in pids:
            try:
                self._descriptors.append(os.pidfd_open(pid))
            except ProcessLookupError:
                pass
        self._cancelled = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()

    def _watch(self):
        poll = select.poll()
        for descriptor in self._descriptors:
            poll.register(descriptor, select.POLLIN)
        left = len(self._descriptors)
        while left and not self._cancelled.is_set():
            for descriptor, _ in poll.poll(200):
                poll.unregister(descriptor)
                left -= 1
        if not left:
            self.at = time.monotonic()

    def wait(self, seconds):
        """The moment of the last end, or None when some process outlives the wait."""
        self._thread.join(max(seconds, 0))
        return self.at

    def close(self):
        self._cancelled.set()
        self._thread.join()
        for descriptor in self._descriptors:
            os.close(descriptor)
        self._descriptors = []
