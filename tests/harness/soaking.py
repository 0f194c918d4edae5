"""Half a minute of load on an image for the board: no connection is lost, the stack stays where it was, all is answered."""
import base64
import binascii
import contextlib
import http.client
import threading
import time

import board

SECONDS = 30
# One socket for each client, and one more: a socket that was closed is listening again a little later.
CONNECTIONS, CLIENTS = 5, 4
# A connection whose last word is lost keeps its socket for so long before it is reset (`CLOSE_MAX_US` and `RESEND_MAX_US`
# of the pool), and the reset may take half a second more.
CLOSE_SECONDS_MAX = 2
# An interrupt that comes while the stack is deepest adds its frame and its handler's.
CHANCE_BYTES = 256
UPLOAD = bytes(range(256)) * 16


def soak(_full: bool) -> str | None:
    """Loads the firmware, or else the smallest image of ours, on every target."""
    image = "firmware" if board.workspace_of("firmware") else "hello"
    try:
        problems = [on(image, target) for target in board.TARGETS]
    except board.Unusable as error:
        return str(error)
    return next(filter(None, problems), None)


def on(image: str, target: str) -> str | None:
    path = board.build(image, target, "release", CONNECTIONS)
    elf = board.look_into(path)
    with board.Board(path) as machine:
        load = Load(machine.port, has_uploads=image == "firmware")
        load.run(SECONDS / 5)
        early = machine.stack_high_water(elf)
        load.run(SECONDS * 4 / 5)
        late = machine.stack_high_water(elf)
        unanswered = when_closed(machine.port)
        alive = machine.child.poll() is None
    room = elf.symbols["_stack_start"] - elf.symbols["_stack_end"]
    print(f"{image} for {target}: {load.answered} requests on {load.connections} connections in {SECONDS} s, {load.refused} refused; "
          f"stack {late:,} of {room:,} bytes, static RAM {elf.static_ram:,}", flush=True)
    if load.wrong:
        return f"{image} for {target}: {load.wrong[0]}"
    if not load.answered or not alive:
        return f"{image} for {target} {'answers nothing' if alive else 'has ended'}"
    if unanswered:
        return f"{image} for {target}: after the load {unanswered} of {CONNECTIONS} connections at once are not answered"
    if late > early + CHANCE_BYTES:
        return f"{image} for {target}: the stack grew from {early} bytes to {late} under the same load"
    return None


def when_closed(port: int) -> int:
    """How many sockets are lost: none of them may still be closing the load's last connections after its time."""
    deadline = time.monotonic() + CLOSE_SECONDS_MAX
    while unanswered := all_at_once(port):
        if time.monotonic() > deadline:
            break
    return unanswered


def all_at_once(port: int) -> int:
    """How many of as many clients as there are sockets go without an answer while all of them hold theirs."""
    with contextlib.ExitStack() as held:
        failed = 0
        for _ in range(CONNECTIONS):
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
            held.callback(connection.close)
            try:
                failed += answer_to(connection, "GET", "/", None, {}) != 200
            except (OSError, http.client.HTTPException):
                failed += 1
        return failed


def answer_to(connection: http.client.HTTPConnection, method: str, path: str, body: object, fields: dict[str, str]) -> int:
    connection.request(method, path, body, fields, encode_chunked=fields.get("Transfer-Encoding") == "chunked")
    answer = connection.getresponse()
    answer.read()
    return answer.status


class Load:
    """Clients of different habits, one thread each."""

    def __init__(self, port: int, has_uploads: bool):
        self.port, self.has_uploads = port, has_uploads
        self.answered = self.connections = self.refused = 0
        self.wrong: list[str] = []
        self.lock = threading.Lock()

    def run(self, seconds: float) -> None:
        self.ends = time.monotonic() + seconds
        threads = [threading.Thread(target=self.client, args=(number,)) for number in range(CLIENTS)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    def client(self, number: int) -> None:
        """Each client keeps its connections for another number of requests; one that finds no socket comes again."""
        requests = (200, 20, 3, 1)[number]
        while time.monotonic() < self.ends:
            connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
            try:
                for at in range(requests):
                    self.request(connection, number + at)
                    if time.monotonic() > self.ends:
                        break
                self.connections += 1
            except (OSError, http.client.HTTPException):
                with self.lock:
                    self.refused += 1
            finally:
                connection.close()

    def request(self, connection: http.client.HTTPConnection, at: int) -> None:
        paths = ("/", "/nothing", "/metrics") if self.has_uploads else ("/", "/nothing")
        path = paths[at % len(paths)]
        method, body, fields, expected = "GET", None, {}, 404 if path == "/nothing" else 200
        if self.has_uploads and at % 8 == 7:
            method, path, expected, fields = "POST", "/firmware", 200, upload_fields()
            is_chunked = at % 16 == 7
            body = iter([UPLOAD[:1000], UPLOAD[1000:]]) if is_chunked else UPLOAD
            fields |= {"Transfer-Encoding": "chunked"} if is_chunked else {}
        status = answer_to(connection, method, path, body, fields)
        with self.lock:
            self.answered += 1
            if status != expected:
                self.wrong.append(f"{method} {path} is answered {status}, not {expected}")


def upload_fields() -> dict[str, str]:
    operator = base64.b64encode(b"operator:not a secret").decode()
    return {"Authorization": f"Basic {operator}", "X-CRC32": f"{binascii.crc32(UPLOAD):08x}"}
