"""What suites need from the machine: how to see whether it is there, and how to get it."""
import contextlib
import dataclasses
import pathlib
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator

ROOT = pathlib.Path(__file__).resolve().parents[2]
BARE_METAL = ("thumbv6m-none-eabi", "thumbv7em-none-eabihf", "riscv32imac-unknown-none-elf")
START_POLICY = pathlib.Path("/usr/sbin/policy-rc.d")


@dataclasses.dataclass(frozen=True)
class Need:
    present: Callable[[dict[str, str]], bool]
    install: list[str]
    by_apt: bool = False


def on_path(name: str) -> Callable[[dict[str, str]], bool]:
    return lambda env: shutil.which(name, path=env["PATH"]) is not None


def lists(*query: str, each: tuple[str, ...]) -> Callable[[dict[str, str]], bool]:
    """Present when the query's output has every one of these words at a line's start."""
    def look(env: dict[str, str]) -> bool:
        text = subprocess.run(query, env=env, stdin=subprocess.DEVNULL, capture_output=True, text=True).stdout
        return all(any(line.startswith(word) for line in text.splitlines()) for word in each)
    return look


def importable(module: str) -> Callable[[dict[str, str]], bool]:
    return lambda env: subprocess.run([sys.executable, "-c", f"import {module}"], env=env, stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL).returncode == 0


def apt(command: str, *packages: str) -> Need:
    return Need(on_path(command), ["apt-get", "install", "-y", "--no-install-recommends", *packages], by_apt=True)


def crate(name: str) -> Need:
    return Need(on_path(name), ["cargo", "install", "--locked", "--root", str(pathlib.Path.home() / ".cargo"), name])


def always(*words: str) -> Need:
    """Built anew each time: cargo and cc know best what is fresh."""
    return Need(lambda _: False, list(words))


NEEDS = {
    "nextest": crate("cargo-nextest"),
    "cargo-deny": crate("cargo-deny"),
    "cargo-fuzz": crate("cargo-fuzz"),
    "typos": Need(on_path("typos"), ["python3", "-m", "pip", "install", "--quiet", "--root-user-action=ignore", "typos"]),
    "grpcio": Need(importable("grpc"), [sys.executable, "-m", "pip", "install", "--quiet", "--root-user-action=ignore", "grpcio"]),
    "bare-metal": Need(lists("rustup", "target", "list", "--installed", each=BARE_METAL), ["rustup", "target", "add", *BARE_METAL]),
    "miri": Need(lists("rustup", "component", "list", "--toolchain", "nightly", "--installed", each=("miri", "rust-src")),
                 ["rustup", "component", "add", "--toolchain", "nightly", "miri", "rust-src"]),
    "release": always("cargo", "build", "--release", "--bins", "-p", "hello", "-p", "device_on_std", "-p", "rws-proxy", "-p", "rws-tests"),
    "peers": always("cargo", "build", "--release", "--bins", "--manifest-path", "tests/peers/Cargo.toml"),
    "raw": always("cc", "-O3", "-Wall", "-Wextra", "-o", "target/release/raw-floor", "tests/bench/raw/floor.c"),
    "cc": apt("cc", "gcc"),
    "curl": apt("curl", "curl"),
    "nginx": apt("nginx", "nginx"),
    "lighttpd": apt("lighttpd", "lighttpd"),
    "h2o": apt("h2o", "h2o"),
    "nghttpd": apt("nghttpd", "nghttp2-server"),
    "haproxy": apt("haproxy", "haproxy"),
    "wrk": apt("wrk", "wrk"),
    "h2load": apt("h2load", "nghttp2-client"),
    # Debian's qemu-utils of another version, where it is installed, keeps this one out.
    "qemu-arm": apt("qemu-system-arm", "qemu-system-arm", "qemu-utils-"),
    "valgrind": apt("valgrind", "valgrind"),
    "strace": apt("strace", "strace"),
}


def provide(name: str, env: dict[str, str]) -> str | None:
    """Makes one need true; returns what went wrong, if anything."""
    need = NEEDS[name]
    if need.present(env):
        return None
    if need.by_apt:
        with services_kept_down():
            return run(["apt-get", "update", "-qq"], env) or run(need.install, env)
    # A tool is built for the host and shared by all suites, whatever flags this suite sets.
    plain = {key: value for key, value in env.items() if key not in ("RUSTFLAGS", "RUSTDOCFLAGS")}
    return run(need.install, plain)


def run(words: list[str], env: dict[str, str]) -> str | None:
    print(f"+ {' '.join(words)}", flush=True)
    code = subprocess.run(words, cwd=ROOT, env={**env, "DEBIAN_FRONTEND": "noninteractive"}, stdin=subprocess.DEVNULL).returncode
    return None if code == 0 else f"{' '.join(words)} exited with {code}"


@contextlib.contextmanager
def services_kept_down() -> Iterator[None]:
    """Debian starts a server as it is installed, unless this script forbids it."""
    if START_POLICY.exists():
        yield
        return
    START_POLICY.write_text("#!/bin/sh\nexit 101\n")
    START_POLICY.chmod(0o755)
    try:
        yield
    finally:
        START_POLICY.unlink()
