"""The simulated board: building an image for it, looking into the image, and running it."""
import contextlib
import dataclasses
import json
import os
import pathlib
import signal
import socket
import struct
import subprocess
import tempfile
import time
from collections.abc import Iterator

from needs import ROOT

TARGETS = ("thumbv7em-none-eabihf", "thumbv6m-none-eabi")
PROFILES = {"release": "z", "size-s": "s", "fast": "3"}
WORKSPACES = (ROOT / "examples" / "board", ROOT / "tests" / "sizes")
TESTED = ("echo", "hello", "firmware")
ARTIFACTS = ROOT / "target" / "board"
START_SECONDS_MAX, STOP_SECONDS_MAX = 20, 10
# The first line of every image: its sockets listen.
UP = "board: up"


class Unusable(Exception):
    """An image that does not build, does not start, or says the wrong thing."""


def workspace_of(image: str) -> pathlib.Path | None:
    return next((folder for folder in WORKSPACES if (folder / image / "src" / "main.rs").exists()), None)


def images() -> list[str]:
    return sorted(path.parents[1].name for folder in WORKSPACES for path in folder.glob("*/src/main.rs"))


def build(image: str, target: str, profile: str, connections: int | None = None) -> pathlib.Path:
    """The image's path once it is built; for so many connections where the image lets that be chosen."""
    workspace = workspace_of(image)
    if workspace is None:
        raise Unusable(f"there is no image named {image}")
    env = {key: value for key, value in os.environ.items() if key not in ("RUSTFLAGS", "CONNECTIONS")}
    env |= {"CARGO_TARGET_DIR": str(ARTIFACTS), "CARGO_TERM_PROGRESS_WHEN": "never"}
    if connections is not None:
        env["CONNECTIONS"] = str(connections)
    words = ["cargo", "build", "--quiet", "--profile", profile, "--target", target, "-p", image]
    if subprocess.run(words, cwd=workspace, env=env, stdin=subprocess.DEVNULL).returncode:
        raise Unusable(f"{image} does not build for {target}")
    return ARTIFACTS / target / profile / image


def build_tested(_full: bool) -> str | None:
    """Builds what the suite `board` runs, for every target."""
    try:
        for target in TARGETS:
            for image in filter(workspace_of, TESTED):
                print(f"+ building {image} for {target}", flush=True)
                build(image, target, "release")
    except Unusable as error:
        return str(error)
    return None


def simulation(image: pathlib.Path, port: int, *more: str) -> list[str]:
    """The command that runs an image with its port 80 on the host's `port`."""
    return ["qemu-system-arm", "-machine", "mps2-an386", "-nographic", "-serial", "none", "-monitor", "none",
            "-semihosting-config", "enable=on,target=native",
            "-netdev", f"user,id=n0,hostfwd=tcp:127.0.0.1:{port}-:80", "-net", "nic,netdev=n0",
            *more, "-kernel", str(image)]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@dataclasses.dataclass(frozen=True)
class Elf:
    """What an image's file says of it. Addresses and bytes."""
    flash: int
    static_ram: int
    symbols: dict[str, int]


def look_into(image: pathlib.Path) -> Elf:
    """Reads sections and symbols of a 32-bit little-endian ELF file."""
    data = image.read_bytes()
    table, = struct.unpack_from("<I", data, 32)
    size, count = struct.unpack_from("<HH", data, 46)
    sections = [struct.unpack_from("<10I", data, table + at * size) for at in range(count)]
    flash = static_ram = 0
    symbols = {}
    for _, kind, flags, address, offset, length, link, _, _, _ in sections:
        is_loaded, in_ram, has_content = flags & 2, address >= 0x2000_0000, kind != 8
        if is_loaded and in_ram:
            static_ram += length
        if is_loaded and has_content:
            flash += length
        if kind == 2:
            names = sections[link][4]
            for at in range(offset, offset + length, 16):
                name, value = struct.unpack_from("<II", data, at)
                end = data.index(b"\0", names + name)
                symbols[data[names + name:end].decode()] = value
    return Elf(flash, static_ram, symbols)


class Board:
    """`with Board(image) as board:` runs an image on a free port until it listens, and ends it by its process id."""

    def __init__(self, image: pathlib.Path, *more: str):
        self.image, self.more, self.port = image, more, free_port()

    def __enter__(self) -> "Board":
        self.folder = tempfile.TemporaryDirectory()
        self.control, self.log = (pathlib.Path(self.folder.name) / name for name in ("qmp", "log"))
        control = ("-qmp", f"unix:{self.control},server=on,wait=off")
        with open(self.log, "wb") as log:
            self.child = subprocess.Popen(simulation(self.image, self.port, *control, *self.more),
                                          stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT)
        deadline = time.monotonic() + START_SECONDS_MAX
        while UP not in self.said():
            if self.child.poll() is not None or time.monotonic() > deadline:
                self.__exit__()
                raise Unusable(f"{self.image.name} does not start")
            time.sleep(0.01)
        return self

    def __exit__(self, *_: object) -> None:
        said = self.said().removeprefix(UP).strip()
        if self.child.poll() not in (None, 0) or said:
            print(f"{self.image.name} said: {said or self.child.returncode}", flush=True)
        self.child.send_signal(signal.SIGTERM)
        try:
            self.child.wait(STOP_SECONDS_MAX)
        except subprocess.TimeoutExpired:
            self.child.kill()
            self.child.wait()
        self.folder.cleanup()

    def said(self) -> str:
        """What the image, or QEMU, has written."""
        return self.log.read_text(errors="replace").strip()

    def connect(self) -> socket.socket:
        stream = socket.create_connection(("127.0.0.1", self.port), timeout=10)
        stream.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return stream

    def memory(self, start: int, end: int) -> bytes:
        """What is in the board's memory now."""
        path = pathlib.Path(self.folder.name) / "memory"
        with self.controlled() as ask:
            ask("pmemsave", val=start, size=end - start, filename=str(path))
        return path.read_bytes()

    @contextlib.contextmanager
    def controlled(self) -> Iterator:
        """A conversation with QEMU itself, in its JSON protocol."""
        with socket.socket(socket.AF_UNIX) as stream:
            stream.settimeout(10)
            stream.connect(str(self.control))
            lines = stream.makefile("rw")

            def ask(command: str, **arguments: object) -> object:
                lines.write(json.dumps({"execute": command, "arguments": arguments}) + "\n")
                lines.flush()
                for line in lines:
                    answer = json.loads(line)
                    if "error" in answer:
                        raise Unusable(f"{command}: {answer['error']}")
                    if "return" in answer:
                        return answer["return"]
                raise Unusable(f"{command}: QEMU is gone")

            ask("qmp_capabilities")
            yield ask

    def stack_high_water(self, elf: Elf) -> int:
        """How deep the stack has been: the simulated RAM is zero, or painted, where nothing was ever written."""
        lowest, top = elf.symbols["_stack_end"], elf.symbols["_stack_start"]
        untouched = (b"\0\0\0\0", b"\xcc\xcc\xcc\xcc")
        content = self.memory(lowest, top)
        at = next((at for at in range(0, len(content), 4) if content[at:at + 4] not in untouched), len(content))
        return len(content) - at
