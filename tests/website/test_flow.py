"""The drawing of the chain is arithmetic: what goes in comes out, and nothing joins what is counted in different units."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from das_pipeline.errors import ConfigurationError
from das_pipeline.jurisdiction import Jurisdiction, Text
from das_pipeline.publication.texts import load_words
from das_pipeline.website.flow import HIGHEST, PITCH, TOP, chain_flow
from das_pipeline.website.language import Language
from das_pipeline.website.texts import Section
from tests.conftest import TOY
from tests.website.tables import published

ENGLISH = Language("en", load_words(Jurisdiction(TOY)))


def text(word: str) -> Text:
    return Text(nl=word, en=word)


def section(**more: object) -> Section:
    declared = {"title": text("Court"), "unit": text("cases"), "theme": "court", "table": "cases", "colour": "justice", **more}
    return Section.model_validate(declared)


def whole() -> Section:
    return section(total=text("decided"), parts="outcome", colours={"a": "other"})


def heights(path: str) -> tuple[float, float]:
    """The height of a band at its left and at its right end."""
    numbers = [float(n) for n in re.findall(r"-?[\d.]+", path)]
    return numbers[-1] - numbers[1], numbers[8] - numbers[7]


@pytest.mark.slow
@settings(deadline=None, max_examples=50)
@given(st.lists(st.integers(1, 2000).map(lambda n: 5 * n), min_size=1, max_size=8))
def test_bands_leave_the_whole_total_and_fill_their_parts(counts: list[int]) -> None:
    table = published("cases", {f"c{i}": n for i, n in enumerate(counts)})
    part = chain_flow([whole()], {"cases": table}, "2024", ENGLISH).parts[0]
    assert part.total is not None
    assert sum(block.n for block in part.parts) == part.total.n == sum(counts)
    left = sum(heights(path)[0] for path, _ in part.bands)
    assert left == pytest.approx(HIGHEST, abs=len(counts))  # a part of less than a pixel is drawn as one
    for (path, _), block in zip(part.bands, part.parts, strict=True):
        assert heights(path)[1] == pytest.approx(block.height, abs=0.2)
    below = [b.y - a.y for a, b in zip(part.parts, part.parts[1:], strict=False)]
    assert all(step > PITCH - 1e-6 for step in below)
    assert part.parts[0].y == TOP


def test_small_parts_are_one_block_that_names_each_of_its_cells() -> None:
    table = published("cases", {"a": 5000, "b": 5, "c": 10, "d": 0})
    blocks = chain_flow([whole()], {"cases": table}, "2024", ENGLISH).parts[0].parts
    assert [(b.label, b.n, [cell.n for cell in b.cells], b.colour) for b in blocks] == [
        ("label a", 5000, [5000], "other"),
        ("smaller groups together", 15, [5, 10], "away"),
    ]


def test_there_is_a_cut_where_the_unit_changes_and_no_band_crosses_it() -> None:
    table = published("cases", {"a": 100, "b": 50})
    flow = chain_flow([whole(), section(total=text("sent"))], {"cases": table}, "2024", ENGLISH)
    assert len(flow.cuts) == 1
    ends = [float(x) for part in flow.parts for path, _ in part.bands for x in re.findall(r"([\d.]+),", path)]
    assert max(ends) < flow.cuts[0] < flow.parts[1].x
    assert flow.parts[1].bands == []


def test_each_count_comes_with_that_of_the_year_before() -> None:
    table = published("cases", {"a": 100, "b": 50}, before={"a": 80, "b": 50})
    total = chain_flow([whole()], {"cases": table}, "2024", ENGLISH).parts[0].total
    assert total is not None
    assert (total.n, total.n_before) == (150, 130)


def test_a_section_of_an_unknown_dimension_says_where(tmp_path: Path) -> None:
    table = published("cases", {"a": 100})
    with pytest.raises(ConfigurationError, match="flow: cases has no year 2024, or no dimension colour"):
        chain_flow([section(parts="colour")], {"cases": table}, "2024", ENGLISH)
