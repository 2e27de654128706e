"""What must be true of a finished candidate: its files are what their descriptors say, and its counts are protected and add up.

Pandera judges each published table by the schema that is made from its own descriptor; great-expectations judges the release once more,
by a suite of its own, in BOOLEAN_ONLY mode: no value of any cell gets into a result.
"""

from __future__ import annotations

import json
import logging
import warnings
from pathlib import Path
from typing import Any

import duckdb
import pyarrow.parquet as pq
from pyarrow import ArrowException

from das_pipeline import engine
from das_pipeline.disk import sha256_of
from das_pipeline.gate import Verdict
from das_pipeline.publication.formats import format_of
from das_pipeline.publication.metadata import MARK, STATUSES
from das_pipeline.terminology import ALL

_PERIOD = r"^\d{4}(-(0[1-9]|1[0-2]|Q[1-4]))?$"


def judge(connection: duckdb.DuckDBPyConnection, folder: Path) -> list[Verdict]:
    """Return the verdicts on a candidate folder that every run computes."""
    return [
        descriptors_fit(folder),
        published_schema_holds(folder),
        counts_are_protected(connection, folder),
        totals_are_sums(connection, folder),
    ]


def descriptors_fit(folder: Path) -> Verdict:
    """D10: every file of `tables/` is described in the data package, with its hash and its columns, and nothing else is there."""
    package = json.loads((folder / "datapackage.json").read_bytes())
    described = {r["path"]: r for r in package["resources"]}
    wrong = sorted({p.relative_to(folder).as_posix() for p in (folder / "tables").rglob("*") if p.is_file()} ^ set(described))
    for path, resource in described.items():
        if path in wrong:
            continue
        columns = [f["name"] for f in resource["schema"]["fields"]]
        if f"sha256:{sha256_of(folder / path)}" != resource["hash"] or _columns(folder / path) != columns:
            wrong.append(path)
    sentence = (
        f"All {len(described)} files have the columns and bytes of their descriptor."
        if not wrong
        else f"{', '.join(wrong)}: not as datapackage.json says. A column is public only when its table declares it."
    )
    return Verdict("D10", not wrong, sentence, facts={"files": len(described), "wrong": len(wrong)})


def published_schema_holds(folder: Path) -> Verdict:
    """D10: each table satisfies the pandera schema made from its descriptor (types, codes, periods, unique cells)."""
    import pandas as pd
    from pandera.errors import SchemaError, SchemaErrors

    wrong: list[str] = []
    files = sorted((folder / "tables").glob("*.parquet"))
    for path in files:
        try:
            pandera_schema(path).validate(pd.read_parquet(path), lazy=True)
        except (SchemaError, SchemaErrors):  # their text lists cells: only the table is named
            wrong.append(path.stem)
    sentence = (
        f"All {len(files)} tables satisfy their published schema."
        if not wrong
        else f"{', '.join(wrong)}: a code, type or period is not in the published schema, or a cell occurs twice."
    )
    return Verdict("D10", not wrong, sentence, facts={"tables": len(files), "wrong": len(wrong)})


def pandera_schema(path: Path) -> Any:
    """Return the pandera schema of a published table, from what its Parquet file says about itself."""
    import pandera.pandas as pa

    schema = pq.read_schema(path)
    facts = json.loads(schema.metadata[b"das"])
    columns: dict[str, pa.Column] = {}
    for field in schema:
        codes = json.loads((field.metadata or {}).get(b"codes", b"[]"))
        if field.name == "n":
            columns["n"] = pa.Column("Int64", pa.Check.ge(0))
        elif field.name == MARK:
            columns[MARK] = pa.Column(bool, pa.Check.eq(facts["is_simulated"]))
        elif field.name == "period":
            columns["period"] = pa.Column(str, pa.Check.str_matches(_PERIOD))
        else:
            columns[field.name] = pa.Column(str, pa.Check.isin([o["code"] for o in codes]))
    keys = [*facts["dims"], "period_kind", "period"]
    return pa.DataFrameSchema(columns, unique=keys, strict=True, ordered=True)


def counts_are_protected(connection: duckdb.DuckDBPyConnection, folder: Path) -> Verdict:
    """D01: every count of a protected table is a multiple of its rounding base, so that no small count can be read."""
    wrong: dict[str, int] = {}
    cells = 0
    for path, facts in _tables(folder, "protected"):
        query = f"SELECT COUNT(*), COUNT(*) FILTER (n < 0 OR n % ? <> 0) FROM {engine.parquet([path])}"
        total, bad = connection.execute(query, [facts["base"]]).fetchall()[0]
        cells += total
        if bad:
            wrong[path.stem] = bad
    sentence = (
        f"All {cells} protected counts are multiples of their base."
        if not wrong
        else f"{', '.join(wrong)}: counts that are no multiple of the rounding base: they did not come from protected leaves."
    )
    return Verdict("D01", not wrong, sentence, facts={"cells": cells, "wrong": sum(wrong.values())})


def totals_are_sums(connection: duckdb.DuckDBPyConnection, folder: Path) -> Verdict:
    """D03: in every table each total is the sum of its parts, so that a cell has one value, whichever way a reader computes it."""
    wrong: list[str] = []
    for path, facts in [*_tables(folder, "protected"), *_tables(folder, "external")]:
        for dimension in (d for d, of in facts["dims"].items() if of["scheme"]):
            others = [engine.identifier(d) for d in [*facts["dims"], "period_kind", "period"] if d != dimension]
            query = (
                f"SELECT COUNT(*) FROM (SELECT SUM(CASE WHEN {engine.identifier(dimension)} = '{ALL}' THEN n END) AS total,"
                f" SUM(CASE WHEN {dimension} <> '{ALL}' THEN n END) AS parts FROM {engine.parquet([path])} GROUP BY {', '.join(others)})"
                " WHERE total <> parts"
            )
            if engine.scalar(connection, query):
                wrong.append(f"{path.stem} by {dimension}")
    sentence = "Every total is the sum of its parts." if not wrong else f"{', '.join(wrong)}: totals differ from the sum of their parts."
    return Verdict("D03", not wrong, sentence, facts={"wrong": len(wrong)})


def expectations(folder: Path) -> list[Verdict]:
    """D10: the suite of great-expectations on every published table, run once for a release since its import alone takes seconds."""
    files = sorted((folder / "tables").glob("*.parquet"))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # great-expectations 1.24 uses modules and calls that Python and pandas deprecate
        wrong = _unexpected(files)
    sentence = (
        f"All {len(files)} tables meet the expectations of a release."
        if not wrong
        else f"{', '.join(wrong)}: not what a release must be. Run the candidate's own checks to see which rule it breaks."
    )
    return [Verdict("D10", not wrong, sentence, facts={"tables": len(files), "wrong": len(wrong)})]


def _unexpected(files: list[Path]) -> list[str]:
    """Return the tables that do not meet their suite."""
    import great_expectations as gx
    import pandas as pd
    from great_expectations.data_context.types.base import ProgressBarsConfig

    logging.getLogger("great_expectations").setLevel(logging.ERROR)
    context = gx.get_context(mode="ephemeral")
    context.variables.progress_bars = ProgressBarsConfig(globally=False)
    source = context.data_sources.add_pandas("release")
    wrong: list[str] = []
    for path in files:
        schema = pq.read_schema(path)
        keys = [name for name in schema.names if name not in {"n", "status", MARK}]
        expected: list[tuple[str, dict[str, Any]]] = [
            ("expect_table_columns_to_match_ordered_list", {"column_list": schema.names}),
            ("expect_table_row_count_to_be_between", {"min_value": 1}),
            ("expect_column_values_to_not_be_null", {"column": "n"}),
            ("expect_column_values_to_be_between", {"column": "n", "min_value": 0}),
            ("expect_column_values_to_be_in_set", {"column": "status", "value_set": list(STATUSES)}),
            ("expect_column_values_to_be_in_set", {"column": MARK, "value_set": [json.loads(schema.metadata[b"das"])["is_simulated"]]}),
            ("expect_column_values_to_match_regex", {"column": "period", "regex": _PERIOD}),
            ("expect_compound_columns_to_be_unique", {"column_list": keys}),
        ]
        suite = gx.ExpectationSuite(name=path.stem, expectations=[{"type": kind, "kwargs": kwargs} for kind, kwargs in expected])
        batch = source.add_dataframe_asset(path.stem).add_batch_definition_whole_dataframe("whole")
        frame = pd.read_parquet(path).astype({"n": "int64"})
        if not batch.get_batch({"dataframe": frame}).validate(suite, result_format="BOOLEAN_ONLY").success:
            wrong.append(path.stem)
    return wrong


def _tables(folder: Path, kind: str) -> list[tuple[Path, dict[str, Any]]]:
    tables = [(p, json.loads(pq.read_schema(p).metadata[b"das"])) for p in sorted((folder / "tables").glob("*.parquet"))]
    return [(p, facts) for p, facts in tables if facts["kind"] == kind]


def _columns(path: Path) -> list[str]:
    """Return the columns of a published file; none of one that cannot be read in its format."""
    form = format_of(path)
    try:
        return form.read(path, pq.read_schema(path.with_suffix(".parquet"))).column_names if form else []
    except (ArrowException, OSError, ValueError):
        return []
