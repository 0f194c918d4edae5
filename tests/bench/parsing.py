"""Instructions to parse one request head, ours beside httparse: no sockets, no server, only the parser in a loop."""
import os
import pathlib
import re
import subprocess

from contestants import BINARIES, OURS
from measuring import COUNTED_FEW, COUNTED_MANY, Figures
from process import SERVER_CPU

HERE = pathlib.Path(__file__).resolve().parent
PROGRAMS = {OURS: "parse-count", "httparse": "peer-parse-count"}
SIZES = (40, 703, 4096)


def request_files() -> dict[str, pathlib.Path]:
    """Our own three files and, where the corpora are, those that the published figures were taken with."""
    corpora = pathlib.Path(os.environ.get("RWS_CORPORA") or HERE.parents[2] / "shared" / "data")
    folders = {"": HERE / "requests", ", corpora": corpora / "h1" / "bench"}
    found = {f"{size} B{suffix}": folder / f"request-{size}.http" for suffix, folder in folders.items() for size in SIZES}
    return {label: path for label, path in found.items() if path.exists()}


def instructions(file: pathlib.Path) -> Figures:
    figures = Figures()
    for name, program in PROGRAMS.items():
        totals = [total(str(BINARIES / program), str(file), str(count)) for count in (COUNTED_FEW, COUNTED_MANY)]
        if None in totals:
            figures.note(name, f"{program} does not parse {file.name}")
        else:
            figures.values[name] = (totals[1] - totals[0]) / (COUNTED_MANY - COUNTED_FEW)
    return figures


def total(*command: str) -> int | None:
    words = ["taskset", "-c", SERVER_CPU, "valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null", *command]
    done = subprocess.run(words, stdin=subprocess.DEVNULL, capture_output=True, text=True)
    found = re.search(r"Collected : (\d+)", done.stderr)
    return int(found[1]) if found and done.returncode == 0 else None
