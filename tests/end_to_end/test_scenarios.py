"""Each scenario of the Dutch chain, played from the deliveries to the release, through the command line and real Dagster.

All cubes are counted and protected, but few tables are made of them: the demo's tests have them all.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import pytest
import yaml

from das_pipeline.disk import sha256_of
from das_pipeline.jurisdiction import Jurisdiction
from das_pipeline.settings import PROJECT
from simulation.faults import Faults, profile
from tests.installation import Installation, installation
from tests.shared import made_once

pytestmark = [pytest.mark.slow]

NL = PROJECT / "jurisdictions" / "nl"
SCENARIO_FILES = NL / "simulation" / "scenarios"
SCENARIOS = sorted(p.stem for p in (SCENARIO_FILES).glob("*.yaml"))
SIZE = "12000"
TABLES = ("registered_crime", "suspects", "prosecution_decisions", "court_outcomes", "sanctions", "police_stock")
HISTORY = "2025-12-26.1"  # the first delivery of those that deliver daily

Play = Callable[[Path, str], tuple[Installation, Faults, str]]


@pytest.fixture(scope="module")
def nl(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The Dutch chain with all of its cubes, of which only `TABLES` are published."""
    folder = Path(shutil.copytree(NL, tmp_path_factory.mktemp("few") / "nl"))
    gone = sorted({p.stem for p in (folder / "statistics").glob("*.yaml")} - {*TABLES, "cubes"})
    for table in gone:
        (folder / "statistics" / f"{table}.yaml").unlink()
    site = folder / "texts" / "site.yaml"
    texts = without(gone, yaml.safe_load(site.read_text(encoding="utf-8")))
    texts["questions"] = [question for question in texts["questions"] if question.get("asks")]
    site.write_text(yaml.safe_dump(texts, allow_unicode=True), encoding="utf-8")
    return folder


def without(tables: list[str], texts: Any) -> Any:
    """The texts without what is about these tables."""

    def is_kept(part: Any) -> bool:
        return not isinstance(part, dict) or part.get("table") not in tables

    if isinstance(texts, dict):
        return {name: without(tables, part) for name, part in texts.items() if is_kept(part)}
    return [without(tables, part) for part in texts if is_kept(part) and part not in tables] if isinstance(texts, list) else texts


def simulated(root: Path, jurisdiction: Path, faults: str) -> Installation:
    made = installation(root, jurisdiction)
    made.das("simulate", "--size", SIZE, "--seed", "5", "--faults", faults, "--processes", "1")
    return made


@pytest.fixture(scope="module")
def first_day(nl: Path, tmp_path_factory: pytest.TempPathFactory) -> Installation:
    """The chain after the history, without faults."""

    def make(root: Path) -> None:
        made = simulated(root, nl, "none")
        for folder in made.inbox.glob("*/*"):
            if folder.name > HISTORY:
                shutil.rmtree(folder)
        shutil.copytree(made.inbox, root / "delivered")  # what is taken in leaves the inbox
        made.das("run")

    return Installation(made_once(tmp_path_factory, "first_day", make), str(nl))


def go_on(first_day: Installation, made: Installation) -> None:
    """Take over the home of the first day where the history is the same, byte for byte."""
    delivered = first_day.root / "delivered"
    history = [path.relative_to(delivered) for path in delivered.rglob("*") if path.is_file()]
    assert history
    if all((made.inbox / path).exists() and sha256_of(delivered / path) == sha256_of(made.inbox / path) for path in history):
        shutil.copytree(first_day.home, made.home, symlinks=True, dirs_exist_ok=True)
        for path in history:
            shutil.rmtree(made.inbox / path.parent, ignore_errors=True)


@pytest.fixture
def play(nl: Path, first_day: Installation) -> Play:
    """Play a scenario: the installation after it, what was expected, and what `das run` printed."""

    def played(root: Path, name: str) -> tuple[Installation, Faults, str]:
        said = profile(Jurisdiction(NL), SCENARIO_FILES / f"{name}.yaml")
        assert said is not None
        made = simulated(root, nl, str(SCENARIO_FILES / f"{name}.yaml"))
        go_on(first_day, made)
        return made, said, made.das("run", code=1 if said.expect.failed else 3 if said.expect.refused else 0)

    return played


def taken(made: Installation) -> set[str]:
    """The deliveries that were taken in, as `partner id`."""
    partners = [p.name for p in made.inbox.iterdir()]
    live = [(p, made.lake.current(f"deliveries/{p}")) for p in partners]
    return {f"{p} {d['delivery']}" for p, version in live if version is not None for d in version.facts["deliveries"]}


@pytest.mark.parametrize("name", SCENARIOS)
def test_a_scenario_ends_as_it_says(name: str, play: Play, first_day: Installation, tmp_path: Path) -> None:
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
        same_figures_as_without(made, first_day, tmp_path / "without")
    if name == "definition_change":
        figures_fell(made)
    if name == "code_list_renewed":
        the_mapping_corrects_it(made, tmp_path / "corrected")


def cells(made: Installation, table: str, where: str) -> list[tuple[object, ...]]:
    path = made.current() / "tables" / f"{table}.parquet"
    return duckdb.sql(f"SELECT * FROM read_parquet('{path}') WHERE {where} ORDER BY ALL").fetchall()


def same_figures_as_without(made: Installation, first_day: Installation, root: Path) -> None:
    """New numbers change no figure: the cubes are those of the same deliveries under the old numbers."""
    plain = simulated(root, Path(made.jurisdiction), "none")
    for folder in plain.inbox.glob("*/*"):
        if folder.name > "2025-12-27.1" or (folder.name == "2025-12-27.1" and folder.parent.name == "halt"):
            shutil.rmtree(folder)
    go_on(first_day, plain)
    plain.das("run")
    assert made.contents("statistics/cubes") == plain.contents("statistics/cubes")


def figures_fell(made: Installation) -> None:
    orders = cells(made, "sanctions", "sanction = 'damages_order' AND period_kind = 'quarter'")
    counts = {row[2]: row[3] for row in orders}
    assert counts["2025-Q1"] > 0
    assert counts["2025-Q3"] == 0  # the last quarter that has ended


def the_mapping_corrects_it(made: Installation, root: Path) -> None:
    """The code list and the mapping learn the new codes; nothing has to be delivered again."""
    corrected = Path(shutil.copytree(made.jurisdiction, root / "nl"))
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
