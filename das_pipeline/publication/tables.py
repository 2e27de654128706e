"""The cells of a published table: sums of protected leaves over the full grid, or another publisher's own exact figures."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa

from das_pipeline import engine
from das_pipeline.lake import Lake
from das_pipeline.periods import enclosing, is_provisional
from das_pipeline.publication import formats
from das_pipeline.publication.definitions import Dimension, Table
from das_pipeline.publication.metadata import MARK
from das_pipeline.terminology import ALL


def protected_cells(
    connection: duckdb.DuckDBPyConnection, lake: Lake, table: Table, as_of: date, provisional_months: int | None
) -> pa.Table:
    """The cells of a protected table: every node of every dimension and its total, in every kind of period.

    Nothing but the protected leaves goes in, so any two tables agree on the cells that they share, and adding a table costs no privacy.
    """
    leaves, concepts = lake.live("disclosure/leaves"), lake.live("terminology/concepts")
    parts: list[str] = []
    periods: set[str] = set()
    for code, cube in table.cubes.items():
        source = engine.parquet([leaves.path(f"{cube}.parquet")])
        periods |= {row[0] for row in connection.execute(f"SELECT DISTINCT period FROM {source}").fetchall()}
        stacked = {table.dimensions[0].name: code} if code else {}
        parts.append(_rolled_up(source, table, stacked, engine.parquet([concepts.path("hierarchies.parquet")])))
    rows = _period_rows(sorted(periods), table.periods, as_of, provisional_months)
    connection.register("periods", pa.Table.from_pylist(rows))
    keys = ", ".join(engine.identifier(k) for k in table.keys)
    cells = connection.execute(f"SELECT * FROM ({' UNION ALL '.join(parts)}) ORDER BY {keys}").to_arrow_table()
    connection.unregister("periods")
    return cells


def _rolled_up(source: str, table: Table, stacked: dict[str, str], hierarchies: str) -> str:
    """The query that sums one cube's leaves. Concepts that no scheme has (not_applicable) stand for themselves."""
    steps = [f"leaf AS (SELECT * FROM {source} WHERE measure = 'n')"]
    joins = ["JOIN periods ON periods.leaf = leaf.period"]
    nodes = [f"'{engine.identifier(code)}' AS {engine.identifier(name)}" for name, code in stacked.items()]
    for dimension in table.dimensions if not stacked else ():
        name = engine.identifier(dimension.name)
        steps.append(f"{name}_node AS ({_nodes(dimension, hierarchies)})")
        joins.append(f"JOIN {name}_node ON {name}_node.leaf = leaf.{name}")
        nodes.append(f"{name}_node.node AS {name}")
    return (
        f"(WITH {', '.join(steps)} SELECT {''.join(n + ', ' for n in nodes)}periods.kind AS period_kind, periods.node AS period,"
        " CAST(SUM(leaf.value) AS BIGINT) AS n,"
        " CASE WHEN BOOL_AND(leaf.structural) THEN 'not_applicable' ELSE MIN(periods.status) END AS status"
        f" FROM leaf {' '.join(joins)} GROUP BY ALL)"
    )


def _nodes(dimension: Dimension, hierarchies: str) -> str:
    """Leaf → node for the level of the table and for the total."""
    name = engine.identifier(dimension.name)
    return (
        f"SELECT values_of.leaf, COALESCE(h.node, values_of.leaf) AS node FROM (SELECT DISTINCT {name} AS leaf FROM leaf) values_of"
        f" LEFT JOIN {hierarchies} h ON h.leaf = values_of.leaf AND h.scheme = '{engine.identifier(dimension.scheme or '')}'"
        f" AND h.level = '{engine.identifier(dimension.level)}'"
        f" UNION ALL SELECT DISTINCT {name}, '{ALL}' FROM leaf"
    )


def _period_rows(leaves: list[str], kinds: tuple[str, ...], as_of: date, provisional_months: int | None) -> list[dict[str, Any]]:
    rows = []
    for leaf in leaves:
        for kind, node in enclosing(leaf).items():
            if kind in kinds:
                status = "provisional" if is_provisional(node, as_of, provisional_months) else "final"
                rows.append({"leaf": leaf, "kind": kind, "node": node, "status": status})
    return rows


def write(cells: pa.Table, schema: pa.Schema, path: Path, *, is_simulated: bool) -> int:
    """Write the cells in every format to files named as `path`, each row marked as simulated or not; return their number."""
    path.parent.mkdir(parents=True, exist_ok=True)
    cells = cells.append_column(MARK, pa.repeat(is_simulated, cells.num_rows))
    shaped = cells.select(schema.names).cast(schema.remove_metadata()).cast(schema)
    for form in formats.FORMATS:
        form.write(shaped, path.with_suffix(f".{form.extension}"))
    return shaped.num_rows


def external_cells(connection: duckdb.DuckDBPyConnection, lake: Lake, table: Table) -> pa.Table:
    """The cells of another publisher's figures, exact as they are: by the dimensions of `table` from broad to fine, with every total."""
    source = engine.parquet([lake.live("terminology/external").path(table.file)])
    columns = [f'"{engine.identifier(d.column)}"' for d in table.dimensions]  # quoted: a level may be called class or group
    shown = ", ".join(f"COALESCE({c}, '{ALL}') AS {engine.identifier(d.name)}" for c, d in zip(columns, table.dimensions, strict=True))
    sets = ", ".join("(" + ", ".join([*columns[:depth], "year"]) + ")" for depth in range(len(columns) + 1))
    return connection.execute(
        f"SELECT {shown}, 'year' AS period_kind, CAST(year AS VARCHAR) AS period,"
        f" CAST(SUM({engine.identifier(table.measure)}) AS BIGINT) AS n, 'final' AS status"
        f" FROM {source} GROUP BY GROUPING SETS ({sets}) ORDER BY {', '.join(d.name for d in table.dimensions)}, period"
    ).to_arrow_table()
