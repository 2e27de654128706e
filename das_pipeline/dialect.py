"""The part of DuckDB's SQL that Spark understands the same way, and how a query of it is written for Spark.

sqlglot lets some DuckDB-only syntax through without a word, so what is allowed is listed here: functions by name, syntax by node.
Whoever needs another one adds it after seeing that both engines give the same rows (tests/spark).

Types are not in the text of a query, so that some differences can only be seen there: a date minus a date is a number in DuckDB and an
interval in Spark (use DATE_DIFF), and LENGTH of a list is an error in Spark.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

import sqlglot
from sqlglot import exp
from sqlglot.errors import SqlglotError
from sqlglot.tokenizer_core import TokenType

# fmt: off
FUNCTIONS = {
    "ABS", "AND", "CASE", "CAST", "COALESCE", "CONCAT_WS", "COUNT", "DATEDIFF", "EXTRACT", "GREATEST", "IF", "LAG", "LEAD",
    "LEAST", "LENGTH", "LN", "LOWER", "MAX", "MIN", "NULLIF", "OR", "ROUND", "ROW_NUMBER", "SUBSTRING", "SUM", "TIMESTAMP_TRUNC",
    "TRIM", "TRY_CAST", "UPPER",
}
SYNTAX = {
    "Add", "Alias", "Between", "CTE", "Column", "DataType", "DataTypeParam", "Distinct", "Div", "EQ", "Except", "From", "GT",
    "GTE", "Group", "Having", "Identifier", "In", "Interval", "Is", "Join", "LT", "LTE", "Literal", "Mod", "Mul", "NEQ", "Neg",
    "Not", "Null", "Order", "Ordered", "Paren", "Placeholder", "Select", "Star", "Sub", "Subquery", "Table", "TableAlias",
    "Union", "Var", "Where", "Window", "WindowSpec", "With",
}
# fmt: on
JOINS = {"", "INNER", "CROSS", "LEFT", "FULL"}


def faults(sql: str) -> list[str]:
    """What in `sql` is outside the dialect; nothing for a file that both engines read."""
    try:
        statements = [s for s in sqlglot.parse(sql, dialect="duckdb") if s is not None]
        sqlglot.transpile(sql, read="duckdb", write="spark", unsupported_level=sqlglot.ErrorLevel.RAISE)
    except SqlglotError as error:
        return [f"does not parse or transpile: {error}"]
    if len(statements) != 1 or not isinstance(statements[0], exp.Query):
        return ["is not one query"]
    found = ["`::` for CAST"] if any(t.token_type is TokenType.DCOLON for t in sqlglot.tokenize(sql, dialect="duckdb")) else []
    steps = Counter(step.alias for step in statements[0].find_all(exp.CTE))
    found += [f"two steps are called {name}: for Spark, sqlglot moves them all to the top" for name, n in steps.items() if n > 1]
    return found + [fault for node in statements[0].walk() for fault in _node_faults(node)]


def _node_faults(node: exp.Expr) -> Iterator[str]:
    name = type(node).__name__
    if isinstance(node, exp.Anonymous):
        yield f"function {node.name}"
    elif isinstance(node, exp.Func):
        if node.sql_name() not in FUNCTIONS:
            yield f"function {node.sql_name()}"
        elif isinstance(node, exp.DateDiff) and node.text("unit").upper() not in {"", "DAY"}:
            yield f"DATE_DIFF in {node.text('unit')}: DuckDB counts the turns of the calendar, Spark whole months"
    elif name not in SYNTAX:
        yield f"syntax {name}"
    if isinstance(node, exp.Join) and (node.method or node.side not in JOINS or node.args.get("using")):
        yield f"join {node.method or node.side or 'USING'}"
    if isinstance(node, exp.Star) and any(node.args.get(key) for key in ("except", "except_", "replace", "rename")):
        yield "columns left out of or replaced in *"
    if isinstance(node, exp.Group) and node.args.get("all"):
        yield "GROUP BY ALL"
    if isinstance(node, exp.Select):
        sources = {join.alias_or_name for join in [node.args.get("from_"), *node.args.get("joins", [])] if join is not None}
        for column in node.find_all(exp.Column):
            if not column.table and column.name in sources and column.parent_select is node:
                yield f"all of a row, {column.name}, as one value"


def for_spark(sql: str) -> str:
    """The query `sql`, which is in the dialect, as Spark reads it."""
    return sqlglot.transpile(sql, read="duckdb", write="spark", unsupported_level=sqlglot.ErrorLevel.RAISE)[0]
