"""House rules that no compiler checks. Each finding is one line: file, line, what is wrong."""
import ast
import pathlib
import re
import subprocess
from collections.abc import Iterator

from needs import ROOT

FILE_LINES_MAX = 600
FUNCTION_LINES_MAX = 70
SOURCE = {".rs", ".py", ".c"}
# Spelled so that this file passes its own check.
FORBIDDEN = [
    (re.compile(r"(?<![\w.])/(?:work|root|home)/\w"), "a path of one machine", None),
    (re.compile(r"#!?\[allow\("), "use #[expect(lint, reason = \"…\")]", {".rs"}),
    (re.compile(r"\b(?:TO(?:DO)|FIX(?:ME)|X{3})\b|\b(?:todo|unimplemented)(?:!)"), "unfinished work", None),
    (re.compile(r"#\[ignore\]"), "a test that never runs, and no word on why", {".rs"}),
    (re.compile(r"^(?:<{7}|>{7}) "), "a merge left half-way", None),
]
RUST_FUNCTION = re.compile(r"^(\s*)(?:pub(?:\([^)]*\))? )?(?:default )?(?:const )?(?:async )?(?:unsafe )?(?:extern \"C\" )?fn (\w+)")


def check(_full: bool) -> str | None:
    names = subprocess.run(["git", "ls-files", "-co", "--exclude-standard"], cwd=ROOT, capture_output=True, text=True, check=True)
    findings = [finding for name in names.stdout.splitlines() for finding in of_file(ROOT / name, name)]
    findings += of_decisions(ROOT / "docs" / "adr")
    for finding in findings:
        print(finding)
    return f"{len(findings)} findings" if findings else None


def of_file(path: pathlib.Path, name: str) -> Iterator[str]:
    if not path.is_file():
        return
    try:
        text = path.read_text()
    except UnicodeDecodeError:
        return
    lines = text.splitlines()
    is_source = path.suffix in SOURCE or text.startswith("#!")
    if is_source and len(lines) > FILE_LINES_MAX:
        yield f"{name}: {len(lines)} lines, more than {FILE_LINES_MAX}: split it"
    for number, line in enumerate(lines, 1):
        for pattern, why, suffixes in FORBIDDEN:
            if pattern.search(line) and (suffixes is None or path.suffix in suffixes):
                yield f"{name}:{number}: {why}"
    functions = {".rs": rust_functions, ".py": python_functions}.get(path.suffix)
    for function, number, length in functions(text) if functions else ():
        if length > FUNCTION_LINES_MAX:
            yield f"{name}:{number}: {function} has {length} lines, more than {FUNCTION_LINES_MAX}"


def rust_functions(text: str) -> Iterator[tuple[str, int, int]]:
    """Formatted code only: a function ends at the first closing brace with its own indentation, a
    declaration at the semicolon behind its arguments."""
    lines = text.splitlines()
    for at, line in enumerate(lines):
        start = RUST_FUNCTION.match(line)
        if not start or line.rstrip().endswith((";", "}")):
            continue
        closing, declared = start[1] + "}", re.compile(rf"{start[1]}\)[^{{]*;$")
        end = next((later for later in range(at + 1, len(lines)) if lines[later].rstrip() in (closing, closing + ";") or declared.match(lines[later])), at)
        yield start[2], at + 1, end - at + 1


def python_functions(text: str) -> Iterator[tuple[str, int, int]]:
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef):
            yield node.name, node.lineno, (node.end_lineno or node.lineno) - node.lineno + 1


def of_decisions(folder: pathlib.Path) -> Iterator[str]:
    """Decision records are numbered 0001, 0002, … without a hole, and each says what state it is in."""
    names = sorted(path.name for path in folder.glob("*.md")) if folder.is_dir() else []
    for expected, name in enumerate(names, 1):
        if not re.fullmatch(rf"{expected:04}-[a-z0-9-]+\.md", name):
            yield f"docs/adr/{name}: expected {expected:04}-title-in-lower-case.md"
