"""The conformance suite for HTTP/2: beside servers that are known, or against any that `--target` names."""
import contextlib
import dataclasses
import os
import pathlib
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator

from needs import ROOT

KNOWN = ROOT / "tests" / "conformance" / "known"
SUITE = ROOT / "target" / "debug" / "conformance"
RELEASE = ROOT / "target" / "release"
BEFORE_HELLO = """
ip = "127.0.0.1"
port = {port}
access_log = false
[[upstream]]
name = "hello"
backends = ["127.0.0.1:{hello}"]
[[route]]
[route.match]
path = "/own"
[route.action]
type = "respond"
body = "An answer of its own."
[[route]]
[route.match]
path = "/*"
[route.action]
type = "proxy"
upstream = "hello"
"""
START_SECONDS_MAX = 10
PAGE = b"Hello, World! This page has sixty-four octets, for small windows"


@dataclasses.dataclass(frozen=True)
class Asked:
    """What `./tests/run conformance --target` was told."""
    target: str
    words: list[str]


asked: Asked | None = None


def check(_full: bool) -> str | None:
    if asked is not None:
        return judge(asked.target, *asked.words)
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        folder.chmod(0o755)
        (folder / "index.html").write_bytes(PAGE)
        problems = [of_nghttpd(folder), of_h2o(folder)]
    return next(filter(None, problems), None)


def of_nghttpd(folder: pathlib.Path) -> str | None:
    port = free_port()
    words = ["nghttpd", "--no-tls", "--address", "127.0.0.1", "--echo-upload", "--htdocs", str(folder), str(port)]
    with running(words, port):
        return judge(f"127.0.0.1:{port}", "--post", "/", "--known", str(KNOWN / "nghttpd.txt"))


def of_h2o(folder: pathlib.Path) -> str | None:
    port = free_port()
    lines = [
        f"listen: {{host: 127.0.0.1, port: {port}}}",
        *(["user: root"] if os.geteuid() == 0 else []),
        "num-threads: 1",
        "hosts:",
        "  default:",
        "    paths:",
        '      "/":',
        f"        file.dir: {folder}",
        '      "/echo":',
        "        mruby.handler: |",
        '          Proc.new {|env| [200, {}, [env["rack.input"] ? env["rack.input"].read : ""]] }',
    ]
    (folder / "h2o.conf").write_text("\n".join(lines) + "\n")
    with running(["h2o", "-c", str(folder / "h2o.conf")], port):
        return judge(f"127.0.0.1:{port}", "--post", "/echo", "--known", str(KNOWN / "h2o.txt"))


def own(_full: bool) -> str | None:
    """Our own servers, by the strict reading: `hello`, and `rws` with an answer of its own and before `hello`."""
    hello_port = free_port()
    with tempfile.TemporaryDirectory() as name, running([str(RELEASE / "hello"), "--port", str(hello_port)], hello_port):
        problems = [judge(f"127.0.0.1:{hello_port}", "--post", "/echo", "--strict")]
        config, port = pathlib.Path(name) / "rws.config.toml", free_port()
        config.write_text(BEFORE_HELLO.format(port=port, hello=hello_port))
        with running([str(RELEASE / "rws"), "--config", str(config)], port):
            problems.append(judge(f"127.0.0.1:{port}", "--path", "/own", "--strict"))
            problems.append(judge(f"127.0.0.1:{port}", "--post", "/echo", "--strict"))
    return next(filter(None, problems), None)


def judge(target: str, *words: str) -> str | None:
    """Runs the checks; what is not as expected makes the error text."""
    command = [str(SUITE), "--target", target, *words]
    print(f"$ {' '.join(command)}", flush=True)
    done = subprocess.run(command, stdin=subprocess.DEVNULL)
    return None if done.returncode == 0 else f"{target}: not all rules are kept as expected"


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return listener.getsockname()[1]


@contextlib.contextmanager
def running(words: list[str], port: int) -> Iterator[subprocess.Popen]:
    """A server that is there to be asked, until the block ends."""
    program = shutil.which(words[0], path=f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin") or words[0]
    child = subprocess.Popen([program, *words[1:]], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        listens(child, port)
        yield child
    finally:
        child.terminate()
        try:
            child.wait(5)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()


def listens(child: subprocess.Popen, port: int) -> None:
    deadline = time.monotonic() + START_SECONDS_MAX
    while child.poll() is None and time.monotonic() < deadline:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
            return
        except OSError:
            time.sleep(0.02)
    raise OSError(f"{child.args[0]} does not listen")
