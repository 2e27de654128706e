"""How true spells and tables are counted, and how the truths of the blocks of a world are put together."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pydantic import ValidationError

from das_pipeline.jurisdiction import Jurisdiction
from simulation.draws import Coded
from simulation.truth import merge
from simulation.truth.declared import Again, Cube, Spell, Table, Truth
from simulation.truth.events import Events, spell_table, spells_of
from simulation.truth.shown import whole_years
from simulation.truth.tables import Levels, cube_table, flow_table, published_table

PROSECUTION = Spell(unit="case", start="received", end="decided", again=Again(by="summoned", after=["penal_order"]))


@pytest.fixture
def parts(tmp_path: Path) -> list[Path]:
    """Two blocks, of which the second alone has a count of February."""
    folders = [tmp_path / "0", tmp_path / "1"]
    for number, folder in enumerate(folders):
        (folder / "tables").mkdir(parents=True)
        pq.write_table(pa.table({"key": [f"{number}a", f"{number}b"], "person": [number, None]}), folder / "records.parquet")
        months = ["2023-01", "2023-02"][: number + 1]
        counted = {"month": months, "offence": pa.array([None] * len(months), pa.string()), "n": [3, 4][: number + 1]}
        pq.write_table(pa.table(counted), folder / "tables" / "crime_month.parquet")
        (folder / "canaries.txt").write_text(f"name {number}\n", encoding="utf-8")
    (folders[1] / "faults.jsonl").write_text("{}\n", encoding="utf-8")
    return folders


def test_rows_of_blocks_follow_each_other(parts: list[Path], tmp_path: Path) -> None:
    merge(parts, tmp_path / "truth")
    rows = pq.read_table(tmp_path / "truth" / "records.parquet").to_pydict()
    assert rows == {"key": ["0a", "0b", "1a", "1b"], "person": [0, None, 1, None]}


def test_counts_of_blocks_are_summed(parts: list[Path], tmp_path: Path) -> None:
    merge(parts, tmp_path / "truth")
    counted = pq.read_table(tmp_path / "truth" / "tables" / "crime_month.parquet").to_pydict()
    assert counted == {"month": ["2023-01", "2023-02"], "offence": [None, None], "n": [6, 4]}


def test_canaries_are_of_the_first_block_and_faults_of_all(parts: list[Path], tmp_path: Path) -> None:
    merge(parts, tmp_path / "truth")
    assert (tmp_path / "truth" / "canaries.txt").read_text(encoding="utf-8") == "name 0\n"
    assert (tmp_path / "truth" / "faults.jsonl").read_text(encoding="utf-8") == "{}\n"


def test_truth_of_one_block_stays_what_it_is(parts: list[Path], tmp_path: Path) -> None:
    merge(parts[:1], tmp_path / "truth")
    for name in ("records.parquet", "tables/crime_month.parquet"):
        assert pq.read_table(tmp_path / "truth" / name).equals(pq.read_table(parts[0] / name))


# -- spells and tables


def happened(*told: tuple[int, str, str, str | None]) -> Events:
    """Events of cases, each with its case, kind, day and outcome."""
    rows, kinds, days, outcomes = zip(*told, strict=True)
    words, ends = tuple(dict.fromkeys(kinds)), tuple(dict.fromkeys(o for o in outcomes if o))
    nothing = np.full(len(told), -1)
    return Events(
        unit="case",
        partner="om",
        row=np.array(rows),
        record=np.array(rows) + 100,
        person=nothing,
        case=np.array(rows),
        kind=Coded(words, np.array([words.index(k) for k in kinds])),
        on=np.array(days, dtype="datetime64[D]"),
        outcome=Coded(ends, np.array([ends.index(o) if o else -1 for o in outcomes])),
        to=Coded((), nothing),
        attributes={"offence": Coded(("scm_1_1_1", "scm_3_1"), np.array(rows) % 2)},
        age=nothing,
        amount=np.full(len(told), np.nan),
    )


def test_a_spell_opens_again_by_a_summons_after_a_penal_order_alone() -> None:
    events = happened(
        (0, "received", "2023-01-05", "first"),
        (0, "decided", "2023-02-01", "penal_order"),
        (0, "summoned", "2023-04-01", None),
        (0, "decided", "2023-04-01", "summons"),
        (1, "received", "2023-01-05", "first"),
        (1, "summoned", "2023-01-20", None),
        (1, "decided", "2023-01-20", "summons"),
        (2, "received", "2023-03-05", "first"),
    )
    rows = spell_table(spells_of("prosecution", PROSECUTION, events), []).to_pylist()
    assert [(r["record"], r["spell_no"], str(r["start_on"]), r["end_on"] and str(r["end_on"]), r["opened_by"]) for r in rows] == [
        (100, 1, "2023-01-05", "2023-02-01", "received"),
        (100, 2, "2023-04-01", "2023-04-01", "summoned"),
        (101, 1, "2023-01-05", "2023-01-20", "received"),
        (102, 1, "2023-03-05", None, "received"),
    ]


def test_states_of_a_spell_follow_each_other() -> None:
    spell = Spell(unit="case", start="admitted", change="changed", end="released")
    events = happened(
        (0, "admitted", "2023-01-05", "custody"), (0, "changed", "2023-01-08", "remand"), (0, "released", "2023-02-02", "served")
    )
    rows = spell_table(spells := spells_of("detention", spell, events), []).to_pylist()
    assert [(r["segment_no"], r["state"], str(r["end_on"]), r["closed_by"]) for r in rows] == [
        (1, "custody", "2023-01-08", "changed"),
        (2, "remand", "2023-02-02", "released"),
    ]
    flows = flow_table([spells], date(2023, 1, 1), date(2023, 2, 28)).to_pylist()
    numbers = [(f["state"], f["month"], f["opening"], f["inflow"], f["outflow"], f["corrections"], f["closing"]) for f in flows]
    assert numbers == [
        ("custody", "2023-01", 0, 1, 0, -1, 0),
        ("custody", "2023-02", 0, 0, 0, 0, 0),
        ("remand", "2023-01", 0, 0, 0, 1, 1),
        ("remand", "2023-02", 1, 0, 1, 0, 0),
    ]


def test_cubes_and_tables_count_from_the_opening_month_by_the_levels_of_a_scheme(dutch: Jurisdiction) -> None:
    events = happened(
        (0, "decided", "2022-12-31", "summons"),
        (0, "decided", "2023-01-01", "summons"),
        (1, "decided", "2023-01-31", "summons"),
        (2, "decided", "2023-05-31", "summons"),
        (4, "decided", "2023-05-31", "joined"),
    )
    cube = Cube.model_validate(
        {"counts": "decided", "without": ["joined"], "period": "month", "by": {"offence": ["offence", "offence", "scm_group"]}}
    )
    counted = cube_table(cube, [events], levels := Levels(dutch), date(2023, 1, 1), date(2023, 6, 1))
    cells = [tuple(row.values()) for row in counted.to_pylist()]
    assert cells == [
        ("property", "month", "2023-01", 1),
        ("property", "month", "2023-05", 1),
        ("violence_sexual", "month", "2023-01", 1),
    ]
    table = Table(cube="decided_month", by={"offence": "scm_group"}, periods=["quarter", "year"])
    published = published_table(table, {"decided_month": (cube, counted)}, levels, date(2023, 1, 1), date(2023, 6, 1)).to_pylist()
    assert [tuple(row.values()) for row in published if row["period_kind"] == "year"] == [
        ("all", "year", "2023", 3),
        ("property", "year", "2023", 2),
        ("violence_sexual", "year", "2023", 1),
    ]
    assert [row["n"] for row in published if row["period"] == "2023-Q1"] == [2, 1, 1]


def test_ages_are_whole_years_by_the_calendar() -> None:
    born = np.array(["2000-02-29", "2000-02-29", "2000-05-01", "NaT", "2024-01-01", "1800-01-01"], dtype="datetime64[D]")
    on = np.array(["2018-02-28", "2018-03-01", "2018-05-01", "2018-05-01", "2023-01-01", "2023-01-01"], dtype="datetime64[D]")
    assert whole_years(born, on).tolist() == [17, 18, 18, -1, -1, -1]


def test_a_truth_of_unknown_events_is_refused() -> None:
    unit = {"case": {"table": "cases", "events": [{"kind": "received", "day": "received_on"}]}}
    cube = {"decided_month": {"counts": "decided", "period": "month", "by": {}}}
    with pytest.raises(ValidationError, match="no unit has events of kind decided"):
        Truth.model_validate({"opening_month": "2023-01-01", "units": unit, "spells": {}, "cubes": cube, "tables": {}})
