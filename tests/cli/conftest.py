"""An installation for the tests of the command line: the toy home, copied, so that a test may break it."""

from __future__ import annotations

import pytest

from tests.installation import Installation, copy_of


@pytest.fixture(scope="session")
def toy_home(day_by_day: Installation, tmp_path_factory: pytest.TempPathFactory) -> Installation:
    """A copy of the toy home with its releases, for verbs that only read."""
    return copy_of(day_by_day, tmp_path_factory.mktemp("toy_home"))
