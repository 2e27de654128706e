"""Probable links: the stored model finds who has no number, and leaves apart who only looks alike."""

from __future__ import annotations

import json
from datetime import date

import duckdb
import pytest

from das_pipeline.errors import ConfigurationError
from das_pipeline.jurisdiction import Jurisdiction
from das_pipeline.linkage.entities import resolve_entities
from das_pipeline.linkage.probabilistic import StoredModel, dump_model, load_model
from das_pipeline.linkage.training import train
from tests.linkage.people import draw_records
from tests.linkage.world import DEFINITION, MOST_HOLDERS, World, fill, row

pytestmark = pytest.mark.slow  # training takes some seconds

JAN = {"surname": "Kodase", "given_names": "Pilo", "birth_date": "1980-05-17", "sex": "male"}


@pytest.fixture(scope="module")
def model() -> StoredModel:
    """A model trained on invented persons, as `train_model` does it."""
    connection = duckdb.connect(":memory:")
    fill(connection, draw_records(450, seed=1)[0])
    resolve_entities(connection, DEFINITION, MOST_HOLDERS)
    return train(connection, 20, as_of=date(2024, 1, 1), is_simulated=True)


def test_record_without_number_is_linked_by_its_names(model):
    linked = World(model=model).link([row(("report", 1), chain_number="11", **JAN), row(("case", 1), **JAN)])
    assert linked[("report", 1)].person == linked[("case", 1)].person
    assert [link.link_class for link in linked.values()] == ["C", "A"]
    assert linked[("case", 1)].weight > model.threshold


@pytest.mark.parametrize(
    "other",
    [
        JAN | {"given_names": "Zabo"},  # twins
        JAN | {"birth_date": "1955-02-20"},  # father and son
        JAN | {"birth_date": "1980-05-18", "sex": "female"},
        {"surname": "Kodase", "birth_date": "1980-05-17"} | {"given_names": None, "sex": None} | {"birth_date": "1980-01-01"},
    ],
)
def test_persons_who_only_look_alike_are_not_linked(model, other):
    linked = World(model=model).link([row(("report", 1), chain_number="11", **JAN), row(("case", 1), **other)])
    assert linked[("report", 1)].person != linked[("case", 1)].person


def test_record_that_fits_two_persons_joins_neither(model):
    """The best candidate must beat the second by a bit; two numbers of one person are as good as each other."""
    rows = [row(("report", 1), chain_number="11", **JAN), row(("report", 2), chain_number="12", **JAN), row(("case", 1), **JAN)]
    assert len({link.person for link in World(model=model).link(rows).values()}) == 3


def test_unseen_persons_are_linked_well_and_the_same_in_any_order(model):
    rows, truth = draw_records(300, seed=2)
    world, turned = World(model=model, threads=2), World(model=model, threads=1)
    linked = world.link(rows)
    turned.link(rows[::-1])
    assert world.links == turned.links
    linked_pairs = pairs({key: link.person for key, link in linked.items()})
    true = pairs(truth)
    assert len(linked_pairs & true) / len(linked_pairs) >= 0.99
    assert len(linked_pairs & true) / len(true) >= 0.95


def pairs(owner):
    """The pairs of records with one owner."""
    by_owner = {}
    for key, who in sorted(owner.items()):
        by_owner.setdefault(who, []).append(key)
    return {(a, b) for keys in by_owner.values() for i, a in enumerate(keys) for b in keys[i + 1 :]}


def test_untrained_level_is_refused(model, tmp_path):
    stored = json.loads(dump_model(model))
    del stored["splink"]["comparisons"][0]["comparison_levels"][1]["m_probability"]
    (tmp_path / "model.json").write_text(json.dumps(stored))
    with pytest.raises(ConfigurationError, match="untrained levels surname: equal"):
        load_model(Jurisdiction(tmp_path), "model.json")


def test_model_survives_its_file(model, tmp_path):
    (tmp_path / "model.json").write_text(dump_model(model), encoding="utf-8")
    assert load_model(Jurisdiction(tmp_path), "model.json") == model
