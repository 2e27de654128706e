"""What leaves the identifying zone: numbers. Who is who, which case is which, and ages in whole years."""

from __future__ import annotations

import json
from typing import Any

import duckdb

from das_pipeline import engine, layered
from das_pipeline.deliveries import register_records
from das_pipeline.gate import Verdict
from das_pipeline.lake import Draft, Version
from das_pipeline.linkage import judging, reach, stability
from das_pipeline.linkage.definition import LinkageDefinition, load_definition
from das_pipeline.linkage.entities import CHANGED, FILES, relation
from das_pipeline.linkage.ids import (
    ID_KEY,
    ID_LEDGER,
    NUMBER_IDS,
    NUMBER_KEY,
    RECORD,
    links_of,
    load_ledger,
    rates_before,
    version_before,
)
from das_pipeline.linkage.persons import changed_if_linked_anew, link_records, persons_at, relink_records
from das_pipeline.linkage.probabilistic import load_model
from das_pipeline.linkage.sources import RECORDS_A_UNIT, create_units, delivered_contracts, linked_contracts, within
from das_pipeline.policy import load_policy
from das_pipeline.run import Run, code_version

ENTITIES = "identifying/entities"
# The files of the table, each with its query, the unique key that it is ordered by, and, of those that are a base and an overlay, the
# columns that rows go by and what a day rewrites.
TABLES = {
    "links": ("links", RECORD, RECORD, "relinked"),
    "ages": ("ages", "unit, record_no, date", RECORD, "aged"),
    "unsure_cases": ("unsure_records", RECORD, RECORD, "relinked"),
    NUMBER_IDS: ("number_ids", NUMBER_KEY, NUMBER_KEY, "new_numbers"),
    ID_LEDGER: ("ledger", "vintage, kind, id, event", ID_KEY, "new_events"),
}


def build_links(run: Run, draft: Draft) -> list[Verdict]:
    """Write one row per record with its person id and case id, ages, unsure cases and the id ledger; return the verdicts.

    No value of a person is in them. Ids come from the previous version, so that they stay what they were: `ids.sql` gives them. `former`
    keeps those of records that are gone. What did not change since the version before is not linked again, see `reach`: then rule L13
    speaks of the day on which everything was linked last, and L04, L06, L08 and L12 judge what is linked now; the rest was judged when it
    was.
    """
    definition, limits = load_definition(run.jurisdiction), load_policy(run.jurisdiction).linkage
    most_records = limits.records_a_person.rows
    entities, before = run.lake.live(ENTITIES), version_before(run)
    with run.connect(identifying=True) as connection, engine.errors_of_engine(draft.table):
        for name in FILES:
            connection.execute(f"CREATE TEMP VIEW whole_{name} AS SELECT * FROM {relation(entities, name)}")
        load_ledger(connection, before)
        join_at = load_model(run.jurisdiction, definition.model).threshold if definition.model else 0.0
        base = _find_base(run, draft, entities, before)
        if base is not None:
            layered.expect_few_rows(connection, entities)
        if base is not None and not _find_reached(run, connection, entities, definition):
            base = None
        if base is None:
            engine.use_threads(connection, run.settings.threads)
            for name in FILES:
                connection.execute(f"CREATE OR REPLACE TEMP TABLE {name} AS SELECT * FROM whole_{name}")
        persons, is_stable, changed = _link(run, connection, definition, base, most_records, join_at)
        _make_ages(connection)
        _write(connection, draft, base)
        one_person, twins = judging.cluster_is_one_person(connection), judging.twins_stay_apart(connection)
        above_keeping = stability.joins_are_above_keeping(connection, join_at)
        moves = stability.id_moves(connection, run.as_of)
        others = 0 if base is None else _limit_to_touched(connection, draft, base)
        judging.read_in_force(run, connection, linked_contracts(run, definition), None if base is None else "touched_records")
        all_linked = judging.every_record_is_linked(connection, others)
        if base is not None:
            _see_whole(connection, draft)
        facts = _facts(connection, limits.link_rate.rows)
        facts["persons_at"] = persons = {"default": facts["persons"]} | persons
        groups, facts["group_rates"] = stability.groups_are_linked_alike(connection, limits.link_rate.rows, limits.group_gap)
        draft.facts.update(facts)
        draft.facts["base"] = _rules(run)
        draft.path("quality.json").write_text(json.dumps(facts, sort_keys=True, indent=1), encoding="utf-8")
        records = sum(facts["link_classes"].values())
        return [
            all_linked,
            stability.rates_are_steady(facts["link_rates"], rates_before(run), limits.rate_change),
            groups,
            *judging.numbers_are_of_one_person(connection),
            one_person,
            judging.decisions_hold(connection),
            judging.cluster_is_small(connection, most_records),
            above_keeping,
            judging.linkage_is_repeatable(is_stable),
            stability.linking_anew_agrees(changed, records, limits.kept_links),
            stability.second_numbers_agree(connection, definition.strong_keys[0].role, limits.link_rate.rows, limits.subgroup_floor),
            twins,
            stability.persons_are_certain(persons, limits.threshold_effect),
            stability.ids_are_steady(moves, records, limits.moved_ids),
            judging.every_key_links(connection),
            judging.no_identifier_leaves(connection, draft.folder, delivered_contracts(run), definition, _whole(draft, base)),
        ]


def _link(
    run: Run, connection: duckdb.DuckDBPyConnection, definition: LinkageDefinition, base: Version | None, most_records: int, join_at: float
) -> tuple[dict[str, int], bool, int]:
    """Create `links` of everything, or over `base` of what a day can change.

    Return the persons at other thresholds (L13), whether the order of the edges does not matter (L08), and how many records would have
    another person if they were linked anew (L10). Over `base`, each record that only earlier versions link counts as one of these.
    """
    read_dates(run, connection, definition, None if base is None else "records")
    if base is None:
        tried = {"loose": join_at - stability.BITS, "strict": join_at + stability.BITS} if definition.model else {}
        persons = persons_at(connection, definition, most_records, tried)
        is_stable = link_records(connection, definition, run.as_of, most_records, join_at)
        return persons, is_stable, changed_if_linked_anew(connection, definition, most_records, join_at)
    is_stable = relink_records(connection, definition, run.as_of, most_records, join_at, links_of(base))
    changed = changed_if_linked_anew(connection, definition, most_records, join_at)
    return base.facts["persons_at"], is_stable, changed + reach.kept_by_memory(connection, links_of(base), join_at)


def _rules(run: Run) -> dict[str, str]:
    """Return what all versions that build on one another were made with."""
    return {"jurisdiction": run.jurisdiction.hash, "code": code_version("linkage")}


def _find_base(run: Run, draft: Draft, entities: Version, before: Version | None) -> Version | None:
    """Return the live version when this one can be built on it: it was made from the entities that these ones are built on."""
    live = draft.live
    if live is None or before is None or live.id != before.id or live.facts.get("base") != _rules(run):
        return None
    if entities.facts.get("since") is None or entities.facts["since"] != live.inputs[ENTITIES]:
        return None
    if any(layered.is_overgrown(live, name) for name in TABLES) or not all(v["passed"] for v in live.verdicts if v["rule"] == "L01"):
        return None
    return live if run.lake.is_whole(live.table, live.id) else None


def _find_reached(run: Run, connection: duckdb.DuckDBPyConnection, entities: Version, definition: LinkageDefinition) -> bool:
    """Create the tables that linking reads, of what a day can change; return False when that is so much that all is to be linked."""
    create_units(connection, linked_contracts(run, definition))
    for name in CHANGED:
        source = engine.parquet([entities.path(f"{name}{layered.PARQUET}")])
        connection.execute(f"CREATE TEMP TABLE {name} AS SELECT * FROM {source}")
    if not reach.find_joined(connection):
        return False
    connection.execute("DROP VIEW whole_case_references")  # searched eight times: read once
    references = relation(entities, "case_references")
    connection.execute(f"CREATE TEMP TABLE whole_case_references AS SELECT * FROM {references}")
    reach.find_recased(connection)
    reach.read_reached(connection)
    return True


def _whole(draft: Draft, base: Version | None) -> dict[str, str]:
    """Return, of the files that are written over those of `base`, all rows as a relation."""
    return {} if base is None else {name: layered.relation(draft, name, key) for name, (_, _, key, _) in TABLES.items()}


def _limit_to_touched(connection: duckdb.DuckDBPyConnection, draft: Draft, base: Version) -> int:
    """Create `touched_records`, that were delivered or linked anew, and bring `links` to what `draft` has of them.

    Return the number of the others, which rule L01 found in order in `base`.
    """
    connection.execute(
        f"CREATE OR REPLACE TEMP TABLE touched_records AS SELECT {RECORD} FROM relinked UNION"
        " SELECT u.unit, d.node - u.first_node FROM delivered AS d"
        f" JOIN units AS u ON d.node >= u.first_node AND d.node < u.first_node + {RECORDS_A_UNIT}"
    )
    before, now = (
        f"SELECT l.* FROM {layered.relation(of, 'links', RECORD)} AS l SEMI JOIN touched_records AS t USING ({RECORD})"
        for of in (base, draft)
    )
    connection.execute(f"CREATE OR REPLACE TEMP TABLE links AS {now}")
    judged = next(verdict for verdict in base.verdicts if verdict["rule"] == "L01")
    return judged["facts"]["records"] - int(engine.scalar(connection, f"SELECT COUNT(*) FROM ({before}) AS b"))


def _see_whole(connection: duckdb.DuckDBPyConnection, draft: Draft) -> None:
    """Bring the tables that are judged to what they are of all records."""
    for name in FILES:
        connection.execute(f"DROP TABLE IF EXISTS {name}")
        connection.execute(f"CREATE TEMP VIEW {name} AS SELECT * FROM whole_{name}")
    connection.execute(f"CREATE OR REPLACE TEMP TABLE links AS SELECT * FROM {layered.relation(draft, 'links', RECORD)}")
    connection.execute(
        "CREATE OR REPLACE TEMP TABLE people AS SELECT r.node, r.unit, r.record_no, r.partner, l.person_id AS person, l.link_class,"
        " l.weight FROM records AS r JOIN links AS l ON l.unit = r.unit AND l.record_no = r.record_no"
    )


def read_dates(run: Run, connection: duckdb.DuckDBPyConnection, definition: LinkageDefinition, records: str | None = None) -> None:
    """Create `asked`, every date that asks for an age, in any version known so far: earlier stretches of the chain ask for an age too.

    These are days on which what the record is about took place: `record_dates` has them by record. `case_dates` has every day that a
    record names on the run's date. `records` names a table (unit, record_no) of those to read; None: all.
    """
    for name in ("asked", "dated"):
        connection.execute(f"CREATE TEMP TABLE {name} (unit VARCHAR, record_no BIGINT, date DATE)")
    for contract in linked_contracts(run, definition):
        columns = {
            "asked": ([c.name for c in contract.columns if c.age], "known_from <= $as_of"),
            "dated": ([c.name for c in contract.content if c.type == "date"], "known_from <= $as_of AND $as_of < known_until"),
        }
        view = register_records(run, connection, contract.partner, contract.file, only=within(contract, records))
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


def _write(connection: duckdb.DuckDBPyConnection, draft: Draft, base: Version | None) -> None:
    """Write `TABLES`, whole or over those of `base`, and `former`."""
    connection.execute(f"CREATE OR REPLACE TEMP TABLE unsure_records AS {engine.sql(__package__, 'unsure_records.sql')}")
    if base is not None:
        numbers = layered.relation(base, NUMBER_IDS, NUMBER_KEY)
        connection.execute(
            f"CREATE TEMP TABLE new_numbers AS SELECT number_key FROM (SELECT * FROM number_ids EXCEPT SELECT * FROM {numbers})"
        )
        events = layered.relation(base, ID_LEDGER, ID_KEY)
        connection.execute(
            f"CREATE TEMP TABLE new_events AS SELECT DISTINCT {ID_KEY} FROM (SELECT * FROM ledger EXCEPT SELECT * FROM {events})"
        )
    for name, (table, order, key, rewritten) in TABLES.items():
        if base is not None:
            layered.write_over(connection, draft, base, name, rewritten, table, key=key, order_by=order)
        else:
            file = f"{name}{layered.PARQUET}"
            draft.rows[file] = engine.write_parquet(connection, f"SELECT * FROM {table}", draft.path(file), order_by=order, encrypted=True)
    file = f"former{layered.PARQUET}"
    draft.rows[file] = engine.write_parquet(connection, "SELECT * FROM former", draft.path(file), order_by=RECORD, encrypted=True)
