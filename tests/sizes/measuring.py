"""Builds the images and takes their figures."""
import concurrent.futures
import contextlib
import dataclasses
import mmap
import pathlib
import shutil
import socket
import statistics
import struct
import subprocess
import tempfile
import time

import board
from needs import ROOT

ECHO = "echo"
OURS = ("hello", "hello-http2", "firmware")
PEERS = ("peer-picoserve", "peer-edge-http")
IMAGES = (ECHO, *OURS, *PEERS)

REQUEST = b"GET / HTTP/1.1\r\nHost: board\r\n\r\n"
# A status line, and a little more.
LIKE_BYTES = 20
ROUNDS, REQUESTS, ROUND_SECONDS = 5, 400, 1.5
# More than the one that is measured: the stack has no backlog.
CONNECTIONS = 2


@dataclasses.dataclass(frozen=True)
class Flavour:
    """What an image is built for."""
    target: str
    profile: str
    # Also built for one connection, whose difference is what a connection takes. It hardly depends on the rest.
    with_connections: bool

    @property
    def name(self) -> str:
        return f"{self.target.split('-')[0]} {board.PROFILES[self.profile]}"


FLAVOURS = [
    Flavour(board.TARGETS[0], "release", True),
    Flavour(board.TARGETS[0], "size-s", False),
    Flavour(board.TARGETS[0], "fast", False),
    Flavour(board.TARGETS[1], "release", True),
]


@dataclasses.dataclass(frozen=True)
class Row:
    """One image in one flavour. Bytes, instructions per request, requests per second."""
    image: str
    flavour: str
    flash: int
    static_ram: int | None
    ram_per_connection: int | None
    stack: int
    instructions: float
    rate: float


@dataclasses.dataclass(frozen=True)
class Built:
    image: str
    flavour: Flavour
    path: pathlib.Path
    elf: board.Elf
    one_connection: board.Elf | None


def measure(images: list[str], flavours: list[Flavour]) -> list[Row]:
    """Builds two profiles side by side, which lock different folders; then runs one image after another."""
    with tempfile.TemporaryDirectory() as folder, concurrent.futures.ThreadPoolExecutor(2) as pool:
        profiles = list(dict.fromkeys(flavour.profile for flavour in flavours))
        shares = [[flavour for flavour in flavours if flavour.profile == profile] for profile in profiles]
        share = [pool.submit(lambda mine: [build(image, flavour, pathlib.Path(folder)) for flavour in mine for image in images], mine)
                 for mine in shares]
        built = [one for done in share for one in done.result()]
        counter = counting_plugin()
        return [row for flavour in flavours for row in run([one for one in built if one.flavour == flavour], counter)]


def build(image: str, flavour: Flavour, folder: pathlib.Path) -> Built:
    elves = {}
    path = folder / f"{image}-{flavour.target}-{flavour.profile}"
    for connections in ([1] if flavour.with_connections else []) + [CONNECTIONS]:
        # The next build replaces the file.
        shutil.copyfile(board.build(image, flavour.target, flavour.profile, connections), path)
        elves[connections] = board.look_into(path)
    print(f"{image} for {flavour.name} is built", flush=True)
    return Built(image, flavour, path, elves[CONNECTIONS], elves.get(1))


def counting_plugin() -> pathlib.Path:
    plugin = board.ARTIFACTS / "count.so"
    source = ROOT / "tests" / "sizes" / "count.c"
    subprocess.run(["cc", "-O2", "-Wall", "-Wextra", "-shared", "-fPIC", "-o", plugin, source], check=True)
    return plugin


def run(flavour: list[Built], counter: pathlib.Path) -> list[Row]:
    """Runs each image twice: as it is, all of them side by side, and with the plugin that counts its instructions."""
    rows = []
    for built, (rate, stack) in zip(flavour, rates_and_stacks(flavour)):
        one = built.one_connection
        rows.append(Row(built.image, built.flavour.name, built.elf.flash, one and one.static_ram,
                        one and built.elf.static_ram - one.static_ram, stack, instructions(built, counter), rate))
        print(f"{built.image} for {built.flavour.name} has run", flush=True)
    return rows


def rates_and_stacks(flavour: list[Built]) -> list[tuple[float, int]]:
    """The best round of each image, where every image has had one before any has its second; and how deep its stack was."""
    rates: dict[str, float] = {}
    with contextlib.ExitStack() as running:
        boards = [running.enter_context(board.Board(built.path)) for built in flavour]
        for _ in range(ROUNDS):
            for built, machine in zip(flavour, boards):
                # Some close a connection that was idle for a second.
                with machine.connect() as stream:
                    rates[built.image] = max(rates.get(built.image, 0), Exchange(stream).round()[1])
        return [(rates[built.image], machine.stack_high_water(built.elf)) for built, machine in zip(flavour, boards)]


def instructions(built: Built, counter: pathlib.Path) -> float:
    with tempfile.NamedTemporaryFile() as count:
        with board.Board(built.path, "-plugin", f"{counter},count={count.name}") as machine, machine.connect() as stream:
            exchange = Exchange(stream)
            executed = mmap.mmap(count.fileno(), 8)
            per_request = [counted_round(exchange, executed) for _ in range(ROUNDS)]
            executed.close()
    return statistics.median(per_request)


def counted_round(exchange: "Exchange", executed: mmap.mmap) -> float:
    before, = struct.unpack("<Q", executed)
    requests, _ = exchange.round()
    after, = struct.unpack("<Q", executed)
    return (after - before) / requests


class Exchange:
    """One keep-alive connection, whose answers are of one length and begin alike (a request id differs); the echo's is the
    request."""

    def __init__(self, stream: socket.socket):
        self.stream = stream
        stream.sendall(REQUEST)
        answer = b""
        while not is_whole(answer):
            answer += self.receive(4096)
        self.answer = answer
        self.exchange()

    def round(self) -> tuple[int, float]:
        """How many requests were answered, and how many that is in a second."""
        began = time.monotonic()
        for count in range(1, REQUESTS + 1):
            self.exchange()
            seconds = time.monotonic() - began
            if seconds > ROUND_SECONDS:
                break
        return count, count / seconds

    def exchange(self) -> None:
        self.stream.sendall(REQUEST)
        answer = b""
        while len(answer) < len(self.answer):
            answer += self.receive(len(self.answer) - len(answer))
        if answer[:LIKE_BYTES] != self.answer[:LIKE_BYTES]:
            raise board.Unusable(f"another answer than the first one: {answer!r}")

    def receive(self, bytes_max: int) -> bytes:
        received = self.stream.recv(bytes_max)
        if not received:
            raise board.Unusable("the image closed a connection that is used all the time")
        return received


def is_whole(answer: bytes) -> bool:
    head, end, body = answer.partition(b"\r\n\r\n")
    if not end or head + end == REQUEST:
        return bool(end)
    if not head.startswith(b"HTTP/1.1 200"):
        raise board.Unusable(f"not the answer to be measured: {answer!r}")
    lengths = [line.split(b":")[1] for line in head.split(b"\r\n") if line.lower().startswith(b"content-length:")]
    return bool(lengths) and len(body) >= int(lengths[0])
