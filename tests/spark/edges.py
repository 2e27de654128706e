"""Rows at the edges of what a type and a query can hold, for the tables that a query reads.

Each column draws from few values, so that rows of different tables meet: nothing, the end of time, halves, negative numbers, letters beyond
ASCII, texts that are empty or blank, whatever the query itself names, and some values that were recorded.
"""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import Any

import pyarrow as pa
import sqlglot
from sqlglot import exp

TEXTS = ["", " ", "a", "B", "é", "ß", "日本", "𝄞x", " a ", "007", "it's"]
MONTHS = ["2023-12", "2024-02", "2024-03"]
DAYS = [date(2024, 1, 31), date(2024, 2, 1), date(2024, 2, 29), date(2024, 3, 31), date(9999, 12, 31), date(1969, 12, 31), date(2023, 3, 1)]
WHOLE = [0, 1, 2, 3, 4, 5, -1, 7, 12]


def edge_rows(sql: str, tables: Mapping[str, pa.Table], draw: random.Random, most: int) -> dict[str, pa.Table]:
    """As many as `most` rows for each of `tables`, in its types."""
    literals = [node.this for node in sqlglot.parse_one(sql, dialect="duckdb").find_all(exp.Literal) if node.is_string]
    common: dict[str, list[Any]] = {}  # columns of one name hold values of one kind
    for table in tables.values():
        for name in table.column_names:
            values = [value for value in table.column(name).slice(0, 50).to_pylist() if not isinstance(value, list)]
            common.setdefault(name, []).extend(list(dict.fromkeys(values))[:6])
    return {name: _rows(table.schema, literals, common, draw, draw.randint(most // 2, most)) for name, table in tables.items()}


def _rows(schema: pa.Schema, literals: Sequence[str], common: Mapping[str, list[Any]], draw: random.Random, rows: int) -> pa.Table:
    columns = []
    for column in schema:
        pool = _pool(column.type, literals, common[column.name])
        chosen = draw.sample(pool, min(len(pool), 6))  # few, so that rows meet
        columns.append(pa.array([None if draw.random() < 0.08 else draw.choice(chosen) for _ in range(rows)], column.type))
    return pa.table(columns, schema)


def _pool(kind: pa.DataType, literals: Sequence[str], recorded: Sequence[Any]) -> list[Any]:
    held = list(dict.fromkeys(value for value in recorded if value is not None))
    if pa.types.is_boolean(kind):
        return [True, False]
    if pa.types.is_integer(kind):
        return WHOLE
    if pa.types.is_floating(kind):
        return [0.0, 0.5, -0.5, 2.5, 1e-9, 0.1, 1e15]
    if pa.types.is_decimal(kind):
        half = Decimal(5).scaleb(-kind.scale)
        return [Decimal(0), half, -half, 3 * half, Decimal(10), Decimal(-3), Decimal(2)]
    if pa.types.is_date(kind):
        return DAYS + held
    if pa.types.is_binary(kind) or pa.types.is_large_binary(kind):
        return [b"", b"a", b"\x00\xff", *held]
    if pa.types.is_string(kind) or pa.types.is_large_string(kind):
        return TEXTS + MONTHS + list(dict.fromkeys([*literals, *literals, *held]))
    return [*held] or [None]
