"""How the total of a table grew: what each release published of its last periods, from revisions.csv, as picture, table and text."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from markupsafe import Markup

from das_pipeline.periods import is_complete
from das_pipeline.publication import revisions
from das_pipeline.publication.formats import csv
from das_pipeline.website.cells import Cell, PublishedTable
from das_pipeline.website.language import Language

PERIODS, EDITIONS = 8, 6  # at most so many periods, and releases before this one, are shown: the newest
LEFT, WIDTH, RIGHT, STEP = 110, 140, 70, 26  # of the picture, in pixels: names, dots, numbers, and a period; a phone has 300
Published = Mapping[str, Mapping[tuple[str, str], Sequence[tuple[date, int]]]]  # table -> (kind, period) -> day and count, oldest first


@dataclass(frozen=True)
class GrownPeriod:
    """One period: what earlier releases published of it, the cell of this one, and where its counts are in the picture."""

    label: str
    earlier: Sequence[int | None]  # in the shown releases
    now: Cell
    y: int
    dots: Sequence[float]  # of every count that was published, the last one of this release


@dataclass(frozen=True)
class Growth:
    """The periods whose total was revised, newest first."""

    days: Sequence[date]
    periods: Sequence[GrownPeriod]
    text: Markup
    width: int = LEFT + WIDTH + RIGHT

    @property
    def height(self) -> int:
        """The height of the picture."""
        return STEP * len(self.periods)


def published_totals(folder: Path) -> Published:
    """Return every total of tables without lines that the release in `folder` and those before it published of a period that had ended."""
    totals: dict[str, dict[tuple[str, str], list[tuple[date, int]]]] = {}
    for row in csv.read(folder / revisions.FILE, revisions.SCHEMA).to_pylist():
        if not row["row"] and row["n"] is not None and is_complete(row["period"], row["as_of"]):
            of_table = totals.setdefault(row["table"], {})
            of_table.setdefault((row["period_kind"], row["period"]), []).append((row["as_of"], row["n"]))
    return totals


def growth(table: PublishedTable, published: Published, language: Language) -> Growth | None:
    """Return how the total of `table` grew, by its shortest kind of period; None where no release revised it."""
    if table.is_derived or not table.is_rounded:
        return None
    kind = table.kinds[0]
    of_period = {p: counts for (k, p), counts in published.get(table.name, {}).items() if k == kind and len({n for _, n in counts}) > 1}
    shown = {p: of_period[p] for p in sorted(of_period, reverse=True)[:PERIODS] if table.cell(kind, p)}
    if not shown:
        return None
    days = sorted({day for counts in shown.values() for day, _ in counts[:-1]})[-EDITIONS:]
    every = [n for counts in shown.values() for _, n in counts]
    scale = WIDTH / (max(every) - min(every))
    periods = []
    for place, (period, counts) in enumerate(shown.items()):
        now = table.cell(kind, period)
        assert now is not None, "a period that is shown has a total"
        dots = [LEFT + (n - min(every)) * scale for _, n in counts]
        earlier = [next((n for at, n in reversed(counts) if at <= day), None) for day in days]
        periods.append(GrownPeriod(language.period(period), earlier, now, STEP * place + STEP // 2, dots))
    newest = periods[0].now
    (day, first), *_ = shown[newest.period]
    text = language.say_html(
        "growth_text",
        period=language.period(newest.period),
        first=language.number(first),
        day=language.date(day),
        n=Markup('<span class="v" data-table="{}" data-cell="{}" data-value="{}">{}</span>').format(
            newest.table, newest.name, newest.n, language.number(newest.n)
        ),
    )
    return Growth(days, periods, text)
