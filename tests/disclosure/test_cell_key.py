"""The cell-key method gives the known answers of other implementations, and needs no order of rows."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from das_pipeline.disclosure.cell_key import Perturbation, Table, fractions
from das_pipeline.errors import ConfigurationError

VECTORS = Path(__file__).parent / "vectors"
TABLES = {
    "D2V1": Perturbation(2, 1),
    "D3V1.08js1": Perturbation(3, 1.08, not_published=1),
    "D4V1": Perturbation(4, 1),
    "D5V2": Perturbation(5, 2),
    "D5V3": Perturbation(5, 3),
    "D5V3js2": Perturbation(5, 3, not_published=2),
    "D5V3js2_pstay05": Perturbation(5, 3, not_published=2, stay=0.5),
    "D8V3": Perturbation(8, 3),
}


def read(name: str) -> list[dict[str, str]]:
    with (VECTORS / name).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


@pytest.mark.parametrize("name", TABLES)
def test_every_row_of_a_table_is_that_of_ptable(name: str) -> None:
    known = {(int(r["count"]), int(r["target"])): float(r["share"]) for r in read(f"ptable_{name}.csv")}
    perturbation = TABLES[name]
    assert max(count for count, _ in known) == perturbation.last_row
    for count in range(perturbation.last_row + 1):
        for target, share in zip(perturbation.targets(count), perturbation.row(count), strict=True):
            assert share == pytest.approx(known.get((count, int(target)), 0.0), abs=1e-6), (count, target)


def test_counts_with_their_cell_keys_become_those_of_cellkey() -> None:
    cells = read("cell_keys.csv")
    counts = np.array([int(r["count"]) for r in cells])
    keys = np.array([float(r["cell_key"]) for r in cells])
    assert len(cells) == 63
    assert Table.of(TABLES["D5V3js2_pstay05"]).perturbed(counts, keys).tolist() == [int(r["published"]) for r in cells]


@settings(max_examples=30, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 2**64 - 1), st.integers(0, 3)), min_size=1, max_size=30), st.randoms())
def test_a_cell_key_depends_on_the_records_and_not_on_their_order(records: list[tuple[int, int]], random) -> None:
    def keys(rows: list[tuple[int, int]]) -> list[float]:
        return fractions(np.array([key for key, _ in rows], dtype=np.uint64), np.array([c for _, c in rows]), 4).tolist()

    shuffled = random.sample(records, len(records))
    assert keys(shuffled) == keys(records)
    assert all(0 <= key <= 1 for key in keys(records))


def test_zero_stays_zero_and_no_count_becomes_one_that_is_not_published() -> None:
    table = Table.of(TABLES["D5V3js2"])
    counts = np.repeat(np.arange(30), 200)
    published = table.perturbed(counts, np.random.default_rng(1).random(len(counts)))
    assert not published[counts == 0].any()
    assert not set(published.tolist()) & {1, 2}
    assert np.abs(published - counts).max() <= 5


def test_a_variance_that_no_change_can_have_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="a count of 1 by up to 2 has variance 9"):
        Perturbation(2, 9, is_monotonic=False).row(1)
