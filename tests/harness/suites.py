"""The suites as plain data: adding one is adding one line to `SUITES`.

A step is a command (a list of words) or a Python function that returns an error text, or None when all is well.
`needs` names entries of `needs.NEEDS`; `inputs` names entries of `INPUTS`: where one is absent the suite is skipped.
"""
import dataclasses
import os
import pathlib
import sys
import tomllib
from collections.abc import Callable

import board
import conformance
import fuzzing
import linking
import load
import soaking
import speaking
import tidy
from needs import BARE_METAL, ROOT

TARGET = ROOT / "target"
CORPORA = pathlib.Path(os.environ.get("RWS_CORPORA") or ROOT.parent / "shared" / "data").resolve()
BENCH = [sys.executable, "-B", "tests/bench"]

Step = list[str] | Callable[[bool], str | None]


@dataclasses.dataclass(frozen=True)
class Suite:
    name: str
    what: str
    steps: list[Step]
    needs: tuple[str, ...] = ()
    inputs: tuple[str, ...] = ()
    env: dict[str, str] = dataclasses.field(default_factory=dict)
    full_only: list[Step] = dataclasses.field(default_factory=list)
    minutes_max: int = 15


def nextest(package: str, *more: str) -> list[str]:
    return ["cargo", "nextest", "run", "--no-fail-fast", "--status-level", "slow", "-p", package, *more]


def over_the_wire(name: str, what: str, *needs: str, inputs: tuple[str, ...] = (), minutes_max: int = 15) -> Suite:
    """A suite that is the `[[test]]` target of its own name in `tests/Cargo.toml`."""
    steps: list[Step] = [nextest("rws-tests", "--test", name)]
    return Suite(name, what, steps, ("nextest", *needs), (f"test:{name}", *inputs), minutes_max=minutes_max)


def core_build(target: str, *features: str) -> list[str]:
    return ["cargo", "build", "-p", "rws-core", "--target", target, *features]


# Images for the board: their packages are built for its targets only.
BOARD_WORKSPACES = [["--manifest-path", str(folder / "Cargo.toml")] for folder in board.WORKSPACES]
PRODUCT = [word for crate in ("rws-core", "rws-std", "rws-embassy", "rws-proxy", "hello", "device", "device_on_std", "greeter", "rws-grpc-build") for word in ("-p", crate)]


def device_build(target: str) -> list[str]:
    return ["cargo", "build", "-p", "device", "--target", target]


SUITES = [
    Suite("format", "every file is as rustfmt writes it",
          [["cargo", "fmt", "--all", "--check", *workspace] for workspace in ([], *BOARD_WORKSPACES)]),
    Suite("lint", "clippy on every target, warnings are errors",
          [["cargo", "clippy", "--workspace", "--all-targets", "--", "-D", "warnings"]]
          + [["cargo", "clippy", *workspace, "--workspace", "--target", target, "--", "-D", "warnings"]
             for workspace in BOARD_WORKSPACES for target in board.TARGETS],
          ("bare-metal",)),
    Suite("tidy", "house rules that no compiler checks, and spelling", [tidy.check, ["typos"]], ("typos",)),
    Suite("deny", "licences, bans and sources of dependencies (--full: advisories, from the network)",
          [["cargo", "deny", "--workspace", "check", "bans", "licenses", "sources"]], ("cargo-deny",),
          full_only=[["cargo", "deny", "--workspace", "check", "advisories"]]),
    Suite("unit", "tests beside the code, and the examples in the docs",
          [["cargo", "nextest", "run", "--no-fail-fast", "--status-level", "slow", *PRODUCT],
           ["cargo", "test", "--doc", "-p", "rws-core", "-p", "rws-std", "-p", "rws-embassy", "--features", "rws-std/grpc"],
           ["cargo", "doc", "--no-deps", "-p", "rws-core", "-p", "rws-std", "-p", "rws-embassy", "--features", "rws-std/grpc"]],
          ("nextest",), env={"RUSTDOCFLAGS": "-D warnings"}),
    Suite("core-targets", "rws-core (bare, and with each feature) and the device without std on bare metal, and on the host",
          [device_build(target) for target in BARE_METAL] + [core_build(target, *features) for target in BARE_METAL for features in ((), ("--features", "alloc"), ("--features", "json"))]
          + [["cargo", "build", "-p", "rws-embassy", "--features", "defmt", "--target", "thumbv6m-none-eabi"],
             ["cargo", "nextest", "run", "--no-tests=pass", "--status-level", "slow", "-p", "rws-core", "--features", "alloc,json"]],
          ("bare-metal", "nextest")),
    Suite("link", "the engine and the board's driver on bare metal: no panic path, no allocator", [linking.check], ("bare-metal",)),
    Suite("loom", "every interleaving of the shard hand-over",
          [["cargo", "test", "--release", "-p", "rws-std", "--lib", "loom"]], inputs=("loom",),
          env={"RUSTFLAGS": "--cfg loom", "CARGO_TARGET_DIR": str(TARGET / "loom"), "CARGO_PROFILE_RELEASE_LTO": "off"}),
    Suite("miri", "the unsafe code that Miri can run: the core's byte-scanning kernels, and the slots that shards change hands by",
          [["cargo", "+nightly", "miri", "nextest", "run", "-p", "rws-core", "--lib", "scan::"],
           # In one process: with one for each test Miri spends its time on beginning.
           ["cargo", "+nightly", "miri", "test", "-p", "rws-std", "--lib", "--", "handover::", "calls::"]],
          ("miri", "nextest"), ("scan",),
          env={"MIRIFLAGS": "-Zmiri-disable-isolation -Zmiri-strict-provenance", "PROPTEST_CASES": "8"}),
    over_the_wire("corpora", "public HTTP/1 corpora at every split and byte by byte", inputs=("corpora",)),
    over_the_wire("hpack", "public HPACK stories: read with any memory and cut off anywhere, written and read again", inputs=("hpack",)),
    over_the_wire("sim", "client role against server role over a faulty link, seeded"),
    over_the_wire("wire", "each HTTP/1.1 rule over a real socket", "release"),
    over_the_wire("device", "the board's service on a server: every answer as it is on record", "release"),
    over_the_wire("static", "files: range, conditional, dot-files, symlinks", "release"),
    over_the_wire("proxy", "the rws binary before real upstreams", "release"),
    Suite("grpc", "an independent gRPC client (grpcio) before examples/grpc and the device, and through rws: calls of all kinds, deadlines, cancellation, compression, health",
          [["cargo", "build", "--quiet", "-p", "greeter", "-p", "device_on_std", "-p", "rws-proxy"], [sys.executable, "-B", "tests/grpc"]], ("grpcio",)),
    Suite("conformance", "each rule of HTTP/2 and HPACK beside known servers, or on any other: --target HOST:PORT",
          [nextest("rws-tests", "--lib"), ["cargo", "build", "--quiet", "-p", "rws-tests", "--bin", "conformance"], conformance.check],
          ("nextest", "nghttpd", "h2o")),
    Suite("board", "images on a simulated Cortex-M, over real sockets: clients of all kinds, over HTTP/2 too, all of the corpora, half a minute of load",
          [board.build_tested, nextest("rws-tests", "--test", "board"), ["cargo", "build", "--quiet", "-p", "rws-tests", "--bin", "conformance"],
           speaking.check, load.check, soaking.soak],
          ("nextest", "bare-metal", "qemu-arm", "release", "curl", "wrk", "h2load", "grpcio"), ("test:board",), env={"RWS_BOARD_IMAGES": str(board.ARTIFACTS)}, minutes_max=20),
    Suite("differential", "our reading of requests beside independent implementations",
          [["cargo", "nextest", "run", "--manifest-path", "tests/peers/Cargo.toml", "--test", "differential"]],
          ("nextest",), ("peer-test:differential",)),
    Suite("h2", "our servers over HTTP/2: an independent client, every rule by the strict reading, attacks, the clients that people have",
          [["cargo", "nextest", "run", "--manifest-path", "tests/peers/Cargo.toml", "--test", "h2"],
           ["cargo", "build", "--quiet", "-p", "rws-tests", "--bin", "conformance"], conformance.own,
           # Those that are attacked are few, so that a neighbour's wait is the attack's.
           nextest("rws-tests", "--test", "h2", "--test-threads", "2"), nextest("rws-tests", "--test", "proxy", "downgrade::"),
           *([nextest("rws-tests", "--test", "hpack")] if (CORPORA / "hpack").exists() else [])],
          ("nextest", "release", "curl", "h2load"), ("test:h2", "peer-test:h2")),
    Suite("fuzz", "every fuzz target for a minute (--full: ten)",
          [["cargo", "test", "--quiet", "--manifest-path", "fuzz/Cargo.toml"], fuzzing.smoke],
          ("cargo-fuzz",), ("fuzz",), minutes_max=25),
    Suite("micro", "criterion benches of the core (--full: with all their samples)",
          [["cargo", "bench", "-p", "rws-core", "--bench", "*", "--", "--quick", "--quiet"]], inputs=("benches",),
          full_only=[["cargo", "bench", "-p", "rws-core", "--bench", "*"]]),
    Suite("latency", "blocking handlers do not delay the others", [[*BENCH, "latency"]], ("release", "raw", "wrk")),
    Suite("hostile", "idle, dribbling and malformed clients change nothing for a normal one",
          [[*BENCH, "hostile"]], ("release",)),
    Suite("sizes", "images for the board beside a bare echo and peers: flash, RAM, instructions", [[sys.executable, "-B", "tests/sizes"]],
          ("bare-metal", "qemu-arm", "cc"), minutes_max=20),
    Suite("bench", "the project beside its peers, one table with the goals", [[*BENCH, "table"]],
          ("release", "peers", "raw", "nginx", "lighttpd", "h2o", "haproxy", "wrk", "h2load", "valgrind", "strace"), minutes_max=25),
]


def absent(suite: Suite) -> str | None:
    """Why this suite can't run here, or None."""
    for name in suite.inputs:
        kind, _, target = name.partition(":")
        reason = INPUTS[kind](target)
        if reason:
            return reason
    return None


def missing_target(manifest: str, table: str, name: str) -> str | None:
    path = ROOT / manifest
    if path.exists() and any(entry.get("name") == name for entry in tomllib.loads(path.read_text()).get(table, [])):
        return None
    return f"{manifest} has no [[{table}]] named {name}"


def missing_path(path: pathlib.Path, hint: str) -> str | None:
    return None if path.exists() else f"{hint} is absent"


def missing_loom(_: str) -> str | None:
    sources = (ROOT / "rws-std" / "src").rglob("*.rs")
    return None if any("cfg(loom)" in path.read_text() or "loom::" in path.read_text() for path in sources) \
        else "rws-std has no loom model"


INPUTS: dict[str, Callable[[str], str | None]] = {
    "test": lambda name: missing_target("tests/Cargo.toml", "test", name),
    "peer-test": lambda name: missing_target("tests/peers/Cargo.toml", "test", name),
    "corpora": lambda _: missing_path(CORPORA / "h1", "the corpora folder (RWS_CORPORA, or ../shared/data beside the project)"),
    "hpack": lambda _: missing_path(CORPORA / "hpack", "the corpora's folder of HPACK stories"),
    "fuzz": lambda _: missing_path(ROOT / "fuzz" / "Cargo.toml", "fuzz/Cargo.toml"),
    "scan": lambda _: missing_path(ROOT / "rws-core" / "src" / "scan", "rws-core/src/scan"),
    "benches": lambda _: missing_path(ROOT / "rws-core" / "benches", "rws-core/benches"),
    "loom": missing_loom,
}
