"""Fetching a table of StatLine, the publication service of Statistics Netherlands that the police use too, as an external source's file.

Nothing is fetched while the chain runs: the same files must give the same release. A person fetches, reads what changed, writes the new
vintage and totals in source.yaml, and commits: until then rule I01 refuses figures that do not add up to what was written there.
"""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

from das_pipeline.deliveries import odata
from das_pipeline.deliveries.external import ExternalSource, StatLine
from das_pipeline.disk import replace_file
from das_pipeline.errors import ConfigurationError
from das_pipeline.jurisdiction import Jurisdiction

STATUS = "Status"  # the publisher's mark of a period, in the set of its periods
NEVER_A_FIGURE = {"ID", "Id", "Measure", "StringValue", "Value", "ValueAttribute"}


@dataclass(frozen=True)
class Fetched:
    """What a publisher has now: rows of the file, the day of the last change, and the total of each year, as published where it is."""

    file: Path
    rows: int
    vintage: date
    totals: Mapping[int, int | Decimal]


@dataclass(frozen=True)
class _Shape:
    """What a table has: its dimensions, of which one is time, and other columns."""

    dimensions: frozenset[str]
    time: str
    others: frozenset[str]


def fetch(jurisdiction: Jurisdiction, declared: ExternalSource) -> Fetched:
    """Write the file of `declared` as its publisher has it now. NotFetched, and the old file, when anything is not as declared."""
    table = declared.statline
    if table is None:
        raise ConfigurationError(f"external/{declared.source}/source.yaml has no `statline`: take its figures from {declared.url} by hand.")
    shape = _shape(table)
    _require_columns(table, shape)
    vintage = _vintage(table)
    columns = {column.name: table.columns[column.name] for column in declared.columns}  # in the order of the file
    totals: Counter[int] = Counter()
    parts: Counter[int] = Counter()
    written = io.StringIO()
    writer = csv.writer(written, lineterminator="\n")
    writer.writerow(columns)
    rows = sorted(_rows(table, shape), key=lambda row: [str(row[columns[name]]) for name in declared.key])
    for row in rows:
        of = totals if table.total and all(row[column] == key for column, key in table.total.items()) else parts
        of[row[shape.time]] += row[columns[declared.measure]] or 0
        if of is parts:
            writer.writerow(row[column] for column in columns.values())
    file = jurisdiction.path(f"external/{declared.source}/{declared.file}")
    replace_file(file, written.getvalue().encode())
    return Fetched(file, written.getvalue().count("\n") - 1, vintage, dict(sorted((totals or parts).items())))


def _rows(table: StatLine, shape: _Shape) -> Iterator[dict[str, Any]]:
    """Yield the rows of the declared kind of period, keys without their padding, the year in place of the period, and its status."""
    where = " and ".join(f"{column} eq '{_as_published(table, column, key)}'" for column, key in table.where.items())
    address = f"{table.address}/{'TypedDataSet' if table.version == 3 else 'Observations'}"
    statuses = {_key(period, table.version): period.get(STATUS) or "" for period in _codes(table, shape.time)}
    expected, found = odata.count(address, where), 0
    for entity in odata.entities(address, table.version, where):
        found += 1
        row = {name: _plain(value) for name, value in entity.items()}
        if wrong := [column for column, key in table.where.items() if row.get(column) != key]:
            raise odata.NotFetched(f"{address} gives rows of another {wrong[0]} than was asked for. Try it later.")
        period = row[shape.time]
        if period.endswith(table.periods):
            yield row | {STATUS: statuses.get(period, ""), shape.time: int(period.removesuffix(table.periods))}
    if found != expected:
        raise odata.NotFetched(f"{address} gives {found:,} rows and says that it has {expected:,}. Try it later.")


def _plain(value: Any) -> Any:
    """Return a text without its padding, and a number without the decimals that it has for no reason: OData 4 writes 12 as 12.0."""
    if isinstance(value, str):
        return value.strip()
    return int(value) if isinstance(value, Decimal) and value == value.to_integral_value() else value


def _shape(table: StatLine) -> _Shape:
    if table.version == 3:
        properties = list(odata.entities(f"{table.address}/DataProperties", 3))
        kinds = {p["Key"]: p["Type"] for p in properties if p["Type"] not in ("Topic", "TopicGroup")}
        others = {p["Key"] for p in properties if p["Type"] == "Topic"}
    else:
        kinds = {d["Identifier"]: d["Kind"] for d in odata.entities(f"{table.address}/Dimensions", 4)} | {"Measure": ""}
        others = NEVER_A_FIGURE - {"Measure"}
    times = [name for name, kind in kinds.items() if kind == "TimeDimension"]
    if len(times) != 1:
        raise odata.NotFetched(f"{table.address} has {len(times)} dimensions of time, where one is expected. Look at the address.")
    return _Shape(frozenset(kinds), times[0], frozenset(others))


def _require_columns(table: StatLine, shape: _Shape) -> None:
    """Raise NotFetched with what changed when a declared column is gone, or a dimension came of which no key is declared."""
    named = {*table.columns.values(), *table.where, *table.total} - {STATUS}
    gone, new = sorted(named - shape.dimensions - shape.others), sorted(shape.dimensions - named)
    if gone or new:
        changes = [f"{', '.join(gone)} is gone"] * bool(gone) + [f"dimension {', '.join(new)} is new"] * bool(new)
        there = sorted(shape.others - named - NEVER_A_FIGURE)
        also = f" It also has {', '.join(there)}." if gone and there else ""
        raise odata.NotFetched(
            f"{table.address} has other columns than source.yaml declares: {'; '.join(changes)}.{also} See whether the figures are still "
            "the same, and correct `statline`."
        )


def _codes(table: StatLine, dimension: str) -> Iterator[dict[str, Any]]:
    """Yield the keys of a dimension with what is said of each."""
    return odata.entities(f"{table.address}/{dimension}{'' if table.version == 3 else 'Codes'}", table.version)


def _as_published(table: StatLine, dimension: str, key: str) -> str:
    """Return a key with the padding that it has in the table, as a filter needs it."""
    name = "Key" if table.version == 3 else "Identifier"
    published = next((str(code[name]) for code in _codes(table, dimension) if str(code[name]).strip() == key), None)
    if published is None or "'" in published:
        raise odata.NotFetched(f"{table.address}: {dimension} has no key {key}. See which one is meant now, and write it in `statline`.")
    return published


def _key(entity: Mapping[str, Any], version: int) -> str:
    return str(entity["Key" if version == 3 else "Identifier"]).strip()


def _vintage(table: StatLine) -> date:
    """Return the day on which the publisher last changed the table."""
    if table.version == 3:
        facts = next(odata.entities(f"{table.address}/TableInfos", 3), {})
    else:
        facts = odata.document(f"{table.address}/Properties")
    try:
        return date.fromisoformat(str(facts["Modified"])[:10])
    except (KeyError, ValueError):
        raise odata.NotFetched(f"{table.address} does not say when it was modified, so its figures have no vintage.") from None
