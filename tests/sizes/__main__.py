"""The board in figures: our images beside a bare TCP echo and independent implementations, built with the same flags.

  python3 tests/sizes                      the table, and the check against tests/sizes.toml
  python3 tests/sizes --only echo,hello    only these images; --only-size: nothing but release for the first target
  python3 tests/sizes --write              puts the table into docs/PERFORMANCE.md and README.md
  python3 tests/sizes --set-ceilings       takes this run's figures of ours as the new tests/sizes.toml

The exit code is 1 where an image of ours grew by more than the slack.
"""
import argparse
import pathlib
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "harness"))

import board  # noqa: E402
import measuring  # noqa: E402
import table  # noqa: E402


def main() -> int:
    parser = argparse.ArgumentParser("tests/sizes", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", metavar="IMAGES", help="some of " + ",".join(measuring.IMAGES))
    parser.add_argument("--only-size", action="store_true", help="one build of each, for the first target")
    parser.add_argument("--write", action="store_true")
    parser.add_argument("--set-ceilings", action="store_true")
    options = parser.parse_args()
    wanted = options.only.split(",") if options.only else measuring.IMAGES
    for image in wanted:
        if board.workspace_of(image) is None:
            print(f"{image}: there is no such image yet", flush=True)
    images = [image for image in wanted if board.workspace_of(image)]
    flavours = measuring.FLAVOURS[:1] if options.only_size else measuring.FLAVOURS
    try:
        rows = measuring.measure(images, flavours)
    except board.Unusable as error:
        print(f"tests/sizes: {error}", file=sys.stderr)
        return 1
    print(f"\n{table.render(rows)}\n\n{table.goals(rows)}\n", flush=True)
    if options.write:
        table.write_documents(rows)
    if options.set_ceilings:
        table.write_ceilings(rows)
    grown = table.over_the_ceiling(rows)
    for line in grown:
        print(f"grown: {line}")
    return 1 if grown else 0


if __name__ == "__main__":
    sys.exit(main())
