"""Instructions for one HPACK field, both ways, over two stories of the public corpus: no sockets, only the codec in a loop."""
import os
import pathlib
import re
import subprocess

from contestants import BINARIES, OURS
from measuring import Figures
from parsing import total

HERE = pathlib.Path(__file__).resolve().parent
PROGRAM = "hpack-count"
# A pass is a whole connection: thousands of fields.
PASSES_FEW, PASSES_MANY = 2, 10


def story(number: int) -> pathlib.Path:
    """A list of requests and their answers, as nghttp2 encoded it."""
    corpora = pathlib.Path(os.environ.get("RWS_CORPORA") or HERE.parents[2] / "shared" / "data")
    return corpora / "hpack" / "nghttp2" / f"story_{number}.json"


def instructions(direction: str, file: pathlib.Path) -> Figures:
    figures = Figures()
    command = [str(BINARIES / PROGRAM), direction, str(file)]
    totals = [total(*command, str(passes)) for passes in (PASSES_FEW, PASSES_MANY)]
    fields = field_count([*command, "1"])
    if None in totals or not fields:
        figures.note(OURS, f"{PROGRAM} does not {direction} {file.name}")
    else:
        figures.values[OURS] = (totals[1] - totals[0]) / (PASSES_MANY - PASSES_FEW) / fields
    return figures


def field_count(command: list[str]) -> int:
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True)
    found = re.search(r"(\d+)\s*$", done.stdout)
    return int(found[1]) if found and done.returncode == 0 else 0
