"""A new partner is a folder of files: one that reports a unit which another reports already, and one whose numbers others use."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest
import yaml

from das_pipeline import engine
from das_pipeline.chain import load_chain
from das_pipeline.deliveries import load_contracts, partners_in, register_records
from das_pipeline.errors import ConfigurationError
from das_pipeline.jurisdiction import Jurisdiction
from das_pipeline.linkage import build_entities, build_links
from das_pipeline.run import Run, produce
from das_pipeline.settings import Settings
from das_pipeline.statistics import build_cubes, load_statistics
from das_pipeline.terminology import build_concepts, build_records
from tests.chain.making import make_chain
from tests.conftest import TOY, go_on_from, toy_settings
from tests.content import read
from tests.toy_deliveries import take_in_all, watch_csv, write_delivery

DAY = date(2024, 1, 31)
LATER = date(2024, 2, 2)
FIRST = 1_000_000_000_000

# The patrol reports the same unit under names and codes of its own, in full every time; it has neither sex nor ward.
PATROL = """
partner: patrol
title: {nl: De patrouille, en: The patrol}
owner: team:patrol
files: [stops]
cadence: monthly
records_from: 1000000000000
completeness: {required: false, late_days: 5}
"""
STOPS = """
partner: patrol
file: stops
version: 1.0.0
title: {nl: Staandehoudingen, en: Stops}
description: {nl: Een rij per persoon die is aangehouden., en: One row per person stopped.}
owner: team:patrol
purpose: statistics on reports
unit: report
unit_key: [stop]
sub_key: []
temporality: flow
delivery: {mode: snapshot, complete_for: all}
format: {kind: csv, delimiter: "|", header: true}
columns:
  - {name: stop, type: text, required: true, privacy: direct, reference: watch_report, description: {nl: Nummer, en: Number}}
  - {name: person, type: text, privacy: direct, identity: chain_number, description: {nl: Ketennummer, en: Chain number}}
  - {name: family, type: text, privacy: direct, identity: surname, description: {nl: Achternaam, en: Surname}}
  - {name: born, type: date, formats: [yyyymmdd], privacy: direct, identity: birth_date, description: {nl: Geboren, en: Born}}
  - {name: matter, type: text, required: true, concept: {scheme: offence, list: patrol_matter}, description: {nl: Feit, en: Offence}}
  - {name: stopped, type: date, formats: [yyyymmdd], required: true, description: {nl: Dag, en: Day}}
"""
EVENTS = """
report:
  of: stops
  attributes: {offence: matter_concept}
  events: [{kind: reported, date: stopped}]
"""
# The registry delivers no records: it says which chain numbers it merged.
REGISTRY = """
partner: registry
title: {nl: Het register, en: The registry}
owner: team:registry
files: [merges]
cadence: monthly
completeness: {required: false, late_days: 5}
"""
MERGES = """
partner: registry
file: merges
version: 1.0.0
title: {nl: Samenvoegingen, en: Merges}
description: {nl: Een rij per samengevoegd nummer., en: One row per merged number.}
owner: team:registry
purpose: linkage
unit: merged_number
unit_key: [old]
sub_key: []
temporality: fixed
delivery: {mode: snapshot, complete_for: all}
format: {kind: csv, header: true}
columns:
  - {name: old, type: text, required: true, privacy: direct, description: {nl: Oud nummer, en: Old number}}
  - {name: lead, type: text, required: true, privacy: direct, description: {nl: Leidend nummer, en: Leading number}}
  - {name: merged, type: date, formats: [yyyy-mm-dd], required: true, description: {nl: Samengevoegd op, en: Merged on}}
"""
CODES = """code,label,valid_from,valid_until,kind
stolen,Stolen,1900-01-01,9999-12-31,valid
"""
MAPPINGS = """code,concept,valid_from,valid_until,note,reviewed_by
stolen,theft,1900-01-01,9999-12-31,,toy
"""
REPORTS = [
    "N,R0001,101,Abernathy,Ada,1990-05-01,F,10,n,2024-01-02,2024-01-03,,",
    "N,R0002,102,Brockhurst,Ben,1985-07-12,M,21,n,2024-01-04,2024-01-05,2024-01-09,",
]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The toy jurisdiction with both."""
    return with_new_partners(tmp_path / "with_new_partners")


def with_new_partners(jurisdiction: Path) -> Path:
    shutil.copytree(TOY, jurisdiction)
    for path, text in {
        "contracts/patrol/partner.yaml": PATROL,
        "contracts/patrol/stops.yaml": STOPS,
        "contracts/patrol/events.yaml": EVENTS,
        "contracts/registry/partner.yaml": REGISTRY,
        "contracts/registry/merges.yaml": MERGES,
        "terminology/codes/patrol_matter.csv": CODES,
        "terminology/mappings/patrol_matter.csv": MAPPINGS,
    }.items():
        (jurisdiction / path).parent.mkdir(exist_ok=True)
        (jurisdiction / path).write_text(text, encoding="utf-8")
    change(
        jurisdiction / "linkage.yaml",
        lambda c: c["strong_keys"][0].update(merged={"partner": "registry", "file": "merges", "old": "old", "leading": "lead"}),
    )
    return jurisdiction


def change(path: Path, how: Callable[[dict], object]) -> None:
    content = yaml.safe_load(path.read_text(encoding="utf-8"))
    how(content)
    path.write_text(yaml.safe_dump(content), encoding="utf-8")


def deliver(installation: Settings, partner: str, file: str, lines: list[str], on: date = DAY, sequence: int = 1) -> None:
    content = "".join(f"{line}\n" for line in lines).encode()
    write_delivery(installation.inbox, partner, on, sequence, {file: (f"{file}.csv", content)}, complete_for={file: "all"})


@pytest.fixture
def delivered(settings: Settings, folder: Path, taken_in: Settings) -> Settings:
    """Two reports of the watch; two stops of the patrol, of Ada under an older number and of Ben; two days later, Ada's merge."""
    go_on_from(taken_in, settings)
    return replace(settings, jurisdiction=folder)


@pytest.fixture(scope="module")
def taken_in(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    root = tmp_path_factory.mktemp("taken_in")
    installed = replace(toy_settings(root), jurisdiction=with_new_partners(root / "with_new_partners"))
    write_delivery(installed.inbox, "watch", DAY, 1, {"reports": ("reports.csv", watch_csv(REPORTS))})
    stops = [
        "stop|person|family|born|matter|stopped",
        "S1|77|Abernathy|19900501|stolen|20240111",
        "S2|102|Brockhurst|19850712|stolen|20240112",
    ]
    deliver(installed, "patrol", "stops", stops)
    deliver(installed, "registry", "merges", ["old;lead;merged"])
    deliver(installed, "registry", "merges", ["old;lead;merged", "77;88;2024-02-01", "88;101;2024-02-02"], LATER, sequence=2)
    take_in_all(installed)
    return installed


def run_through(installation: Settings, on: date) -> Run:
    run = Run.start(installation, on)
    present = [f"deliveries/{partner}" for partner in partners_in(run)]
    produce(run, "terminology/concepts", build_concepts)
    produce(run, "terminology/records", build_records, inputs=["terminology/concepts", *present])
    produce(run, "identifying/entities", build_entities, inputs=["terminology/records", *present])
    produce(run, "linkage/links", build_links, inputs=["identifying/entities", *present], chained=True)
    make_chain(run)
    produce(run, "statistics/cubes", build_cubes, inputs=["chain/events", "terminology/concepts"])
    return run


@pytest.mark.slow
def test_records_of_two_partners_of_one_unit_have_numbers_of_their_own(delivered: Settings) -> None:
    run = Run.start(delivered, DAY)
    numbers = {}
    with run.connect(identifying=True) as connection:
        for partner, file in (("watch", "reports"), ("patrol", "stops")):
            view = register_records(run, connection, partner, file)
            numbers[partner] = [no for (no,) in connection.execute(f"SELECT record_no FROM {view} ORDER BY record_no").fetchall()]
    assert numbers == {"watch": [1, 2], "patrol": [FIRST + 1, FIRST + 2]}


@pytest.mark.slow
def test_what_two_partners_report_of_one_unit_is_counted_together_and_balanced_apart(delivered: Settings) -> None:
    run = run_through(delivered, DAY)
    reported = "SELECT partner, record_no, occurred_on, offence, region FROM rows WHERE kind = 'reported' ORDER BY ALL"
    assert [tuple(row.values()) for row in read(run, "chain/events", reported)] == [
        ("patrol", FIRST + 1, date(2024, 1, 11), "theft", None),
        ("patrol", FIRST + 2, date(2024, 1, 12), "theft", None),
        ("watch", 1, date(2024, 1, 3), "theft", "north"),
        ("watch", 2, date(2024, 1, 5), "assault", "north"),
    ]
    balance = "SELECT partner, inflow, outflow, closing FROM rows WHERE spell = 'open_report' ORDER BY ALL"
    assert [tuple(row.values()) for row in read(run, "chain/flows", balance)] == [("patrol", 2, 0, 2), ("watch", 2, 1, 1)]
    with run.connect(confidential=True) as connection:
        cube = engine.parquet([run.lake.open("statistics/cubes").path("reports_month.parquet")])
        counted = connection.execute(f"SELECT offence, n FROM {cube} ORDER BY offence").fetchall()
    assert counted == [("property", 3), ("violence", 1)]
    assert list(load_statistics(run.jurisdiction).cube("reports_month").partners) == ["patrol", "watch"]


@pytest.mark.slow
def test_numbers_are_one_person_from_the_day_on_which_their_authority_says_so(delivered: Settings) -> None:
    persons = "SELECT person_id, COUNT(*) AS records FROM rows GROUP BY person_id ORDER BY person_id"
    assert [row["records"] for row in linked(run_through(delivered, DAY), persons)] == [1, 2, 1], "Ben; Ada twice"
    later = run_through(delivered, LATER)
    assert [row["records"] for row in linked(later, persons)] == [2, 2]
    assert {row["unit"] for row in linked(later, "SELECT DISTINCT unit FROM rows")} == {"report"}, "a merge is no record of a person"
    assert later.lake.open("identifying/entities").facts["merged_numbers"] == 2


def linked(run: Run, query: str) -> list[dict]:
    with run.connect(confidential=True) as connection:
        links = engine.parquet([run.lake.open("linkage/links").path("links.parquet")])
        connection.execute(f"CREATE TEMP VIEW rows AS SELECT * FROM {links}")
        return connection.execute(query).to_arrow_table().to_pylist()


@pytest.mark.parametrize(
    ("file", "how", "load", "complaint"),
    [
        (
            "contracts/patrol/partner.yaml",
            lambda c: c.pop("records_from"),
            load_contracts,
            "patrol also delivers unit report: give one of them",
        ),
        (
            "contracts/patrol/events.yaml",
            lambda c: c["report"]["events"].append({"kind": "frisked", "date": "stopped"}),
            load_chain,
            "`order` must list every kind of the units once; look at frisked",
        ),
        (
            "contracts/patrol/events.yaml",
            lambda c: c["report"]["attributes"].update(region="matter_concept"),
            load_chain,
            "unit report: attribute region has another scheme than at partner patrol",
        ),
    ],
)
def test_what_does_not_fit_the_other_partner_is_named(folder: Path, file: str, how, load, complaint: str) -> None:
    change(folder / file, how)
    with pytest.raises(ConfigurationError, match=complaint):
        load(Jurisdiction(folder))


@pytest.mark.slow
def test_a_register_of_merged_numbers_that_nobody_has_a_contract_for_is_named(delivered: Settings, folder: Path) -> None:
    change(folder / "linkage.yaml", lambda c: c["strong_keys"][0]["merged"].update(old="former"))
    run = Run.start(delivered, DAY)
    present = [f"deliveries/{partner}" for partner in partners_in(run)]
    produce(run, "terminology/concepts", build_concepts)
    produce(run, "terminology/records", build_records, inputs=["terminology/concepts", *present])
    with pytest.raises(ConfigurationError, match="no file registry/merges has direct columns former and lead"):
        produce(run, "identifying/entities", build_entities, inputs=["terminology/records", *present])
