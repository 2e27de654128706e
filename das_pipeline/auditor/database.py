"""D18 in das.duckdb: the tables of the release and the files beside them, with descriptions and labels, and nothing else.

No other object is in it, no comment, and no deleted row.
"""

from __future__ import annotations

import json
import tempfile
from calendar import monthrange
from collections import Counter
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa

from das_pipeline.auditor import beside, csvw
from das_pipeline.auditor.declared import Declared
from das_pipeline.auditor.findings import verdict
from das_pipeline.auditor.release import Published, Table
from das_pipeline.gate import Verdict

FILE = "das.duckdb"
FIX = "Build the candidate again: das.duckdb is made from the tables and nothing else."
LABELS = ("codes", "periods")  # the tables of labels
HEADER = 4096  # bytes with the version of the engine
VERSION = slice(52, 116)  # the name of the version, and of the source that it was made from
BLOCK = 262_144
OTHERS = {  # everything that a database may hold besides tables and the views on them
    "schema comments": "SELECT COUNT(*) FROM duckdb_schemas() WHERE database_name = 'das' AND comment IS NOT NULL",
    "view comments": "SELECT COUNT(*) FROM duckdb_views() WHERE database_name = 'das' AND comment IS NOT NULL",
    "functions": "SELECT COUNT(*) FROM duckdb_functions() WHERE database_name = 'das' AND NOT internal",
    "types": "SELECT COUNT(*) FROM duckdb_types() WHERE database_name = 'das' AND NOT internal",
    "sequences": "SELECT COUNT(*) FROM duckdb_sequences() WHERE database_name = 'das'",
    "indexes": "SELECT COUNT(*) FROM duckdb_indexes() WHERE database_name = 'das'",
    "constraints": "SELECT COUNT(*) FROM duckdb_constraints() WHERE database_name = 'das' AND constraint_type <> 'NOT NULL'",
    "defaults": "SELECT COUNT(*) FROM duckdb_columns() WHERE database_name = 'das' AND column_default IS NOT NULL",
    "database": "SELECT COUNT(*) FROM duckdb_databases() WHERE database_name = 'das' AND comment IS NOT NULL",
    "free blocks": "SELECT SUM(free_blocks) FROM pragma_database_size() WHERE database_name = 'das'",
}
SAME = {  # what it has as one that is made now has it
    "schemas": "SELECT schema_name FROM duckdb_schemas() WHERE database_name = '{}' AND NOT internal",
    "views": "SELECT schema_name, view_name, sql FROM duckdb_views() WHERE database_name = '{}' AND NOT internal",
    "tables": "SELECT schema_name, table_name, comment FROM duckdb_tables() WHERE database_name = '{}'",
    "columns": "SELECT c.schema_name, c.table_name, column_name, c.comment, data_type, is_nullable FROM duckdb_columns() AS c"
    " JOIN duckdb_tables() AS t USING (database_name, schema_name, table_name) WHERE database_name = '{}'",
    "labels of codes": 'SELECT * FROM "{}".main.codes',
    "labels of periods": 'SELECT * FROM "{}".main.periods',
} | {f"rows of {name}": f'SELECT * FROM "{{}}".main.{name}' for name in beside.NAMES}


def database_has_nothing_else(release: Published, declared: Declared) -> Verdict:
    """D18: the database holds the tables, their descriptions and labels, and no other object; it has the bytes of one that is made now."""
    path = release.folder / FILE
    faults: Counter[str] = Counter()
    with (
        tempfile.TemporaryDirectory() as folder,
        duckdb.connect(":memory:", config={"threads": 1, "autoload_known_extensions": "false"}) as connection,
    ):
        own = Path(folder) / FILE
        try:
            _make(own, release, declared)
            connection.execute(f"ATTACH {_quoted(str(path))} AS das (READ_ONLY)")
            connection.execute(f"ATTACH {_quoted(str(own))} AS own (READ_ONLY)")
            for kind, query in OTHERS.items():
                faults[f"{FILE}: {kind}"] = int(connection.execute(query).fetchall()[0][0] or 0)
            for kind, query in SAME.items():
                rows = [Counter(connection.execute(query.format(name)).fetchall()) for name in ("das", "own")]
                faults[f"{FILE}: {kind}"] = ((rows[0] - rows[1]) + (rows[1] - rows[0])).total()
        except (duckdb.Error, OSError, ValueError, KeyError, TypeError, AttributeError):  # what describes it is not of its shape either
            return verdict("D18", "das.duckdb can be read", 1, {FILE: 1}, FIX)
        faults[FILE] = _other_bytes(own, path) if not faults.total() else 0
    return verdict("D18", "das.duckdb holds the tables and nothing else", len(OTHERS) + len(release.tables), faults, FIX)


def _description(table: Table) -> str:
    facts = table.facts
    marked = "SIMULATED FIGURES. " if facts["is_simulated"] else ""
    return f"{marked}{_main(facts['title'])}. {_main(facts['description'])}"


def _main(texts: dict[str, str]) -> str:
    return texts.get("en") or next(iter(texts.values()))


def _of(metadata: dict[bytes, bytes], prefix: str) -> str:
    """The text among a field's metadata whose keys begin with `prefix`, in English if it has that."""
    return _main({key.decode().removeprefix(prefix): value.decode() for key, value in metadata.items() if key.decode().startswith(prefix)})


def _make(path: Path, release: Published, declared: Declared) -> None:
    """Make the database as it should be."""
    with duckdb.connect(str(path), config={"threads": 1}) as connection:
        connection.begin()
        for name, table in sorted(release.tables.items()):
            connection.execute(f'CREATE TABLE "{name}" AS SELECT * FROM read_parquet({_quoted(str(table.path))})')
            connection.execute(f'COMMENT ON TABLE "{name}" IS {_quoted(_description(table))}')
            for field in table.rows.schema:
                connection.execute(f'COMMENT ON COLUMN "{name}"."{field.name}" IS {_quoted(_of(field.metadata, "description_"))}')
        files = {name: _as_stored(release, name) for name in beside.NAMES if beside.resource_of(release, name)}
        for name, rows in files.items():
            _store(connection, name, rows)
            connection.execute(f'COMMENT ON TABLE "{name}" IS {_quoted(_told_of_file(release, name))}')
            for field in rows.schema:
                connection.execute(f'COMMENT ON COLUMN "{name}"."{field.name}" IS {_quoted(_of(field.metadata, "description_"))}')
        for name, rows in zip(LABELS, (_code_rows(release, files), _period_rows(release, files, declared)), strict=True):
            _store(connection, name, pa.Table.from_pylist(rows))
        for language in declared.languages:
            connection.execute(f'CREATE SCHEMA "{language}"')
            for name, table in sorted(release.tables.items()):
                connection.execute(_view(name, table.rows.schema, language))
            for name, rows in files.items():
                connection.execute(_view(name, rows.schema, language))
        connection.commit()


def _store(connection: duckdb.DuckDBPyConnection, name: str, rows: pa.Table) -> None:
    connection.register("rows_to_store", rows)
    connection.execute(f"CREATE TABLE {name} AS SELECT * FROM rows_to_store")
    connection.unregister("rows_to_store")


def _as_stored(release: Published, name: str) -> pa.Table:
    """The rows of a file beside the tables, with the texts of its columns and codes as a table has them.

    Its own description has the texts of columns by language, and the data package those of codes.
    """
    told = json.loads((release.folder / f"{name}{csvw.SUFFIX}").read_bytes())
    rows, resource = beside.rows(release, name), beside.resource_of(release, name) or {}
    titles = {column["name"]: column["titles"] for column in told["tableSchema"]["columns"]}
    languages = list(next(iter(titles.values())))
    fields = []
    for column, described in zip(rows.schema, resource["schema"]["fields"], strict=True):
        metadata = {f"description_{code}": text for code, (_, text) in titles[column.name].items()}
        if "categories" in described:
            codes = [{"code": o["value"]} | {c: o.get(f"label_{c}", o["label"]) for c in languages} for o in described["categories"]]
            metadata["codes"] = json.dumps(codes)
        fields.append(column.with_metadata(metadata))
    return rows.cast(pa.schema(fields))


def _told_of_file(release: Published, name: str) -> str:
    resource = beside.resource_of(release, name) or {}
    marked = "SIMULATED FIGURES. " if resource["is_simulated"] else ""
    return f"{marked}{resource['title']}. {resource['description']}"


def _code_rows(release: Published, files: dict[str, pa.Table]) -> list[dict[str, Any]]:
    """The label of each code of each column, one row per language."""
    rows = []
    schemas = {name: table.rows.schema for name, table in sorted(release.tables.items())}
    for name, schema in (schemas | {name: of_file.schema for name, of_file in files.items()}).items():
        for field in schema:
            for place, option in enumerate(json.loads((field.metadata or {}).get(b"codes", b"[]"))):
                of_code = {"table_name": name, "column_name": field.name, "place": place, "code": option["code"]}
                rows += [of_code | {"language": key, "label": label} for key, label in option.items() if key != "code"]
    return rows


def _period_rows(release: Published, files: dict[str, pa.Table], declared: Declared) -> list[dict[str, Any]]:
    """The first and last day of each period and its label, one row per language."""
    with_periods = [*(t.rows for t in release.tables.values()), *(rows for rows in files.values() if "period" in rows.column_names)]
    periods = sorted({p for rows in with_periods for p in rows["period"].unique().to_pylist()})
    return [days_of(p) | {"language": code, "label": forms.period(p)} for p in periods for code, forms in declared.languages.items()]


def days_of(period: str) -> dict[str, Any]:
    """The kind of a period, and its first and last day."""
    year, _, part = period.partition("-")
    kind = "year" if not part else "quarter" if part[0] == "Q" else "month"
    first = 1 if not part else 3 * int(part[1]) - 2 if kind == "quarter" else int(part)
    last = {"year": 12, "quarter": first + 2, "month": first}[kind]
    ends = date(int(year), last, monthrange(int(year), last)[1])
    return {"period_kind": kind, "period": period, "starts_on": date(int(year), first, 1), "ends_on": ends}


def _view(name: str, schema: pa.Schema, language: str) -> str:
    """The statement of the view that shows every code of a table with its label, and every period with its days."""
    columns, joins = [], ""
    for field in schema:
        columns.append(f"cells.{field.name}")
        if field.name == "period":
            columns += ["periods.label AS period_label", "periods.starts_on", "periods.ends_on"]
            joins += f" LEFT JOIN main.periods AS periods ON periods.period = cells.period AND periods.language = '{language}'"
        elif b"codes" in (field.metadata or {}):
            of = f"{field.name}_of"
            columns.append(f"{of}.label AS {field.name}_label")
            joins += f" LEFT JOIN main.codes AS {of} ON {of}.table_name = '{name}' AND {of}.column_name = '{field.name}'"
            joins += f" AND {of}.language = '{language}' AND {of}.code = cells.{field.name}"
    return f'CREATE VIEW "{language}".{name} AS SELECT {", ".join(columns)} FROM main.{name} AS cells{joins}'


def _other_bytes(own: Path, path: Path) -> int:
    """Whether the file differs from one made now by more than its checksums: rows that were deleted stay in it until they are overwritten.

    An engine of another version writes other bytes: such a file is not compared, if it names that version.
    """
    ours, theirs = own.read_bytes(), path.read_bytes()
    if ours[:HEADER] != theirs[:HEADER]:
        return int(ours[VERSION] == theirs[VERSION])
    if len(ours) != len(theirs):
        return 1
    import numpy as np

    apart = int((np.frombuffer(ours, np.uint8) != np.frombuffer(theirs, np.uint8)).sum())
    return int(apart > 16 * (len(ours) // BLOCK + 3))


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
