"""An independent gRPC client (grpcio) before `examples/grpc`, and before the device: `python3 tests/grpc [--address HOST:PORT | --device HOST:PORT] [NAME]`."""
import argparse
import contextlib
import pathlib
import re
import subprocess
import sys
import time
import traceback

import calls
import device
import streams

ROOT = pathlib.Path(__file__).resolve().parents[2]
SECONDS_MAX = 30


@contextlib.contextmanager
def serving(name: str, *more: str):
    """An example on a free port, as long as it is needed."""
    binary = ROOT / "target" / "debug" / name
    with subprocess.Popen([str(binary), "--port", "0", *more], stdout=subprocess.PIPE, text=True) as process:
        try:
            yield re.fullmatch(r"http://(\S+)\n", process.stdout.readline())[1]
        finally:
            process.kill()


def checks(*modules):
    for module in modules:
        for name, check in vars(module).items():
            if name.startswith("check_"):
                yield name.removeprefix("check_"), check


def run(address: str, wanted: str, *modules) -> tuple[int, int]:
    failed = count = 0
    for name, check in checks(*modules):
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
        with serving("greeter") as address, serving("device_on_std", "--calls") as board:
            results = [run(address, options.wanted, calls, streams), run(board, options.wanted, device)]
        failed, count = map(sum, zip(*results))
    print(f"{count - failed} of {count} passed", flush=True)
    return 1 if failed or not count else 0


if __name__ == "__main__":
    sys.exit(main())
