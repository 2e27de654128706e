"""What leaves the identifying zone: numbers. Who is who, which case is which, and ages in whole years."""

from __future__ import annotations

import json
from typing import Any

import duckdb

from das_pipeline import engine
from das_pipeline.deliveries import register_records
from das_pipeline.gate import Verdict
from das_pipeline.lake import Draft
from das_pipeline.linkage import judging, stability
from das_pipeline.linkage.definition import LinkageDefinition, load_definition
from das_pipeline.linkage.entities import load_entities
from das_pipeline.linkage.ids import load_ledger, rates_before, version_before
from das_pipeline.linkage.persons import changed_if_linked_anew, link_records, persons_at
from das_pipeline.linkage.probabilistic import load_model
from das_pipeline.linkage.sources import delivered_contracts, linked_contracts
from das_pipeline.policy import load_policy
from das_pipeline.run import Run


def build_links(run: Run, draft: Draft) -> list[Verdict]:
    """Write one row per record with its person id and case id, and ages, persons, cases and the id ledger; return the verdicts.

    No value of a person is in them. Ids come from the previous version, so that they stay what they were: `ids.sql` gives them. `former`
    keeps those of records that are gone.
    """
    definition, limits = load_definition(run.jurisdiction), load_policy(run.jurisdiction).linkage
    with run.connect(identifying=True) as connection, engine.errors_of_engine(draft.table):
        _load(run, connection)
        load_ledger(connection, version_before(run))
        join_at = load_model(run.jurisdiction, definition.model).threshold if definition.model else 0.0
        read_dates(run, connection, definition)
        tried = {"loose": join_at - stability.BITS, "strict": join_at + stability.BITS} if definition.model else {}
        persons = persons_at(connection, definition, limits.records_a_person.rows, tried)
        is_stable = link_records(connection, definition, run.as_of, limits.records_a_person.rows, join_at)
        changed = changed_if_linked_anew(connection, definition, limits.records_a_person.rows, join_at)
        _make_ages(connection)
        _write(connection, draft)
        facts = _facts(connection, limits.link_rate.rows)
        persons = {"default": facts["persons"]} | persons
        groups, facts["group_rates"] = stability.groups_are_linked_alike(connection, limits.link_rate.rows, limits.group_gap)
        draft.facts.update(facts)
        draft.path("quality.json").write_text(json.dumps(facts, sort_keys=True, indent=1), encoding="utf-8")
        judging.read_in_force(run, connection, linked_contracts(run, definition))
        return [
            judging.every_record_is_linked(connection),
            stability.rates_are_steady(facts["link_rates"], rates_before(run), limits.rate_change),
            groups,
            *judging.numbers_are_of_one_person(connection),
            judging.cluster_is_one_person(connection),
            judging.decisions_hold(connection),
            judging.cluster_is_small(connection, limits.records_a_person.rows),
            stability.joins_are_above_keeping(connection, join_at),
            judging.linkage_is_repeatable(is_stable),
            stability.linking_anew_agrees(changed, sum(facts["link_classes"].values()), limits.kept_links),
            stability.second_numbers_agree(connection, definition.strong_keys[0].role, limits.link_rate.rows, limits.subgroup_floor),
            judging.twins_stay_apart(connection),
            stability.persons_are_certain(persons, limits.threshold_effect),
            stability.ids_are_steady(connection, run.as_of, limits.moved_ids),
            judging.every_key_links(connection),
            judging.no_identifier_leaves(connection, draft.folder, delivered_contracts(run), definition),
        ]


def _load(run: Run, connection: duckdb.DuckDBPyConnection) -> None:
    load_entities(connection, run.lake.live("identifying/entities"))


def read_dates(run: Run, connection: duckdb.DuckDBPyConnection, definition: LinkageDefinition) -> None:
    """Create `asked`, every date that asks for an age, in any version known so far: earlier stretches of the chain ask for an age too.

    These are days on which what the record is about took place: `record_dates` has them by record. `case_dates` has every day that a
    record names on the run's date.
    """
    for name in ("asked", "dated"):
        connection.execute(f"CREATE TEMP TABLE {name} (unit VARCHAR, record_no BIGINT, date DATE)")
    for contract in linked_contracts(run, definition):
        columns = {
            "asked": ([c.name for c in contract.columns if c.age], "known_from <= $as_of"),
            "dated": ([c.name for c in contract.content if c.type == "date"], "known_from <= $as_of AND $as_of < known_until"),
        }
        view = register_records(run, connection, contract.partner, contract.file, half="content")
        for table, (names, condition) in columns.items():
            if names:
                dates = ", ".join(map(engine.identifier, names))
                connection.execute(
                    f"INSERT INTO {table} SELECT $unit, record_no, unnest([{dates}]) FROM {view} WHERE {condition}",
                    {"unit": contract.unit, "as_of": run.as_of},
                )
    for name, source in (("record_dates", "asked"), ("case_dates", "dated")):
        connection.execute(
            f"CREATE TEMP TABLE {name} AS SELECT DISTINCT r.node, a.date FROM {source} AS a"
            " JOIN records AS r ON r.unit = a.unit AND r.record_no = a.record_no WHERE a.date IS NOT NULL"
        )


def _make_ages(connection: duckdb.DuckDBPyConnection) -> None:
    """Create `ages`, one row per date in `asked`."""
    connection.execute(f"CREATE TEMP TABLE births AS {engine.sql(__package__, 'births.sql')}")
    connection.execute(f"CREATE TEMP TABLE ages AS {engine.sql(__package__, 'ages.sql')}")


def _facts(connection: duckdb.DuckDBPyConnection, least: int) -> dict[str, Any]:
    """Return link rates, link classes and the numbers of persons and cases: nothing about a single person.

    A partner's link rate is the share of its records about persons of whom another partner has records too; not over fewer than `least`.
    """
    rates = connection.execute(engine.sql(__package__, "link_rates.sql"), {"least": least}).fetchall()
    classes = connection.execute("SELECT link_class, COUNT(*) FROM links WHERE link_class IS NOT NULL GROUP BY ALL ORDER BY ALL").fetchall()
    persons, cases = connection.execute("SELECT COUNT(DISTINCT person_id), COUNT(DISTINCT case_id) FROM links").fetchall()[0]
    return {
        "link_rates": {partner: round(linked / records, 4) for partner, records, linked in rates},
        "link_classes": dict(classes),
        "persons": persons,
        "cases": cases,
    }


def _write(connection: duckdb.DuckDBPyConnection, draft: Draft) -> None:
    tables = {
        "links": ("SELECT * FROM links", "unit, record_no"),
        "ages": ("SELECT * FROM ages", "unit, record_no, date"),
        "persons": ("SELECT person_id, COUNT(*) AS records FROM links WHERE person_id IS NOT NULL GROUP BY person_id", "person_id"),
        "cases": (
            "SELECT case_id, COUNT(*) AS records, COUNT(DISTINCT person_id) AS persons, arg_min(anchor, strength) AS anchor FROM links"
            " JOIN records USING (unit, record_no) JOIN case_clusters USING (node)"
            " LEFT JOIN anchor_strength ON reference = anchor GROUP BY case_id",
            "case_id",
        ),
        "unsure_cases": (
            "SELECT r.unit, r.record_no, c.unit AS other_unit, c.record_no AS other_record_no, o.unit AS rival_unit,"
            " o.record_no AS rival_record_no FROM case_clusters AS u JOIN records AS r ON r.node = u.node"
            " JOIN records AS c ON c.node = u.candidate JOIN records AS o ON o.node = u.rival",
            "unit, record_no",
        ),
        "former": ("SELECT * FROM former", "unit, record_no"),
        "id_ledger": ("SELECT * FROM ledger", "vintage, kind, id, event"),
        "number_ids": ("SELECT * FROM number_ids", "number_key"),
    }
    for name, (query, order) in tables.items():
        file = f"{name}.parquet"
        draft.rows[file] = engine.write_parquet(connection, query, draft.path(file), order_by=order, encrypted=True)
