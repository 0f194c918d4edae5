"""The link test: an image of the engine for a bare target whose panic handler cannot be linked (`tests/link`)."""
import re
import subprocess

from needs import ROOT

IMAGE = ROOT / "tests" / "link"
TARGETS = ("thumbv7em-none-eabihf", "thumbv6m-none-eabi")
PROFILES = {"release": "optimised for size", "fast": "optimised for speed"}
ALLOCATOR = re.compile(r"__rust_alloc|__rust_dealloc|__rust_realloc|__rg_alloc|\bmalloc\b")


def check(full: bool) -> str | None:
    """Links the image for every target and profile: a panic path, or an allocator, is an error."""
    del full
    for target in TARGETS:
        for profile, said in PROFILES.items():
            fault = link(target, profile)
            if fault:
                return f"{target}, {said}: {fault}"
            print(f"{target}, {said}: links")
    return None


def link(target: str, profile: str) -> str | None:
    # A folder of its own within the shared one: the lock file and the profiles are its own as well.
    folder = ROOT / "target" / "link"
    words = ["cargo", "rustc", "--quiet", "--profile", profile, "--target", target, "--target-dir", str(folder), "--"]
    for flag in ("--gc-sections", "-e", "_start", f"-Map={folder}/{target}-{profile}.map"):
        words += ["-C", f"link-arg={flag}"]
    done = subprocess.run(words, cwd=IMAGE, capture_output=True, text=True)
    if done.returncode != 0:
        return "rws_can_panic is referenced: something can panic" if "rws_can_panic" in done.stderr else done.stderr
    found = ALLOCATOR.search((folder / f"{target}-{profile}.map").read_text())
    return f"the map names an allocator: {found[0]}" if found else None
