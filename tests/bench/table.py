"""The parts of the table, and the goals of its rows."""
import compression
import parsing
import probes
from contestants import OURS
from measuring import KIND, Figures, Scene, cpu, idle, instructions, system_calls
from report import Goal, Row, above, at_most, no_dearer_than_the_best, times

ROUNDS, ROUNDS_FULL = 5, 11
CPU_UNIT = "CPU s / 10^6"
PARSE_GOALS = {"40 B": 330, "703 B": 1300, "4096 B": 3200}
HPACK_GOALS = {"decode": {20: 200, 22: 290}, "encode": {20: 290, 22: 400}}
CPU_GOALS: dict[str, Goal | None] = {
    "keep-alive": no_dearer_than_the_best(),
    "pipelined": times(1.3, "raw"),
    "close": None,
    "static 1 KiB": no_dearer_than_the_best(),
    "static 64 KiB": no_dearer_than_the_best(),
    "static 10 MiB": no_dearer_than_the_best(),
    "h2c": times(0.85, "h2o"),
    "proxied GET": times(0.85, "nginx"),
    "proxied 10 KiB": times(0.85, "nginx"),
}
INSTRUCTION_GOALS: dict[str, Goal | None] = {
    "keep-alive": at_most(1700),
    "pipelined": None,
    "h2c": at_most(4500),
    "proxied GET": at_most(8000),
}
# The tables of the field compression, one for each direction: what a client offers at first (RFC 9113 §6.5.2).
HPACK_TABLES_BYTES = 2 * 4096

Wanted = frozenset[str] | None


def parse(_scene: Scene, _full: bool, _wanted: Wanted) -> list[Row]:
    say("head parsing")
    rows = []
    for label, file in parsing.request_files().items():
        goal = PARSE_GOALS[label.split(",")[0]]
        rows.append(Row(f"parse {label}", "instructions", parsing.instructions(file), at_most(goal), f"parse {label}"))
    return rows


def hpack(_scene: Scene, _full: bool, _wanted: Wanted) -> list[Row]:
    rows = []
    for direction, goals in HPACK_GOALS.items():
        for number, goal in goals.items():
            file = compression.story(number)
            if file.exists():
                say(f"HPACK, {direction}, story {number}")
                label = f"HPACK {direction}, story {number}"
                rows.append(Row(label, "instructions/field", compression.instructions(direction, file), at_most(goal), label))
    return rows


def instruction_counts(scene: Scene, _full: bool, wanted: Wanted) -> list[Row]:
    rows = []
    for name, goal in INSTRUCTION_GOALS.items():
        say(f"instructions, {name}")
        rows.append(Row(name, "instructions", instructions(scene, KIND[name], wanted), goal, name))
    return rows


def calls(scene: Scene, _full: bool, wanted: Wanted) -> list[Row]:
    """One receive and one send for each request (two for a proxied one); sixteen pipelined ones share them."""
    rows = []
    chosen = frozenset({OURS, "hyper", "nginx"}) & (wanted or frozenset({OURS, "hyper", "nginx"}))
    for name, text, limit in (("keep-alive", "1", 1.01), ("pipelined", "1 for 16", 0.07), ("h2c", "1 for 32", 0.035), ("proxied GET", "2", 2.02)):
        say(f"system calls, {name}")
        receives, sends, every = system_calls(scene, KIND[name], chosen)
        goal = Goal(text, lambda _, limit=limit: limit)
        rows += [Row(f"{name}, receives", "calls", receives, goal), Row(f"{name}, sends", "calls", sends, goal)]
        rows.append(Row(f"{name}, all", "calls", every))
    return rows


def cpu_times(scene: Scene, full: bool, wanted: Wanted) -> list[Row]:
    rows = []
    for name, goal in CPU_GOALS.items():
        say(f"CPU time, {name}")
        figures, switches = cpu(scene, KIND[name], ROUNDS_FULL if full else ROUNDS, wanted)
        rows.append(Row(name, CPU_UNIT, figures, goal))
        if name == "keep-alive":
            rows.append(Row("keep-alive, voluntary switches", "per second", switches, above(1000, "raw")))
    return rows


def idle_memory(scene: Scene, _full: bool, wanted: Wanted) -> list[Row]:
    say("memory of idle connections")
    return [
        Row("idle connection, of 10,000", "RSS bytes", idle(scene, KIND["keep-alive"], wanted), at_most(256)),
        Row("idle h2c connection, of 10,000", "RSS bytes", idle(scene, KIND["h2c"], wanted), at_most(1024 + HPACK_TABLES_BYTES)),
    ]


def latencies(scene: Scene, _full: bool, _wanted: Wanted) -> list[Row]:
    say("latency beside blocking handlers")
    found, problem = probes.latency_figures(scene)
    rows = []
    for label, limit in probes.LATENCY_GOALS.items():
        figures = Figures({OURS: found[label]}) if label in found else Figures(problems={OURS: problem})
        rows.append(Row(label, "ms", figures, at_most(limit)))
    return rows


def say(text: str) -> None:
    print(f"measuring {text}", flush=True)


PARTS = {
    "parse": parse,
    "hpack": hpack,
    "instructions": instruction_counts,
    "calls": calls,
    "cpu": cpu_times,
    "idle": idle_memory,
    "latency": latencies,
}

