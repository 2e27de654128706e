"""The Dutch rules that bring the spellings of a law article together."""

from __future__ import annotations

import duckdb
import pytest

from das_pipeline.jurisdiction import Jurisdiction
from das_pipeline.settings import PROJECT
from das_pipeline.terminology.lookup import CANONICAL, REWRITE
from das_pipeline.terminology.tables import read_tables


@pytest.mark.parametrize(
    ("written", "article"),
    [
        ("Sr 311", "Sr 311"),
        ("311 lid 1 Sr", "Sr 311"),
        ("Sr 311 lid 1 onder 5", "Sr 311"),
        ("Artikel 311, lid 1, onder 5° Wetboek van Strafrecht", "Sr 311"),
        ("310/311 Sr", "Sr 311"),  # theft in its aggravated form
        ("310 jo. 45 Sr", "Sr 310"),  # attempted theft is theft
        ("300 jo 47 Sr", "Sr 300"),
        ("137c Sr", "Sr 137c"),
        ("420bis.1 Sr", "Sr 420bis.1"),
        ("art. 2 onder C Opiumwet", "Opiumwet 2"),
        ("10a lid 1 Ow", "Opiumwet 10a"),
        ("art. 8 lid 2 WVW 1994", "WVW1994 8"),
        ("8 Wegenverkeerswet 1994", "WVW1994 8"),
        ("26 lid 1 WWM", "WWM 26"),
        ("onbekend", "onbekend"),
    ],
)
def test_spellings_of_a_law_article_are_rewritten_to_one(written: str, article: str) -> None:
    rules = read_tables(Jurisdiction(PROJECT / "jurisdictions" / "nl"), ["terminology/canonical/law_article.csv"], CANONICAL)
    with duckdb.connect() as connection:
        for rule in rules:
            ((written,),) = connection.execute(
                f"SELECT {REWRITE} FROM (SELECT $code AS code)",
                {"pattern": rule["pattern"], "replacement": rule["replacement"], "code": written},
            ).fetchall()
    assert written == article
