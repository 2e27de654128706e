"""Probable links: the stored model finds who has no number, and leaves apart who only looks alike."""

from __future__ import annotations

import json
from datetime import date

import duckdb
import pytest
from pydantic import ValidationError

from das_pipeline.errors import ConfigurationError
from das_pipeline.jurisdiction import Jurisdiction
from das_pipeline.linkage.entities import resolve_entities
from das_pipeline.linkage.probabilistic import StoredModel, dump_model, load_model
from das_pipeline.linkage.training import compare_models, train
from das_pipeline.linkage.waterfall import make_waterfall
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


def test_parts_of_the_waterfall_add_up_to_the_weight(model):
    """Of every pair that Splink weighed, to the last of the six decimals that are kept."""
    world = World(model=model)
    world.link(draw_records(100, seed=2)[0])
    world.connection.execute(
        "CREATE TABLE pairs AS SELECT left_entity AS entity, right_entity AS other, weight FROM edges WHERE link_class = 'C'"
    )
    make_waterfall(world.connection, model, "pairs")
    sums = "SELECT entity, other, SUM(bits) AS bits FROM waterfall GROUP BY ALL"
    pairs, furthest = world.connection.execute(
        f"SELECT COUNT(*), MAX(ABS(bits - weight)) FROM pairs JOIN ({sums}) USING (entity, other)"
    ).fetchall()[0]
    assert pairs > 50
    assert furthest < 1e-6


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


SISTER = {"surname": "Kodase", "given_names": "Nara", "birth_date": "1980-05-17", "sex": "female"}


def test_brother_does_not_reach_his_twin_by_a_record_between_them(model):
    """Case 1 has no given name: it fits both. Nara has a number, so it is hers; her brother stays apart."""
    bridge = row(("case", 1), surname="Kodase", birth_date="1980-05-17", docket="D", sex=None)
    for brother in (JAN, JAN | {"sex": None}):
        linked = World(model=model).link([row(("report", 1), chain_number="11", **SISTER), bridge, row(("case", 2), **brother)])
        assert linked[("case", 2)].person != linked[("report", 1)].person


def test_boy_and_girl_whose_names_differ_in_one_letter_stay_apart(model):
    boy, girl = JAN | {"given_names": "Nare"}, SISTER
    linked = World(model=model).link([row(("report", 1), chain_number="11", **girl), row(("case", 1), **boy)])
    assert linked[("report", 1)].person != linked[("case", 1)].person


@pytest.mark.parametrize(
    "change",
    [
        {"given_names": "Zabo"},  # the second of two given names
        {"given_names": "Pila"},  # one letter
        {"surname": "Pilo", "given_names": "Kodase"},  # swapped
        {"given_names": "P."},
    ],
)
def test_same_person_written_otherwise_is_linked_without_a_number(model, change):
    usual = JAN | {"given_names": "Pilo Zabo"}
    linked = World(model=model).link([row(("report", 1), chain_number="11", **usual), row(("case", 1), **(JAN | change))])
    assert linked[("report", 1)].person == linked[("case", 1)].person


def test_false_name_of_another_person_does_not_link_to_that_person(model):
    """Report 1 is on JAN's name, but the case that follows from its report, with one suspect, is on somebody else's."""
    other = {"surname": "Bakker", "given_names": "Zabo", "birth_date": "1961-11-30", "sex": "male"}
    rows = [row(("case", 2), chain_number="11", **JAN), row(("report", 1), report="R1", **JAN)]
    followed = row(("case", 1), report="R1", chain_number="12", **other)
    linked = World(model=model).link(rows)
    assert linked[("report", 1)].person == linked[("case", 2)].person
    linked = World(model=model).link([*rows, followed])
    assert len({link.person for link in linked.values()}) == 3


def test_link_stays_when_its_weight_drops_a_little(model):
    """The birth date becomes a year. No link would be made of what is left, but the one that was made is kept, and the ids with it."""
    rows = [row(("report", 1), chain_number="11", **JAN), row(("case", 1), **(JAN | {"birth_date": "1980-01-01"}))]
    weight = float(World(model=model).link(rows)[("case", 1)].weight)
    model = model.model_copy(update={"threshold": weight + 1, "kept_from": weight - 5})
    verified, whole = row(("report", 1), chain_number="11", **JAN), row(("case", 1), **JAN)
    partial = row(("case", 1), **(JAN | {"birth_date": "1980-01-01"}))
    fresh = World(model=model).link([verified, partial])
    assert fresh[("report", 1)].person != fresh[("case", 1)].person
    world = World(model=model)
    before = world.link([verified, whole], date(2024, 1, 1))
    after = world.link([verified, partial], date(2024, 1, 2))
    assert after[("case", 1)].weight < model.threshold
    assert {link.person for link in after.values()} == {link.person for link in before.values()} == {1}


def test_a_model_must_join_above_what_it_keeps(model):
    with pytest.raises(ValidationError, match="must be below threshold"):
        StoredModel.model_validate(model.model_dump() | {"kept_from": model.threshold})


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


def test_drift_has_every_level_and_names_what_today_cannot_train(model):
    today = model.model_copy(update={"trained_on": model.trained_on | {"unseen_levels": "sex different (m)"}})
    levels = {(level.part, level.finding): level for level in compare_models(model, today)}
    assert levels["sex", "different"].bits_today is None
    assert levels["sex", "equal"].bits_today == levels["sex", "equal"].bits
    assert len(levels) == sum(not x.get("is_null_level") for c in model.splink["comparisons"] for x in c["comparison_levels"])


def test_drift_refuses_a_model_that_compares_otherwise(model):
    other = model.model_copy(deep=True)
    del other.splink["comparisons"][-1]
    with pytest.raises(ConfigurationError, match="sex: different"):
        compare_models(other, model)
