"""Measure linkage on the simulated history: seconds and quality, compared with plain Splink with one model for everything.

    python -m benchmarks.bench_linkage [rows] [seed]

Both get the same standardised records. Plain Splink compares records, not entities; the numbers are comparisons of its model, which is
trained on these records, and it takes connected components of its links. Training time counts for neither.
"""

from __future__ import annotations

import resource
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import Any

import duckdb

from das_pipeline import engine, simulation, terminology
from das_pipeline.deliveries import partners_in, pending, take_in
from das_pipeline.jurisdiction import Jurisdiction
from das_pipeline.linkage import build_entities, build_links
from das_pipeline.linkage.probabilistic import discreet_splink, make_linker
from das_pipeline.linkage.training import SEED, SETTINGS
from das_pipeline.privacy import write_demo_keys
from das_pipeline.run import Run, produce
from das_pipeline.settings import PROJECT, Settings
from simulation.validation.linkage import evaluate, measure

HISTORY = date(2025, 12, 27)
NUMBERS = ("chain_number", "citizen_number")


@contextmanager
def clocked(what: str) -> Iterator[None]:
    """Prints wall and processor seconds, and the peak memory of the process so far."""
    wall, cpu = time.perf_counter(), time.process_time()
    yield
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
    print(f"{what:12}{time.perf_counter() - wall:7.1f} s wall {time.process_time() - cpu:7.1f} s CPU, peak {peak:.2f} GB")


def shown(what: str, quality: dict[str, float]) -> None:
    print(f"{what:12}precision {quality['precision']:.5f}, recall {quality['recall']:.5f}")


def deliver(root: Path, rows: str, seed: int) -> Run:
    """The simulated history, taken in and mapped."""
    settings = Settings(home=root / "home", inbox=root / "inbox", keys=root / "keys", jurisdiction=PROJECT / "jurisdictions" / "nl")
    write_demo_keys(settings.keys, seed=seed)
    simulation.simulate(Jurisdiction(settings.jurisdiction), settings.inbox, size=rows, seed=seed, until=HISTORY, truth=root / "truth")
    run = Run.start(settings, HISTORY)
    for delivery in pending(run):
        take_in(run, delivery)
    produce(run, "terminology/concepts", terminology.build_concepts)
    produce(run, "terminology/records", terminology.build_records)
    return run


def one_model() -> dict[str, Any]:
    """Splink's settings with the numbers as comparisons, and blocks on them too."""
    numbers = [
        {
            "output_column_name": number,
            "comparison_levels": [
                {"sql_condition": f"{number}_l IS NULL OR {number}_r IS NULL", "label_for_charts": "missing", "is_null_level": True},
                {"sql_condition": f"{number}_l = {number}_r", "label_for_charts": "equal"},
                {"sql_condition": "ELSE", "label_for_charts": "different"},
            ],
        }
        for number in NUMBERS
    ]
    rules = [
        *(f"l.{number} = r.{number}" for number in NUMBERS),
        "l.birth_on = r.birth_on AND l.surname = r.surname",
        "l.birth_on = r.birth_on AND l.given_name = r.given_name",
        "l.surname = r.surname AND l.given_name = r.given_name AND year(l.birth_on) = year(r.birth_on)",
    ]
    return SETTINGS | {
        "comparisons": [*SETTINGS["comparisons"], *numbers],
        "blocking_rules_to_generate_predictions": [{"blocking_rule": rule} for rule in rules],
    }


def link_with_splink(run: Run, connection: duckdb.DuckDBPyConnection) -> None:
    """Create the table `links` with plain Splink."""
    entities = run.lake.live("identifying/entities")
    for name in ("records", "numbers"):
        connection.execute(f"CREATE TEMP TABLE {name} AS SELECT * FROM {engine.parquet([entities.path(f'{name}.parquet')])}")
    held = ", ".join(f"MAX(CASE WHEN role = '{number}' THEN value END) AS {number}" for number in NUMBERS)
    connection.execute(
        f"CREATE TEMP TABLE compared AS SELECT r.node AS entity, r.*, n.* EXCLUDE (node) FROM records AS r"
        f" LEFT JOIN (SELECT node, {held} FROM numbers GROUP BY node) AS n ON n.node = r.node WHERE r.is_person"
    )
    with discreet_splink():
        linker = make_linker(connection, one_model() | {"probability_two_random_records_match": 1e-4}, "compared", {})
        linker.training.estimate_u_using_random_sampling(max_pairs=1e7, seed=SEED)
        for rule in ("l.chain_number = r.chain_number", "l.birth_on = r.birth_on AND l.surname = r.surname"):
            linker.training.estimate_parameters_using_expectation_maximisation(rule, estimate_without_term_frequencies=True)
        with clocked("Splink"):
            pairs = linker.inference.predict(threshold_match_weight=8)
            clusters = linker.clustering.cluster_pairwise_predictions_at_threshold(pairs, threshold_match_weight=8).physical_name
    connection.execute(
        f"CREATE TEMP TABLE links AS SELECT r.unit, r.record_no, c.cluster_id AS person_id, CAST(NULL AS BIGINT) AS case_id"
        f" FROM {clusters} AS c JOIN records AS r ON r.node = c.entity"
    )


def main(rows: str, seed: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        run = deliver(Path(folder), rows, seed)
        print(f"{rows} rows of {len(partners_in(run))} partners, seed {seed}")
        with clocked("entities"):
            produce(run, "identifying/entities", build_entities)
        with clocked("links"):
            produce(run, "linkage/links", build_links, chained=True)
        for what, quality in evaluate(run, Path(folder) / "truth").items():
            shown(what, quality)
        with run.connect(identifying=True) as connection:
            link_with_splink(run, connection)
            shown("Splink", measure(run, connection, Path(folder) / "truth")["persons"])


if __name__ == "__main__":
    main(*(sys.argv[1:2] or ["100000"]), int((sys.argv[2:3] or ["1"])[0]))
