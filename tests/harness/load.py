"""What the firmware is made of and how fast it is: no allocator in its map, and requests per second by keep-alive clients."""
import re
import subprocess

import board
from linking import ALLOCATOR

CLIENTS, SECONDS = 6, 5


def check(_full: bool) -> str | None:
    for target in board.TARGETS:
        image = board.ARTIFACTS / target / "release" / "firmware"
        found = ALLOCATOR.search(image.with_suffix(".map").read_text())
        fault = f"the map names an allocator: {found[0]}" if found else load(image, target)
        if fault:
            return f"{target}: {fault}"
    return None


def load(image, target: str) -> str | None:
    with board.Board(image) as running:
        words = ["wrk", "-t1", f"-c{CLIENTS}", f"-d{SECONDS}s", "--timeout", "5s", f"http://127.0.0.1:{running.port}/"]
        said = subprocess.run(words, capture_output=True, text=True, stdin=subprocess.DEVNULL, timeout=SECONDS + 30).stdout
    rate = re.search(r"Requests/sec:\s+([\d.]+)", said)
    if rate is None or "Non-2xx" in said or "Socket errors" in said:
        return f"not all answers are good:\n{said}"
    print(f"firmware for {target}: no allocator in its map; {float(rate[1]):,.0f} requests/s by {CLIENTS} clients", flush=True)
    return None
