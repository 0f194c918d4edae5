"""Carries out the suites: installs what each needs, runs its steps, and closes with a table."""
import argparse
import os
import shlex
import signal
import subprocess
import sys
import time

import conformance
import needs
from suites import CORPORA, ROOT, SUITES, TARGET, Suite, absent

PASSED, FAILED, SKIPPED = "passed", "FAILED", "skipped"
FULL_MINUTES_MAX = 150


def main(arguments: list[str], usage: str) -> int:
    parser = argparse.ArgumentParser("tests/run", description=usage, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", metavar="NAME")
    parser.add_argument("--list", action="store_true", help="name the suites")
    parser.add_argument("--full", action="store_true", help="run the long forms")
    parser.add_argument("--target", metavar="HOST:PORT", help="conformance: the server to judge, instead of known ones")
    parser.add_argument("--target-words", metavar="WORDS", default="", help="conformance: more options for the suite, such as \"--post /echo --strict\"")
    options = parser.parse_args(arguments)
    if options.target:
        conformance.asked = conformance.Asked(options.target, shlex.split(options.target_words))
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that what a suite started ends with us
    if options.list:
        for suite in SUITES:
            print(f"{suite.name:<14} {suite.what}")
        return 0
    known = {suite.name: suite for suite in SUITES}
    unknown = [name for name in options.names if name not in known]
    if unknown:
        parser.error(f"no suite named {', '.join(unknown)}; --list names them")
    chosen = [known[name] for name in options.names] or SUITES
    return close([(suite, *run(suite, options.full)) for suite in chosen])


def run(suite: Suite, full: bool) -> tuple[str, float, str]:
    """One suite: its verdict, its seconds and a word on why."""
    print(f"\n=== {suite.name}: {suite.what}", flush=True)
    began = time.monotonic()
    verdict, why = carry_out(suite, full)
    seconds = time.monotonic() - began
    print(f"--- {suite.name}: {verdict} in {seconds:.0f} s{f' ({why})' if why else ''}", flush=True)
    return verdict, seconds, why


def carry_out(suite: Suite, full: bool) -> tuple[str, str]:
    reason = absent(suite)
    if reason:
        return SKIPPED, reason
    env = environment(suite, full)
    for need in suite.needs:
        problem = needs.provide(need, env)
        if problem:
            return FAILED, problem
    deadline = time.monotonic() + 60 * (FULL_MINUTES_MAX if full else suite.minutes_max)
    for step in [*suite.steps, *(suite.full_only if full else [])]:
        problem = step(full) if callable(step) else command(step, env, deadline)
        if problem:
            return FAILED, problem
    return PASSED, ""


def environment(suite: Suite, full: bool) -> dict[str, str]:
    """What every suite may read: where the binaries and the corpora are, and whether this is the long form."""
    env = dict(os.environ)
    env.update(
        CARGO_TARGET_DIR=str(TARGET),
        CARGO_TERM_PROGRESS_WHEN="never",
        RWS_BIN_DIR=str(TARGET / "release"),
        RWS_CORPORA=str(CORPORA),
        RWS_TESTS_FULL="1" if full else "0",
        PATH=f"{env.get('PATH', '')}:/usr/sbin:/sbin",
    )
    env.update(suite.env)
    return env


def command(words: list[str], env: dict[str, str], deadline: float) -> str | None:
    """Runs one command in a process group of its own, and ends what it leaves behind."""
    print(f"$ {' '.join(words)}", flush=True)
    try:
        child = subprocess.Popen(words, cwd=ROOT, env=env, stdin=subprocess.DEVNULL, start_new_session=True)
    except OSError as error:
        return f"{words[0]} does not start: {error}"
    try:
        code = child.wait(max(1.0, deadline - time.monotonic()))
    except subprocess.TimeoutExpired:
        return f"{' '.join(words[:4])} is past its time"
    finally:
        end_group(child)
    return None if code == 0 else f"{' '.join(words[:4])} exited with {code}"


def end_group(child: subprocess.Popen) -> None:
    try:
        os.killpg(child.pid, signal.SIGKILL)
    except ProcessLookupError:
        pass
    child.wait()


def close(results: list[tuple[Suite, str, float, str]]) -> int:
    print("\n=== summary")
    for suite, verdict, seconds, why in results:
        print(f"{suite.name:<14} {verdict:<8} {seconds:6.0f} s  {why}".rstrip())
    counts = {kind: sum(verdict == kind for _, verdict, _, _ in results) for kind in (PASSED, FAILED, SKIPPED)}
    print(f"{'total':<14} {'':<8} {sum(seconds for _, _, seconds, _ in results):6.0f} s\n")
    print(f"{counts[PASSED]} passed, {counts[FAILED]} failed, {counts[SKIPPED]} skipped")
    sys.stdout.flush()
    return 1 if counts[FAILED] or not counts[PASSED] else 0
