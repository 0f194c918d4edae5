"""Latency beside blocking handlers, and what hostile clients leave behind: both drive `hello` by `bench-load`."""
import contextlib
import subprocess
import time

import contestants
import measuring
from contestants import BINARIES, OURS, Scene
from measuring import KIND, RAW, RAW_AGAIN
from process import LOAD_CPU, NotAnswering, Server, ahead_of_the_rest, free_port

PROBE_P99, PROBE_MAX, BURST_MAX = "probes beside a sleeper, p99", "probes beside a sleeper, max", "probe among 200 sleepers, max"
LATENCY_GOALS = {PROBE_P99: 5.0, PROBE_MAX: 20.0, BURST_MAX: 20.0}
SWITCHES_ABOVE_THE_FLOOR_MAX, SWITCH_ROUNDS = 1000, 5
CROWD_DELAY_MS_MAX = 10.0
RSS_GROWTH_BYTES_MAX = 1024 * 1024
WARM_UP, ATTACK, ATTACK_FULL = 10_000, 100_000, 1_000_000
SETTLE_SECONDS = 15
TRIES = 3


def hello(scene: Scene) -> Server:
    port = free_port()
    return Server(OURS, port, contestants.hello(scene, port), scene.folder)


def bench_load(verb: str, server: Server, *options: str) -> dict[str, int]:
    words = ["taskset", "-c", LOAD_CPU, str(BINARIES / "bench-load"), verb, "--port", str(server.port), *options]
    done = subprocess.run(words, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=1800)
    print(f"  {verb} {' '.join(options)}: {' '.join(done.stdout.split())}", flush=True)
    if done.returncode:
        raise NotAnswering(f"{verb}: {done.stderr.strip()[-600:]}")
    return {name: int(value) for name, value in (line.split() for line in done.stdout.splitlines())}


def latency_figures(scene: Scene) -> tuple[dict[str, float], str]:
    """The figures in milliseconds; with too few of them, why."""
    try:
        with ahead_of_the_rest(), hello(scene) as server:
            server.check("/", 13)
            beside = bench_load("probe", server, "--rate", "1000", "--seconds", "5", "--sleeper", "/sleep/200")
            burst = bench_load("burst", server, "--sleepers", "200", "--sleeper", "/sleep/200")
    except NotAnswering as error:
        return {}, str(error)
    return {PROBE_P99: beside["p99_us"] / 1e3, PROBE_MAX: beside["max_us"] / 1e3, BURST_MAX: burst["max_us"] / 1e3}, ""


def latency(scene: Scene) -> int:
    problems = latency_problems(scene) + switch_problems(scene)
    for problem in problems:
        print(f"failed: {problem}")
    return 1 if problems else 0


def latency_problems(scene: Scene) -> list[str]:
    """None if one of a few tries meets every goal: what else the machine does can only add to a latency."""
    missed = []
    for number in range(1, TRIES + 1):
        show_the_machine(scene)
        figures, problem = latency_figures(scene)
        if problem:
            return [problem]
        for label, limit in LATENCY_GOALS.items():
            print(f"try {number}: {label:<32} {figures[label]:8.2f} ms  (< {limit:.0f} ms)", flush=True)
        missed = [f"{label}: {figures[label]:.2f} ms" for label, limit in LATENCY_GOALS.items() if figures[label] >= limit]
        if not missed:
            return []
    return missed


def show_the_machine(scene: Scene) -> None:
    """The same probes at the floor, a bare epoll loop without any sleeper: what they show is not the server's."""
    port = free_port()
    with ahead_of_the_rest() as is_ahead, Server(RAW, port, contestants.raw(scene, port), scene.folder) as floor:
        print(f"the floor, {'ahead of all else on this machine' if is_ahead else 'at usual priority'}:")
        bench_load("probe", floor, "--rate", "1000", "--seconds", "2")


def switch_problems(scene: Scene) -> list[str]:
    """Voluntary context switches of all threads under keep-alive load, beside the floor's in the same rounds.

    Both sleep the more often the faster the load is, and the load has the machine's noise: so a few tries, as for latency.
    """
    above = 0.0
    for number in range(1, TRIES + 1):
        _, switches = measuring.cpu(scene, KIND["keep-alive"], SWITCH_ROUNDS, frozenset({OURS}))
        if not {OURS, RAW, RAW_AGAIN} <= switches.values.keys():
            return [f"context switches are known of {', '.join(switches.values) or 'nobody'} only"]
        ours, floor = switches.values[OURS], (switches.values[RAW] + switches.values[RAW_AGAIN]) / 2
        above = ours - floor
        print(f"try {number}: voluntary switches under keep-alive load: {ours:,.0f} a second, the floor's {floor:,.0f} "
              f"(≤ + {SWITCHES_ABOVE_THE_FLOOR_MAX:,})", flush=True)
        if above <= SWITCHES_ABOVE_THE_FLOOR_MAX:
            return []
    return [f"{above:,.0f} switches a second more than the floor"]


def hostile(scene: Scene, full: bool) -> int:
    problems = []
    try:
        with ahead_of_the_rest(), hello(scene) as server:
            server.check("/", 13)
            problems += crowd_problems(server)
        with contextlib.ExitStack() as stack:
            # Only the server: its handlers then never seem to block because something else has the processor.
            with ahead_of_the_rest():
                server = stack.enter_context(hello(scene))
            server.check("/", 13)
            problems += attack_problems(server, ATTACK_FULL if full else ATTACK)
            server.check("/", 13)
    except NotAnswering as error:
        problems.append(str(error))
    for problem in problems:
        print(f"failed: {problem}")
    return 1 if problems else 0


def crowd_problems(server: Server) -> list[str]:
    """10,000 silent and 1,000 dribbling sockets may not delay a normal client; the best of a few tries counts."""
    delays = []
    for _ in range(TRIES):
        found = bench_load("crowd", server)
        delays.append((found["crowded_p99_us"] - found["alone_p99_us"]) / 1e3)
        if delays[-1] < CROWD_DELAY_MS_MAX:
            break
    print(f"crowd of 11,000: p99 delayed by {min(delays):.2f} ms  (< {CROWD_DELAY_MS_MAX:.0f} ms)", flush=True)
    return [] if min(delays) < CROWD_DELAY_MS_MAX else [f"a crowd delays p99 by {min(delays):.2f} ms"]


def attack_problems(server: Server, count: int) -> list[str]:
    """After a first wave that warms every pool, a long one may leave neither a thread nor memory behind."""
    bench_load("hostile", server, "--count", str(WARM_UP), "--seed", "1")
    threads, rss = settled(server)
    bench_load("hostile", server, "--count", str(count), "--seed", "2")
    threads_after, rss_after = settled(server)
    growth = rss_after - rss
    print(f"{count:,} hostile requests: threads {threads} -> {threads_after}, RSS {rss / 1e6:.2f} MB {growth:+,} B "
          f"(≤ {RSS_GROWTH_BYTES_MAX:,})", flush=True)
    problems = [] if threads_after == threads else [f"threads went from {threads} to {threads_after}"]
    return problems + ([] if growth <= RSS_GROWTH_BYTES_MAX else [f"RSS grew by {growth:,} bytes"])


def settled(server: Server) -> tuple[int, int]:
    """Threads and resident bytes once the last connections are gone, and the spare threads that nobody needs any more."""
    time.sleep(SETTLE_SECONDS)
    return server.threads(), server.rss_bytes()
