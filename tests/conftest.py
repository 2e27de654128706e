"""What every test can ask for: the toy jurisdiction (some twenty rows, nothing Dutch in it) and a run over an empty lake."""

from __future__ import annotations

import gc
import os
import shutil
from collections.abc import Callable, Generator
from datetime import date
from pathlib import Path

import hypothesis
import pytest

from das_pipeline.gate import Verdict
from das_pipeline.jurisdiction import Jurisdiction
from das_pipeline.privacy import write_demo_keys
from das_pipeline.run import Run
from das_pipeline.settings import Settings
from tests.installation import Installation, copy_of, installation
from tests.shared import made_once
from tests.toy_deliveries import write_toy_deliveries

# The machine decides how long an example takes; what is found must be found again.
hypothesis.settings.register_profile("das", deadline=None, derandomize=True, max_examples=50)
hypothesis.settings.load_profile("das")

pytest_plugins = ["pytester"]  # test_rules tries the hook below in a run of its own

TOY = Path(__file__).parent / "toy"
LONG = {"end_to_end", "cli", "website", "faults", "linkage"}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the folders whose files take longest: the many short ones fill the time of the worker that is done first."""
    items.sort(key=lambda item: item.path.parent.name not in LONG)


def pytest_collection_finish() -> None:
    """What is loaded by now stays: the collector need not look at it again and again."""
    gc.collect()
    gc.freeze()


def pytest_sessionstart() -> None:
    """No test cuts the power, so nothing is forced to the disk from this process, which would be a third of the time.

    What a test runs in a process of its own, as an operator does, goes to the disk.
    """
    os.fsync = lambda _: None


@pytest.hookimpl(wrapper=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> Generator[None, object, object]:
    """Fail a test marked `breaks(<rule>, …)` in which no verdict of that rule failed: the rule itself must see the planted fault."""
    expected = {rule for marker in pyfuncitem.iter_markers("breaks") for rule in marker.args}
    failed: set[str] = set()
    judge = Verdict.__post_init__

    def record(verdict: Verdict) -> None:
        judge(verdict)
        if not verdict.passed:
            failed.add(verdict.rule)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Verdict, "__post_init__", record)
        result = yield
    if missed := expected - failed:
        pytest.fail(f"no verdict of {', '.join(sorted(missed))} failed, so the rule did not see the fault that this test plants")
    return result


@pytest.fixture
def toy() -> Jurisdiction:
    return Jurisdiction(TOY)


def toy_settings(root: Path, jurisdiction: Path = TOY) -> Settings:
    """An installation under `root`, with demo keys, on the toy jurisdiction. Its rows are few: a second thread would only cost time."""
    places = {"home": root / "home", "inbox": root / "inbox", "keys": root / "keys", "jurisdiction": jurisdiction}
    made = Settings(**places, memory_limit="1GB", threads=1)
    made.inbox.mkdir(exist_ok=True)  # a test may go on in the same place
    write_demo_keys(made.keys, seed=7)
    return made


def go_on_from(made: Settings, settings: Settings) -> None:
    """Give an installation a copy of the home and of the inbox of another one, which was made for several tests."""
    shutil.copytree(made.home, settings.home, symlinks=True)
    shutil.copytree(made.inbox, settings.inbox, dirs_exist_ok=True)


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """An installation of its own, with demo keys, on the toy jurisdiction."""
    return toy_settings(tmp_path)


@pytest.fixture(scope="session")
def day_by_day(tmp_path_factory: pytest.TempPathFactory) -> Installation:
    """The toy deliveries taken in through real Dagster: every day's, then the chain as known on that day, then the next day's."""

    def make(root: Path) -> None:
        made = installation(root)
        write_toy_deliveries(made.inbox)
        made.python("-m", "cli.main", "run")

    made = made_once(tmp_path_factory, "day_by_day", make)
    return copy_of(Installation(made, str(TOY)), tmp_path_factory.mktemp("toy"))


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> tuple[Installation, str]:
    """The demo of README in small, in a folder `data` of a working directory of its own, and what it printed. Every module has a copy."""

    def make(root: Path) -> None:
        (root / "data").mkdir()
        (root / "printed.txt").write_text(Installation(root / "data", "nl").shell("make", "demo", "SIZE=5000", "SEED=1"), encoding="utf-8")

    made = made_once(tmp_path_factory, "demo", make)
    own = copy_of(Installation(made / "data", "nl"), tmp_path_factory.mktemp("readme") / "data")
    return own, (made / "printed.txt").read_text(encoding="utf-8")


@pytest.fixture
def start(settings: Settings) -> Callable[[date], Run]:
    """A run over the same lake as known on a date."""
    return lambda as_of: Run.start(settings, as_of)


@pytest.fixture
def run(settings: Settings) -> Run:
    return Run.start(settings, date(2024, 3, 31))
