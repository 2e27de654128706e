"""Cook County by files alone: a prosecutor's real file as it is, three units in one file, from the inbox to a signed release in English.

Every base cube is counted again here, in plain Python, from the raw file.
"""

from __future__ import annotations

import csv
import hashlib
import json
import shutil
from collections import ChainMap, Counter
from collections.abc import Callable, Iterator, Mapping
from datetime import date, datetime
from pathlib import Path

import pytest
import yaml

from das_pipeline.settings import PROJECT
from tests.content import rows
from tests.installation import Installation, let_sign, real_installation

FOLDER = PROJECT / "jurisdictions" / "cook_county"
FILE = Path(__file__).parent / "cook_county" / "initiations.csv"
DAY = date(2020, 8, 31)
Row = Mapping[str, str]


@pytest.fixture(scope="module")
def cook(tmp_path_factory: pytest.TempPathFactory) -> Installation:
    """The file delivered once, and its candidate released by two persons."""
    made = real_installation(tmp_path_factory.mktemp("cook"), FOLDER)
    names = ("reviewer", "approver")
    printed = [made.das("keys", "new-person", name, "--out", str(made.root / f"{name}.key")) for name in names]
    let_sign(made, dict(ChainMap(*(yaml.safe_load(text.split("release.persons:")[1]) for text in printed))))
    deliver(made.inbox)
    made.das("run")
    for action, name in zip(("review", "approve"), names, strict=True):
        made.das("release", action, name, "--key", str(made.root / f"{name}.key"))
    return made


def deliver(inbox: Path) -> None:
    """The file as it is, listed once for each of its units."""
    folder = inbox / "prosecutor" / f"{DAY}.1"
    folder.mkdir(parents=True)
    shutil.copyfile(FILE, folder / FILE.name)
    content = FILE.read_bytes()
    described = {
        "name": FILE.name,
        "sha256": hashlib.sha256(content).hexdigest(),
        "bytes": len(content),
        "lines": content.count(b"\n") + (not content.endswith(b"\n")),
    }
    manifest = {
        "partner": "prosecutor",
        "delivery": folder.name,
        "reference_on": str(DAY),
        "delivered_on": str(DAY),
        "sequence": 1,
        "is_simulated": False,
        "files": [{"file": file, **described} for file in ("cases", "defendants", "charges")],
    }
    (folder / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")


def test_there_are_only_declarations_in_the_folder() -> None:
    assert {path.suffix for path in FOLDER.rglob("*") if path.is_file()} == {".yaml", ".csv"}


# -- the independent count


def read(file: str) -> Iterator[Row]:
    with (FOLDER / "terminology" / file).open(encoding="utf-8", newline="") as lines:
        yield from csv.DictReader(lines)


def meanings(code_list: str) -> Callable[[str], str]:
    """The concept of a code as it is in the file."""
    of_code = {row["code"]: row["concept"] for row in read(f"mappings/{code_list}.csv")}
    return lambda code: "unknown" if code == "NA" else of_code[code]


def day(text: str) -> date | None:
    return None if text == "NA" else datetime.strptime(text, "%m/%d/%Y %I:%M:%S %p").date()


def age_class(text: str) -> str:
    if text == "NA":
        return "unknown"
    age = int(text)
    return "under_21" if age < 21 else "from_21" if age < 30 else "from_30" if age < 45 else "from_45"


def counted() -> dict[str, Counter[tuple[str, ...]]]:
    """What every base cube must have: the codes of its dimensions and the year, and how many."""
    with FILE.open(encoding="utf-8", newline="") as lines:
        file = list(csv.DictReader(lines))
    of_category, group = meanings("offence_category"), {row["concept"]: row["parent"] for row in read("schemes/offence.csv")}
    gender, race, review, bond = (meanings(name) for name in ("gender", "race", "felony_review", "bond_type"))
    class_of, initiation = meanings("charge_class"), meanings("initiating_event")
    cubes: dict[str, Counter[tuple[str, ...]]] = {}

    def add(cube: str, text: str, *codes: str) -> None:
        on = day(text)
        if on is not None and date(2011, 1, 1) <= on <= DAY:  # one defendant was arrested in 2010
            cubes.setdefault(cube, Counter())[(*codes, str(on.year))] += 1

    for row in {row["CASE_ID"]: row for row in file}.values():
        add("cases_year", row["RECEIVED_DATE"], group[of_category(row["OFFENSE_CATEGORY"])])
    for row in {row["CASE_PARTICIPANT_ID"]: row for row in file}.values():
        now = group[of_category(row["UPDATED_OFFENSE_CATEGORY"])]
        received, arraigned = day(row["RECEIVED_DATE"]), day(row["ARRAIGNMENT_DATE"])
        add("defendants_year", row["RECEIVED_DATE"], gender(row["GENDER"]), age_class(row["AGE_AT_INCIDENT"]), race(row["RACE"]))
        add("arrests_year", row["ARREST_DATE"], now)
        add("reviews_year", row["FELONY_REVIEW_DATE"], review(row["FELONY_REVIEW_RESULT"]))
        add("bonds_year", row["BOND_DATE_INITIAL"], bond(row["BOND_TYPE_INITIAL"]))
        if not (arraigned and received and arraigned < received):  # rule C04: one arraignment is before the receipt of its case
            add("arraignments_year", row["ARRAIGNMENT_DATE"], now)
    for row in file:  # one charge has an event in 2109: rule K08
        add("charges_year", row["EVENT_DATE"], initiation(row["EVENT"]), class_of(row["CLASS"]))
    return cubes


@pytest.mark.slow
def test_every_base_cube_is_the_independent_count(cook: Installation) -> None:
    declared = {c["cube"]: list(c["leaf"]) for c in yaml.safe_load((FOLDER / "statistics" / "cubes.yaml").read_text())["cubes"]}
    expected = counted()
    assert expected.keys() == declared.keys()
    for cube, dimensions in declared.items():
        cells = rows(cook.run(), cook.live("statistics/cubes"), f"{cube}.parquet")
        found = {(*(cell[d] for d in dimensions), cell["period"]): cell["n"] for cell in cells if cell["n"]}
        assert found == dict(expected[cube]), cube
    assert {cube: sum(cells.values()) for cube, cells in expected.items()} == TOTALS


TOTALS = {
    "cases_year": 991,
    "defendants_year": 996,
    "arrests_year": 957,
    "reviews_year": 760,
    "bonds_year": 730,
    "arraignments_year": 858,
    "charges_year": 977,
}


@pytest.mark.slow
def test_a_day_ends_in_chicago(cook: Installation) -> None:
    script = "from orchestration import cleaning, schedules; print(schedules.daily.execution_timezone, cleaning.nightly.execution_timezone)"
    assert cook.python("-c", script).split() == ["America/Chicago", "America/Chicago"]


@pytest.mark.slow
def test_what_is_before_the_first_month_is_counted_and_shown(cook: Installation) -> None:
    assert cook.live("statistics/cubes").facts["before_opening"] == {"arrests_year": 1}
    assert "Not counted, before 2011-01 (chain.yaml, opening_month): arrests_year 1" in " ".join(cook.das("status").split())


@pytest.mark.slow
def test_every_line_of_the_file_is_accounted_for_in_each_of_its_units(cook: Installation) -> None:
    account = {row["file"]: row for row in rows(cook.run(), cook.live("deliveries/prosecutor"), "account.parquet")}
    seen = {file: (a["read"], a["accepted"], a["duplicate"], a["quarantined"]) for file, a in account.items()}
    assert seen == {"cases": (1000, 991, 9, 0), "defendants": (1000, 996, 4, 0), "charges": (1000, 999, 0, 1)}


@pytest.mark.slow
def test_a_signed_release_and_a_site_in_one_language_come_of_it(cook: Installation) -> None:
    release = cook.current()
    assert release.name == f"{DAY}.1"
    assert "Every file is what the signed manifest says." in cook.das("audit")
    pages = {path.name: path.read_text(encoding="utf-8") for path in (release / "site").rglob("*.html")}
    assert len(pages) == 11
    for page in pages.values():
        assert '<html lang="en">' in page
        assert "August 31, 2020" in page
        assert 'class="lang"' not in page
    package = json.loads((release / "datapackage.json").read_bytes())
    assert package["title"] == "Felony cases of Cook County in figures"
    assert not [key for key in package if key.startswith("title_")]


@pytest.mark.slow
def test_rows_of_one_defendant_are_one_person_and_one_case(cook: Installation) -> None:
    links = rows(cook.run(), cook.live("linkage/links"), "links.parquet")
    assert len({row["person_id"] for row in links} - {None}) == 996
    assert len({row["case_id"] for row in links}) == 996  # each defendant has a case of his own; five share a number of the office
