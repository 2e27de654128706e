"""Without faults and before protection, what the pipeline counts is exactly what is true, and what belongs together is linked.

`simulation.truth` counts by a path of its own over the tables of the world; here each event, spell, cube, flow and published
table of the pipeline is laid beside it.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path

import duckdb
import pytest
import yaml

from das_pipeline import chain, deliveries, disclosure, engine, linkage, publication, statistics, terminology
from das_pipeline.deliveries import register_records
from das_pipeline.jurisdiction import Jurisdiction
from das_pipeline.lake import Lake
from das_pipeline.linkage.sources import delivered_contracts
from das_pipeline.privacy import write_demo_keys
from das_pipeline.run import Run, produce
from das_pipeline.settings import PROJECT, Settings
from das_pipeline.statistics import load_statistics
from simulation import simulate
from simulation.validation.linkage import evaluate
from tests.content import plant

pytestmark = pytest.mark.slow

DUTCH = Jurisdiction(PROJECT / "jurisdictions" / "nl")
CUBES = [cube.name for cube in load_statistics(DUTCH).cubes]
LINKED = [
    cube.name for cube in load_statistics(DUTCH).cubes if cube.type in {"cohort", "persons"}
]  # these need who and what belong together
TABLES = [table.name for table in load_statistics(DUTCH).tables if not table.derived]
EVENT = "kind, occurred_on, outcome, to_partner, offence, region, age, sex, suspect"
SPELL = "spell, spell_no, segment_no, start_on, end_on, opened_by, closed_by, state, offence, region, age, sex, suspect"
FLOW = "partner, spell, state, month, opening, inflow, outflow, corrections, closing"


@dataclass(frozen=True)
class Made:
    """A chain that was run without faults and with nothing rounded, and what is true of it."""

    run: Run
    truth: Path


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Made:
    """The chain over fifteen years and one more day, of registers that write down in full who a row is about: ages need no linkage."""
    return _made(tmp_path_factory.mktemp("exact"), date(2011, 1, 1), {"partial_birth_date": 0.0, "missing": {}})


@pytest.fixture(scope="module")
def as_kept(tmp_path_factory: pytest.TempPathFactory) -> Made:
    """Three years of registers as they are kept: numbers and birth dates are missing, or only the year of birth is known."""
    return _made(tmp_path_factory.mktemp("kept"), date(2023, 1, 1), {})


def _made(root: Path, start: date, habits: dict[str, object]) -> Made:
    jurisdiction = _unprotected(root / "jurisdiction", start, habits)
    settings = Settings(home=root / "home", inbox=root / "inbox", keys=root / "keys", jurisdiction=jurisdiction.folder)
    write_demo_keys(settings.keys, seed=1)
    truth = simulate(jurisdiction, settings.inbox, size=12_000, seed=2, faults="none", until=date(2025, 12, 28)).truth
    run = Run.start(settings, date(2025, 12, 28))
    while waiting := deliveries.pending(run):
        deliveries.take_in(run, waiting[0])
    partners = [f"deliveries/{partner}" for partner in run.jurisdiction.partners]
    produce(run, "terminology/concepts", terminology.build_concepts)
    produce(run, "terminology/records", terminology.build_records, inputs=["terminology/concepts", *partners])
    produce(run, "identifying/entities", linkage.build_entities, inputs=["terminology/records", *partners])
    produce(run, "linkage/links", linkage.build_links, inputs=["identifying/entities", *partners], chained=True)
    produce(run, "chain/events", chain.build_events, inputs=["terminology/records", "terminology/concepts", "linkage/links"])
    produce(run, "chain/spells", chain.build_spells, inputs=["chain/events"])
    produce(run, "chain/flows", chain.build_flows, inputs=["chain/events", "chain/spells"])
    _publish(run)
    return Made(run, truth)


def _publish(run: Run) -> None:
    produce(run, "statistics/cubes", statistics.build_cubes, inputs=["chain/events", "chain/flows", "chain/spells", "terminology/concepts"])
    produce(run, "disclosure/leaves", disclosure.build_leaves, inputs=["statistics/cubes", "terminology/concepts"])
    produce(run, "publication/candidate", publication.build_candidate, inputs=["disclosure/leaves", "terminology/concepts"])


def _unprotected(folder: Path, start: date, habits: dict[str, object]) -> Jurisdiction:
    """The Dutch jurisdiction from `start` on, in a world of several blocks; its counts are rounded to multiples of 1: not at all.

    The figures of other publishers, which nobody here counts, are left out, and what is divided by them.
    """
    shutil.copytree(DUTCH.folder, folder, ignore=shutil.ignore_patterns("external", "crime_rate.yaml"))
    words = folder / "texts" / "tables.yaml"
    words.write_text(words.read_text(encoding="utf-8").partition("\ndifferences:")[0] + "\n", encoding="utf-8")  # from those of others
    policy, simulation = (
        yaml.safe_load((folder / name).read_text(encoding="utf-8")) for name in ("policy.yaml", "simulation/parameters.yaml")
    )
    policy["disclosure"]["base"] |= {"default": 1, "sensitive": 1}
    policy["disclosure"]["when_ended"]["kinds"] = []  # and the running year is published too
    for size in simulation["period"]["sizes"].values():
        size["from"] = start
    simulation["period"]["rows_a_block"] = 5_000
    for partner in simulation["registers"]["habits"].values():
        partner |= habits
    for name, said in (("policy.yaml", policy), ("simulation/parameters.yaml", simulation)):
        plain = yaml.safe_dump(said, allow_unicode=True)
        (folder / name).write_text(re.sub(r"(?m)(?<=: )0\d+$", r'"\g<0>"', plain), encoding="utf-8")  # codes such as 09 are texts
    for name in ("chain.yaml", "simulation/truth.yaml"):
        text = (folder / name).read_text(encoding="utf-8")
        (folder / name).write_text(re.sub(r"(?m)^opening_month: \S+", f"opening_month: {start}", text), encoding="utf-8")
    return Jurisdiction(folder)


@pytest.fixture(scope="module")
def connection(made: Made) -> Iterator[duckdb.DuckDBPyConnection]:
    with connected(made) as connection:
        yield connection


@contextmanager
def connected(made: Made) -> Iterator[duckdb.DuckDBPyConnection]:
    """`known` says which record of the pipeline is which true one."""
    with made.run.connect(identifying=True) as connection:
        connection.execute("CREATE TEMP TABLE keyed (unit VARCHAR, record_no BIGINT, key VARCHAR)")
        for contract in delivered_contracts(made.run):
            view = register_records(made.run, connection, contract.partner, contract.file, half="direct")
            key = " || '/' || ".join(f"CAST({engine.identifier(name)} AS VARCHAR)" for name in contract.unit_key)
            connection.execute(f"INSERT INTO keyed SELECT DISTINCT $unit, record_no, {key} FROM {view}", {"unit": contract.unit})
        connection.execute(
            "CREATE TEMP TABLE known AS SELECT DISTINCT unit, record_no, record"
            f" FROM keyed JOIN read_parquet('{made.truth / 'records.parquet'}') USING (unit, key)"
        )
        yield connection


def differences(connection: duckdb.DuckDBPyConnection, found: str, true: str) -> tuple[int, list[tuple[object, ...]]]:
    """How many rows there are truly, and the first rows that only one of two queries has."""
    for name, query in (("found_rows", found), ("true_rows", true)):
        connection.execute(f"CREATE OR REPLACE TEMP TABLE {name} AS {query}")
    only = [
        f"(SELECT '{a}' AS side, * FROM (SELECT * FROM {a}_rows EXCEPT ALL SELECT * FROM {b}_rows) LIMIT 5)"
        for a, b in (("found", "true"), ("true", "found"))
    ]
    return int(engine.scalar(connection, "SELECT COUNT(*) FROM true_rows")), connection.execute(" UNION ALL ".join(only)).fetchall()


def true(made: Made, name: str) -> str:
    return f"read_parquet('{made.truth / name}.parquet')"


def test_every_cube_and_published_table_has_a_truth(made: Made) -> None:
    there = {path.stem for path in (made.truth / "tables").glob("*.parquet")}
    assert there == {*CUBES, *TABLES, "flows"}, "medians and percentages follow from the counts beside them"


def test_no_event_breaks_the_order_or_the_law(made: Made, connection: duckdb.DuckDBPyConnection) -> None:
    events = engine.parquet(made.run.lake.open("chain/events").paths())
    assert connection.execute(f"SELECT kind, rule, COUNT(*) FROM {events} WHERE rule IS NOT NULL GROUP BY ALL").fetchall() == []


def test_events_are_what_is_true(made: Made, connection: duckdb.DuckDBPyConnection) -> None:
    events = engine.parquet(made.run.lake.open("chain/events").paths())
    found = (
        f"SELECT unit, record, {EVENT} FROM {events} LEFT JOIN known USING (unit, record_no)"
        f" WHERE known_until = DATE '9999-12-31' AND rule IS NULL"
    )
    n, odd = differences(connection, found, f"SELECT unit, record, {EVENT} FROM {true(made, 'events')}")
    assert n > 5_000
    assert odd == []


def test_spells_are_what_is_true(made: Made, connection: duckdb.DuckDBPyConnection) -> None:
    spells = engine.parquet(made.run.lake.open("chain/spells").paths())
    found = f"SELECT unit, record, {SPELL} FROM {spells} LEFT JOIN known USING (unit, record_no) WHERE known_until = DATE '9999-12-31'"
    n, odd = differences(connection, found, f"SELECT unit, record, {SPELL} FROM {true(made, 'spells')}")
    assert n > 1_000
    assert odd == []


def test_the_balance_of_spells_is_what_is_true(made: Made, connection: duckdb.DuckDBPyConnection) -> None:
    flows = engine.parquet(made.run.lake.open("chain/flows").paths())
    found = f"SELECT {FLOW} FROM (SELECT * REPLACE (SUBSTR(CAST(month AS VARCHAR), 1, 7) AS month) FROM {flows})"
    n, odd = differences(connection, found, f"SELECT {FLOW} FROM {true(made, 'tables/flows')}")
    assert n > 500
    assert odd == []


@pytest.fixture(scope="module")
def truly_linked(made: Made, connection: duckdb.DuckDBPyConnection, tmp_path_factory: pytest.TempPathFactory) -> Run:
    """The same chain with the true persons and cases in its events: what linkage misses is not what counting gets wrong."""
    root = tmp_path_factory.mktemp("linked")
    run = replace(made.run, lake=Lake(root / "home"))
    shutil.copytree(made.run.lake.home, run.lake.home)
    true_records = root / "records.parquet"
    connection.execute(
        f"COPY (SELECT unit, record_no, person, \"case\" FROM known JOIN {true(made, 'records')} USING (unit, record)) TO '{true_records}'"
    )
    for file in run.lake.open("chain/events").files:
        linked = 'SELECT rows.* REPLACE (person AS person_id, "case" AS case_id) FROM rows'
        plant(run, "chain/events", file, f"{linked} LEFT JOIN read_parquet('{true_records}') USING (unit, record_no)")
    _publish(run)
    return run


@pytest.mark.parametrize("cube", LINKED)
def test_a_cube_of_linked_records_is_what_is_true(cube: str, made: Made, truly_linked: Run, connection: duckdb.DuckDBPyConnection) -> None:
    found = engine.parquet([truly_linked.lake.open("statistics/cubes").path(f"{cube}.parquet")])
    n, odd = differences(connection, f"SELECT * FROM {found}", f"SELECT * FROM {true(made, f'tables/{cube}')}")
    assert n > 5
    assert odd == []


@pytest.mark.parametrize("cube", sorted({*CUBES} - {*LINKED}))
def test_a_cube_is_what_is_true(cube: str, made: Made, connection: duckdb.DuckDBPyConnection) -> None:
    found = engine.parquet([made.run.lake.open("statistics/cubes").path(f"{cube}.parquet")])
    n, odd = differences(connection, f"SELECT * FROM {found}", f"SELECT * FROM {true(made, f'tables/{cube}')}")
    assert n > 5
    assert odd == []


@pytest.mark.parametrize("table", TABLES)
def test_a_published_table_is_what_is_true(table: str, made: Made, truly_linked: Run, connection: duckdb.DuckDBPyConnection) -> None:
    """Every cell that is not 0; that no other is shown follows, since cells of 0 are left out on both sides.

    Tables of linked records are those of the chain with true links: what they owe to linkage is measured below.
    """
    run = truly_linked if load_statistics(DUTCH).table(table).cubes[0] in LINKED else made.run
    published = engine.parquet([run.lake.open("publication/candidate").path(f"tables/{table}.parquet")])
    names = [row[0] for row in connection.execute(f"DESCRIBE SELECT * FROM {true(made, f'tables/{table}')}").fetchall()]
    found = f"SELECT {', '.join(names)} FROM {published} WHERE n <> 0"
    expected = f"SELECT * FROM {true(made, f'tables/{table}')} WHERE n <> 0"
    n, odd = differences(connection, found, expected)
    assert n > 5
    assert odd == []


@pytest.mark.parametrize("cube", LINKED)
def test_linkage_moves_few_units_of_a_cube_of_linked_records(cube: str, made: Made, connection: duckdb.DuckDBPyConnection) -> None:
    """Half the sum of the differences over cells: the units that are in another cell than the true one, and the persons too many."""
    found = engine.parquet([made.run.lake.open("statistics/cubes").path(f"{cube}.parquet")])
    rows = f"SELECT *, -n AS d FROM {true(made, f'tables/{cube}')} UNION ALL BY NAME SELECT *, n AS d FROM {found}"
    keys = ", ".join(row[0] for row in connection.execute(f"DESCRIBE SELECT * EXCLUDE (n) FROM {found}").fetchall())
    cells = f"SELECT ABS(SUM(d)) AS apart FROM ({rows}) GROUP BY {keys}"
    total = engine.scalar(connection, f"SELECT SUM(n) FROM {true(made, f'tables/{cube}')}")
    assert engine.scalar(connection, f"SELECT SUM(apart) / 2 FROM ({cells})") / total < 0.01


def test_events_of_registers_as_they_are_kept_differ_in_a_few_ages_alone(as_kept: Made) -> None:
    """Where a register lacks a birth date, the age is what linkage finds in other records of the person."""
    events = engine.parquet(as_kept.run.lake.open("chain/events").paths())
    query = f"SELECT unit, record, {EVENT} FROM {events} LEFT JOIN known USING (unit, record_no) WHERE known_until = DATE '9999-12-31'"
    true_events = f"SELECT unit, record, {EVENT} FROM {true(as_kept, 'events')}"
    with connected(as_kept) as connection:
        ageless = [f"SELECT * REPLACE (0 AS age) FROM ({rows})" for rows in (query, true_events)]
        assert differences(connection, *ageless)[1] == []
        other = engine.scalar(connection, f"SELECT COUNT(*) FROM ({query} EXCEPT ALL {true_events})")
        assert other < 0.001 * engine.scalar(connection, f"SELECT COUNT(*) FROM ({true_events}) WHERE age IS NOT NULL")


def test_records_of_one_person_and_one_case_are_found(as_kept: Made) -> None:
    found = evaluate(as_kept.run, as_kept.truth)
    assert found["persons"]["precision"] > 0.99
    assert found["persons"]["recall"] > 0.97
    assert found["cases"]["precision"] > 0.99
    assert found["cases"]["recall"] > 0.94
