"""The firmware over HTTP/2: the clients that people have, an independent gRPC client, and each rule by the strict reading."""
import subprocess
import sys

import board
import conformance
from needs import ROOT

CLIENT_SECONDS_MAX = 60
PAGE = "/index.html"
# A few connections are all that a board has: one check at a time has as many as it likes.
CHECKS = ("--strict", "--at-once", "1")


def check(_full: bool) -> str | None:
    for target in board.TARGETS:
        with board.Board(board.ARTIFACTS / target / "release" / "firmware") as running:
            at = f"127.0.0.1:{running.port}"
            fault = curl(at) or nghttp(at) or h2load(at) or calls(at) or conformance.judge(at, *CHECKS)
        if fault:
            return f"{target}: {fault}"
    return None


def curl(at: str) -> str | None:
    """One version after the other on the same port, and the longest answer. A connection each: curl 7.88 uses none of
    HTTP/2 by prior knowledge again, whoever serves it."""
    for version, number in (("--http1.1", "1.1"), ("--http2-prior-knowledge", "2")):
        for path, bytes_min in (("/", 1), (PAGE, 1_024)):
            said = run("curl", "--silent", "--max-time", "10", version, "--output", "/dev/null",
                       "--write-out", "%{http_version} %{http_code} %{size_download}", f"http://{at}{path}")
            if not said.startswith(f"{number} 200 ") or int(said.split()[2]) < bytes_min:
                return f"curl {version} {path}: {said}"
    return None


def nghttp(at: str) -> str | None:
    """More requests at once than there are streams."""
    paths = ("/", "/led/on", "/metrics", PAGE, "/nowhere", "/led/off")
    said = run("nghttp", "--stat", "--null-out", *(f"http://{at}{path}" for path in paths))
    rows = [line.split() for line in said.splitlines() if line.split()[-1:] and line.split()[-1] in paths]
    found = {row[-1]: row[-3] for row in rows}
    expected = {path: "404" if path == "/nowhere" else "200" for path in paths}
    return None if found == expected else f"nghttp: {said}"


def h2load(at: str) -> str | None:
    said = run("h2load", "-n2000", "-c4", "-m4", f"http://{at}/")
    if "2000 succeeded, 0 failed, 0 errored, 0 timeout" not in said or "status codes: 2000 2xx" not in said:
        return f"h2load: {said}"
    print(next(line for line in said.splitlines() if line.startswith("finished in")), flush=True)
    return None


def calls(at: str) -> str | None:
    words = [sys.executable, "-B", str(ROOT / "tests" / "grpc"), "--device", at]
    return "calls" if subprocess.run(words, stdin=subprocess.DEVNULL, timeout=CLIENT_SECONDS_MAX).returncode else None


def run(*words: str) -> str:
    print(f"$ {' '.join(words)}", flush=True)
    done = subprocess.run(words, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=CLIENT_SECONDS_MAX)
    return done.stdout + done.stderr
