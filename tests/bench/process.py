"""A server under measurement: started on one CPU, read through the kernel's own books, always ended."""
import contextlib
import http.client
import os
import pathlib
import re
import resource
import signal
import socket
import subprocess
import time
from collections.abc import Iterator

SERVER_CPU, LOAD_CPU = "0", "1"
START_SECONDS_MAX = 20
STOP_SECONDS_MAX = 10


def raise_open_files_limit() -> int:
    """Lets this process, and all that it starts, hold as many sockets as the machine permits."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    return hard


@contextlib.contextmanager
def ahead_of_the_rest() -> Iterator[bool]:
    """Lets what is started meanwhile run before everything else on the machine, where that is permitted: a latency is
    then the server's and not that of a compiler beside it. Says whether it is so."""
    usual, priority = os.sched_getscheduler(0), os.sched_getparam(0)
    try:
        os.sched_setscheduler(0, os.SCHED_RR, os.sched_param(10))
    except PermissionError:
        yield False
        return
    try:
        yield True
    finally:
        os.sched_setscheduler(0, usual, priority)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Server:
    """`with Server(name, port, command) as server:` runs the command in the foreground, pinned to the server's CPU."""

    def __init__(self, name: str, port: int, command: list[str], folder: pathlib.Path, cpu: str = SERVER_CPU, patience: float = 1.0):
        self.name, self.port, self.command, self.folder = name, port, command, folder
        self.cpu, self.patience = cpu, patience

    def __enter__(self) -> "Server":
        self.log = self.folder / f"{self.name.replace(' ', '-')}.log"
        with open(self.log, "wb") as log:
            self.child = subprocess.Popen(["taskset", "-c", self.cpu, *self.command], cwd=self.folder, stdin=subprocess.DEVNULL,
                                          stdout=log, stderr=subprocess.STDOUT, start_new_session=True)
        self.pid = self.child.pid
        deadline = time.monotonic() + START_SECONDS_MAX * self.patience
        while not self.accepts():
            if self.child.poll() is not None or time.monotonic() > deadline:
                self.__exit__()
                raise NotAnswering(f"{self.name} did not start: {self.log.read_text(errors='replace')[-400:].strip()}")
            time.sleep(0.02)
        return self

    def __exit__(self, *_: object) -> None:
        """Asks once, then ends the whole group, so that nothing outlives the run."""
        self.signal_group(signal.SIGTERM)
        try:
            self.child.wait(STOP_SECONDS_MAX * self.patience)
        except subprocess.TimeoutExpired:
            pass
        self.signal_group(signal.SIGKILL)
        self.child.wait()

    def signal_group(self, number: int) -> None:
        try:
            os.killpg(self.pid, number)
        except ProcessLookupError:
            pass

    def accepts(self) -> bool:
        with socket.socket() as probe:
            probe.settimeout(1)
            return probe.connect_ex(("127.0.0.1", self.port)) == 0

    def check(self, path: str, body_bytes: int | None = None) -> None:
        """One ordinary request; raises unless the answer is a 200, with a body of the expected length."""
        try:
            connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
            connection.request("GET", path)
            answer = connection.getresponse()
            body = answer.read()
            connection.close()
        except (OSError, http.client.HTTPException) as error:
            raise NotAnswering(f"{self.name} at {path}: {error!r}") from error
        if answer.status != 200 or (body_bytes is not None and len(body) != body_bytes):
            raise NotAnswering(f"{self.name} at {path}: status {answer.status}, {len(body)} bytes")

    def cpu_seconds(self) -> float:
        """User and system time of all threads, living or gone, in the scheduler's nanoseconds."""
        process_clock = (~self.pid << 3) | 2
        return time.clock_gettime(process_clock)

    def rss_bytes(self) -> int:
        """Counted page by page: the quick figure in `statm` is off by up to a few hundred KiB."""
        text = pathlib.Path(f"/proc/{self.pid}/smaps_rollup").read_text()
        return int(re.search(r"^Rss:\s+(\d+) kB", text, re.M)[1]) * 1024

    def threads(self) -> int:
        return len(os.listdir(f"/proc/{self.pid}/task"))

    def voluntary_switches(self) -> int:
        total = 0
        for task in pathlib.Path(f"/proc/{self.pid}/task").iterdir():
            text = (task / "status").read_text()
            total += int(re.search(r"^voluntary_ctxt_switches:\s+(\d+)", text, re.M)[1])
        return total


class NotAnswering(Exception):
    """A server that did not start, or gave the wrong answer."""
