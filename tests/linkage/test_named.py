"""The scan of what is to be published: a word of an identifying value is found in the zone, and only a count of it comes back."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from das_pipeline.linkage import count_identifying_words
from das_pipeline.release.words import judge_words
from das_pipeline.run import Run
from tests.toy_deliveries import NAMES


@pytest.mark.slow
def test_words_are_counted_by_place(linked):
    settings, _ = linked
    asked = pa.table({"place": ["a", "a", "b"], "word": [NAMES[0].lower(), "crimes", "figures"]})
    assert count_identifying_words(Run.start(settings, date.max), asked) == {"a": 1}


@pytest.mark.breaks("D20")
def test_a_page_that_names_a_person(linked, tmp_path: Path):
    settings, _ = linked
    run = Run.start(settings, date.max)
    (tmp_path / "page.html").write_text("<p>Crimes of 2024</p>", encoding="utf-8")
    assert judge_words(run, tmp_path, []).passed
    (tmp_path / "page.html").write_text(f"<p>Crimes of {NAMES[1]}</p>", encoding="utf-8")
    verdict = judge_words(run, tmp_path, [])
    assert not verdict.passed
    assert "page.html (1)" in verdict.sentence
    assert NAMES[1].lower() not in verdict.sentence.lower()
    assert judge_words(run, tmp_path, [f"the street called {NAMES[1]}"]).passed  # a word that the jurisdiction's own texts have


def test_the_first_day_of_a_published_month_is_no_birth_date(linked, tmp_path: Path):
    """The person of report 1 was born on 1 May 1990."""
    settings, _ = linked
    run = Run.start(settings, date.max)
    (tmp_path / "tables").mkdir()
    (tmp_path / "tables" / "crime.csv").write_text("period,first_day\n1990-05,1990-05-01\n", encoding="utf-8")
    assert judge_words(run, tmp_path, []).facts["named"] == 1
    pq.write_table(pa.table({"period": ["1990-05"]}), tmp_path / "tables" / "crime.parquet")
    assert judge_words(run, tmp_path, []).passed
