"""What a reader learns from leaves: nothing that he should, and much from leaves that are too small or hardly rounded."""

from __future__ import annotations

import numpy as np
import pytest

from das_pipeline.disclosure.attacks import Reader, World, expected_counts, expected_from_other_periods
from das_pipeline.disclosure.cubes import period_ladder
from das_pipeline.disclosure.family import protect_cubes
from das_pipeline.disclosure.grid import Grid
from tests.disclosure.worlds import BASE, FIRST, LAST, flat, prepared

GRID = Grid.of([flat("region", [f"{n:02}" for n in range(40)])], period_ladder(["month", "year"], FIRST, LAST))


def world(mean: float, seed: int) -> World:
    """40 regions in 18 months, rounded with a key of their own."""
    true = np.random.default_rng(seed).poisson(mean, GRID.size).astype(np.int64)
    cube = protect_cubes({"crimes": prepared(GRID, true, "crimes", None, key=bytes([seed]) * 32)})["crimes"]
    return World(np.full(GRID.size, mean), true, cube.value, cube.leaves.cells, BASE)


@pytest.mark.slow
def test_a_reader_learns_little_from_rounded_leaves() -> None:
    gain = Reader([world(3.0, seed) for seed in (1, 2, 3)]).gain(world(3.0, 4))
    assert gain is not None
    assert gain.small > 400
    assert gain.points < 1


def test_the_value_of_a_leaf_that_is_mostly_empty_names_its_count() -> None:
    """What is hardly ever two is one when it is shown at all: such leaves are too small, whatever the rounding."""
    gain = Reader([world(0.1, seed) for seed in (1, 2, 3)]).gain(world(0.1, 4))
    assert gain is not None
    assert gain.sure[0] == 0
    assert gain.sure[1] > 10


def test_a_reader_is_right_as_often_as_he_believes() -> None:
    target = world(1.0, 4)
    shares = Reader([world(1.0, seed) for seed in (1, 2, 3)]).posterior(target, "with")
    right = shares.argmax(axis=1) == target.true[target.low]
    assert shares.sum(axis=1) == pytest.approx(1)
    assert right.mean() == pytest.approx(shares.max(axis=1).mean(), abs=0.03)


def test_expected_counts_lie_between_a_leaf_and_what_its_totals_suggest() -> None:
    true = np.zeros(GRID.shape, dtype=np.int64)
    true[0] = 18
    expected = expected_counts(GRID, true.ravel()).reshape(GRID.shape)
    assert expected[0, 0] == pytest.approx(18, rel=0.05)
    assert expected[1].max() < 0.1
    assert np.ptp(expected[0]) == 0


def test_what_other_periods_tell_leaves_out_a_leaf_s_own_count() -> None:
    true = np.full(GRID.shape, 6, dtype=np.int64)
    true[0, 0] = 600
    expected = expected_from_other_periods(GRID, true.ravel()).reshape(GRID.shape)
    assert expected[0, 0] == pytest.approx(6, rel=0.1)
    assert expected[0, 1] == pytest.approx((16 * 6 + 600) / 17, rel=0.1)


def test_a_world_without_small_counts_has_no_gain() -> None:
    assert Reader([world(3.0, 1)]).gain(world(200.0, 2)) is None
