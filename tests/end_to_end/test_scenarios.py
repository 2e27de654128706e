"""Each scenario of the Dutch chain, played from the deliveries to the release, through the command line and real Dagster."""

from __future__ import annotations

import shutil
from pathlib import Path

import duckdb
import pytest

from das_pipeline.jurisdiction import Jurisdiction
from das_pipeline.settings import PROJECT
from simulation.faults import Faults, profile
from tests.installation import Installation, installation

pytestmark = [pytest.mark.slow]

NL = PROJECT / "jurisdictions" / "nl"
SCENARIO_FILES = NL / "simulation" / "scenarios"
SCENARIOS = sorted(p.stem for p in (SCENARIO_FILES).glob("*.yaml"))
SIZE = "12000"


def play(root: Path, name: str, jurisdiction: Path = NL) -> tuple[Installation, Faults, str]:
    """The installation after a scenario, what was expected, and what `das run` printed."""
    said = profile(Jurisdiction(NL), SCENARIO_FILES / f"{name}.yaml")
    assert said is not None
    made = installation(root, jurisdiction)
    made.das("simulate", "--size", SIZE, "--seed", "5", "--faults", str(SCENARIO_FILES / f"{name}.yaml"), "--processes", "1")
    return made, said, made.das("run", code=1 if said.expect.failed else 3 if said.expect.refused else 0)


def taken(made: Installation) -> set[str]:
    """The deliveries that were taken in, as `partner id`."""
    partners = [p.name for p in made.inbox.iterdir()]
    live = [(p, made.lake.current(f"deliveries/{p}")) for p in partners]
    return {f"{p} {d['delivery']}" for p, version in live if version is not None for d in version.facts["deliveries"]}


@pytest.mark.parametrize("name", SCENARIOS)
def test_a_scenario_ends_as_it_says(name: str, tmp_path: Path) -> None:
    made, said, printed = play(tmp_path, name)
    seen = " ".join((printed + made.das("status")).split()).replace("│ ", "")
    assert said.story
    assert [r.name for r in made.releases()] == said.expect.released
    came = taken(made)
    assert came >= set(said.expect.taken)
    assert came.isdisjoint(said.expect.refused)
    for delivery in said.expect.refused:
        assert delivery in seen
    for rule in (*said.expect.warned, *said.expect.failed):
        assert rule in seen, rule
    ledger = (made.root / "truth" / "faults.jsonl").read_text(encoding="utf-8").splitlines()
    assert bool(ledger) or name == "system_migration"
    if name == "system_migration":
        same_figures_as_without(made, tmp_path / "without")
    if name == "definition_change":
        figures_fell(made)
    if name == "code_list_renewed":
        the_mapping_corrects_it(made, tmp_path / "corrected")


def cells(made: Installation, table: str, where: str) -> list[tuple[object, ...]]:
    path = made.current() / "tables" / f"{table}.parquet"
    return duckdb.sql(f"SELECT * FROM read_parquet('{path}') WHERE {where} ORDER BY ALL").fetchall()


def same_figures_as_without(made: Installation, root: Path) -> None:
    """New numbers change no figure: the cubes are those of the same deliveries under the old numbers."""
    without = installation(root, NL)
    without.das("simulate", "--size", SIZE, "--seed", "5", "--faults", "none", "--processes", "1")
    for folder in [f for p in without.inbox.iterdir() for f in p.iterdir()]:
        if folder.name > "2025-12-27.1" or (folder.name == "2025-12-27.1" and folder.parent.name == "halt"):
            shutil.rmtree(folder)
    without.das("run")
    assert made.contents("statistics/cubes") == without.contents("statistics/cubes")


def figures_fell(made: Installation) -> None:
    orders = cells(made, "sanctions", "sanction = 'damages_order' AND period_kind = 'quarter'")
    counts = {row[2]: row[3] for row in orders}
    assert counts["2025-Q1"] > 0
    assert counts["2025-Q3"] == 0  # the last quarter that has ended


def the_mapping_corrects_it(made: Installation, root: Path) -> None:
    """The code list and the mapping learn the new codes; nothing has to be delivered again."""
    corrected = Path(shutil.copytree(NL, root / "nl"))
    for folder in ("codes", "mappings"):
        path = corrected / "terminology" / folder / "om_beslissing.csv"
        rows = [line.split(",") for line in path.read_text(encoding="utf-8").splitlines()]
        new = [[f"N-{row[0]}", *row[1:]] for row in rows[1:]]
        path.write_text("\n".join(",".join(row) for row in rows + new) + "\n", encoding="utf-8")
    again = Installation(made.root, str(corrected))
    again.das("run")
    assert [r.name for r in again.releases()] == ["2025-12-27.1"]
    decided = cells(again, "prosecution_decisions", "period = '2025-11' AND decision NOT IN ('all', 'unknown')")
    assert sum(row[3] for row in decided) > 0  # type: ignore[misc]
