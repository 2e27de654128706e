"""One query on both engines."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

import duckdb
import pyarrow as pa

from das_pipeline import spark

QUICK_START = "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC"  # of Java: what runs for a minute is not worth compiling twice
# To compile Java for each query takes a second or more, and a plan that adapts to sizes is of no use for a few rows.
FOR_FEW_ROWS = {
    "spark.sql.adaptive.enabled": "false",
    "spark.sql.codegen.factoryMode": "NO_CODEGEN",
    "spark.sql.codegen.wholeStage": "false",
}


def on_duckdb(sql: str, values: Mapping[str, Any], tables: Mapping[str, pa.Table]) -> pa.Table:
    """The rows of `sql` from `tables`, as DuckDB has them."""
    with duckdb.connect(":memory:", config={"threads": 1}) as connection:
        for name, rows in tables.items():
            connection.register("arrow_rows", rows)
            connection.execute(f'CREATE TABLE "{name}" AS SELECT * FROM arrow_rows')
            connection.unregister("arrow_rows")
        return connection.execute(sql, dict(values)).to_arrow_table()


def on_spark(sql: str, values: Mapping[str, Any], tables: Mapping[str, pa.Table]) -> pa.Table:
    """The rows of `sql` from `tables`, as Spark has them."""
    os.environ.setdefault("JDK_JAVA_OPTIONS", QUICK_START)
    session = spark.session()
    for name, value in FOR_FEW_ROWS.items():
        session.conf.set(name, value)
    for name, rows in tables.items():
        session.createDataFrame(rows).createOrReplaceTempView(name)
    return spark.on_spark(sql, values)


def kinds(table: pa.Table) -> list[str]:
    """What each column holds. Whole numbers are one kind: DuckDB sums to 128 bits, and what is written is cast to its width."""
    return [_kind(field.type) for field in table.schema]


def _kind(kind: pa.DataType) -> str:
    if pa.types.is_integer(kind) or (pa.types.is_decimal(kind) and kind.scale == 0):
        return "whole number"
    if pa.types.is_string(kind) or pa.types.is_large_string(kind):
        return "text"
    if pa.types.is_binary(kind) or pa.types.is_large_binary(kind):
        return "bytes"
    return f"decimal with {kind.scale} places" if pa.types.is_decimal(kind) else str(kind)


def rows_of(table: pa.Table) -> list[tuple[Any, ...]]:
    """The rows, sorted: a query without ORDER BY has none, and where an order matters another column numbers it."""
    columns = [column.to_pylist() for column in table.columns]
    return sorted(zip(*columns, strict=True), key=repr)
