"""Closed-loop load from wrk and h2load, bounded in time or count, on the CPU that the servers leave alone."""
import dataclasses
import pathlib
import re
import subprocess

from process import LOAD_CPU

KEEP_ALIVE, PIPELINED, CLOSE, STREAMS = "keep-alive", "pipelined", "close", "streams"
PIPELINE_DEPTH = 16
STREAMS_DEPTH = 32
PIPELINE_SCRIPT = f"""local batch
function init(_)
  local one = wrk.format("GET")
  batch = string.rep(one, {PIPELINE_DEPTH})
end
function request()
  return batch
end
"""


@dataclasses.dataclass(frozen=True)
class Load:
    requests: int
    seconds: float
    note: str


def timed(port: int, path: str, mode: str, connections: int, seconds: int, folder: pathlib.Path) -> Load:
    """wrk for some seconds, as many requests as the server answers; h2load where they are streams of HTTP/2."""
    if mode == STREAMS:
        return streams(port, path, connections, f"-D{seconds}", seconds + 30)
    words = ["taskset", "-c", LOAD_CPU, "wrk", "-t1", f"-c{connections}", f"-d{seconds}s"]
    if mode == CLOSE:
        words += ["-H", "Connection: close"]
    if mode == PIPELINED:
        script = folder / "pipeline.lua"
        script.write_text(PIPELINE_SCRIPT)
        words += ["-s", str(script)]
    text = output(words + [f"http://127.0.0.1:{port}{path}"], seconds + 30)
    done = re.search(r"(\d+) requests in ([\d.]+)(m?s)", text)
    if not done:
        return Load(0, 0.0, "wrk printed no result")
    notes = re.findall(r"(Socket errors: [^\n]*|Non-2xx or 3xx responses: \d+)", text)
    # A server that closes as it was asked to is not at fault when wrk counts the end as a read error.
    notes = [note for note in notes if mode != CLOSE or "Non-2xx" in note]
    return Load(int(done[1]), float(done[2]) / (1000 if done[3] == "ms" else 1), "; ".join(notes))


def counted(port: int, path: str, requests: int, connections: int = 4, depth: int = 1) -> Load:
    """h2load in its HTTP/1.1 form: an exact number of requests."""
    return h2load(["--h1", f"-c{connections}", f"-m{depth}", f"-n{requests}"], port, path, 240)


def streams(port: int, path: str, connections: int, amount: str, patience: float = 240) -> Load:
    """h2load with many streams at once on each connection: as many requests as `amount` says, or as long."""
    return h2load([f"-c{connections}", f"-m{STREAMS_DEPTH}", amount], port, path, patience)


def h2load(options: list[str], port: int, path: str, patience: float) -> Load:
    words = ["taskset", "-c", LOAD_CPU, "h2load", "-t1", *options]
    text = output(words + [f"http://127.0.0.1:{port}{path}"], patience)
    done = re.search(r"(\d+) succeeded, (\d+) failed", text)
    if not done:
        return Load(0, 0.0, "h2load printed no result")
    return Load(int(done[1]), 0.0, "" if done[2] == "0" else f"{done[2]} requests failed")


def output(words: list[str], seconds_max: float) -> str:
    try:
        done = subprocess.run(words, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                              text=True, errors="replace", timeout=seconds_max)
    except subprocess.TimeoutExpired:
        return ""
    return done.stdout
