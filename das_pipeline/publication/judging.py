"""What must be true of a finished candidate: its files are what their descriptors say, and its counts are protected and add up.

No rule is judged twice. SQL judges counts, in tables of any size (D01, D03); pandera the shape of each table, by the schema that its own
descriptor gives (D10); great-expectations what a release is expected to be after the one before (P01, P02, P03).
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import duckdb
import pyarrow.parquet as pq
from pyarrow import ArrowException

from das_pipeline import engine
from das_pipeline.disk import sha256_of
from das_pipeline.gate import Verdict
from das_pipeline.publication.csvw import SUFFIX
from das_pipeline.publication.data_docs import unmet
from das_pipeline.publication.expectations import KEPT, NEW, REVISED
from das_pipeline.publication.formats import format_of
from das_pipeline.publication.labelled import titles
from das_pipeline.publication.metadata import MARK
from das_pipeline.statistics import CORRECTIONS, MOVEMENT
from das_pipeline.terminology import ALL

# What a spreadsheet of a European language does not keep as it is: 12-17 and MAR1 become dates, 01 and 1E3 other numbers, =x a formula.
_MONTHS = "jan|feb|mar|mrt|apr|may|mei|jun|jul|aug|sep|oct|okt|nov|dec"
_NO_TEXT = re.compile(
    r"\d{1,4}[-/.]\d{1,4}([-/.]\d{1,4})?|0\d+|\d+([.,]\d+)?e[+-]?\d+|[=+@-].*"
    rf"|(\d{{1,2}}[-/ ])?({_MONTHS})[a-z]{{0,6}}[-/ .]?\d{{1,4}}|\d{{1,2}}[-/ ]?({_MONTHS})",
    re.IGNORECASE,
)
_PERIOD = r"^\d{4}(-(0[1-9]|1[0-2]|Q[1-4]))?$"


def judge(connection: duckdb.DuckDBPyConnection, folder: Path) -> list[Verdict]:
    """Return the verdicts on a candidate folder that every run computes."""
    return [
        descriptors_fit(folder),
        published_schema_holds(folder),
        counts_are_protected(connection, folder),
        totals_are_sums(connection, folder),
        codes_stay_text(folder),
    ]


def descriptors_fit(folder: Path) -> Verdict:
    """D10: every table, in every format, and every CSV beside the tables is described, with its hash and its columns."""
    package = json.loads((folder / "datapackage.json").read_bytes())
    described = {r["path"]: r for r in package["resources"]}
    files = [p for p in (folder / "tables").rglob("*") if p.is_file()] + [*folder.glob("*.csv"), *folder.glob(f"*{SUFFIX}")]
    present = {p.relative_to(folder).as_posix() for p in files}
    of_csv = {path.removesuffix(".parquet") + SUFFIX for path in described if path.endswith(".parquet")}  # themselves descriptors
    of_csv |= {path.removesuffix(".csv") + SUFFIX for path in described if "/" not in path}
    wrong = sorted(present ^ {*described, *of_csv})
    for path, resource in described.items():
        if path in wrong:
            continue
        columns = [f["name"] for f in resource["schema"]["fields"]]
        delimiter = resource.get("dialect", {}).get("delimiter") or ("" if "/" in path else ",")
        found = titles(folder / path, delimiter) if delimiter else _columns(folder / path)
        if f"sha256:{sha256_of(folder / path)}" != resource["hash"] or found != columns:
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
            columns["n"] = pa.Column("Int64", [] if facts["is_balance"] else [pa.Check.ge(0)], nullable=field.nullable)
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
        may_fall = f" AND {MOVEMENT} <> '{CORRECTIONS}'" if facts["is_balance"] else ""
        query = f"SELECT COUNT(*), COUNT(*) FILTER (n < 0{may_fall} OR n % ? <> 0) FROM {engine.parquet([path])}"
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
        if facts["method"] == "cell_key":  # of which totals are changed by themselves
            continue
        for dimension in (d for d, of in facts["dims"].items() if of["scheme"]):
            others = [engine.identifier(d) for d in [*facts["dims"], "period_kind", "period"] if d != dimension]
            query = (
                f"SELECT COUNT(*) FROM (SELECT SUM(CASE WHEN {engine.identifier(dimension)} = '{ALL}' THEN n END) AS total,"
                f" SUM(CASE WHEN {dimension} <> '{ALL}' THEN n END) AS parts, COUNT(*) - COUNT(n) AS hidden"
                f" FROM {engine.parquet([path])} GROUP BY {', '.join(others)})"
                " WHERE total <> parts AND hidden = 0"
            )
            if engine.scalar(connection, query):
                wrong.append(f"{path.stem} by {dimension}")
    sentence = "Every total is the sum of its parts." if not wrong else f"{', '.join(wrong)}: totals differ from the sum of their parts."
    return Verdict("D03", not wrong, sentence, facts={"wrong": len(wrong)})


def codes_stay_text(folder: Path) -> Verdict:
    """P04: a spreadsheet shows every code and label of a table as it is. Periods have their first and last day beside them."""
    wrong: list[str] = []
    looked_at = 0
    for path in sorted((folder / "tables").glob("*.parquet")):
        for field in pq.read_schema(path):
            codes = json.loads((field.metadata or {}).get(b"codes", b"[]"))
            looked_at += len(codes)
            wrong += [f"{o['code']} of {field.name} in {path.stem}" for o in codes if any(map(_NO_TEXT.fullmatch, o.values()))]
    sentence = (
        f"A spreadsheet keeps all {looked_at} codes."
        if not wrong
        else f"A spreadsheet would change {', '.join(wrong[:8])}: write 12_17 instead of 12-17, and a label in words."
    )
    return Verdict("P04", not wrong, sentence, facts={"codes": looked_at, "wrong": len(wrong)})


def as_expected(folder: Path, page: Path) -> list[Verdict]:
    """P01, P02 and P03: the candidate meets its suites. Judged once for each release, since importing great-expectations takes seconds."""
    return [
        Verdict(
            rule,
            not failed,
            "Every table meets what is expected of it."
            if not failed
            else f"{'; '.join(failed)}. Compare with the release before (changes.json); when the figures are right, change the limit.",
            facts={"unmet": len(failed)},
        )
        for rule, failed in ({rule: [] for rule in (KEPT, REVISED, NEW)} | unmet(folder, page)).items()
    ]


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
