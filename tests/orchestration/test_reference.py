"""The reference page says what the declarations say."""

from __future__ import annotations

import re

from das_pipeline.settings import PROJECT
from orchestration.reference import PAGE, reference


def test_the_page_is_made_from_the_declarations_as_they_are() -> None:
    assert PAGE.read_text(encoding="utf-8") == reference(), "run python -m orchestration.reference"


def test_every_file_that_the_guides_link_to_is_there() -> None:
    pages = [*PROJECT.glob("*.md"), *(PROJECT / "docs").glob("*.md"), *(PROJECT / "jurisdictions").glob("*/*.md")]
    for page in pages:
        for link in re.findall(r"\]\(([^)#:]+)\)", page.read_text(encoding="utf-8")):
            assert (page.parent / link).exists(), f"{page.name}: {link}"
