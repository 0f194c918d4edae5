"""Runs every fuzz target for a bounded time, two side by side."""
import concurrent.futures
import os
import pathlib
import subprocess
import tomllib

from needs import ROOT

FUZZ = ROOT / "fuzz"
SECONDS, SECONDS_FULL = 60, 600


def smoke(full: bool) -> str | None:
    names = [entry["name"] for entry in tomllib.loads((FUZZ / "Cargo.toml").read_text()).get("bin", [])]
    if not names:
        return "fuzz/Cargo.toml names no target"
    build = subprocess.run(cargo_fuzz("build"), cwd=ROOT, env=environment(), stdin=subprocess.DEVNULL)
    if build.returncode:
        return "the fuzz targets do not build"
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        failed = [name for name in pool.map(lambda name: one(name, SECONDS_FULL if full else SECONDS), names) if name]
    return f"{', '.join(failed)} failed" if failed else None


def one(name: str, seconds: int) -> str | None:
    """Fuzzes one target: from its checked-in seeds, into a corpus that is not kept."""
    corpus = ROOT / "target" / "fuzz-corpus" / name
    corpus.mkdir(parents=True, exist_ok=True)
    seeds = FUZZ / "seeds" / name
    dictionary = FUZZ / "http.dict"
    words = cargo_fuzz("run", name, str(corpus), *([str(seeds)] if seeds.is_dir() else []), "--",
                       f"-max_total_time={seconds}", "-timeout=10", "-rss_limit_mb=2048", "-print_final_stats=1")
    if dictionary.exists():
        words.append(f"-dict={dictionary}")
    done = subprocess.run(words, cwd=ROOT, env=environment(), stdin=subprocess.DEVNULL, text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, errors="replace")
    lines = done.stdout.splitlines()
    executed = next((line.split()[-1] for line in reversed(lines) if "number_of_executed_units" in line), "0")
    print(f"fuzz {name}: {executed} inputs in {seconds} s, exit {done.returncode}", flush=True)
    if done.returncode == 0 and int(executed) > 0:
        return None
    print("\n".join(account(lines)), flush=True)
    return name


def account(lines: list[str]) -> list[str]:
    """What a failed run says of its failure: the message and the input, not the fuzzer's own stack."""
    message = next((at for at, line in enumerate(lines) if "panicked at" in line or "ERROR: " in line), len(lines))
    inputs = [line.strip() for line in lines if "fuzz/artifacts/" in line]
    return [*lines[message:message + 12], *inputs] if message < len(lines) else lines[-40:]


def cargo_fuzz(verb: str, *more: str) -> list[str]:
    return ["cargo", "+nightly", "fuzz", verb, "--target-dir", str(ROOT / "target" / "fuzz"), *more]


def environment() -> dict[str, str]:
    return {**os.environ, "CARGO_TERM_PROGRESS_WHEN": "never"}
