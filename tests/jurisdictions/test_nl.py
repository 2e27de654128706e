"""The Dutch jurisdiction: its files load, fit each other, and give the figures that are published."""

from __future__ import annotations

import csv
from collections import Counter
from functools import cache
from pathlib import Path

import duckdb

from das_pipeline.chain import load_chain
from das_pipeline.deliveries import load_contracts, load_partners
from das_pipeline.disclosure.policy import checked_policy
from das_pipeline.jurisdiction import Jurisdiction, Text
from das_pipeline.linkage.definition import load_definition
from das_pipeline.publication.texts import table_texts
from das_pipeline.settings import PROJECT
from das_pipeline.statistics import load_statistics
from das_pipeline.terminology import load_schemes
from das_pipeline.terminology.columns import list_uses
from das_pipeline.terminology.crosswalks import load_crosswalks
from das_pipeline.terminology.file_faults import find_faults
from das_pipeline.terminology.lists import load_lists

NL = Jurisdiction(PROJECT / "jurisdictions" / "nl")
POLICE_FIGURES = NL.folder / "external" / "politie_47018"
PARTNERS = {"politie", "kmar", "gerechtshof", "justid", "om", "rechtspraak", "cjib", "dji", "reclassering", "halt", "rvdk"}
PUBLISHED_SHARES_2022 = {
    "property": 56,
    "public_order": 13,
    "violence_sexual": 10,
    "traffic": 17,
    "drugs": 2,
    "weapons": 1,
}  # C&R 2022, percent


@cache
def schemes():
    return load_schemes(NL)


@cache
def lists():
    return load_lists(NL)


@cache
def statistics():
    return load_statistics(NL)


def test_every_partner_has_a_contract_for_each_of_its_files_and_events_for_its_units():
    partners, contracts, chain = load_partners(NL), load_contracts(NL), load_chain(NL)

    assert set(partners) == PARTNERS
    assert {(name, file) for name, partner in partners.items() for file in partner.files} == set(contracts)
    registers = load_definition(NL).registers  # of merged numbers: no units of the chain
    assert {contract.unit for place, contract in contracts.items() if place not in registers} == set(chain.units)
    assert {place for place in contracts if place in registers} == {("justid", "skn_historie")}


def test_police_and_marechaussee_report_the_same_units_and_number_them_apart():
    chain, partners = load_chain(NL), load_partners(NL)

    assert {name: [unit.partner for unit in units] for name, units in chain.units.items() if len(units) > 1} == {
        "crime": ["kmar", "politie"],
        "suspect": ["kmar", "politie"],
    }
    assert partners["kmar"].records_from > 10**11 > partners["politie"].records_from  # further apart than anybody has records


def test_the_contracts_cover_every_format_that_partners_use():
    formats = {contract.format.kind for contract in load_contracts(NL).values()}

    assert formats == {"csv", "fixed", "xml", "jsonl", "xlsx", "parquet"}
    assert {"gzip", "zip"} <= {contract.format.compression for contract in load_contracts(NL).values()}
    assert "utf-16" in {contract.format.encoding for contract in load_contracts(NL).values()}


def test_fixed_width_columns_follow_each_other_without_gap_or_overlap():
    for contract in load_contracts(NL).values():
        if contract.format.kind == "fixed":
            places = sorted(column.at for column in contract.columns if column.at)
            assert [start for start, _ in places] == [1, *(start + width for start, width in places[:-1])]


def test_every_code_means_one_concept_on_every_day_and_every_concept_adds_up():
    assert find_faults(NL) == []


def test_every_list_and_scheme_is_used():
    uses = list(list_uses(NL))

    assert set(lists()) == {use.list for use in uses}
    assert set(schemes()) - {"iccs", "age"} == {use.scheme for use in uses}


def test_police_classes_and_law_articles_lead_to_the_same_main_groups():
    assert labels("police_class", "scm_group") == labels("offence", "scm_group")
    assert len(labels("police_class", "class")) == 58 + 1  # and unknown


def labels(scheme: str, level: str) -> dict[str, Text]:
    return {c.concept: c.label for c in schemes()[scheme].concepts.values() if c.level == level}


def test_an_article_that_was_renumbered_is_mapped_by_the_date_of_the_offence():
    assert concept_of("om_artikel", "Sr 246", "2024-06-30") == "scm_3_3_1"  # sexual assault
    assert concept_of("om_artikel", "Sr 246", "2024-07-01") == "scm_3_3_4"  # rape of a minor of 16 or 17
    assert concept_of("om_artikel", "Sr 241", "2024-06-30") is None


def concept_of(name: str, code: str, day: str) -> str | None:
    rows = [m for m in lists()[name].mappings if m.code == code and m.valid_from.isoformat() <= day <= m.valid_until.isoformat()]
    return rows[0].concept if rows else None


def test_articles_in_the_list_are_in_canonical_form_and_reached_from_how_the_prosecutor_writes_them():
    rules = NL.csv("terminology/canonical/law_article.csv", ["pattern", "replacement", "note"])
    written = {code.code: code.code for code in lists()["om_artikel"].codes}
    written |= {" ".join(reversed(code.split(" ", 1))): code for code in written.values()}  # 310 Sr
    connection = duckdb.connect()
    connection.execute("CREATE TABLE spellings (raw VARCHAR, code VARCHAR)")
    connection.executemany("INSERT INTO spellings VALUES (?, ?)", [[raw, raw] for raw in written])
    for rule in rules:
        connection.execute("UPDATE spellings SET code = TRIM(REGEXP_REPLACE(code, ?, ?, 'g'))", [rule["pattern"], rule["replacement"]])

    codes = dict(connection.execute("SELECT raw, code FROM spellings").fetchall())

    assert {raw: code for raw, code in codes.items() if code != written[raw]} == {}


def test_outcomes_named_by_the_chain_and_the_cubes_are_concepts():
    chain = load_chain(NL)
    named = [(reopening.kind, reopening.outcome) for spell in chain.spells.values() for reopening in spell.reopens]
    named += [(kind, word) for cube in statistics().cubes for kind in cube.kinds for word in cube.leave_out.get("outcome", [])]

    assert [(kind, word) for kind, word in named if word not in schemes()[str(chain.outcome_scheme(kind))].concepts] == []


def test_every_spell_names_its_law():
    assert [name for name, spell in load_chain(NL).spells.items() if not any(digit in spell.law for digit in "0123456789")] == []


def test_every_published_column_and_unit_has_a_text():
    texts = table_texts(NL)
    tables = statistics().tables
    dimensions = {d for table in tables for d in table.by} | {table.stacked for table in tables if table.stacked}

    assert dimensions <= set(texts.columns)
    assert {statistics().cube(name).unit_of_count for table in tables for name in table.cubes} <= set(texts.units)
    assert {code for table in tables for codes in statistics().own_codes(table).values() for code in codes} <= set(texts.codes)


def test_the_tables_that_were_agreed_are_there():
    assert {table.name for table in statistics().tables} >= {
        "registered_crime",
        "registered_crime_region",
        "registered_crime_class",
        "suspects",
        "suspects_age_sex",
        "prosecution_inflow",
        "prosecution_decisions",
        "prosecution_decisions_offence",
        "prosecution_decisions_district",
        "court_outcomes",
        "court_outcomes_detail",
        "court_offence",
        "appeals",
        "sanctions",
        "chain_flow",
    }


def test_the_policy_names_cubes_and_dimensions_that_exist():
    policy = checked_policy(NL, statistics())

    for zero in policy.structural_zeros:
        cube = statistics().cube(zero.cube)
        assert all(concept in schemes()[cube.scheme[dimension]].concepts for dimension, concept in zero.leaf.items())


def test_linkage_names_roles_and_references_that_the_contracts_have():
    definition = load_definition(NL)
    columns = [column for contract in load_contracts(NL).values() for column in contract.columns]

    assert {key.role for key in definition.strong_keys} <= {column.identity for column in columns}
    assert {column.reference for column in columns if column.reference} == set(definition.references) == set(definition.case_anchor)


def police_figures() -> list[dict[str, str]]:
    with (POLICE_FIGURES / "recorded_crime.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_the_classes_of_the_police_add_up_to_their_published_totals():
    sums: Counter[int] = Counter()
    for row in police_figures():
        sums[int(row["year"])] += int(row["recorded_crimes"])

    assert sums == {int(year): total for year, total in NL.document("external/politie_47018/source.yaml").value()["totals"].items()}
    assert sums[2022] == 799_895


def test_main_groups_of_the_real_figures_are_within_a_point_of_the_published_shares():
    classes = schemes()["police_class"].concepts
    groups: Counter[str | None] = Counter()
    for row in police_figures():
        if row["year"] == "2022":
            groups[classes[str(concept_of("politie_klasse", row["class_code"], "2022-12-31"))].parent] += int(row["recorded_crimes"])
    total = sum(groups.values())

    assert {group: share for group, share in PUBLISHED_SHARES_2022.items() if abs(100 * groups[group] / total - share) > 1} == {}


def test_every_police_class_has_a_place_in_the_international_classification():
    parts = load_crosswalks(NL)["police_class_iccs"].parts

    assert {part.code for part in parts} == labels("police_class", "class").keys() - {"unknown"}
    assert {part.concept for part in parts} <= set(schemes()["iccs"].concepts)


def test_published_figures_name_their_source():
    path = Path("simulation/calibration.csv")
    rows = NL.csv(str(path), ["year", "partner", "indicator", "breakdown", "value", "unit", "is_provisional", "source", "verified"])

    assert len(rows) == 211
    assert [row for row in rows if not row["source"] or float(row["value"]) <= 0] == []
