"""An independent gRPC client (grpcio) before `examples/grpc`, and before the device; then before `rws` as a proxy, with
`examples/grpc` and an independent server (grpcio) behind it: `python3 tests/grpc [--address HOST:PORT | --device HOST:PORT] [NAME]`."""
import argparse
import contextlib
import pathlib
import re
import subprocess
import sys
import tempfile
import time
import traceback

import calls
import device
import proxied
import streams

ROOT = pathlib.Path(__file__).resolve().parents[2]
SECONDS_MAX = 30


@contextlib.contextmanager
def serving(name: str, *more: str):
    """An example on a free port, as long as it is needed."""
    with running(str(ROOT / "target" / "debug" / name), "--port", "0", *more) as address:
        yield address


@contextlib.contextmanager
def running(*command: str):
    """A server whose first line says where it is."""
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield re.fullmatch(r"http://(\S+)\n", process.stdout.readline())[1]
        finally:
            process.kill()


@contextlib.contextmanager
def proxy(backend: str, lines: str = "", top: str = ""):
    """`rws` before a server, with more lines for its route and the top of its configuration."""
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder) / "rws.config.toml"
        path.write_text(f'''
            access_log = false
            thread_count = 1
            {top}
            [[upstream]]
            name = "calls"
            backends = ["{backend}"]
            [[route]]
            [route.action]
            type = "grpc"
            upstream = "calls"
            [route.action.proxy]
            {lines}
        ''')
        with serving("rws", "--config", str(path)) as address:
            yield address


# What the independent server does in its own way: it knows more encodings, and other texts.
OTHERWISE = {"messages_are_compressed_both_ways"}


def checks(*modules):
    for module in modules:
        # All of them first: a warning that is issued in a check leaves a note among its module's names.
        for name, check in list(vars(module).items()):
            if name.startswith("check_"):
                yield name.removeprefix("check_"), check


def run(address: str, wanted: str, *modules, without=()) -> tuple[int, int]:
    def asked(check):
        with calls.Client(address) as client:
            check(client)

    return run_each(wanted, asked, *modules, without=without)


def run_each(wanted: str, asked, *modules, without=()) -> tuple[int, int]:
    failed = count = 0
    for name, check in checks(*modules):
        if wanted not in name or name in without:
            continue
        count += 1
        began = time.monotonic()
        try:
            asked(check)
            took = time.monotonic() - began
            assert took < SECONDS_MAX, f"it took {took:.1f} s"
            print(f"ok      {name} ({took:.2f} s)", flush=True)
        except Exception:
            failed += 1
            print(f"FAILED  {name}\n{traceback.format_exc()}", flush=True)
    return failed, count


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--address")
    parser.add_argument("--device", help="only what a board answers, which is there already")
    parser.add_argument("wanted", nargs="?", default="")
    options = parser.parse_args()
    if options.device:
        failed, count = run(options.device, options.wanted, device)
    elif options.address:
        failed, count = run(options.address, options.wanted, calls, streams)
    else:
        with serving("greeter") as address, serving("device_on_std") as board:
            results = [run(address, options.wanted, calls, streams), run(board, options.wanted, device)]
            print("through rws to the same:", flush=True)
            with proxy(address) as rws:
                results.append(run(rws, options.wanted, calls, streams))
        print("through rws to an independent server:", flush=True)
        with running(sys.executable, "-B", str(ROOT / "tests/grpc/server.py")) as address, proxy(address) as rws:
            results.append(run(rws, options.wanted, calls, streams, without=OTHERWISE))
        results.append(run_each(options.wanted, lambda check: check(proxy), proxied))
        failed, count = map(sum, zip(*results))
    print(f"{count - failed} of {count} passed", flush=True)
    return 1 if failed or not count else 0


if __name__ == "__main__":
    sys.exit(main())
