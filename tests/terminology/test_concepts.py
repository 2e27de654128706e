"""The schemes, code lists and mappings of a jurisdiction: what is written, and which mistakes block it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from das_pipeline.errors import ConfigurationError
from das_pipeline.gate import GateFailed
from das_pipeline.jurisdiction import Jurisdiction
from das_pipeline.lake import Version
from das_pipeline.run import Run, produce
from das_pipeline.terminology import build_concepts, hierarchy, load_schemes
from das_pipeline.terminology.file_faults import Fault, find_faults

Begin = Callable[..., Run]
Plant = Callable[[str, str, str], None]


def build(run: Run) -> Version:
    return produce(run, "terminology/concepts", build_concepts).version


def faults(folder: Path) -> list[Fault]:
    return find_faults(Jurisdiction(folder))


def test_every_concept_has_its_ancestor_at_each_level(run: Run) -> None:
    build(run)
    with run.connect() as connection:
        rows = connection.execute(f"SELECT level, node FROM {hierarchy(run, connection)} WHERE scheme = 'offence' AND leaf = 'theft'")
        assert sorted(rows.fetchall()) == [("group", "property"), ("offence", "theft"), ("total", "all")]


def test_the_five_tables_are_written(run: Run) -> None:
    version = build(run)
    tables = ("codes", "concepts", "crosswalks", "hierarchies", "mappings")
    assert set(version.files) == {*(f"{table}.parquet" for table in tables), "concepts.ttl", "concepts.jsonld"}
    with run.connect() as connection:
        rows = connection.execute(
            f"SELECT code, concept, valid_from FROM '{version.path('mappings.parquet')}' WHERE list = 'watch_offence'"
        )
        assert [(code, concept, str(day)) for code, concept, day in rows.fetchall()] == [
            ("10", "theft", "1900-01-01"),
            ("11", "burglary", "1900-01-01"),
            ("20", "assault", "1900-01-01"),
            ("21", "assault", "2024-01-01"),
        ]


def test_concepts_keep_the_order_of_their_file_in_which_they_are_shown(run: Run) -> None:
    concepts = load_schemes(run.jurisdiction)["age"].concepts
    assert [(name, c.label.en, c.from_age, c.to_age) for name, c in concepts.items()] == [
        ("all", "All ages", None, None),
        ("minor", "Under 18", 0, 17),
        ("adult", "18 and over", 18, 199),
        ("unknown", "Unknown", None, None),
    ]


def test_levels_run_from_the_mapped_one_up_to_the_total(run: Run) -> None:
    assert load_schemes(run.jurisdiction)["offence"].levels == ("offence", "group", "total")


def test_the_mapping_version_changes_with_the_terminology_and_with_nothing_else(begin: Begin, plant: Plant) -> None:
    before = build(begin()).facts["mapping_version"]
    plant("policy.yaml", "warn: 0.002", "warn: 0.003")
    assert build(begin()).facts["mapping_version"] == before
    plant("terminology/mappings/watch_ward.csv", "n,north", "n,south")
    assert build(begin()).facts["mapping_version"] != before


def test_the_same_bytes_on_one_and_two_threads(begin: Begin, tmp_path: Path) -> None:
    two = build(begin(threads=2)).files
    (begin().lake.root("terminology/concepts") / "current.json").unlink()
    one = build(begin(threads=1)).files
    assert {n: e.sha256 for n, e in one.items()} == {n: e.sha256 for n, e in two.items()}


@pytest.fixture
def refused(begin: Begin, plant: Plant) -> Callable[[str, str, str], str]:
    """Plant a fault in a file of `terminology/` and return why the concepts are not promoted."""

    def why(file: str, old: str, new: str) -> str:
        plant(f"terminology/{file}", old, new)
        with pytest.raises(GateFailed) as caught:
            build(begin())
        return str(caught.value)

    return why


Refused = Callable[[str, str, str], str]


@pytest.mark.breaks("T03")
def test_a_code_with_two_meanings_on_one_day_blocks(refused: Refused) -> None:
    doubled = "s,south,1900-01-01,9999-12-31,,toy\ns,north,1900"
    assert "row 4: code s is mapped on the same day in row 3" in refused("mappings/watch_ward.csv", "s,south,1900", doubled)


@pytest.mark.breaks("T04")
@pytest.mark.parametrize(
    ("file", "old", "new", "fault"),
    [
        ("codes/watch_ward.csv", "s,south", "s,south,1900-01-01,9999-12-31,valid\ns,south", "row 4: code s is listed"),
        ("mappings/watch_sex.csv", "M,male,1900-01-01", "M,male,2000-01-01", "no mapping from 1900-01-01 to 1999-12-31"),
        ("mappings/watch_ward.csv", "s,south", "z,south,1900-01-01,9999-12-31,,toy\ns,south", "row 3: code z is not in"),
    ],
)
def test_a_code_listed_twice_used_without_meaning_or_mapped_without_use_blocks(
    refused: Refused, file: str, old: str, new: str, fault: str
) -> None:
    assert fault in refused(file, old, new)


@pytest.mark.breaks("T05")
def test_a_concept_that_its_scheme_does_not_have_blocks(begin: Begin, refused: Refused) -> None:
    assert "mappings/bench_ruling.csv row 2: gilty is not a concept" in refused("mappings/bench_ruling.csv", "GU,guilty", "GU,gilty")
    assert begin().lake.current("terminology/concepts") is None


@pytest.mark.breaks("T10")
@pytest.mark.parametrize(
    ("file", "old", "new", "fault"),
    [
        ("mappings/watch_offence.csv", "11,burglary", "11,property", "property is of level group"),
        ("schemes/offence.csv", "theft,offence,property", "theft,offence,all", "row 5: a concept of level offence"),
        ("schemes/offence.csv", "theft,offence,property", "theft,offence,goods", "row 5: the parent goods is not a concept"),
        ("schemes/sex.csv", "unknown,sex,all,", "not_known,sex,all,", "needs a concept unknown"),
        ("schemes/sex.csv", "female,sex,all,", "not_applicable,sex,all,", "not_applicable is reserved"),
        ("schemes/age.csv", "toy,18,199", "toy,17,199", "schemes/age.csv row 4: an age belongs to one class"),
        ("schemes/region.csv", "south,ward,all,", "south,total,,", "exactly one concept has no parent"),
    ],
)
def test_levels_that_do_not_partition_the_level_above_block(refused: Refused, file: str, old: str, new: str, fault: str) -> None:
    assert fault in refused(file, old, new)


def test_two_concepts_of_a_level_do_not_replace_the_same_code(folder: Path) -> None:
    file = folder / "terminology/schemes/offence.csv"
    replaces = {"concept": "replaces", "theft": "pilfering shoplifting", "burglary": "shoplifting", "property": "shoplifting"}
    lines = file.read_text(encoding="utf-8").splitlines()
    file.write_text("".join(f"{line},{replaces.get(line.partition(',')[0], '')}\n" for line in lines), encoding="utf-8")
    row = next(n for n, line in enumerate(lines, 1) if line.startswith("burglary,"))
    said = f"terminology/schemes/offence.csv row {row}: the concept of row 5 already replaces shoplifting, on the same level"
    assert [str(f) for f in faults(folder)] == [said], "property is of another level"


def test_a_code_in_two_rows_may_not_mean_two_things_on_one_day(folder: Path, plant: Plant) -> None:
    for kind in ("codes", "mappings"):
        plant(f"terminology/{kind}/watch_offence.csv", "\n21,", "\n20,")
    assert faults(folder) == []
    plant("terminology/mappings/watch_offence.csv", "1900-01-01,2023-12-31", "1900-01-01,2024-01-01")
    assert [str(f) for f in faults(folder)] == ["terminology/mappings/watch_offence.csv row 5: code 20 is mapped on the same day in row 4"]


def test_a_list_without_files_and_a_scheme_without_a_file_are_named(folder: Path, plant: Plant) -> None:
    plant("contracts/watch/reports.yaml", "{scheme: region, list: watch_ward}", "{scheme: region, list: watch_wards}")
    plant("contracts/watch/reports.yaml", "{scheme: sex, list: watch_sex}", "{scheme: sexes, list: watch_sex}")
    assert [(f.rule, f.sentence) for f in faults(folder)] == [
        ("T05", "scheme sexes has no file in terminology/schemes"),
        ("T04", "list watch_wards has no file in terminology/codes and terminology/mappings"),
    ]


@pytest.mark.parametrize(
    ("file", "old", "new", "complaint"),
    [
        (
            "codes/watch_sex.csv",
            "F,female,1900-01-01",
            "F,female,1-1-1900",
            r"watch_sex.csv:3: valid_from: '1-1-1900' is no day: write it as yyyy-mm-dd",
        ),
        (
            "codes/watch_sex.csv",
            "F,female,1900-01-01",
            "F,female,1900-02-30",
            r"watch_sex.csv:3: valid_from: 1900-02-30 is not a day",
        ),
        ("codes/watch_sex.csv", "9999-12-31,unknown", "1899-12-31,unknown", r"watch_sex.csv:4: valid_until: it is before"),
        ("codes/watch_sex.csv", "9999-12-31,unknown", "9999-12-31,odd", r"watch_sex.csv:4: kind: 'odd' cannot be here. There are"),
        ("mappings/watch_sex.csv", "M,male", ",male", r"watch_sex.csv:2: code: it may not be empty"),
        ("mappings/watch_sex.csv", "code,concept", "kode,concept", r"watch_sex.csv:1: the header"),
        ("schemes/sex.csv", "\nmale,sex,all,Man,Male,Man.", "\nmale,sex,all,Man,Male,", r"sex.csv:3: definition_nl: it may not"),
        ("schemes/sex.csv", "\nfemale,sex,all,", "\nmale,sex,all,", r"sex.csv:4: concept: male is in an earlier row too"),
    ],
)
def test_a_table_of_another_shape_is_refused_by_file_row_and_column(
    folder: Path, plant: Plant, file: str, old: str, new: str, complaint: str
) -> None:
    plant(f"terminology/{file}", old, new)
    with pytest.raises(ConfigurationError, match=complaint):
        faults(folder)


def test_a_list_with_codes_but_no_mappings_is_refused(folder: Path) -> None:
    (folder / "terminology/mappings/watch_sex.csv").unlink()
    with pytest.raises(ConfigurationError, match=r"mappings/watch_sex.csv: this file is missing"):
        faults(folder)
