"""The project's own measuring harness.

  python3 tests/bench table      every figure with its goal, in one table (needs the peers: ./tests/run bench brings them)
  python3 tests/bench latency    what blocking handlers do to the others, on `hello --shards 1`
  python3 tests/bench hostile    what idle, dribbling and malformed clients do to a normal one

How it measures: docs/PERFORMANCE.md.
"""
import argparse
import os
import pathlib
import signal
import sys
import tempfile

import measuring
import probes
import process
import report
import table


def main() -> int:
    parser = argparse.ArgumentParser("tests/bench", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=("table", "latency", "hostile"))
    parser.add_argument("--full", action="store_true", default=os.environ.get("RWS_TESTS_FULL") == "1", help="more rounds, longer attacks")
    parser.add_argument("--only", metavar="PART,…", help=f"of the table: {', '.join(table.PARTS)}")
    parser.add_argument("--servers", metavar="NAME,…", help="only these contestants (the floor always runs)")
    parser.add_argument("--set-ceilings", action="store_true", help="take this run's instruction counts as the new ceilings")
    parser.add_argument("--write", action="store_true", help="put the table into docs/PERFORMANCE.md")
    options = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that the servers end with us
    process.raise_open_files_limit()
    with tempfile.TemporaryDirectory(prefix="rws-bench-") as folder:
        scene = measuring.make_scene(pathlib.Path(folder))
        if options.what == "latency":
            return probes.latency(scene)
        if options.what == "hostile":
            return probes.hostile(scene, options.full)
        return show_table(scene, options)


def show_table(scene: measuring.Scene, options: argparse.Namespace) -> int:
    wanted = frozenset(options.servers.split(",")) if options.servers else None
    parts = options.only.split(",") if options.only else list(table.PARTS)
    rows = [row for part in parts for row in table.PARTS[part](scene, options.full, wanted)]
    text = report.render(rows)
    print(f"\n{text}\n", flush=True)
    if options.write:
        report.write_document(text)
    if options.set_ceilings:
        report.write_ceilings(rows)
    silent = [f"{row.label}: {row.figures.problems.get(report.OURS, 'no figure')}" for row in rows if row.ours is None]
    grown = report.over_the_ceiling(rows)
    for line in silent + grown:
        print(f"failed: {line}")
    return 1 if (silent or grown) else 0


if __name__ == "__main__":
    sys.exit(main())
