"""D19 and D18: revisions.csv and differences.csv are what published cells give, and breaks.csv speaks of what is there."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from typing import Any

import pyarrow as pa
import pyarrow.csv

from das_pipeline.auditor.declared import Declared
from das_pipeline.auditor.findings import verdict
from das_pipeline.auditor.history import lag_months
from das_pipeline.auditor.release import ALL, Published, Table
from das_pipeline.gate import Verdict

REVISIONS, BREAKS, DIFFERENCES = "revisions.csv", "breaks.csv", "differences.csv"
ROUNDING = 10
REASONS = {"vintage", "definition"}
COUNTS = ("population", "counts", "unit_of_count")
COLUMNS = pa.schema(
    [
        *((name, pa.string()) for name in ("table", "row", "period_kind", "period")),
        *(("as_of", pa.date32()), ("release", pa.string()), ("lag_months", pa.int64()), ("n", pa.int64()), ("status", pa.string())),
    ]
)
FIX = "Build the candidate again from the protected leaves, and find what wrote to its folder."


def revisions_are_as_published(release: Published, earlier: Sequence[Published]) -> Verdict:
    """D19: the file follows from the totals of this release and of those before it; a withdrawn one counts only if it is named."""
    raw = (release.folder / REVISIONS).read_bytes()
    named = {row.get("release") for row in csv.DictReader(io.StringIO(raw.decode(errors="replace")))}
    of_day = {r.as_of: r for r in earlier if r.as_of < release.as_of and (not r.is_withdrawn or r.folder.name in named)}
    editions = [*((r, r.folder.name) for _, r in sorted(of_day.items())), (release, "")]
    rows = [row for name, table in sorted(release.tables.items()) for row in _of_table(name, table, editions)]
    written = io.BytesIO()
    columns = [pa.array(column, field.type) for column, field in zip(zip(*rows, strict=True), COLUMNS, strict=True)]
    pyarrow.csv.write_csv(pa.table(columns, schema=COLUMNS), written, pyarrow.csv.WriteOptions(quoting_style="needed"))
    wrong = int(written.getvalue() != raw)
    return verdict("D19", f"{REVISIONS} has what earlier releases published", len(rows), {REVISIONS: wrong}, FIX)


def _of_table(name: str, table: Table, editions: Sequence[tuple[Published, str]]) -> Iterator[tuple[object, ...]]:
    same = [(r, of) for r, of in editions if name in r.tables and _counts(r.tables[name]) == _counts(table)]
    totals = [_totals(r.tables[name]) for r, _ in same]
    for cell in sorted({cell for of_edition in totals for cell in of_edition}):
        before: tuple[int, str] | None = None
        for (edition, of), of_edition in zip(same, totals, strict=True):
            if cell in of_edition and of_edition[cell] != before:
                yield name, *cell, date.fromisoformat(edition.as_of), of, lag_months(cell[2], edition.as_of), *of_edition[cell]
            before = of_edition.get(cell, before)


def _counts(table: Table) -> list[object]:
    return [_lines(table), *(table.facts.get(key) for key in COUNTS)]


def _lines(table: Table) -> list[str]:
    return [dimension.name for dimension in table.dimensions if dimension.scheme is None]


def _totals(table: Table) -> dict[tuple[str, str, str], tuple[int, str]]:
    """The count and status of every total, by line, kind of period and period."""
    adds_up = [i for i, dimension in enumerate(table.dimensions) if dimension.scheme is not None]
    line = next((i for i, dimension in enumerate(table.dimensions) if dimension.scheme is None), None)
    found = {}
    for cell, n in table.cells.items():
        *codes, kind, period = cell.split("|")
        if all(codes[i] == ALL for i in adds_up):
            found["" if line is None else codes[line], kind, period] = (n, table.statuses[cell])
    return found


def breaks_are_declared(release: Published, declared: Declared) -> Verdict:
    """D18: every break is in a table of the release, or in a category of it, from a month on, and its text is a declared one."""
    raw = (release.folder / BREAKS).read_bytes()
    columns = ["date", "table", "dimension", "category", *(f"text_{code}" for code in declared.languages)]
    types = {name: pa.date32() if name == "date" else pa.string() for name in columns}
    try:
        rows = pyarrow.csv.read_csv(io.BytesIO(raw), convert_options=pyarrow.csv.ConvertOptions(column_types=types))
    except pa.ArrowException:
        return verdict("D18", f"{BREAKS} can be read", 1, {BREAKS: 1}, FIX)
    written = io.BytesIO()
    pyarrow.csv.write_csv(rows, written, pyarrow.csv.WriteOptions(quoting_style="needed"))
    wrong = int(rows.column_names != columns or written.getvalue() != raw)
    for row in rows.to_pylist() if not wrong else ():
        table = release.tables.get(row["table"])
        category = (row["dimension"], row["category"])
        is_there = table is not None and (category == ("", "") or (_lies_in(table, *category)))
        wrong += not is_there or row["date"].day != 1 or any(row[name] not in declared.texts for name in columns[4:])
    return verdict("D18", f"{BREAKS} speaks of tables and codes that are there", rows.num_rows, {BREAKS: wrong}, FIX)


def _lies_in(table: Table, dimension: str, code: str) -> bool:
    return dimension in table.facts["dims"] and code in table.rows[dimension].unique().to_pylist()


def differences_are_of_cells(release: Published, declared: Declared) -> Verdict:
    """D18: every difference is one between two cells of the release, with a reason that fits and a declared text."""
    raw = (release.folder / DIFFERENCES).read_bytes()
    names = ["table", "other_table", "dimension", "other_dimension", "category", "period", "n", "other_n", "difference", "reason"]
    columns = [*names, *(f"text_{code}" for code in declared.languages)]
    types = {name: pa.int64() if name in ("n", "other_n", "difference") else pa.string() for name in columns}
    try:
        rows = pyarrow.csv.read_csv(io.BytesIO(raw), convert_options=pyarrow.csv.ConvertOptions(column_types=types))
    except pa.ArrowException:
        return verdict("D18", f"{DIFFERENCES} can be read", 1, {DIFFERENCES: 1}, FIX)
    written = io.BytesIO()
    pyarrow.csv.write_csv(rows, written, pyarrow.csv.WriteOptions(quoting_style="needed"))
    wrong = int(rows.column_names != columns or written.getvalue() != raw)
    for row in rows.to_pylist() if not wrong else ():
        pair = [release.tables.get(row["table"]), release.tables.get(row["other_table"])]
        if None in pair:
            wrong += 1
            continue
        table, other = (t for t in pair if t is not None)
        shown = [_yearly(table, row["dimension"], row), _yearly(other, row["other_dimension"], row)]
        wrong += shown != [row["n"], row["other_n"]] or row["difference"] != row["n"] - row["other_n"]
        wrong += not _is_reason(row, table, other) or any(row[name] not in declared.texts for name in columns[len(names) :])
    return verdict("D18", f"{DIFFERENCES} has differences of published cells", rows.num_rows, {DIFFERENCES: wrong}, FIX)


def _yearly(table: Table, dimension: str, row: Mapping[str, str]) -> int | None:
    """The count of a category in a year, at the total of other dimensions as far as it has one."""
    places = [d.name for d in table.dimensions]
    if dimension and dimension not in places:
        return None
    wanted = row["category"] if dimension else ALL
    found = []
    for cell, n in table.cells.items():
        *codes, kind, period = cell.split("|")
        if n is not None and (kind, period) == ("year", row["period"]) and (codes[places.index(dimension)] if dimension else ALL) == wanted:
            found.append((codes.count(ALL), n))
    return max(found)[1] if found else None


def _is_reason(row: Mapping[str, Any], table: Table, other: Table) -> bool:
    if table.facts["is_simulated"] != other.facts["is_simulated"]:
        return row["reason"] == "simulated"
    if row["difference"] == 0:
        return row["reason"] == "equal"
    if abs(row["difference"]) <= ROUNDING and (table.is_protected or other.is_protected):
        return row["reason"] == "rounding"
    return row["reason"] in REASONS
