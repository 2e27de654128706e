"""External figures come in exactly as published, or not at all."""

from __future__ import annotations

import shutil
from datetime import date
from pathlib import Path

import pytest
import yaml

from das_pipeline.deliveries import external_sources, load_external, take_in_external
from das_pipeline.engine import parquet
from das_pipeline.errors import ConfigurationError
from das_pipeline.gate import GateFailed
from das_pipeline.jurisdiction import Jurisdiction
from das_pipeline.run import Run
from das_pipeline.settings import Settings
from tests.conftest import TOY

SOURCE = {
    "source": "census",
    "title": {"nl": "Telling", "en": "Census"},
    "publisher": {"nl": "De stad", "en": "The city"},
    "description": {"nl": "Telling.", "en": "Census."},
    "url": "https://example.org/census",
    "licence": {"name": "CC0-1.0", "title": "CC0", "url": "https://example.org/cc0"},
    "vintage": date(2024, 1, 1),
    "retrieved": {"nl": "Verzonnen.", "en": "Invented."},
    "file": "counts.csv",
    "unit": "report",
    "measure": "reports",
    "columns": [
        {"name": "ward", "type": "text", "concept": {"scheme": "region", "list": "ward"}, "description": {"nl": "Wijk", "en": "Ward"}},
        {"name": "year", "type": "integer", "required": True, "description": {"nl": "Jaar", "en": "Year"}},
        {"name": "reports", "type": "integer", "required": True, "range": [0, 99], "description": {"nl": "Meldingen", "en": "Reports"}},
    ],
    "key": ["ward", "year"],
    "table": "census",
    "totals": {2022: 7, 2023: 5},
}  # fmt: skip
FIGURES = "ward,year,reports\nn,2022,3\ns,2022,4\nn,2023,5\n"


@pytest.fixture
def census(settings: Settings, tmp_path: Path):
    """A run in a toy jurisdiction with one external source."""

    def make(figures: str = FIGURES, **changed) -> Run:
        folder = tmp_path / "toy"
        shutil.copytree(TOY, folder)
        place = folder / "external" / "census"
        place.mkdir(parents=True)
        (place / "source.yaml").write_text(yaml.safe_dump(SOURCE | changed), encoding="utf-8")
        (place / "counts.csv").write_text(figures, encoding="utf-8")
        run = Run.start(settings, date(2024, 3, 31))
        return Run(run.settings, run.lake, Jurisdiction(folder), run.keys, run.as_of)

    return make


def test_figures_come_in_as_published_and_plain(census) -> None:
    run = census()
    assert external_sources(run.jurisdiction) == ["census"]
    version = take_in_external(run, "census").version
    assert [v["rule"] for v in version.verdicts if v["passed"]] == ["I04", "I01", "K06", "I11"]
    with run.connect() as connection:
        rows = connection.execute(f"SELECT * FROM {parquet([version.path('counts.parquet')])}").fetchall()
    assert rows == [("n", 2022, 3), ("n", 2023, 5), ("s", 2022, 4)]
    assert version.as_of == "2024-01-01"
    assert take_in_external(run, "census").is_new is False


@pytest.mark.parametrize(
    ("figures", "rule"),
    [
        (FIGURES.replace("n,2023,5", "n,2023,6"), "I01"),
        (FIGURES.replace("reports", "number"), "I04"),
        (FIGURES.replace("s,2022,4", "s,2022,four"), "K06"),
        (FIGURES.replace("n,2022,3", "s,2022,3"), "K06"),
        (FIGURES + "s,2023\n", "K06"),
    ],
    ids=["another total", "another column", "no number", "a key twice", "a field too few"],
)
def test_other_figures_are_refused(census, figures: str, rule: str) -> None:
    with pytest.raises(GateFailed) as failure:
        take_in_external(census(figures), "census")
    assert rule in {v.rule for v in failure.value.verdicts if not v.passed}


def test_a_declaration_with_a_mistake_is_named(census) -> None:
    with pytest.raises(ConfigurationError, match=r"external/census/source.yaml:36: measure: only columns can be named here"):
        load_external(census(measure="crimes").jurisdiction, "census")
