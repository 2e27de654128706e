"""A toy lake up to disclosure: protected leaves written by hand, so that every number in these tests can be seen."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from das_pipeline.disclosure.ledger import COLUMNS, ENTRIES, LEDGER
from das_pipeline.gate import Verdict
from das_pipeline.lake import Draft, Version
from das_pipeline.publication import build_candidate
from das_pipeline.run import Run, produce
from das_pipeline.terminology import build_concepts
from tests.conftest import toy_settings

OFFENCES = ("property", "violence", "unknown_group")


def leaves(scale: int, months: list[str]) -> dict[str, list[dict]]:
    """Leaves of the toy's three cubes: property is the most frequent, and the months differ."""
    reports = [
        {"offence": o, "period_kind": "month", "period": m, "value": 5 * scale * (len(OFFENCES) - i + int(m[5:]) % 3) * (i < 2)}
        for m in months
        for i, o in enumerate(OFFENCES)
    ]
    years = sorted({m[:4] for m in months})

    def reported(offence: str, year: str) -> int:
        return sum(r["value"] for r in reports if r["offence"] == offence and r["period"][:4] == year)

    def of_persons(offence: str, year: str, sex: str, age: str) -> int:
        """The same reports, about half of them of men, the rest of girls, in multiples of 5: tables of the same reports must agree."""
        of_men = reported(offence, year) // 10 * 5
        return {("male", "adult"): of_men, ("female", "minor"): reported(offence, year) - of_men}.get((sex, age), 0)

    persons = [
        {"offence": o, "sex": sex, "age": age, "period_kind": "year", "period": y, "value": of_persons(o, y, sex, age)}
        for y in years
        for o in OFFENCES
        for sex in ("male", "female", "unknown")
        for age in ("minor", "adult", "unknown")
    ]
    rulings = [
        {"ruling": r, "period_kind": "month", "period": m, "value": 5 * scale * (2 - i), "structural": r == "referred_back"}
        for m in months
        for i, r in enumerate(("guilty", "acquitted", "referred_back"))
    ]
    return {"reports_month": reports, "reports_year": persons, "rulings_month": rulings}


def months_until(as_of: date) -> list[str]:
    return [f"{y}-{m:02d}" for y in (2022, 2023, 2024) for m in range(1, 13) if (y, m) <= (as_of.year, as_of.month)]


def protect(run: Run, cubes: dict[str, list[dict]]) -> None:
    """`disclosure/leaves` with these cubes."""

    def build(_: Run, draft: Draft) -> list[Verdict]:
        for cube, rows in cubes.items():
            full = [{"measure": "n", "base": 5, "structural": False} | r for r in rows]
            pq.write_table(pa.Table.from_pylist(full), draft.path(f"{cube}.parquet", rows=len(full)))
        draft.path("quality.json").write_text('{"cubes": {}}', encoding="utf-8")
        pq.write_table(pa.schema(COLUMNS).empty_table(), draft.path(ENTRIES, rows=0))
        return []

    produce(run, "terminology/concepts", build_concepts)
    produce(run, "disclosure/leaves", build, inputs=[LEDGER] if run.lake.current(LEDGER) else [], salt=str(cubes))


@pytest.fixture(scope="session")
def candidate(tmp_path_factory: pytest.TempPathFactory) -> Version:
    """The candidate as of 31 March 2024, for tests that only read it."""
    folder = tmp_path_factory.mktemp("candidate")
    settings = toy_settings(folder)
    run = Run.start(settings, date(2024, 3, 31))
    protect(run, leaves(20, months_until(run.as_of)))
    return produce(run, "publication/candidate", build_candidate, inputs=["disclosure/leaves", "terminology/concepts"]).version


@pytest.fixture
def protected(start: Callable[[date], Run]) -> Callable[..., Run]:
    """A run as of a date over protected leaves of some size."""

    def make(as_of: date = date(2024, 3, 31), scale: int = 20, change: Callable[[dict], None] | None = None) -> Run:
        run = start(as_of)
        cubes = leaves(scale, months_until(as_of))
        if change:
            change(cubes)
        protect(run, cubes)
        return run

    return make
