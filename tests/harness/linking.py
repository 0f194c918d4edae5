"""The link test: images of the engine for a bare target whose panic handler cannot be linked (`tests/link`)."""
import re
import subprocess

from needs import ROOT

IMAGE = ROOT / "tests" / "link"
# A small application, and that of `examples/device` without calls and with them.
IMAGES = ("link", "device", "calls")
TARGETS = ("thumbv7em-none-eabihf", "thumbv6m-none-eabi")
PROFILES = {"release": "optimised for size", "fast": "optimised for speed"}
ALLOCATOR = re.compile(r"__rust_alloc|__rust_dealloc|__rust_realloc|__rg_alloc|\bmalloc\b")


def check(full: bool) -> str | None:
    """Links the images for every target and profile: a panic path, or an allocator, is an error."""
    del full
    for target in TARGETS:
        for profile, said in PROFILES.items():
            for image in IMAGES:
                fault = link(image, target, profile)
                if fault:
                    return f"{image} for {target}, {said}: {fault}"
                print(f"{image} for {target}, {said}: links", flush=True)
    return None


def link(image: str, target: str, profile: str) -> str | None:
    # A folder of its own within the shared one: the lock file and the profiles are its own as well.
    folder = ROOT / "target" / "link"
    map_file = folder / f"{image}-{target}-{profile}.map"
    words = ["cargo", "rustc", "--quiet", "--bin", image, "--profile", profile, "--target", target, "--target-dir", str(folder), "--"]
    for flag in ("--gc-sections", "-e", "_start", f"-Map={map_file}"):
        words += ["-C", f"link-arg={flag}"]
    done = subprocess.run(words, cwd=IMAGE, capture_output=True, text=True)
    if done.returncode != 0:
        return "rws_can_panic is referenced: something can panic" if "rws_can_panic" in done.stderr else done.stderr
    found = ALLOCATOR.search(map_file.read_text())
    return f"the map names an allocator: {found[0]}" if found else None
