"""The table of sizes, the goals it is read against, and the ceilings that a change may not exceed."""
import tomllib

from measuring import ECHO, OURS, Row
from needs import ROOT

CEILINGS = ROOT / "tests" / "sizes.toml"
DOCUMENT, README = ROOT / "docs" / "PERFORMANCE.md", ROOT / "README.md"
BEGIN, END = "<!-- sizes: begin -->", "<!-- sizes: end -->"
FIRST = "thumbv7em z"
PICOSERVE = "peer-picoserve"
GUARDED = ("flash", "static_ram", "ram_per_connection", "stack", "instructions")
# Whether an interrupt came while the stack was deepest is chance: one frame and what its handler takes.
CHANCE = {"stack": 256}

# What hello may take beyond the bare echo. Its connection has an HTTP buffer, which echo's has not.
# What HTTP/2 may take beyond hello over HTTP/1.1.
HTTP2_FLASH_MORE_MAX = 20_000
FLASH_MORE_MAX, HTTP_BUFFER, RAM_MORE_MAX, INSTRUCTIONS_MORE_MAX, RATE_FACTOR = 16_000, 1_024, 512, 6_000, 10


def render(rows: list[Row], only: str | None = None) -> str:
    header = ["image", "built for", "flash", "static RAM", "RAM per connection", "stack", "instructions per request", "requests/s"]
    cells = [header]
    for row in rows:
        if only in (None, row.flavour):
            cells.append([row.image.removeprefix("peer-"), row.flavour, *map(figure, (
                row.flash, row.static_ram, row.ram_per_connection, row.stack, row.instructions, row.rate))])
    widths = [max(len(line[column]) for line in cells) for column in range(len(header))]
    lines = ["| " + " | ".join(cell.ljust(width) if column < 2 else cell.rjust(width)
                               for column, (cell, width) in enumerate(zip(line, widths))) + " |" for line in cells]
    rule = "|" + "|".join("-" * (width + 2) if column < 2 else "-" * (width + 1) + ":" for column, width in enumerate(widths)) + "|"
    return "\n".join([lines[0], rule, *lines[1:]])


def figure(value: float | None) -> str:
    return "–" if value is None else f"{value:,.0f}"


def goals(rows: list[Row]) -> str:
    """Each goal of hello with the figure that it is judged by."""
    found = {row.image: row for row in rows if row.flavour == FIRST}
    hello, echo, peer = found.get("hello"), found.get(ECHO), found.get(PICOSERVE)
    if not hello or not echo:
        return "Goals are judged where both hello and echo are measured."
    lines = [
        goal("flash over echo", hello.flash - echo.flash, FLASH_MORE_MAX),
        goal("RAM per connection over echo and one HTTP buffer",
             hello.ram_per_connection - echo.ram_per_connection - HTTP_BUFFER, RAM_MORE_MAX),
        goal("instructions per request over echo", hello.instructions - echo.instructions, INSTRUCTIONS_MORE_MAX),
    ]
    both = found.get("hello-http2")
    if both:
        lines.append(goal("flash that HTTP/2 adds to hello", both.flash - hello.flash, HTTP2_FLASH_MORE_MAX))
    if peer:
        factor = hello.rate / peer.rate
        lines.append(f"- requests per second: {factor:.1f} × picoserve's, goal ≥ {RATE_FACTOR} ×: {'met' if factor >= RATE_FACTOR else 'missed'}")
    return "\n".join(lines)


def goal(text: str, value: float, limit: float) -> str:
    return f"- {text}: {value:,.0f}, goal ≤ {limit:,}: {'met' if value <= limit else 'missed'}"


def ours(rows: list[Row]) -> list[Row]:
    return [row for row in rows if row.image in (ECHO, *OURS)]


def over_the_ceiling(rows: list[Row]) -> list[str]:
    """Figures of our images that grew beyond what is checked in."""
    data = tomllib.loads(CEILINGS.read_text())
    slack = 1 + data["slack_percent"] / 100
    grown = []
    for row in ours(rows):
        kept = data.get(row.image, {}).get(row.flavour, {})
        for name in GUARDED:
            value, ceiling = getattr(row, name), kept.get(name)
            if value is not None and ceiling is not None and value > ceiling * slack + CHANCE.get(name, 0):
                grown.append(f"{row.image} for {row.flavour}: {name} is {value:,.0f}, the ceiling {ceiling:,} + {data['slack_percent']} %")
    return grown


def write_ceilings(rows: list[Row]) -> None:
    """This run's figures become the ceilings; images and flavours that it did not measure keep theirs."""
    text = CEILINGS.read_text()
    kept = {image: flavours for image, flavours in tomllib.loads(text).items() if isinstance(flavours, dict)}
    for row in ours(rows):
        figures = {name: round(getattr(row, name)) for name in GUARDED if getattr(row, name) is not None}
        kept.setdefault(row.image, {})[row.flavour] = figures
    head = text.partition("\n[")[0].rstrip() + "\n"
    tables = [f'\n[{image}."{flavour}"]\n' + "".join(f"{name} = {value}\n" for name, value in figures.items())
              for image, flavours in kept.items() for flavour, figures in flavours.items()]
    CEILINGS.write_text(head + "".join(tables))


def write_documents(rows: list[Row]) -> None:
    put(DOCUMENT, f"{render(rows)}\n\n{goals(rows)}")
    if any(row.image in OURS for row in rows):
        put(README, render(rows, FIRST))


def put(path, content: str) -> None:
    """Replaces what stands between the two markers; a document without them stays as it is."""
    before, begin, rest = path.read_text().partition(BEGIN)
    _, end, after = rest.partition(END)
    if begin and end:
        path.write_text(f"{before}{BEGIN}\n{content}\n{END}{after}")
