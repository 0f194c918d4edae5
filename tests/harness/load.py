"""What a loaded board says: requests per second, how deep its stack went, and that every socket is there afterwards."""
import re
import socket
import subprocess
import time

import board
from linking import ALLOCATOR

SOCKETS = 8
CLIENTS, SECONDS = 6, 30
SHORT_SECONDS = 3
# A busy connection asks for more of the stack than an idle one; two loads ask for the same.
ANNOUNCED = (b"POST /firmware HTTP/1.1\r\nHost: board\r\nAuthorization: Basic b3BlcmF0b3I6bm90IGEgc2VjcmV0\r\n"
             b"X-CRC32: cbf43926\r\nExpect: 100-continue\r\nContent-Length: 9\r\n\r\n")


def check(_full: bool) -> str | None:
    """Loads the firmware on each core for a while; leaks, errors and an allocator in its map are faults."""
    try:
        for target in board.TARGETS:
            image = board.ARTIFACTS / target / "release" / "firmware"
            found = ALLOCATOR.search(image.with_suffix(".map").read_text())
            if found:
                return f"{target}: the map names an allocator: {found[0]}"
            fault = load(image, target)
            if fault:
                return f"{target}: {fault}"
    except board.Unusable as error:
        return str(error)
    return None


def load(image, target: str) -> str | None:
    elf = board.look_into(image)
    with board.Board(image) as running:
        # The same load, short, is what the stack is compared after.
        wrk(running.port, SHORT_SECONDS)
        open_before, deep_before = serving(running), running.stack_high_water(elf)
        said = wrk(running.port, SECONDS)
        open_after, deep_after = serving(running), running.stack_high_water(elf)
    rate = re.search(r"Requests/sec:\s+([\d.]+)", said)
    print(f"{target}: {float(rate[1]) if rate else 0:,.0f} requests/s for {SECONDS} s by {CLIENTS} clients; static RAM {elf.static_ram:,} bytes, "
          f"stack {deep_before:,} bytes before and {deep_after:,} after, {open_before} and {open_after} of {SOCKETS} sockets serve at once", flush=True)
    if rate is None or "Non-2xx" in said or "Socket errors" in said:
        return f"not all answers are good:\n{said}"
    if (open_before, open_after) != (SOCKETS, SOCKETS):
        return "a socket is lost"
    # An interrupt may find the stack at a deeper place than ever before, once; it cannot do so every few seconds.
    return f"the stack grows from {deep_before} to {deep_after}" if deep_after > deep_before + STACK_SLACK else None


STACK_SLACK = 256


def wrk(port: int, seconds: int) -> str:
    words = ["wrk", "-t1", f"-c{CLIENTS}", f"-d{seconds}s", "--timeout", "5s", f"http://127.0.0.1:{port}/"]
    return subprocess.run(words, capture_output=True, text=True, stdin=subprocess.DEVNULL, timeout=seconds + 30).stdout


def serving(running: board.Board) -> int:
    """How many sockets serve at once: each is held in the midst of a request while the next is asked."""
    deadline = time.monotonic() + 10
    while True:
        held = [client for client in (hold(running) for _ in range(SOCKETS)) if client]
        answers = [finish(client) for client in held]
        if sum(answers) == SOCKETS or time.monotonic() > deadline:
            return sum(answers)
        time.sleep(0.1)


def hold(running: board.Board) -> socket.socket | None:
    try:
        client = running.connect()
        client.sendall(ANNOUNCED)
        return client if client.recv(1000).startswith(b"HTTP/1.1 100 ") else None
    except OSError:
        return None


def finish(client: socket.socket) -> bool:
    with client:
        client.sendall(b"123456789")
        return client.recv(1000).startswith(b"HTTP/1.1 200 ")
