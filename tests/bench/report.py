"""The one table: each row has our figure, its goal, the verdict, and the others in the same run."""
import dataclasses
import pathlib
import statistics
import tomllib
from collections.abc import Callable

from contestants import OURS
from measuring import RAW, RAW_AGAIN, Figures

CEILINGS = pathlib.Path(__file__).with_name("ceilings.toml")
DOCUMENT = pathlib.Path(__file__).resolve().parents[2] / "docs" / "PERFORMANCE.md"
BEGIN, END = "<!-- table: begin -->", "<!-- table: end -->"
NO_GOAL = ""


@dataclasses.dataclass(frozen=True)
class Goal:
    """How the goal reads, and the figure that ours may not be above (None where it can't be known in this run)."""
    text: str
    limit: Callable[[Figures], float | None]


def at_most(limit: float) -> Goal:
    return Goal(f"≤ {limit:,.4g}" if limit < 1 else f"≤ {limit:,.0f}", lambda _: limit)


def no_dearer_than_the_best() -> Goal:
    def limit(figures: Figures) -> float | None:
        peers = [value for name, value in figures.values.items() if name not in (OURS, RAW, RAW_AGAIN)]
        return min(peers) * (1 + spread(figures)) if peers else None
    return Goal("≤ best peer", limit)


def times(factor: float, peer: str) -> Goal:
    return Goal(f"≤ {factor} × {peer}", lambda figures: on(figures, peer, lambda value: factor * value))


def above(extra: float, peer: str) -> Goal:
    return Goal(f"≤ {peer} + {extra:,.0f}", lambda figures: on(figures, peer, lambda value: value + extra))


def on(figures: Figures, peer: str, change: Callable[[float], float]) -> float | None:
    """A limit made from a peer's figure; the floor, which ran twice, counts with the mean of both."""
    names = (RAW, RAW_AGAIN) if peer == RAW else (peer,)
    found = [figures.values[name] for name in names if name in figures.values]
    return change(statistics.mean(found)) if found else None


def spread(figures: Figures) -> float:
    """What two runs of the very same program differ by: a smaller gap says nothing."""
    first, second = figures.values.get(RAW), figures.values.get(RAW_AGAIN)
    return abs(first - second) / min(first, second) if first and second else 0.0


@dataclasses.dataclass(frozen=True)
class Row:
    label: str
    unit: str
    figures: Figures
    goal: Goal | None = None
    # The key in ceilings.toml, for figures that do not vary between runs.
    ceiling: str = ""

    @property
    def ours(self) -> float | None:
        return self.figures.values.get(OURS)

    def verdict(self) -> str:
        if self.ours is None:
            return "no answer"
        limit = self.goal.limit(self.figures) if self.goal else None
        if limit is None:
            return NO_GOAL if self.goal is None else "no peer"
        if self.ours <= limit:
            return "met"
        return f"missed, {self.ours / limit:.2f} × the goal" if limit else "missed"

    def others(self) -> str:
        rest = sorted((value, name) for name, value in self.figures.values.items() if name != OURS)
        return ", ".join(f"{name} {number(value)}" for value, name in rest)


def number(value: float | None) -> str:
    if value is None:
        return "–"
    return f"{value:,.0f}" if value >= 100 else f"{value:.2f}" if value < 10 else f"{value:.1f}"


def render(rows: list[Row]) -> str:
    """The table as Markdown, its columns aligned so that a terminal shows it as well."""
    header = ("measured", "unit", "goal", "rws", "verdict", "others, same run")
    cells = [header] + [(row.label, row.unit, row.goal.text if row.goal else "", number(row.ours), row.verdict(), row.others()) for row in rows]
    widths = [max(len(line[column]) for line in cells) for column in range(len(header) - 1)]
    lines = ["| " + " | ".join([*(cell.ljust(width) for cell, width in zip(line, widths)), line[-1]]) + " |" for line in cells]
    lines.insert(1, "|" + "|".join(["-" * (width + 2) for width in widths] + ["---"]) + "|")
    return "\n".join(lines)


def over_the_ceiling(rows: list[Row]) -> list[str]:
    """Instruction counts that grew beyond what is checked in: these do not depend on how busy the machine is."""
    data = tomllib.loads(CEILINGS.read_text())
    slack = 1 + data["slack_percent"] / 100
    found = []
    for row in rows:
        ceiling = data["instructions"].get(row.ceiling)
        if ceiling and row.ours is not None and row.ours > ceiling * slack:
            found.append(f"{row.label}: {row.ours:,.0f} instructions, the ceiling is {ceiling:,} + {data['slack_percent']} %")
    return found


def write_ceilings(rows: list[Row]) -> None:
    """Takes this run's figures as the new ceilings; those it did not measure stay."""
    data = tomllib.loads(CEILINGS.read_text())
    kept = data["instructions"] | {row.ceiling: round(row.ours) for row in rows if row.ceiling and row.ours is not None}
    head = CEILINGS.read_text().split("[instructions]")[0]
    CEILINGS.write_text(head + "[instructions]\n" + "".join(f'"{key}" = {kept[key]}\n' for key in sorted(kept)))


def write_document(table: str) -> None:
    text = DOCUMENT.read_text()
    before, _, rest = text.partition(BEGIN)
    _, _, after = rest.partition(END)
    DOCUMENT.write_text(f"{before}{BEGIN}\n{table}\n{END}{after}")
