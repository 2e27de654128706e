"""Apache Spark as a second engine for the SQL of terminology, chain and statistics (`DAS_ENGINE=spark`).

What is in the dialect of both engines (`dialect`) runs on Spark; what is not, such as a rewriting rule, stays with DuckDB, which also reads
and writes the files: they are encrypted as DuckDB does it, and Spark's reader cannot open them (docs/spark.md). Rows go from one to the
other through Arrow, in this process. Spark, Java and sqlglot are optional: who does not set `DAS_ENGINE` needs none of them.
"""

from __future__ import annotations

import logging
import re
import shutil
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, cast

import duckdb
import pyarrow as pa

from das_pipeline.errors import ConfigurationError, DasError

if TYPE_CHECKING:
    from pyspark.sql import SparkSession  # pyright: ignore[reportMissingImports]
    from sqlglot import exp

Connections = Callable[[], AbstractContextManager[duckdb.DuckDBPyConnection]]

STAGES = frozenset({"terminology", "chain", "statistics"})  # whose connections hand their queries to Spark
OPTIONS = {
    "spark.driver.memory": "2g",
    "spark.io.encryption.enabled": "true",  # what it spills may hold values of a person
    "spark.sql.ansi.enabled": "true",  # an overflow is an error, as in DuckDB, not another number
    "spark.sql.session.timeZone": "UTC",
    "spark.sql.shuffle.partitions": "2",
    "spark.ui.enabled": "false",
    "spark.ui.showConsoleProgress": "false",
}
_MADE = re.compile(r"\s*(?:CREATE (?:OR REPLACE )?(?:TEMP )?TABLE \w+ AS|INSERT INTO \w+)\s")
_COPIED = re.compile(r"COPY \((.*)\) TO '.*' \(.*\)", re.DOTALL)
_FILES = re.compile(r"read_parquet\(\[.*?\](?:, encryption_config=\{footer_key:'das'\})?\)", re.DOTALL)


def missing() -> str | None:
    """What of Spark this machine has not; None when it has all."""
    absent = [package for package in ("pyspark", "sqlglot") if find_spec(package) is None]
    if absent:
        return f"the package {absent[0]} is not installed"
    return None if shutil.which("java") else "there is no Java"


def require() -> None:
    """Raise ConfigurationError when something of Spark is missing."""
    if lacking := missing():
        raise ConfigurationError(f"DAS_ENGINE is spark, but {lacking}: install both (docs/spark.md), or leave DAS_ENGINE out.")


@cache
def session() -> SparkSession:
    """The session of this process, started at the first call."""
    require()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)  # about pandas, which is not used here
        from pyspark.sql import SparkSession  # pyright: ignore[reportMissingImports]

        builder = SparkSession.builder.master("local[2]").appName("das")
        for name, value in OPTIONS.items():
            builder = builder.config(name, value)
        made = builder.getOrCreate()
    made.sparkContext.setLogLevel("OFF")  # what Spark says of a query that fails has values of rows in it
    logging.getLogger("SQLQueryContextLogger").setLevel(logging.CRITICAL + 1)
    return made


@dataclass(frozen=True)
class Query:
    """A query of a statement, with the relation that each table in it stands for."""

    text: str
    relations: Mapping[str, str]
    around: tuple[str, str]  # what of the statement comes before the query, and after it


@cache
def query_of(statement: str) -> Query | None:
    """The query that a statement runs, makes a table of, adds to one or writes to a file.

    None when the dialect does not have it, or it reads no table.
    """
    import sqlglot
    from sqlglot import exp

    from das_pipeline.dialect import faults

    begun = _MADE.match(statement)
    copied = _COPIED.fullmatch(statement)
    start, end = (begun.end(), len(statement)) if begun else copied.span(1) if copied else (0, len(statement))
    files: dict[str, str] = {}
    text = _FILES.sub(lambda found: files.setdefault(found[0], f"file_{len(files)}"), statement[start:end])
    if not re.match(r"\s*(--|\(|WITH\b|SELECT\b)", text) or faults(text):
        return None
    tree = sqlglot.parse_one(text, dialect="duckdb")
    tables = list(tree.find_all(exp.Table))
    if any(table.db for table in tables):  # of the catalogue, or of another database
        return None
    relations = {name: relation for relation, name in files.items()}
    relations |= {table.name: table.name for table in tables if table.name not in relations and not _is_step(tree, table)}
    return Query(text, relations, (statement[:start], statement[end:])) if relations else None


def _is_step(tree: exp.Expr, table: exp.Table) -> bool:
    """Whether a name in a query stands for a step of its WITH: for one before the step that reads it, or any outside of them."""
    from sqlglot import exp

    steps = list(tree.find_all(exp.CTE))
    inside = next((n for n, step in enumerate(steps) if any(node is table for node in step.find_all(exp.Table))), len(steps))
    return table.name in {step.alias for step in steps[:inside]}


class Connection:
    """A connection of DuckDB that lets Spark run the queries of the dialect. Everything else about it is DuckDB's."""

    def __init__(self, connection: duckdb.DuckDBPyConnection) -> None:
        self._duckdb = connection

    def __getattr__(self, name: str) -> Any:
        return getattr(self._duckdb, name)

    def execute(self, statement: str, parameters: Any = None) -> duckdb.DuckDBPyConnection:
        """As `duckdb.DuckDBPyConnection.execute`, with the same rows in the same types."""
        query = query_of(statement) if parameters is None or isinstance(parameters, Mapping) else None
        if query is None:
            return self._duckdb.execute(statement, parameters)
        rows = self._run(query, parameters or {})
        rows = rows.rename_columns([f"column_{n}" for n in range(rows.num_columns)])  # a query may give two the same name
        self._duckdb.register("rows_of_spark", rows)
        kinds = self._duckdb.execute(f"DESCRIBE {_with_files(query)}", parameters or {}).fetchall()
        columns = ", ".join(f'CAST(column_{n} AS {kind}) AS "{_quoted(name)}"' for n, (name, kind, *_) in enumerate(kinds))
        return self._duckdb.execute(f"SELECT {columns} FROM rows_of_spark".join(query.around))

    def _run(self, query: Query, values: Mapping[str, Any]) -> pa.Table:
        from py4j.protocol import Py4JError  # pyright: ignore[reportMissingImports]
        from pyspark.errors import PySparkException  # pyright: ignore[reportMissingImports]

        spark = session()
        for name, relation in query.relations.items():
            rows = self._duckdb.execute(f"SELECT * FROM {relation}").to_arrow_table()
            spark.createDataFrame(rows).createOrReplaceTempView(name)
        try:
            return on_spark(query.text, values)
        except (PySparkException, Py4JError) as error:
            raise DasError(f"Spark stopped with {type(error).__name__}. Run without DAS_ENGINE, and report it.") from None


def _quoted(name: str) -> str:
    return name.replace('"', '""')


def _with_files(query: Query) -> str:
    """The query with the relations in it that are files, as DuckDB reads it."""
    text = query.text
    for name, relation in query.relations.items():
        if relation != name:
            text = re.sub(rf"\b{name}\b", lambda _, relation=relation: relation, text)
    return text


def on_spark(query: str, values: Mapping[str, Any]) -> pa.Table:
    """The rows of `query`, which is in the dialect, from the views of the session."""
    from das_pipeline.dialect import for_spark

    return session().sql(for_spark(query), args=dict(values)).toArrow()


def over(connections: Connections) -> Connections:
    """`connections`, each of which lets Spark run the queries of the dialect."""

    @contextmanager
    def connect() -> Iterator[duckdb.DuckDBPyConnection]:
        with connections() as connection:
            yield cast("duckdb.DuckDBPyConnection", Connection(connection))

    return connect
