"""Another publisher's figures in our words: exact, complete, adding up to what was published."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

from das_pipeline.deliveries import external_sources, take_in_external
from das_pipeline.errors import ConfigurationError
from das_pipeline.gate import GateFailed
from das_pipeline.lake import Draft, Version
from das_pipeline.run import Run, produce
from das_pipeline.settings import PROJECT, Settings
from das_pipeline.terminology import build_concepts, build_external, build_records, difference
from das_pipeline.terminology.differences import Figures

Begin = Callable[..., Run]
Plant = Callable[[str, str, str], None]

SOURCE = """
source: almanac
title: {nl: Almanak, en: Almanac}
publisher: {nl: De drukker, en: The printer}
description: {nl: Verzonnen., en: Invented.}
url: https://example.org/almanac
licence: {name: CC0-1.0, title: CC0, url: "https://example.org/licence"}
vintage: 2024-01-15
retrieved: {nl: Uit de almanak., en: From the almanac.}
file: figures.csv
unit: report
measure: number
columns:
  - {name: kind, type: text, required: true, concept: {scheme: offence, list: almanac_kind}, description: {nl: Soort, en: Kind}}
  - {name: year, type: integer, required: true, description: {nl: Jaar, en: Year}}
  - {name: number, type: integer, required: true, description: {nl: Aantal, en: Number}}
key: [kind, year]
table: almanac_reports
crosswalks: [{column: place, of: kind, scheme: region, crosswalk: almanac_place}]
totals: {2022: 60, 2023: 33}
"""
FIGURES = "kind,year,number\nstolen,2022,40\nbeaten,2022,20\nstolen,2023,30\nbeaten,2023,3\n"
VALID = "1900-01-01,9999-12-31"
THEFT, ASSAULT = f"theft,north,1,{VALID},,almanac,toy", f"assault,south,1,{VALID},,almanac,toy"
CROSSWALK = "terminology/crosswalks/almanac_place.csv"


@pytest.fixture
def almanac(folder: Path) -> Path:
    """The toy jurisdiction with an external source."""
    terminology = folder / "terminology"
    for file, text in {
        folder / "external/almanac/source.yaml": SOURCE,
        folder / "external/almanac/figures.csv": FIGURES,
        terminology / "codes/almanac_kind.csv": f"code,label,valid_from,valid_until,kind\nstolen,s,{VALID},valid\nbeaten,b,{VALID},valid\n",
        terminology / "mappings/almanac_kind.csv": "code,concept,valid_from,valid_until,note,reviewed_by\n"
        f"stolen,theft,{VALID},,toy\nbeaten,assault,{VALID},,toy\n",
        terminology / "crosswalks/almanac_place.csv": "code,concept,weight,valid_from,valid_until,note,source,reviewed_by\n"
        f"{THEFT}\n{ASSAULT}\n",
    }.items():
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
    return folder


def build(run: Run) -> Version:
    produce(run, "terminology/concepts", build_concepts)
    inputs = ["terminology/concepts"]
    for source in external_sources(run.jurisdiction):
        take_in_external(run, source)
        inputs.append(f"deliveries/{source}")
    return produce(run, "terminology/external", build_external, inputs=inputs).version


@pytest.mark.usefixtures("almanac")
def test_figures_get_every_level_and_crosswalk_and_stay_exact(begin: Begin) -> None:
    run = begin()
    version = build(run)
    with run.connect() as connection:
        cells = connection.execute(f"SELECT * FROM '{version.path('almanac_reports.parquet')}'")
        assert [c[0] for c in cells.description] == ["year", "offence", "group", "place", "number", "is_estimate", "is_provisional"]
        assert cells.fetchall() == [
            (2022, "assault", "violence", "south", 20, False, False),
            (2022, "theft", "property", "north", 40, False, False),
            (2023, "assault", "violence", "south", 3, False, False),
            (2023, "theft", "property", "north", 30, False, False),
        ]
    assert [(v["rule"], v["passed"]) for v in version.verdicts] == [("T02", True), ("F05", True)]


@pytest.mark.usefixtures("almanac")
@pytest.mark.breaks("T02")
def test_a_figure_without_a_concept_stops_the_table(begin: Begin, plant: Plant) -> None:
    plant("external/almanac/figures.csv", "beaten,2023,3", "bitten,2023,3")
    with pytest.raises(GateFailed, match="1 figures of external sources have no concept"):
        build(begin())


@pytest.mark.usefixtures("almanac")
@pytest.mark.breaks("T02")
def test_a_concept_that_is_not_in_the_crosswalk_stops_the_table(begin: Begin, plant: Plant) -> None:
    plant(CROSSWALK, f"{ASSAULT}\n", "")
    with pytest.raises(GateFailed, match="2 figures of external sources have no concept"):
        build(begin())


@pytest.mark.usefixtures("almanac")
@pytest.mark.breaks("F05", "T11")
def test_a_mapping_that_doubles_figures_breaks_their_total(begin: Begin, plant: Plant) -> None:
    plant(CROSSWALK, THEFT, f"{THEFT}\n{THEFT.replace('north', 'south')}")
    run = begin()

    def unjudged(run: Run, draft: Draft) -> list:
        build_concepts(run, draft)
        return []

    produce(run, "terminology/concepts", unjudged)
    take_in_external(run, "almanac")
    with pytest.raises(GateFailed, match=r"F05 .* 2 published totals"):
        produce(run, "terminology/external", build_external, inputs=["terminology/concepts", "deliveries/almanac"])


def split(*weights: tuple[str, str], valid: str = VALID) -> str:
    return "\n".join(f"theft,{place},{weight},{valid},,almanac,toy" for place, weight in weights)


@pytest.mark.usefixtures("almanac")
def test_a_figure_is_split_by_weights_into_parts_that_add_up_to_it(begin: Begin, plant: Plant) -> None:
    plant("external/almanac/figures.csv", "stolen,2022,40", "stolen,2022,41")
    plant("external/almanac/source.yaml", "2022: 60", "2022: 61")
    until_2022 = split(("north", "0.666667"), ("south", "0.333333"), valid="1900-01-01,2022-12-31")
    plant(CROSSWALK, THEFT, f"{until_2022}\n{split(('north', '0.5'), ('south', '0.5'), valid='2023-01-01,9999-12-31')}")
    run = begin()
    version = build(run)
    with run.connect() as connection:
        cells = connection.execute(
            f"SELECT year, place, number, is_estimate FROM '{version.path('almanac_reports.parquet')}' WHERE offence = 'theft' ORDER BY ALL"
        ).fetchall()
    assert cells == [
        (2022, "north", 27, True),  # 27.33 and 13.67 of 41: the unit that is left goes to the larger remainder
        (2022, "south", 14, True),
        (2023, "north", 15, True),
        (2023, "south", 15, True),
    ]


@pytest.mark.usefixtures("almanac")
@pytest.mark.breaks("T11")
@pytest.mark.parametrize(
    ("parts", "sentence"),
    [
        (split(("north", "0.6"), ("south", "0.3")), "row 2: from 1900-01-01 the weights of code theft add up to 0.9, not to 1"),
        (split(("north", "0.5"), ("north", "0.5")), "row 3: code theft has a weight for north on the same day in row 2"),
        (
            f"{split(('north', '0.6'), valid='1900-01-01,2022-12-31')}\n{split(('south', '0.4'))}",
            "row 3: from 2023-01-01 the weights of code theft add up to 0.4, not to 1",
        ),
    ],
)
def test_weights_that_do_not_add_up_to_one_on_a_day_block(begin: Begin, plant: Plant, parts: str, sentence: str) -> None:
    plant(CROSSWALK, THEFT, parts)
    with pytest.raises(GateFailed, match=r"T11") as caught:
        build(begin())
    assert sentence in str(caught.value)


@pytest.mark.usefixtures("almanac")
@pytest.mark.breaks("T05")
@pytest.mark.parametrize(("old", "new"), [("theft,north", "theft,east"), ("theft,north", "thefts,north")])
def test_a_crosswalk_from_or_to_no_concept_blocks(begin: Begin, plant: Plant, old: str, new: str) -> None:
    plant(CROSSWALK, old, new)
    with pytest.raises(GateFailed, match=r"almanac_place\.csv row 2: (east|thefts) is not a concept of"):
        build(begin())


@pytest.mark.usefixtures("almanac")
@pytest.mark.parametrize("weight", ["0", "0.0", "1.0", "0.1234567", "-0.5", "1.5", "½", ""])
def test_a_weight_that_is_no_share_of_one_is_refused(begin: Begin, plant: Plant, weight: str) -> None:
    plant(CROSSWALK, "theft,north,1", f"theft,north,{weight}")
    with pytest.raises(ConfigurationError, match=r"almanac_place\.csv:2: weight: "):
        build(begin())


@pytest.mark.slow
@pytest.mark.usefixtures("almanac")
def test_the_difference_counts_the_figures_that_a_crosswalk_would_change(
    begin: Begin, deliver: Callable[[list[tuple[str, ...]]], None], plant: Plant
) -> None:
    deliver([("M", "10", "n", "2024-01-05")])
    build(run := begin())
    produce(run, "terminology/records", build_records, inputs=["terminology/concepts"])
    plant(CROSSWALK, "theft,north", "theft,south")
    assert difference(begin()).external == [Figures("almanac_reports", cells=4, cells_changed=2)]


def test_a_jurisdiction_without_external_sources_has_an_empty_table(begin: Begin) -> None:
    version = build(begin())
    assert not version.files
    assert all(v["passed"] for v in version.verdicts)


@pytest.mark.slow
def test_main_groups_of_the_real_police_figures_are_within_a_point_of_the_published_shares(settings: Settings) -> None:
    """Criminaliteit en rechtshandhaving 2022: property 56, public order 13, violence and sexual 10, traffic 17, drugs 2, weapons 1 %."""
    published = {"property": 56, "public_order": 13, "violence_sexual": 10, "traffic": 17, "drugs": 2, "weapons": 1}
    run = Run.start(replace(settings, jurisdiction=PROJECT / "jurisdictions" / "nl"), date(2025, 12, 31))
    version = build(run)
    with run.connect() as connection:
        shares = connection.execute(
            "SELECT scm_group, 100 * SUM(recorded_crimes) / SUM(SUM(recorded_crimes)) OVER ()"
            f" FROM '{version.path('police_recorded_crime.parquet')}' WHERE year = 2022 GROUP BY scm_group"
        )
        ours = dict(shares.fetchall())
    assert {group: share for group, share in published.items() if abs(ours[group] - share) > 1} == {}
