"""The measurements: each takes a scene and gives figures by contestant, or a word on why there are none."""
import contextlib
import dataclasses
import pathlib
import re
import socket
import statistics
import time

import contestants
import loads
from contestants import HTTP2, OURS, PLAIN, PROXY, STATIC, Contestant, Scene
from loads import CLOSE, KEEP_ALIVE, PIPELINED, STREAMS
from process import LOAD_CPU, NotAnswering, Server, free_port

RAW, RAW_AGAIN = "raw", "raw again"
COUNTED_FEW, COUNTED_MANY = 1000, 5000
# So many are under way at once that a thousand are hardly any.
STREAMS_FEW, STREAMS_MANY = 10_000, 50_000
VALGRIND_PATIENCE = 6.0
IDLE_CONNECTIONS = 10_000


@dataclasses.dataclass(frozen=True)
class Kind:
    name: str
    role: str
    path: str
    body_bytes: int
    mode: str = KEEP_ALIVE
    connections: int = 64
    seconds: int = 1


KINDS = [
    Kind("keep-alive", PLAIN, "/", 13),
    Kind("pipelined", PLAIN, "/", 13, PIPELINED),
    Kind("close", PLAIN, "/", 13, CLOSE),
    Kind("static 1 KiB", STATIC, "/1k.bin", 1024),
    Kind("static 64 KiB", STATIC, "/64k.bin", 64 * 1024),
    # Few connections: what is under way at the end of a round is not counted, and must not matter.
    Kind("static 10 MiB", STATIC, "/10m.bin", 10 * 1024 * 1024, connections=4, seconds=2),
    Kind("h2c", HTTP2, "/", 13, STREAMS, connections=16),
    Kind("proxied GET", PROXY, "/", 13),
    Kind("proxied 10 KiB", PROXY, "/", 10 * 1024),
]
KIND = {kind.name: kind for kind in KINDS}


@dataclasses.dataclass
class Figures:
    """One figure for each contestant; `problems` says what kept the others from having one."""
    values: dict[str, float] = dataclasses.field(default_factory=dict)
    ranges: dict[str, tuple[float, float]] = dataclasses.field(default_factory=dict)
    problems: dict[str, str] = dataclasses.field(default_factory=dict)

    def note(self, name: str, problem: str) -> None:
        print(f"  ! {name}: {problem}", flush=True)
        self.problems.setdefault(name, problem)


def field_of(kind: Kind, wanted: frozenset[str] | None) -> list[Contestant]:
    """The contestants of a kind. For plain answers the floor comes first and last: what lies between is noise."""
    chosen = [one for one in contestants.of(kind.role) if wanted is None or one.name in wanted]
    if kind.role != PLAIN:
        return chosen
    if kind.mode == CLOSE:
        chosen = [one for one in chosen if one.closes]
    floor = contestants.raw_close if kind.mode == CLOSE else contestants.raw
    return [Contestant(RAW, PLAIN, floor), *chosen, Contestant(RAW_AGAIN, PLAIN, floor)]


@contextlib.contextmanager
def upstream(scene: Scene, kind: Kind):
    """For proxies, the floor as their upstream, on the load's CPU."""
    if kind.role != PROXY:
        yield
        return
    scene.upstream_port = free_port()
    with Server("upstream", scene.upstream_port, upstream_of(kind)(scene, scene.upstream_port), scene.folder, LOAD_CPU):
        yield


def upstream_of(kind: Kind):
    """The usual short answer, or one of the length that the kind asks for."""
    return contestants.raw if kind.body_bytes == 13 else contestants.raw_with_body(kind.body_bytes)


def cpu(scene: Scene, kind: Kind, rounds: int, wanted: frozenset[str] | None = None) -> tuple[Figures, Figures]:
    """CPU seconds per 10^6 requests, and voluntary context switches per second; medians of interleaved rounds."""
    figures, switches = Figures(), Figures()
    samples: dict[str, list[tuple[float, float]]] = {}
    with contextlib.ExitStack() as stack:
        stack.enter_context(upstream(scene, kind))
        servers = [server for one in field_of(kind, wanted) if (server := start(stack, scene, one, kind, figures))]
        for _ in range(rounds):
            for server in servers:
                before, began, slept = server.cpu_seconds(), time.monotonic(), server.voluntary_switches()
                load = loads.timed(server.port, kind.path, kind.mode, kind.connections, kind.seconds, scene.folder)
                used, passed = server.cpu_seconds() - before, time.monotonic() - began
                if load.note:
                    figures.note(server.name, load.note)
                if load.requests:
                    per_second = (server.voluntary_switches() - slept) / passed
                    samples.setdefault(server.name, []).append((used / load.requests * 1e6, per_second))
    for name, got in samples.items():
        figures.values[name] = statistics.median(one for one, _ in got)
        figures.ranges[name] = min(one for one, _ in got), max(one for one, _ in got)
        switches.values[name] = statistics.median(one for _, one in got)
    return figures, switches


def start(stack: contextlib.ExitStack, scene: Scene, one: Contestant, kind: Kind, figures: Figures) -> Server | None:
    port = free_port()
    try:
        server = stack.enter_context(Server(one.name, port, one.command(scene, port), scene.folder))
        server.check(kind.path, kind.body_bytes)
    except NotAnswering as error:
        figures.note(one.name, str(error))
        return None
    return server


def instructions(scene: Scene, kind: Kind, wanted: frozenset[str] | None = None) -> Figures:
    """User-space instructions per request: callgrind's totals after 5,000 and after 1,000 requests, the difference shared out.

    Ours are the median of three such counts. A shard watches the clock: where the simulation is held up in the middle of a
    handler, another thread goes on with the shard, as it should, and that count has a hand-over in it.
    """
    figures = Figures()
    depth = loads.PIPELINE_DEPTH if kind.mode == PIPELINED else 1
    with upstream(scene, kind):
        for one in field_of(kind, wanted):
            if one.name == RAW_AGAIN:
                continue
            try:
                counts = [counted_once(scene, one, kind, depth) for _ in range(3 if one.name == OURS else 1)]
                figures.values[one.name] = statistics.median(counts)
            except NotAnswering as error:
                figures.note(one.name, str(error))
    return figures


def counted_once(scene: Scene, one: Contestant, kind: Kind, depth: int) -> float:
    few, many = counts_of(kind)
    return (callgrind_total(scene, one, kind, many, depth) - callgrind_total(scene, one, kind, few, depth)) / (many - few)


def counts_of(kind: Kind) -> tuple[int, int]:
    return (STREAMS_FEW, STREAMS_MANY) if kind.mode == STREAMS else (COUNTED_FEW, COUNTED_MANY)


def ask_for(kind: Kind, port: int, count: int, depth: int) -> loads.Load:
    if kind.mode == STREAMS:
        return loads.streams(port, kind.path, kind.connections, f"-n{count}")
    return loads.counted(port, kind.path, count, depth=depth)


def callgrind_total(scene: Scene, one: Contestant, kind: Kind, count: int, depth: int) -> int:
    port, log = free_port(), scene.folder / f"callgrind-{one.name}.log"
    log.unlink(missing_ok=True)
    words = ["valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null", f"--log-file={log}", *one.command(scene, port)]
    with Server(one.name, port, words, scene.folder, patience=VALGRIND_PATIENCE):
        load = ask_for(kind, port, count, depth)
        if load.requests != count:
            raise NotAnswering(f"{one.name} under callgrind answered {load.requests} of {count} ({load.note})")
    found = re.search(r"Collected : (\d+)", log.read_text())
    if not found:
        raise NotAnswering(f"{one.name} under callgrind left no total")
    return int(found[1])


RECEIVES = frozenset({"read", "readv", "recvfrom", "recvmsg"})
SENDS = frozenset({"write", "writev", "sendto", "sendmsg", "sendfile"})


def system_calls(scene: Scene, kind: Kind, wanted: frozenset[str]) -> tuple[Figures, Figures, Figures]:
    """Receiving, sending and all system calls per request, by strace, over the same difference."""
    receives, sends, every = Figures(), Figures(), Figures()
    depth = loads.PIPELINE_DEPTH if kind.mode == PIPELINED else 1
    with upstream(scene, kind):
        for one in field_of(kind, wanted):
            if one.name not in wanted:
                continue
            try:
                less, more_of = counts_of(kind)
                few, many = (strace_counts(scene, one, kind, count, depth) for count in (less, more_of))
            except NotAnswering as error:
                for figures in (receives, sends, every):
                    figures.note(one.name, str(error))
                continue
            for figures, verbs in ((receives, RECEIVES), (sends, SENDS), (every, frozenset(many))):
                more = sum(many.get(verb, 0) - few.get(verb, 0) for verb in verbs)
                figures.values[one.name] = more / (more_of - less)
    return receives, sends, every


def strace_counts(scene: Scene, one: Contestant, kind: Kind, count: int, depth: int) -> dict[str, int]:
    port, log = free_port(), scene.folder / f"strace-{one.name}.log"
    words = ["strace", "-f", "-qq", "-c", "-U", "name,calls", "-o", str(log), *one.command(scene, port)]
    with Server(one.name, port, words, scene.folder, patience=VALGRIND_PATIENCE):
        load = ask_for(kind, port, count, depth)
    if load.requests != count:
        raise NotAnswering(f"{one.name} under strace answered {load.requests} of {count} ({load.note})")
    return {name: int(calls) for name, calls in re.findall(r"^(\w+)\s+(\d+)$", log.read_text(), re.M) if name != "total"}


def idle(scene: Scene, kind: Kind, wanted: frozenset[str] | None = None, connections: int = IDLE_CONNECTIONS) -> Figures:
    """Resident bytes that each of many connections adds once it has had an answer and fallen silent."""
    figures = Figures()
    ask = ask_over_http2 if kind.mode == STREAMS else ask_over_http1
    for one in field_of(kind, wanted):
        if one.name == RAW_AGAIN:
            continue
        with contextlib.ExitStack() as stack:
            server = start(stack, scene, one, kind, figures)
            if not server:
                continue
            try:
                ask(server, 64)
                time.sleep(0.3)
                before = server.rss_bytes()
                held = [stack.enter_context(sock) for sock in ask(server, connections)]
                # Long enough for what a server puts in order once a second.
                time.sleep(2.5 if kind.mode == STREAMS else 0.5)
                figures.values[one.name] = max(0, server.rss_bytes() - before) / len(held)
            except OSError as error:
                figures.note(one.name, f"holding {connections} idle connections: {error}")
    return figures


def ask_over_http1(server: Server, connections: int) -> list[socket.socket]:
    """Opens connections one after the other, each answered once, and leaves them open."""
    held = []
    for _ in range(connections):
        one = socket.create_connection(("127.0.0.1", server.port), 5)
        one.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
        if not one.recv(4096).startswith(b"HTTP/1.1 200"):
            raise OSError(f"connection {len(held)} got no 200")
        held.append(one)
    return held


PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + bytes.fromhex("000000040000000000")
# GET, http, /, and the authority `a`, in one HEADERS frame that ends its stream.
REQUEST = bytes.fromhex("000006010500000001" "828684410161")
ACKNOWLEDGED = bytes.fromhex("000000040100000000")


def ask_over_http2(server: Server, connections: int) -> list[socket.socket]:
    """As over HTTP/1.1; the last byte of the answer is that of its content."""
    held = []
    for _ in range(connections):
        one = socket.create_connection(("127.0.0.1", server.port), 5)
        one.sendall(PREFACE + REQUEST + ACKNOWLEDGED)
        answer = b""
        while not answer.endswith(b"Hello, World!"):
            more = one.recv(4096)
            if not more:
                raise OSError(f"connection {len(held)} got no answer")
            answer += more
        held.append(one)
    return held


def make_scene(folder: pathlib.Path) -> Scene:
    scene = Scene(folder)
    scene.lay_out_files()
    return scene
