"""Runs the load generator and wrk."""

import json
import re
import subprocess


class Load:
    """One run of the load generator, in the background. Use as a context: the process never outlives it."""

    def __init__(self, program, port, path, mode="keepalive", clients=64, think_ms=0, duration_s=2.0, body=0, echo=False,
                 timeout_ms=5000, slice_ms=50):
        # The kernel ends it should we be killed (prctl(2), PR_SET_PDEATHSIG).
        command = ["setpriv", "--pdeathsig", "KILL", "--", program, "--port", str(port), "--path", path, "--mode", mode,
                   "--clients", str(clients), "--think", f"{think_ms}ms", "--duration", f"{int(duration_s * 1000)}ms",
                   "--timeout", f"{timeout_ms}ms", "--slice", f"{slice_ms}ms"]
        if body:
            command += ["--body", str(body)]
        if echo:
            command += ["--echo"]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.started_at = self._expect("started")["monotonic_ns"] / 1e9  # the clock of time.monotonic()

    def _expect(self, event):
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError(f"the load generator ended with {self._process.wait()} instead of saying '{event}'")
        message = json.loads(line)
        if message["event"] != event:
            raise RuntimeError(f"the load generator said '{message['event']}' instead of '{event}'")
        return message

    def wait_established(self):
        self._expect("established")

    def command(self, word):
        try:
            self._process.stdin.write(word + "\n")
            self._process.stdin.flush()
        except BrokenPipeError:
            pass  # it has ended; its result says how

    def result(self):
        return self._expect("result")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self._process.poll() is None:
            self._process.kill()
        self._process.wait()
        self._process.stdin.close()
        self._process.stdout.close()


def wrk_rate(port, path, seconds, clients=64):
    """Requests a second as wrk counts them, one thread; None when wrk fails."""
    command = ["wrk", "-t1", f"-c{clients}", f"-d{max(round(seconds), 1)}s", f"http://127.0.0.1:{port}{path}"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=seconds + 20)
    found = re.search(r"Requests/sec:\s+([0-9.]+)", done.stdout)
    return float(found.group(1)) if found else None
