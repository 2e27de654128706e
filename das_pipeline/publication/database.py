"""das.duckdb: the tables and the files beside them, with descriptions as comments, the labels of codes and periods, and labelled views."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from das_pipeline import engine
from das_pipeline.errors import ConfigurationError
from das_pipeline.jurisdiction import Text
from das_pipeline.periods import first_day, kind_of, last_day
from das_pipeline.publication import metadata
from das_pipeline.publication.beside import File
from das_pipeline.publication.definitions import Described, Table
from das_pipeline.publication.texts import Words

CODES, PERIODS = "codes", "periods"


def write(path: Path, tables: Iterable[Table], folder: Path, files: Iterable[File], words: Words) -> None:
    """Create the database of `tables`, whose Parquet files are in `folder`, and of the `files` beside them, with a view in each language.

    Rows are stored, since a view breaks when a file is moved.
    """
    with duckdb.connect(str(path), config={"threads": 1}) as database:
        database.begin()  # one transaction: each statement by itself would wait for the disk
        schemas: dict[str, pa.Schema] = {}
        for table in tables:
            if table.name in (CODES, PERIODS):
                raise ConfigurationError(f"A published table cannot be called {table.name}: das.duckdb has a table of that name.")
            file = folder / f"{table.name}.parquet"
            name, schemas[table.name] = engine.identifier(table.name), pq.read_schema(file)
            database.execute(f"CREATE TABLE {name} AS SELECT * FROM {engine.parquet([file])}")
            _describe(database, table, table.description, schemas[table.name])
        used = {p for name in schemas for p in pq.read_table(folder / f"{name}.parquet", columns=["period"])["period"].unique().to_pylist()}
        for file in files:
            schemas[file.name] = file.rows.schema
            _store(database, file.name, file.rows)
            _describe(database, file, file.whole, file.rows.schema)
            used |= set(file.rows["period"].unique().to_pylist()) if "period" in file.rows.column_names else set()
        _store(database, CODES, code_labels(schemas))
        _store(database, PERIODS, period_labels(used, words))
        for language in words.languages:
            database.execute(f'CREATE SCHEMA "{language}"')
            for name, schema in schemas.items():
                database.execute(labelled_view(name, schema, language))
        database.commit()


def _describe(database: duckdb.DuckDBPyConnection, about: Described, text: Text, schema: pa.Schema) -> None:
    simulated = "SIMULATED FIGURES. " if about.is_simulated else ""
    database.execute(f"COMMENT ON TABLE {about.name} IS {_quoted(simulated + about.title.main + '. ' + text.main)}")
    for field in schema:
        database.execute(f"COMMENT ON COLUMN {about.name}.{field.name} IS {_quoted(metadata.description(field).main)}")


def code_labels(schemas: dict[str, pa.Schema]) -> pa.Table:
    """Return the label of every code, by table and column in the order in which codes are shown (`place`), in each language."""
    rows = [
        {"table_name": name, "column_name": field.name, "place": place, "code": option["code"], "language": language, "label": label}
        for name, schema in schemas.items()
        for field in schema
        for place, option in enumerate(json.loads(field.metadata.get(b"codes", b"[]")))
        for language, label in option.items()
        if language != "code"
    ]
    return pa.Table.from_pylist(rows)


def period_labels(periods: Iterable[str], words: Words) -> pa.Table:
    """Return the first and the last day of every period, and its label in each language."""
    rows = [
        {
            "period_kind": kind_of(period),
            "period": period,
            "starts_on": first_day(period),
            "ends_on": last_day(period),
            "language": language,
            "label": words.period(period, language),
        }
        for period in sorted(periods)
        for language in words.languages
    ]
    return pa.Table.from_pylist(rows)


def labelled_view(name: str, schema: pa.Schema, language: str) -> str:
    """Return the statement that creates the view of a table with the label of each code beside it."""
    table, shown, joins = engine.identifier(name), [], []
    for field in schema:
        column = engine.identifier(field.name)
        shown.append(f"cells.{column}")
        if field.name == "period":
            shown.append("periods.label AS period_label, periods.starts_on, periods.ends_on")
            joins.append(f"LEFT JOIN main.periods AS periods ON periods.period = cells.period AND periods.language = '{language}'")
        elif b"codes" in field.metadata:
            shown.append(f"{column}_of.label AS {column}_label")
            joins.append(
                f"LEFT JOIN main.codes AS {column}_of ON {column}_of.table_name = '{table}' AND {column}_of.column_name = '{column}'"
                f" AND {column}_of.language = '{language}' AND {column}_of.code = cells.{column}"
            )
    return f'CREATE VIEW "{language}".{table} AS SELECT {", ".join(shown)} FROM main.{table} AS cells {" ".join(joins)}'


def _store(database: duckdb.DuckDBPyConnection, name: str, rows: pa.Table) -> None:
    database.register("rows_to_store", rows)
    database.execute(f"CREATE TABLE {name} AS SELECT * FROM rows_to_store")
    database.unregister("rows_to_store")


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
