"""The numbers that a place of a page may show: the cells that it names, and the rates that follow from published cells by the rules."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from das_pipeline.auditor.declared import Forms
from das_pipeline.auditor.release import ALL, Published, Table

SHARE_FROM, ROUGH_SHARE_FROM, SURE_SHARE_FROM = 100, 50, 500
CHANGE_FROM, CHANGE_AT_LEAST, FINE_CHANGE_FROM = 200, 10, 10_000


def value_at(release: Published, table: str, cells: str) -> int | None:
    """The count of a cell, or the sum of the cells, that `data-table` and `data-cell` name; None when there is no such cell."""
    found = [release.tables[table].cells.get(key) if table in release.tables else None for key in cells.split(" ")]
    return sum(n for n in found if n is not None) if None not in found else None


def numbers_from(release: Published, places: Iterable[tuple[str, str]], forms: Forms) -> set[str]:
    """The counts of the named cells, their shares in the totals of their table, and their changes since the year before."""
    written: set[str] = set()
    for name, cells in places:
        n = value_at(release, name, cells)
        if n is None:
            continue
        table = release.tables[name]
        written.add(forms.number(n))
        for total in _totals(table, cells):
            written |= _share(n, total, table, forms)
        before = value_at(release, name, " ".join(_year_before(key) for key in cells.split(" ")))
        if before is not None:
            written |= {forms.number(before), *_change(n, before, forms)}
    return written


def _totals(table: Table, cells: str) -> Iterator[int]:
    """The totals that a cell is a part of: over each dimension that adds up, and over all of them."""
    if " " in cells:
        return
    *codes, kind, period = cells.split("|")
    adds_up = [i for i, dimension in enumerate(table.dimensions) if dimension.scheme is not None]
    for parts in [*([i] for i in adds_up), adds_up]:
        key = [ALL if i in parts else code for i, code in enumerate(codes)]
        if (total := table.cells.get("|".join([*key, kind, period]))) is not None:
            yield total


def _share(n: int, total: int, table: Table, forms: Forms) -> set[str]:
    """How a share may be written (D04): in whole percents of 100 or more, in fives of 50 or more, never extreme.

    A share of another publisher's exact figures may be as fine as tenths.
    """
    if not table.is_protected:
        return {forms.number(100 * n / total, decimals) for decimals in (0, 1)} if total else set()
    if total < ROUGH_SHARE_FROM:
        return set()
    step = 1 if total >= SHARE_FROM else 5
    percent = round(100 * n / total / step) * step
    is_extreme = not 5 <= percent <= 95
    return set() if is_extreme and (total < SURE_SHARE_FROM or percent in {0, 100}) else {forms.number(percent)}


def _change(new: int, old: int, forms: Forms) -> set[str]:
    """How a change may be written (D04): in percent of 200 or more, when it is 10 or more."""
    if old < CHANGE_FROM or abs(new - old) < CHANGE_AT_LEAST:
        return set()
    return {forms.number(100 * abs(new - old) / old, 1 if old >= FINE_CHANGE_FROM else 0)}


def _year_before(cell: str) -> str:
    """The key of the same cell in the year before."""
    *codes, kind, period = cell.split("|")
    return "|".join([*codes, kind, f"{int(period[:4]) - 1}{period[4:]}"])
