"""A category that is gone has become another one, or the release stops."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from das_pipeline.auditor import history
from das_pipeline.auditor.release import read
from das_pipeline.gate import Verdict
from das_pipeline.lake import Version
from das_pipeline.publication import table_texts
from das_pipeline.publication.candidate import defined_codes
from das_pipeline.publication.definitions import published_tables
from das_pipeline.publication.renamed import Renamed, renamed_categories
from das_pipeline.run import Run
from das_pipeline.terminology import load_schemes

Judged = Callable[..., tuple[dict[str, Renamed], Verdict]]


@pytest.fixture
def judged(protected: Callable[..., Run], candidate: Version) -> Judged:
    """What becomes of the codes of the toy's candidate in one where the concept `property` is called `goods`."""
    run = protected()
    texts, schemes = table_texts(run.jurisdiction), load_schemes(run.jurisdiction)
    tables = published_tables(run, texts)

    def judge(*replaces: str) -> tuple[dict[str, Renamed], Verdict]:
        concepts = dict(schemes["offence"].concepts)
        goods = replace(concepts.pop("property"), concept="goods", replaces=replaces)
        changed = schemes | {"offence": replace(schemes["offence"], concepts=concepts | {"goods": goods})}
        return renamed_categories(tables, candidate.folder, defined_codes(tables, changed, texts), changed)

    return judge


def test_a_renamed_category_is_followed_in_every_table_that_has_it(judged: Judged) -> None:
    renamed, verdict = judged("property")
    assert renamed == {name: {"offence": {"property": "goods"}} for name in ("reports", "reports_persons")}
    assert verdict.passed


@pytest.mark.breaks("P05")
def test_a_category_that_goes_without_a_word_stops_the_release(judged: Judged) -> None:
    renamed, verdict = judged("burglary")
    assert renamed == {}
    assert not verdict.passed
    assert "property of offence in reports (scheme offence)" in verdict.sentence
    assert "`replaces`" in verdict.sentence


def test_a_first_release_has_nothing_to_follow() -> None:
    renamed, verdict = renamed_categories([], None, {}, {})
    assert (renamed, verdict.passed) == ({}, True)


def test_the_auditor_believes_only_codes_that_went_and_codes_that_are_there(candidate: Version) -> None:
    old = read(candidate.folder).tables["reports"]
    codes = ["goods" if code == "property" else code for code in old.rows["offence"].to_pylist()]
    new = replace(old, rows=old.rows.set_column(0, "offence", [codes]))
    assert history._is_renamed({"offence": {"property": "goods"}}, old, new)
    for wrong in ({"offence": {"violence": "goods"}}, {"offence": {"property": "n13"}}, {"n13": {"property": "goods"}}, {}):
        assert not history._is_renamed(wrong, old, new)
