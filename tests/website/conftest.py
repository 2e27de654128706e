"""The toy's finished candidate with its site, built once for all tests that only read it."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from das_pipeline.lake import Version
from das_pipeline.publication import build_candidate
from das_pipeline.run import Run, produce
from das_pipeline.website import build_site
from tests.conftest import toy_settings
from tests.publication.conftest import leaves, months_until, protect


def finish(run: Run, scale: int = 20) -> Version:
    """`website/site` of the toy as of the run's date."""
    protect(run, leaves(scale, months_until(run.as_of)))
    produce(run, "publication/candidate", build_candidate, inputs=["disclosure/leaves", "terminology/concepts"])
    return produce(run, "website/site", build_site, inputs=["publication/candidate", "terminology/concepts"]).version


def toy_run(folder: Path, as_of: date) -> Run:
    """A run on the toy over a lake in `folder`."""
    settings = toy_settings(folder)
    return Run.start(settings, as_of)


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Version:
    """The finished candidate as of 31 March 2024."""
    return finish(toy_run(tmp_path_factory.mktemp("site"), date(2024, 3, 31)))
