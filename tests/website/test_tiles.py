"""Maps of tiles: each area in its place, filled as far as its count is large, and a layout that cannot be drawn is refused."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from das_pipeline.errors import ConfigurationError
from das_pipeline.jurisdiction import Jurisdiction
from das_pipeline.lake import Version
from das_pipeline.publication.texts import load_words
from das_pipeline.references.texts import site as faults_of_site
from das_pipeline.website.language import Language
from das_pipeline.website.texts import load_texts
from das_pipeline.website.tiles import LETTERS, SIDE, _lines, tile_map
from tests.conftest import TOY
from tests.website.tables import published

ENGLISH = Language("en", load_words(Jurisdiction(TOY)))


def test_areas_are_in_their_places_and_filled_by_their_counts() -> None:
    table = published("cases", {"north": 400, "south": 100, "abroad": 30})
    drawn = tile_map(table, "outcome", [["", "north"], ["south", "gone"]], "year", "2024", "2024*", ENGLISH)
    assert drawn is not None
    assert [(t.code, t.x, t.y, t.filled) for t in drawn.tiles] == [("north", SIDE + 4, 0, SIDE), ("south", 0, SIDE + 4, SIDE / 4)]
    assert (drawn.head, drawn.elsewhere) == ("2024*", ["label abroad"])


def test_counts_that_are_too_small_for_a_chart_get_no_map() -> None:
    table = published("cases", {"north": 15, "south": 10})
    assert tile_map(table, "outcome", [["north", "south"]], "year", "2024", "2024", ENGLISH) is None


@settings(max_examples=100, deadline=None)
@given(st.lists(st.text("abc", min_size=1, max_size=14), min_size=1, max_size=4), st.data())
def test_a_name_in_lines_is_the_name(parts: list[str], data: st.DataObject) -> None:
    label = parts[0] + "".join(data.draw(st.sampled_from([" ", "-"])) + part for part in parts[1:])
    lines = _lines(label)
    assert re.sub(r"- ", "-", " ".join(lines)) == label
    assert all(len(line) <= LETTERS or not re.search("[ -].", line) for line in lines)


@pytest.mark.slow
def test_the_page_shows_the_map_with_links_that_ask(site: Version) -> None:
    page = site.path("site/en/reports.html").read_text(encoding="utf-8")
    (drawn,) = re.findall(r'<svg class="tiles".*?</svg>', page, re.DOTALL)
    assert drawn.count('<rect class="tile"') == 2
    assert '<a href="?table=reports&in.offence=violence#reports">' in drawn
    assert "Simulated figures" in drawn
    assert "Not on the map: Unknown." in page


@pytest.mark.parametrize(
    ("layout", "complaint"),
    [
        ('[[violence, property], [""]]', r"maps\.offence\[1\]: this row has 1 places and the first has 2"),
        ("[[violence, violence]]", r"maps\.offence\[0\]\[1\]: violence has two places"),
    ],
)
def test_a_layout_that_is_no_grid_is_refused(tmp_path: Path, layout: str, complaint: str) -> None:
    with pytest.raises(ConfigurationError, match=complaint):
        load_texts(toy_with(tmp_path, f"maps: {{offence: {layout}}}"))


@pytest.mark.parametrize(
    ("maps", "complaint"),
    [
        ("maps: {offences: [[violence]]}", "there is no scheme offences. Did you mean offence?"),
        ("maps: {offence: [[violent]]}", "scheme offence has no concept violent."),
    ],
)
def test_a_map_of_what_is_not_there_says_where(tmp_path: Path, maps: str, complaint: str) -> None:
    assert any(complaint in str(fault) and "texts/site.yaml" in str(fault) for fault in faults_of_site(toy_with(tmp_path, maps)))


def toy_with(folder: Path, maps: str) -> Jurisdiction:
    """The toy with other maps."""
    copy = Path(shutil.copytree(TOY, folder / "toy"))
    path = copy / "texts" / "site.yaml"
    text = re.sub(r"^maps: .*$", maps, path.read_text(encoding="utf-8"), flags=re.MULTILINE)
    path.write_text(text, encoding="utf-8")
    return Jurisdiction(copy)
