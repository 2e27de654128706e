"""A large world is made in blocks: the same bytes in any number of processes, and no number that two blocks share."""

from __future__ import annotations

import hashlib
import shutil
from datetime import date
from pathlib import Path

import duckdb
import numpy as np
import pyarrow as pa
import pytest

from das_pipeline.errors import ConfigurationError
from das_pipeline.jurisdiction import Jurisdiction
from simulation import Simulated, next_day, simulate
from simulation.deliveries.registers import main_groups
from simulation.draws import Floats, compute
from simulation.parameters import Parameters
from simulation.world.tables import Steps
from simulation.world.world import Extent, simulate_world

pytestmark = [pytest.mark.slow]


@pytest.fixture(scope="module")
def in_blocks(dutch: Jurisdiction, tmp_path_factory: pytest.TempPathFactory) -> Jurisdiction:
    """The Dutch chain, in blocks of 2,000 rows."""
    folder = tmp_path_factory.mktemp("blocks") / "nl"
    shutil.copytree(dutch.folder, folder)
    said = (folder / "simulation/parameters.yaml").read_text(encoding="utf-8")
    assert "rows_a_block: 500000" in said
    (folder / "simulation/parameters.yaml").write_text(said.replace("rows_a_block: 500000", "rows_a_block: 2000"), encoding="utf-8")
    return Jurisdiction(folder)


def digest(made: Simulated) -> str:
    """One hash over every delivered file and every file of the truth."""
    found = hashlib.sha256()
    for folder in (made.inbox, made.truth):
        for path in sorted(p for p in folder.rglob("*") if p.is_file()):
            found.update(path.relative_to(folder).as_posix().encode() + path.read_bytes())
    return found.hexdigest()


def made(jurisdiction: Jurisdiction, folder: Path, **how: int) -> Simulated:
    return simulate(jurisdiction, folder / "inbox", size=6_000, until=date(2025, 12, 29), **how)  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def alone(in_blocks: Jurisdiction, tmp_path_factory: pytest.TempPathFactory) -> Simulated:
    return made(in_blocks, tmp_path_factory.mktemp("alone"), seed=4)


@pytest.fixture(scope="module")
def in_two(in_blocks: Jurisdiction, tmp_path_factory: pytest.TempPathFactory) -> Simulated:
    return made(in_blocks, tmp_path_factory.mktemp("two"), seed=4, processes=2)


def test_the_same_bytes_in_any_number_of_processes(in_blocks: Jurisdiction, alone: Simulated, in_two: Simulated, tmp_path: Path) -> None:
    assert digest(in_two) == digest(alone)
    assert digest(made(in_blocks, tmp_path / "three", seed=4, processes=3)) == digest(alone)
    assert digest(made(in_blocks, tmp_path / "other", seed=5)) != digest(alone)


def test_one_more_day_is_the_same_in_any_number_of_processes(
    in_blocks: Jurisdiction, alone: Simulated, in_two: Simulated, tmp_path: Path
) -> None:
    days = []
    for processes, first in ((1, alone), (2, in_two)):
        folder = Path(shutil.copytree(first.inbox.parent, tmp_path / str(processes)))
        days.append(digest(next_day(in_blocks, folder / "inbox", processes=processes)))
    assert days[0] == days[1] != digest(alone)


def test_no_two_blocks_share_a_number_or_a_person(alone: Simulated) -> None:
    records = f"read_parquet('{alone.truth / 'records.parquet'}')"
    shared = duckdb.sql(f"SELECT partner, file, key FROM {records} GROUP BY ALL HAVING COUNT(*) > 1").fetchall()
    assert shared == []
    blocks = duckdb.sql(f"SELECT COUNT(DISTINCT person % 3), COUNT(DISTINCT person) > 500 FROM {records}").fetchall()
    assert blocks == [(3, True)]


def test_nothing_but_deliveries_and_truth_is_left_behind(alone: Simulated) -> None:
    assert sorted(p.name for p in alone.truth.parent.iterdir()) == ["inbox", "truth"]
    assert not [p for p in alone.truth.iterdir() if p.name.startswith(".")]


def test_the_blocks_together_have_as_many_crimes_of_each_class_and_year_as_are_registered(dutch: Jurisdiction) -> None:
    parameters, groups = Parameters.read(dutch), main_groups(dutch)
    parameters.period.rows_a_block = 4_000
    extent = Extent.of(parameters, 12_000)
    found: Floats = np.zeros(len(parameters.crime.classes))
    for block in range(extent.blocks(parameters)):
        crimes = simulate_world(parameters, groups, extent, 1, block).tables["crimes"]
        in_2024 = crimes.days("reported_on").astype("datetime64[Y]") == np.datetime64("2024")
        found += np.bincount(crimes.coded("police_class").codes[in_2024], minlength=len(found))
    wanted = parameters.crime.registered_in(2024) * extent.scale(parameters)
    assert found.sum() == pytest.approx(wanted.sum(), abs=25)  # a crime that shares an incident may move over New Year
    assert np.abs(found - wanted).max() <= 25


def test_a_number_of_rows_starts_when_the_size_below_it_does(dutch: Jurisdiction) -> None:
    parameters = Parameters.read(dutch)
    assert Extent.of(parameters, "demo") == Extent(100_000, date(2023, 1, 1))
    assert Extent.of(parameters, "999999").start == date(2023, 1, 1)
    assert Extent.of(parameters, 2_000_000).start == date(2011, 1, 1)
    assert Extent.of(parameters, 500).start == date(2023, 1, 1)
    with pytest.raises(ConfigurationError, match="huge is not known: use tiny, demo, large, national, stress or a number of rows"):
        Extent.of(parameters, "huge")


@pytest.mark.parametrize("size", ["demo", "national", "stress"])
def test_every_size_has_numbers_enough(size: str, dutch: Jurisdiction) -> None:
    parameters, groups = Parameters.read(dutch), main_groups(dutch)
    extent = Extent.of(parameters, size)
    world = simulate_world(parameters, groups, extent, 1, extent.blocks(parameters) - 1)
    for table, field, length in (("crimes", "incident_no", 17), ("cases", "case_no", 12), ("assignments", "assignment_no", 10)):
        numbers = world.tables[table].texts(field)
        assert set(compute.utf8_length(numbers).to_pylist()) == {length}
    assert compute.count_distinct(world.tables["cases"].texts("case_no")).as_py() == len(world.tables["cases"])


def test_serial_numbers_are_counted_by_office_and_year(dutch: Jurisdiction) -> None:
    parameters = Parameters.read(dutch)
    day = np.array(["2024-02-01", "2024-03-01", "2024-04-01", "2025-01-01"], dtype="datetime64[D]")
    steps = Steps(parameters, {}, 1, 1, 3, 1.0, day, day[0])
    found = steps.number("case", day, district=pa.array(["13", "09", "13", "13"])).to_pylist()
    assert found == ["13/000002-24", "09/000002-24", "13/000005-24", "13/000002-25"]


def test_there_are_about_as_many_rows_as_asked(dutch: Jurisdiction, tmp_path: Path) -> None:
    for size in (20_000, 40_000):
        made = simulate(dutch, tmp_path / str(size) / "inbox", size=size, faults="none", until=date(2025, 12, 27))
        assert made.rows == pytest.approx(size, rel=0.1)
