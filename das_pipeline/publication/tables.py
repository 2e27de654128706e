"""The cells of a published table: sums of protected leaves over the full grid, or another publisher's own exact figures.

The status of a cell is decided here: `final`; `provisional` while corrections are expected; `incomplete` while a source has not delivered
for all of its period, and `not_known` when none has for any of it; `estimate` where a crosswalk split a figure by weights.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import date, timedelta
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from das_pipeline import engine
from das_pipeline.disclosure import cells_file
from das_pipeline.jurisdiction import Text
from das_pipeline.lake import Lake, Version
from das_pipeline.periods import enclosing, first_day, is_provisional, kind_of, last_day, month_after, months_later
from das_pipeline.policy import Policy
from das_pipeline.publication import formats, labelled
from das_pipeline.publication.amounts import amount_cells
from das_pipeline.publication.definitions import Table
from das_pipeline.publication.durations import duration_cells
from das_pipeline.publication.metadata import CONFIDENTIAL, ESTIMATE, MARK
from das_pipeline.publication.ratios import ratio_cells
from das_pipeline.publication.rollup import rolled_up, with_corrections
from das_pipeline.publication.texts import Words
from das_pipeline.statistics import CLOSING, OPENING
from das_pipeline.terminology import ALL


def protected_cells(connection: duckdb.DuckDBPyConnection, lake: Lake, table: Table, as_of: date, policy: Policy) -> pa.Table:
    """Return the cells of a protected or derived table: every node of every dimension and its total, in every kind of period.

    Nothing but the protected leaves goes in, so any two tables agree on the cells that they share, and adding a table costs no privacy.
    """
    leaves, concepts = lake.live("disclosure/leaves"), lake.live("terminology/concepts")
    if table.method != "rounding":
        return _cells_as_decided(leaves, table, _covered_until(lake), as_of)
    _create_hierarchies(connection, table, concepts.path("hierarchies.parquet"))
    queries: list[str] = []
    bound: dict[str, str] = {}
    covered = _covered_until(lake)
    for number, (code, cube) in enumerate(table.cubes.items()):
        view = f"leaves_{number}"
        _create_view(connection, view, leaves.path(f"{cube}.parquet"))
        leaf_periods = [row[0] for row in connection.execute(f"SELECT DISTINCT period FROM {view} ORDER BY period").fetchall()]
        months = table.follow_up.get(code, 0)
        status = partial(
            status_of,
            as_of=as_of,
            provisional_months=policy.release.provisional_months,
            covered_until=covered.get(cube),
            follow_up=months,
        )
        shown = partial(_period_rows, leaf_periods, table.periods, status, only_whole=bool(months))
        rows = _opening_rows(leaf_periods, status) if code == OPENING else shown()
        if code == CLOSING and table.is_balance:
            rows = [row for row in rows if row["leaf"] > leaf_periods[0]]  # the first stock is the opening of the month after
        connection.register(f"periods_{number}", pa.Table.from_pylist(rows))
        if table.kind == "derived":
            figures = policy.disclosure.figures
            if table.ratios:
                return ratio_cells(connection, lake, table, figures)
            return amount_cells(connection, table, figures) if table.bounds else duration_cells(connection, table, figures)
        stacked = {table.dimensions[0].name: code} if code else {}
        query, values = rolled_up(number, table.dimensions[1:] if code else table.dimensions, stacked)
        queries.append(f"({query})")
        bound |= values
    keys = [engine.identifier(k) for k in table.keys]
    lines = " UNION ALL ".join(queries)
    if table.is_balance:
        lines = with_corrections(lines, keys)
    cells = connection.execute(f"SELECT * FROM ({lines}) ORDER BY {', '.join(keys)}", bound).to_arrow_table()
    for number in range(len(table.cubes)):
        connection.unregister(f"periods_{number}")
    return cells


def _cells_as_decided(leaves: Version, table: Table, covered: Mapping[str, list[date | None]], as_of: date) -> pa.Table:
    """The cells of a table that chooses its method: its periods are over, and their counts are never decided again."""
    cells = pq.read_table(leaves.path(cells_file(table.name))).sort_by([(key, "ascending") for key in table.keys])
    sources = [day for cube in table.cubes.values() for day in covered.get(cube, [])]
    of_period = {p: status_of(p, as_of, 0, sources or None) for p in cells["period"].unique().to_pylist()}
    rows = zip(cells["n"].is_null().to_pylist(), cells["period"].to_pylist(), strict=True)
    return cells.append_column("status", pa.array([CONFIDENTIAL if is_hidden else of_period[p] for is_hidden, p in rows]))


def _covered_until(lake: Lake) -> dict[str, list[date | None]]:
    """Return how far the sources of each cube have delivered, as the cubes were made; no cube where they do not say so."""
    made_from = lake.live("disclosure/leaves").inputs.get("statistics/cubes")
    facts = lake.version("statistics/cubes", made_from).facts if made_from else {}
    return {
        cube: [date.fromisoformat(day) if day else None for day in by_partner.values()]
        for cube, by_partner in facts.get("covered_until", {}).items()
    }


def status_of(
    period: str, as_of: date, provisional_months: int | None, covered_until: Sequence[date | None] | None, follow_up: int = 0
) -> str:
    """Return the status of the cells of a period, given the last reference date of each source; None when that is not known.

    What was followed up for some months needs what the sources deliver about these too.
    """
    end = min(months_later(month_after(last_day(period)), follow_up) - timedelta(days=1), as_of)
    days = [day or date.min for day in covered_until or ()]
    if days and max(days) < first_day(period):
        return "not_known"
    if days and min(days) < end:
        return "incomplete"
    return "provisional" if is_provisional(period, as_of, provisional_months) else "final"


def _create_hierarchies(connection: duckdb.DuckDBPyConnection, table: Table, path: Path) -> None:
    """Create the view `hierarchies` on those of the terminology in `path` and those of the table's own dimensions."""
    engine.create_table(connection, "own_levels", "scheme VARCHAR, level VARCHAR, leaf VARCHAR, node VARCHAR", table.own_levels)
    columns = "scheme, level, leaf, node"
    connection.execute(
        f"CREATE OR REPLACE TEMP VIEW hierarchies AS SELECT {columns} FROM {engine.parquet([path])}"
        f" UNION ALL SELECT {columns} FROM own_levels"
    )


def _create_view(connection: duckdb.DuckDBPyConnection, name: str, path: Path) -> None:
    connection.execute(f"CREATE OR REPLACE TEMP VIEW {name} AS SELECT * FROM {engine.parquet([path])}")


def _period_rows(
    leaves: Sequence[str], kinds: tuple[str, ...], status: Callable[[str], str], *, only_whole: bool = False
) -> list[dict[str, Any]]:
    """Every leaf in the periods that it lies in. A year of which not all quarters are there is left out: months tell how far it is.

    With `only_whole` so is one of which not all months are: of a cohort the follow-ups of a period have one total.
    """
    until = last_day(leaves[-1])
    return [
        {"leaf": leaf, "kind": kind, "node": node, "status": status(node)}
        for leaf in leaves
        for kind, node in enclosing(leaf).items()
        if kind in kinds and (last_day(node) <= until or not (only_whole or kind_of(leaf) == "quarter"))
    ]


def _opening_rows(leaves: Sequence[str], status: Callable[[str], str]) -> list[dict[str, Any]]:
    """The stock at the end of each month as the opening of the next, as far as there is one."""
    return [{"leaf": leaf, "kind": "month", "node": period, "status": status(period)} for leaf, period in pairwise(leaves)]


def write(cells: pa.Table, schema: pa.Schema, path: Path, columns: Mapping[str, Text], words: Words, *, is_simulated: bool) -> int:
    """Write the cells in every format and language to files named as `path`, each row marked as simulated; return their number."""
    path.parent.mkdir(parents=True, exist_ok=True)
    cells = cells.append_column(MARK, pa.repeat(is_simulated, cells.num_rows))
    shaped = cells.select(schema.names).cast(schema.remove_metadata()).cast(schema)
    for form in formats.FORMATS:
        form.write(shaped, path.with_suffix(f".{form.extension}"))
    for language in words.languages:
        labelled.write(shaped, path.with_suffix(f".{language}.csv"), language, words, columns)
    return shaped.num_rows


def external_cells(connection: duckdb.DuckDBPyConnection, lake: Lake, table: Table) -> pa.Table:
    """Return the cells of another publisher's exact figures, by the dimensions of `table` from broad to fine, with every total.

    A cell of a code to which a crosswalk gave a part of a figure is an estimate; the total of such cells is exact.
    """
    source = engine.parquet([lake.live("terminology/external").path(table.file)])
    columns = [f'"{engine.identifier(d.column)}"' for d in table.dimensions]  # quoted: a level may be called class or group
    shown = ", ".join(f"COALESCE({c}, '{ALL}') AS {engine.identifier(d.name)}" for c, d in zip(columns, table.dimensions, strict=True))
    split = " OR ".join(f"GROUPING({c}) = 0" for c, d in zip(columns, table.dimensions, strict=True) if d.is_split)
    estimated = f"WHEN BOOL_OR(is_estimate) AND ({split}) THEN '{ESTIMATE}' " if split else ""
    status = f"CASE {estimated}WHEN BOOL_OR(is_provisional) THEN 'provisional' ELSE 'final' END"
    sets = ", ".join("(" + ", ".join([*columns[:depth], "year"]) + ")" for depth in range(len(columns) + 1))
    return connection.execute(
        f"SELECT {shown}, 'year' AS period_kind, CAST(year AS VARCHAR) AS period,"
        f" CAST(SUM({engine.identifier(table.measure)}) AS BIGINT) AS n, {status} AS status"
        f" FROM {source} GROUP BY GROUPING SETS ({sets}) ORDER BY {', '.join(d.name for d in table.dimensions)}, period"
    ).to_arrow_table()
