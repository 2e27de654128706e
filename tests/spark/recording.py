"""Records every query of a process that comes from an SQL file or a declaration, with its values and the rows of every table that it reads.

`python -m tests.spark.recording FILE ARGUMENTS…` runs `das ARGUMENTS` and leaves its queries in FILE. DuckDB answers every statement as it
always does; only a copy of what goes in is kept.
"""

from __future__ import annotations

import pickle
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa

from das_pipeline import spark
from das_pipeline.chain import load_chain, sources
from das_pipeline.jurisdiction import Jurisdiction
from das_pipeline.settings import PROJECT, Settings
from tests.test_sql_dialect import FILES, compiled

LARGEST = 5_000  # rows of a table that are kept
_execute = duckdb.DuckDBPyConnection.execute


@dataclass(frozen=True)
class Recorded:
    """A query, the file or the declaration that it comes from, the values bound to it, and the tables that it reads."""

    name: str
    sql: str
    values: dict[str, Any]
    tables: dict[str, pa.Table]

    @property
    def rows(self) -> int:
        return sum(table.num_rows for table in self.tables.values())


def patterns(jurisdiction: Jurisdiction) -> Iterator[tuple[str, str]]:
    """The name of every SQL file, and of what is compiled for `jurisdiction`, with an expression that finds its text in a statement."""
    for path in FILES:
        parts = re.split(r'(?:\w+\.)?"\{\{attributes\}\}"', path.read_text(encoding="utf-8").strip())
        yield path.relative_to(PROJECT).as_posix(), ".*?".join(map(re.escape, parts))
    for name, sql in compiled(jurisdiction):
        if " rows of " not in name:
            yield name, re.escape(sql.strip())
    for unit in (unit for by_partner in load_chain(jurisdiction).units.values() for unit in by_partner):
        for file, columns in unit.columns.items():
            yield f"{unit.name} rows of {file}", re.escape(sources.rows_as_known(columns, "of_the_file")).replace("of_the_file", ".*")


class Recorder:
    """Keeps each query once: of the times that it ran, the one that read most rows."""

    def __init__(self, jurisdiction: Jurisdiction) -> None:
        self.recorded: dict[str, Recorded] = {}
        self.patterns = [(name, re.compile(pattern, re.DOTALL)) for name, pattern in patterns(jurisdiction)]
        self.names: dict[str, str | None] = {}

    def see(self, connection: duckdb.DuckDBPyConnection, statement: str, values: dict[str, Any]) -> None:
        if statement not in self.names:
            self.names[statement] = next((name for name, pattern in self.patterns if pattern.search(statement)), None)
        name = self.names[statement]
        query = spark.query_of(statement) if name else None
        if name is None or query is None or (query.text in self.recorded and self.recorded[query.text].rows > 100):
            return
        tables = {
            table: _execute(connection, f"SELECT * FROM {relation} LIMIT {LARGEST}").to_arrow_table()
            for table, relation in query.relations.items()
        }
        seen = Recorded(name, query.text, values, tables)
        if query.text not in self.recorded or seen.rows > self.recorded[query.text].rows:
            self.recorded[query.text] = seen


def main() -> None:
    file, *arguments = sys.argv[1:]
    recorder = Recorder(Jurisdiction(Settings.from_environment().jurisdiction))

    def execute(connection: duckdb.DuckDBPyConnection, query: Any, parameters: Any = None, **rest: Any) -> Any:
        if isinstance(query, str) and (parameters is None or isinstance(parameters, dict)):
            recorder.see(connection, query, dict(parameters or {}))
        return _execute(connection, query, **({} if parameters is None else {"parameters": parameters}), **rest)

    duckdb.DuckDBPyConnection.execute = execute  # type: ignore[method-assign]
    from cli.main import main as das

    sys.argv = ["das", *arguments]
    try:
        das()
    finally:
        Path(file).write_bytes(pickle.dumps(list(recorder.recorded.values())))


if __name__ == "__main__":
    from tests.spark import recording  # so that what is pickled is of the module with this name

    recording.main()
