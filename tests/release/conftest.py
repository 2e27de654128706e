"""Candidates over the protected toy lake of tests/publication, and two persons who sign for them with keys of their own."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable
from dataclasses import replace
from datetime import date
from functools import cache
from pathlib import Path

import pytest
import yaml

from das_pipeline import release
from das_pipeline.auditor import audit
from das_pipeline.gate import Verdict
from das_pipeline.lake import Draft
from das_pipeline.publication import build_candidate
from das_pipeline.run import Run, produce
from das_pipeline.settings import Settings
from tests.conftest import TOY, toy_settings
from tests.publication.conftest import leaves, months_until, protect, protected

__all__ = ["protected"]

PERSONS = {"anna": ["review"], "bert": ["approve"], "carl": ["review", "approve"]}


def finished(run: Run) -> None:
    """The candidate as `website/site`, without any page."""
    produce(run, "publication/candidate", build_candidate, inputs=["disclosure/leaves", "terminology/concepts"])

    def build(run: Run, draft: Draft) -> list[Verdict]:
        candidate = run.lake.open("publication/candidate")
        for name in candidate.files:
            draft.path(name).write_bytes(candidate.path(name).read_bytes())
        draft.derived.add("das.duckdb")
        return []

    produce(run, "website/site", build, inputs=["publication/candidate"])


def write_policy(folder: Path, content: object) -> None:
    """Write policy.yaml. Keys are in quotes: digits alone would be a number."""
    written = re.sub(r"public_key: ([0-9a-f]{64})", r'public_key: "\1"', yaml.safe_dump(content))
    (folder / "policy.yaml").write_text(written, encoding="utf-8")


@pytest.fixture(autouse=True)
def _without_expectations(monkeypatch: pytest.MonkeyPatch) -> None:
    """The suite of great-expectations is tested by itself: its import takes seconds."""
    monkeypatch.setattr(release, "as_expected", lambda folder, page: [])
    # These candidates have no pages, which the auditor demands: it is tested by itself.
    monkeypatch.setattr(release, "audit", lambda folder, earlier, limits, readers, _: audit(folder, earlier, limits, readers, None))


@pytest.fixture(scope="session")
def first_releases(tmp_path_factory: pytest.TempPathFactory) -> Callable[[date, int], Path]:
    """The home after the first candidate as of a date, of some size, has gone live. Each is made once, and copied."""

    @cache
    def made(as_of: date, scale: int) -> Path:
        settings = toy_settings(tmp_path_factory.mktemp("first_release"))
        put_forward(Run.start(settings, as_of), scale)
        return settings.home

    return made


def put_forward(run: Run, scale: int) -> None:
    """Let the candidate of these leaves go live when the policy says so."""
    protect(run, leaves(scale, months_until(run.as_of)))
    finished(run)
    release.go_live(run)


@pytest.fixture
def published(start: Callable[[date], Run], settings: Settings, first_releases: Callable[[date, int], Path]) -> Callable[..., Run]:
    """A run whose candidate is released when the policy says so."""

    def make(as_of: date, scale: int = 20) -> Run:
        if settings.home.exists():
            put_forward(start(as_of), scale)
        else:
            shutil.copytree(first_releases(as_of, scale), settings.home, symlinks=True)
        return start(as_of)

    return make


@pytest.fixture
def key_of(settings: Settings, tmp_path: Path) -> Callable[[str], Path]:
    """The private key file of a person, made by `das keys new-person` the first time."""

    def key_file(name: str) -> Path:
        path = tmp_path / f"{name}.key"
        if not path.exists():
            release.new_person_key(settings, path)
        return path

    return key_file


@pytest.fixture
def approved(settings: Settings, tmp_path: Path, key_of: Callable[[str], Path]) -> Callable[..., Run]:
    """A run whose candidate is put forward under a policy by which two persons approve."""
    toy = shutil.copytree(TOY, tmp_path / "toy")
    policy = yaml.safe_load((toy / "policy.yaml").read_text(encoding="utf-8"))
    public = {name: bytes(release.read_person_key(key_of(name)).verify_key).hex() for name in PERSONS}
    policy["release"]["approval"] = {"by": "two_persons", "reason": "real figures"}
    policy["release"]["window"] = {"days": 28, "reason": "real figures by month"}
    policy["release"]["persons"] = {name: {"public_key": public[name], "roles": roles} for name, roles in PERSONS.items()}
    write_policy(toy, policy)

    def make(as_of: date, scale: int = 20) -> Run:
        run = Run.start(replace(settings, jurisdiction=toy), as_of)
        put_forward(run, scale)
        return run

    return make
