"""public_figures.yaml: cells that a source publishes itself, checked against the cubes, and told to the reader who attacks."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from das_pipeline.disclosure.cubes import period_ladder
from das_pipeline.disclosure.grid import Grid
from das_pipeline.disclosure.public_figures import FILE, PublicFigures, load_public_figures, public_cells
from das_pipeline.disclosure.report import read_report
from das_pipeline.errors import ConfigurationError
from das_pipeline.jurisdiction import Jurisdiction
from das_pipeline.references import find_faults
from das_pipeline.run import Run
from tests.conftest import TOY
from tests.disclosure.test_leaves import protect
from tests.disclosure.worlds import FIRST, LAST, flat

WHO = {"publisher": "The watch", "url": "https://watch.example", "reason": "They count the same."}


@pytest.fixture
def toy(tmp_path: Path) -> Path:
    return Path(shutil.copytree(TOY, tmp_path / "toy"))


def write(folder: Path, **figures: object) -> Jurisdiction:
    """The jurisdiction in `folder` with one row of public figures."""
    (folder / FILE).write_text(json.dumps({"figures": [WHO | figures]}), encoding="utf-8")  # JSON is YAML
    return Jurisdiction(folder)


def test_cells_are_those_of_its_levels_and_periods() -> None:
    grid = Grid.of([flat("region", ["east", "north"]), flat("sex", ["female", "male"])], period_ladder(["month", "year"], FIRST, LAST))
    figures = [
        PublicFigures.model_validate(WHO | {"cube": "crimes"} | levels)
        for levels in ({"by": {"region": "region"}, "period": "month", "first": "2023-12", "last": "2024-01"}, {"period": "year"})
    ]
    table = {t.levels: t for t in grid.tables}
    months = table["region", "total", "month"].cells.reshape(2, 18)[:, [11, 12]].ravel()
    assert public_cells(figures, {"crimes": grid})["crimes"].tolist() == sorted([*months, *table["total", "total", "year"].cells])


def test_a_jurisdiction_without_the_file_has_none() -> None:
    assert list(load_public_figures(Jurisdiction(TOY))) == []


@pytest.mark.parametrize(
    ("figures", "fault"),
    [
        ({"cube": "reports_moon", "period": "year"}, "there is no cube reports_moon. Did you mean reports_month"),
        ({"cube": "reports_year", "by": {"age": "year"}, "period": "year"}, "age has no level year in the cube reports_year"),
        ({"cube": "reports_year", "by": {"place": "town"}, "period": "year"}, "the cube reports_year has no dimension place"),
        ({"cube": "reports_year", "period": "month"}, "the cube reports_year is not published by month"),
        ({"cube": "reports_year", "period": "year", "source": "moon"}, "there is no folder external/moon"),
    ],
)
def test_names_that_lead_nowhere(toy: Path, figures: dict[str, object], fault: str) -> None:
    faults = [str(each) for each in find_faults(write(toy, **figures))]
    assert len(faults) == 1
    assert fault in faults[0]


def test_a_series_that_ends_before_it_begins(toy: Path) -> None:
    with pytest.raises(ConfigurationError, match="is before `first`"):
        load_public_figures(write(toy, cube="reports_year", period="year", first="2024", last="2023"))


@pytest.mark.slow
def test_the_reader_who_attacks_a_candidate_knows_them(run: Run, toy: Path) -> None:
    tried = report(run)["cubes"]["reports_year"]["tried"]
    jurisdiction = write(toy, cube="reports_year", by={"offence": "group", "sex": "sex", "age": "age_class"}, period="year")
    told = report(replace(run, jurisdiction=jurisdiction))
    assert tried > 0
    assert told["cubes"]["reports_year"]["tried"] == 0
    assert told["public_figures"][0]["publisher"] == "The watch"


def report(run: Run) -> dict:
    protect(run)
    return read_report(run)
