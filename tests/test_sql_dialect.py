"""Every SQL file, and the SQL that is compiled from contracts, stays in the part of DuckDB that Spark understands the same way.

That it does is tried in tests/spark.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import duckdb
import pytest

from das_pipeline import statistics
from das_pipeline.chain import load_chain, sources
from das_pipeline.dialect import faults
from das_pipeline.jurisdiction import Jurisdiction
from das_pipeline.publication.definitions import Dimension
from das_pipeline.publication.rollup import rolled_up, with_corrections
from das_pipeline.settings import PROJECT
from das_pipeline.statistics import counting, judging
from tests.conftest import TOY
from tests.spark.unreached import UNREACHED

FILES = sorted(path for package in ("das_pipeline", "simulation") for path in (PROJECT / package).rglob("*.sql"))


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.relative_to(PROJECT).as_posix())
def test_a_file_stays_in_the_dialect_and_says_what_a_row_is(path: Path) -> None:
    sql = path.read_text(encoding="utf-8")
    assert faults(sql) == []
    assert sql.startswith("-- "), "the first line says what a row is"
    assert [line for line in sql.splitlines() if len(line) > 140] == []


@pytest.mark.parametrize("name", UNREACHED)
def test_the_tables_that_spark_is_tried_with_are_those_that_a_file_reads(name: str) -> None:
    values, tables = UNREACHED[name]
    with duckdb.connect(":memory:") as connection:
        for table, columns in tables.items():
            connection.execute(f"CREATE TABLE {table} ({columns})")
        connection.execute((PROJECT / name).read_text(encoding="utf-8"), values)


def fixed_queries(source: str) -> Iterator[tuple[int, int]]:
    """Yield the line and the number of lines of every query in a Python file that is one constant text."""
    tree = ast.parse(source)
    documented = [n for n in ast.walk(tree) if isinstance(n, (ast.Module, ast.ClassDef, ast.FunctionDef)) and ast.get_docstring(n)]
    skipped = {id(node.body[0].value) for node in documented if isinstance(node.body[0], ast.Expr)}
    skipped |= {id(part) for node in ast.walk(tree) if isinstance(node, ast.JoinedStr) for part in node.values}
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in skipped and "SELECT " in node.value:
            yield node.lineno, (node.end_lineno or node.lineno) - node.lineno + 1


@pytest.mark.slow
def test_a_fixed_query_of_more_than_three_lines_is_in_a_file() -> None:
    sources = {path.relative_to(PROJECT).as_posix(): path.read_text(encoding="utf-8") for path in (PROJECT / "das_pipeline").rglob("*.py")}
    assert [f"{path}:{line}" for path, source in sources.items() for line, lines in fixed_queries(source) if lines > 3] == []


def test_only_constant_texts_are_fixed_queries() -> None:
    source = """"A SELECT in a docstring"
one_line = "SELECT 1"
two_lines = ("SELECT a"
    " FROM t")
compiled = f"SELECT {column}"
"""
    assert list(fixed_queries(source)) == [(2, 1), (3, 2)]


def compiled(jurisdiction: Jurisdiction) -> Iterator[tuple[str, str]]:
    """The name and text of every statement that chain, statistics and publication compile for `jurisdiction`."""
    chain = load_chain(jurisdiction)
    for unit in (unit for by_partner in chain.units.values() for unit in by_partner):
        yield f"{unit.name} segments", sources.segments(unit)
        yield f"{unit.name} reported", sources.reported_events(unit)[0]
        yield f"{unit.name} attributes", sources.unit_attributes(unit, chain)
        for file, columns in unit.columns.items():
            yield f"{unit.name} rows of {file}", sources.rows_as_known(columns, file)
            yield f"{unit.name} no rows of {file}", sources.rows_as_known(columns, None)
    defined = statistics.load_statistics(jurisdiction)
    for cube in defined.cubes:
        yield f"{cube.name} selected", counting.selected_rows(cube, chain, date(2024, 3, 31))[0]
        yield f"{cube.name} leaves", counting.counted_leaves(cube)[0]
        if cube.adds_up_to:
            yield f"{cube.name} shared", judging.shared_differences(cube, defined.cube(cube.adds_up_to), date(2024, 3, 31))[0]
    for table in defined.tables:
        schemes = defined.cube(table.cubes[0]).scheme
        dimensions = [Dimension(d, schemes[d], level) for d, level in table.by.items()]
        row = {table.stacked: next(iter(table.of))} if table.stacked else {}
        yield f"{table.name} rolled up", rolled_up(0, dimensions, row)[0]
        if statistics.OPENING in table.of:
            keys = [statistics.MOVEMENT, *table.by, "period_kind", "period"]
            yield f"{table.name} corrected", with_corrections(rolled_up(0, dimensions, row)[0], keys)


@pytest.mark.slow
@pytest.mark.parametrize("folder", [TOY, PROJECT / "jurisdictions" / "nl"], ids=lambda folder: folder.name)
def test_compiled_sql_stays_in_the_dialect(folder: Path) -> None:
    assert {name: found for name, sql in compiled(Jurisdiction(folder)) if (found := faults(sql))} == {}


@pytest.mark.parametrize(
    ("sql", "fault"),
    [
        ("SELECT CAST(a AS DATE) FROM t", None),
        ("SELECT a::DATE FROM t", "`::` for CAST"),
        ("SELECT try_strptime(a, '%Y') FROM t", "function"),
        ("SELECT regexp_full_match(a, 'x') FROM t", "function"),
        ("SELECT hash(a) FROM t", "function"),
        ("SELECT DATE_DIFF('day', a, b) FROM t", None),
        ("SELECT DATE_DIFF('month', a, b) FROM t", "DATE_DIFF in MONTH"),
        ("SELECT a FROM t QUALIFY ROW_NUMBER() OVER (ORDER BY a) = 1", "syntax Qualify"),
        ("SELECT SUM(a) FILTER (WHERE b > 1) FROM t", "syntax Filter"),
        ("SELECT a FROM t ASOF JOIN u ON t.a >= u.a", "join ASOF"),
        ("SELECT a FROM t JOIN u USING (a)", "join USING"),
        ("SELECT a[1:2] FROM t", "syntax Bracket"),
        ("SELECT [x + 1 FOR x IN a] FROM t", "syntax Comprehension"),
        ("WITH s AS (SELECT a FROM t) SELECT a FROM s UNION (WITH s AS (SELECT b FROM t) SELECT b FROM s)", "two steps are called s"),
        ("SELECT list_transform(a, lambda x: x) FROM t", "function"),
        ("SELECT * EXCLUDE (a) FROM t", "columns left out"),
        ("SELECT a, COUNT(*) FROM t GROUP BY ALL", "GROUP BY ALL"),
        ("SELECT l.a, r FROM t AS l JOIN t AS r ON r.a = l.a", "all of a row, r"),
        ("SELECT l FROM (SELECT a FROM t) AS l", "all of a row, l"),
        ("SELECT a FROM t; SELECT b FROM t", "is not one query"),
        ("DELETE FROM t", "is not one query"),
        ("SELECT FROM WHERE", "does not parse"),
    ],
)
def test_what_only_one_engine_understands_is_found(sql: str, fault: str | None) -> None:
    found = faults(sql)
    assert found == [] if fault is None else any(f.startswith(fault) for f in found), found
