"""The Dutch texts: what says that figures are simulated is in the texts that only a release of simulated figures shows."""

from __future__ import annotations

import pytest

from das_pipeline.errors import ConfigurationError
from das_pipeline.jurisdiction import Jurisdiction
from das_pipeline.publication import table_texts
from das_pipeline.publication.texts import load_words
from das_pipeline.settings import PROJECT
from das_pipeline.statistics import load_statistics
from das_pipeline.website.texts import load_texts
from tests.conftest import TOY

WORDS = ("simul", "nagebootst", "imitat")


def test_texts_of_a_real_release_do_not_speak_of_simulated_figures() -> None:
    nl = Jurisdiction(PROJECT / "jurisdictions" / "nl")
    site = load_texts(nl).model_dump(exclude={"simulated", "real", "simulated_page"})
    for page in site["pages"]:
        page["parts"] = [(part["title"], part["paragraphs"]) for part in page["parts"] if not part["simulated_only"]]
    del site["start"]["simulated_only"]
    files = table_texts(nl).model_dump(exclude={"simulated": True, "columns": {"is_simulated"}, "codes": {"simulated"}})
    words = [text.model_dump() for name, text in load_words(nl).words.items() if "simulated" not in name]
    notes = [(table.title, table.description, table.notes) for table in load_statistics(nl).tables]
    for texts in (site, files, words, notes):
        said = str(texts).replace("{simulated}", "").lower()  # the place of the mark in a citation
        assert not [word for word in WORDS if word in said]


@pytest.mark.parametrize(
    ("key", "value", "is_example"),
    [
        ("address", "https://data.office.example/", True),
        ("address", "https://example.org/figures/", True),
        ("address", "https://data.office.test/example/", False),
        ("email", "figures@office.example", True),
        ("email", "example@office.test", False),
    ],
)
def test_real_figures_are_not_published_at_the_address_of_an_example(key: str, value: str, is_example: bool) -> None:
    own = {"address": "https://data.office.test/", "email": "figures@office.test"}
    catalogue = table_texts(Jurisdiction(TOY)).catalogue.model_copy(update=own | {key: value})
    catalogue.require_for(is_simulated=True)
    if not is_example:
        catalogue.require_for(is_simulated=False)
        return
    with pytest.raises(ConfigurationError, match=rf"texts/tables.yaml, catalogue.{key}: .* is the name of an example"):
        catalogue.require_for(is_simulated=False)
