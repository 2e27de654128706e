"""As known on any date, the chain is what plain Python makes of the source rows; and what arrives later changes nothing about it."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from das_pipeline.chain import load_chain
from das_pipeline.lake import Version
from das_pipeline.run import Run
from das_pipeline.settings import Settings
from tests.chain.conftest import write_full_chain
from tests.chain.making import make_chain
from tests.chain.plain import events_and_spells
from tests.conftest import toy_settings
from tests.content import FOREVER, contents, put_content, read

VINTAGES = [date(2024, 3, 1), date(2024, 3, 2), date(2024, 3, 5), date(2024, 3, 9)]
DAYS = [date(2024, 1, 1) + timedelta(days=n) for n in (0, 1, 2, 31, 33, 60)]
CASES = range(1, 9)
RULINGS = st.sampled_from(["guilty", "acquitted", "referred_back", "unknown"])


@st.composite
def versions(draw: st.DrawFn, record_no: int, sub: str, content: st.SearchStrategy[dict[str, Any]]) -> list[dict[str, Any]]:
    """The versions of one row: from some vintages on another content, or none."""
    rows: list[dict[str, Any]] = []
    for vintage in VINTAGES:
        match draw(st.sampled_from(["same", "other", "other", "none"])):
            case "same":
                continue
            case action:
                if rows and rows[-1]["known_until"] == FOREVER:
                    rows[-1]["known_until"] = vintage
                if action == "other":
                    rows.append({"record_no": record_no, "sub": sub, "known_from": vintage, "known_until": FOREVER} | draw(content))
    return rows


def sources() -> st.SearchStrategy[dict[str, list[dict[str, Any]]]]:
    """Cases with a row of their own and up to three rulings each, all as known over four vintages."""
    case = st.fixed_dictionaries({"received_on": st.sampled_from(DAYS[:3])})
    ruling = st.fixed_dictionaries({"ruling_no": st.integers(1, 3), "ruled_on": st.sampled_from([None, *DAYS]), "ruling_concept": RULINGS})
    cases = st.tuples(*(versions(n, "", case) for n in CASES))
    rulings = st.tuples(*(versions(n, sub, ruling) for n in CASES for sub in ("1", "2", "3")))
    return st.tuples(cases, rulings).map(
        lambda drawn: {"bench/cases": [r for rows in drawn[0] for r in rows], "bench/rulings": [r for rows in drawn[1] for r in rows]}
    )


@pytest.fixture(scope="module")
def installation() -> Iterator[Settings]:
    with TemporaryDirectory() as folder:
        root = Path(folder)
        settings = toy_settings(root, write_full_chain(root))
        yield settings


def run_over(installation: Settings, records: dict[str, list[dict[str, Any]]], as_of: date, threads: int = 2) -> Run:
    """The chain of `records` as of `as_of`, over a new lake."""
    shutil.rmtree(installation.home, ignore_errors=True)
    run = Run.start(replace(installation, threads=threads), as_of)
    put_content(run, records, links=[{"unit": "case", "record_no": n, "person_id": n, "case_id": 1} for n in CASES])
    make_chain(run)
    return run


@pytest.mark.slow
@settings(max_examples=3, deadline=None, derandomize=True)
@given(records=sources())
def test_on_every_vintage_the_chain_equals_a_second_implementation_in_plain_python(
    installation: Settings, records: dict[str, list[dict[str, Any]]]
) -> None:
    compare(installation, records)


@pytest.mark.slow
@settings(max_examples=40, deadline=None)
@given(records=sources())
def test_as_known_on_every_vintage_over_many_more_rows(installation: Settings, records: dict[str, list[dict[str, Any]]]) -> None:
    compare(installation, records)


def compare(installation: Settings, records: dict[str, list[dict[str, Any]]]) -> None:
    """The chain of `records` in SQL, as known on every vintage, beside the one in plain Python."""
    run = run_over(installation, records, VINTAGES[-1])
    chain = load_chain(run.jurisdiction)
    for vintage in VINTAGES:
        files = {"cases": records["bench/cases"], "rulings": records["bench/rulings"]}
        events, spells = events_and_spells(chain, chain.units["case"][0], files, vintage)
        known = "SELECT * FROM rows WHERE known_from <= $on AND $on < known_until"
        assert _rows(read(run, "chain/events", known, on=vintage), events) == _rows(events, events)
        ended = (
            "* REPLACE (CASE WHEN end_known <= $on THEN end_on END AS end_on, CASE WHEN end_known <= $on THEN closed_by END AS closed_by)"
        )
        assert _rows(read(run, "chain/spells", known.replace("*", ended), on=vintage), spells) == _rows(spells, spells)


@pytest.mark.slow
@settings(max_examples=2, deadline=None, derandomize=True)
@given(records=sources())
def test_a_run_as_of_a_date_is_the_same_whatever_arrived_later(installation: Settings, records: dict[str, list[dict[str, Any]]]) -> None:
    on = VINTAGES[1]
    then = {
        file: [
            row | {"known_until": row["known_until"] if row["known_until"] <= on else FOREVER} for row in rows if row["known_from"] <= on
        ]
        for file, rows in records.items()
    }
    assert _hashes(run_over(installation, then, on)) == _hashes(run_over(installation, records, on, threads=1))


def _hashes(run: Run) -> dict[str, str]:
    versions: list[Version] = [run.lake.open(f"chain/{table}") for table in ("events", "spells", "flows")]
    return contents(run, {f"{v.table}/{name}": v.path(name) for v in versions for name in v.files})


def _rows(rows: list[Any], like: list[Any]) -> list[str]:
    """The rows in the columns of `like`, in one order."""
    columns = sorted(like[0]) if like else []
    return sorted(repr([row[c] for c in columns]) for row in rows)
