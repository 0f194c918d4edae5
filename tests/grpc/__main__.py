"""An independent gRPC client (grpcio) before `examples/grpc`: `python3 tests/grpc [--address HOST:PORT] [NAME]`."""
import argparse
import contextlib
import pathlib
import re
import subprocess
import sys
import time
import traceback

import calls
import streams

ROOT = pathlib.Path(__file__).resolve().parents[2]
SECONDS_MAX = 30


@contextlib.contextmanager
def greeter():
    """The example on a free port, as long as it is needed."""
    binary = ROOT / "target" / "debug" / "greeter"
    with subprocess.Popen([str(binary), "--port", "0"], stdout=subprocess.PIPE, text=True) as process:
        try:
            yield re.fullmatch(r"http://(\S+)\n", process.stdout.readline())[1]
        finally:
            process.kill()


def checks():
    for module in (calls, streams):
        for name, check in vars(module).items():
            if name.startswith("check_"):
                yield name.removeprefix("check_"), check


def run(address: str, wanted: str) -> int:
    failed = count = 0
    for name, check in checks():
        if wanted not in name:
            continue
        count += 1
        began = time.monotonic()
        try:
            with calls.Client(address) as client:
                check(client)
            took = time.monotonic() - began
            assert took < SECONDS_MAX, f"it took {took:.1f} s"
            print(f"ok      {name} ({took:.2f} s)", flush=True)
        except Exception:
            failed += 1
            print(f"FAILED  {name}\n{traceback.format_exc()}", flush=True)
    print(f"{count - failed} of {count} passed", flush=True)
    return 1 if failed or not count else 0


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--address")
    parser.add_argument("wanted", nargs="?", default="")
    options = parser.parse_args()
    if options.address:
        return run(options.address, options.wanted)
    with greeter() as address:
        return run(address, options.wanted)


if __name__ == "__main__":
    sys.exit(main())
