"""The simulated chain: linked well against the truth that only a simulation knows, by partners whose names and numbers go wrong."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

import simulation
from das_pipeline.deliveries import pending, take_in
from das_pipeline.jurisdiction import Jurisdiction
from das_pipeline.linkage import train_model
from das_pipeline.linkage.probabilistic import StoredModel, dump_model, load_model
from das_pipeline.privacy import find_canaries, write_demo_keys
from das_pipeline.run import Run
from das_pipeline.settings import PROJECT, Settings
from simulation.validation.linkage import evaluate
from tests.linkage.conftest import link_as_of

pytestmark = pytest.mark.slow
HISTORY = date(2025, 12, 27)


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """The history of the Dutch partners, taken in and linked. The stored model was trained on another seed."""
    root = tmp_path_factory.mktemp("simulated")
    settings = Settings(
        home=root / "home", inbox=root / "inbox", keys=root / "keys", jurisdiction=PROJECT / "jurisdictions" / "nl", memory_limit="1GB"
    )
    write_demo_keys(settings.keys, seed=3)
    simulation.simulate(Jurisdiction(settings.jurisdiction), settings.inbox, size=10_000, seed=3, until=HISTORY, truth=root / "truth")
    run = Run.start(settings, HISTORY)
    for delivery in pending(run):
        take_in(run, delivery)
    link_as_of(run)
    return run


def test_l11_persons_and_cases_are_found(run):
    qualities = evaluate(run, run.settings.home.parent / "truth")
    for what, quality in qualities.items():
        assert quality["precision"] >= 0.995, what
        assert quality["recall"] >= 0.95, what


def test_every_partner_is_linked_to_the_others(run):
    links = run.lake.open("linkage/links")
    assert min(links.facts["link_rates"].values()) > 0.85
    assert all(v["passed"] for v in links.verdicts)


def test_model_can_be_trained_again_and_stored(run, tmp_path: Path):
    model = StoredModel.model_validate(train_model(run))
    (tmp_path / "model.json").write_text(dump_model(model), encoding="utf-8")
    assert load_model(Jurisdiction(tmp_path), "model.json") == model


def test_no_canary_leaves(run):
    """Names and numbers that occur in the deliveries and, in all likelihood, nowhere else."""
    canaries = (run.settings.home.parent / "truth" / "canaries.txt").read_text(encoding="utf-8").splitlines()
    assert len(canaries) > 100
    assert find_canaries(canaries, [run.settings.home / "linkage", run.settings.home / "identifying"]) == []
