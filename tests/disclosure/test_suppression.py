"""Which cells a table by suppression does not show, attacked by linear programming that knows all the others."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy import sparse
from scipy.optimize import linprog

from das_pipeline.disclosure import suppression
from das_pipeline.disclosure.suppression import Linked, suppress, too_narrow

WIDTH, MINIMUM = 4, 5
Counts = NDArray[np.int64]


def linked(*tables: Counts) -> Linked:
    """Tables with all their totals. The first axis of all is the same and has the same sums: these cells are shared."""
    rows, cells, names, start = [], [], {}, 0
    leaves = sum(table.size for table in tables)
    for number, table in enumerate(tables):
        for kept in np.ndindex(*(2,) * table.ndim):
            for at in np.ndindex(*(size if is_kept else 1 for size, is_kept in zip(table.shape, kept, strict=True))):
                part = np.zeros(table.shape)
                part[tuple(slice(i, i + 1) if is_kept else slice(None) for i, is_kept in zip(at, kept, strict=True))] = 1
                row = np.zeros(leaves)
                row[start : start + table.size] = part.ravel()
                is_shared = not any(kept[1:])
                rows.append(row)
                cells.append(names.setdefault((kept[0], at[0]) if is_shared else (number, kept, at), len(names)))
        start += table.size
    true = np.concatenate([table.ravel() for table in tables])
    matrix, of = np.array(rows), np.array(cells)
    some = matrix @ true > 0
    used, cell = np.unique(of[some], return_inverse=True)
    assert len(used)
    return Linked.of(sparse.csr_array(matrix[some][:, true > 0]), cell, true[true > 0])


def ranges(of: Linked, hidden: NDArray[np.bool_]) -> list[tuple[int, int]]:
    """By brute force, two programs for each hidden cell: the least and the most that it can be."""
    shown = ~hidden[of.cell_of]
    dense = of.rows.toarray()
    links = np.array([dense[a] - dense[b] for a in range(len(dense)) for b in range(a) if of.cell_of[a] == of.cell_of[b]]).reshape(
        -1, dense.shape[1]
    )
    equal, known = np.vstack([dense[shown], links]), np.concatenate([of.counts[of.cell_of[shown]], np.zeros(len(links))])
    found = []
    for cell in np.flatnonzero(hidden):
        row = dense[of.cell_of == cell][0]
        ends = [
            linprog(sign * row, A_eq=equal, b_eq=known, A_ub=-dense[~shown], b_ub=-np.ones((~shown).sum()), bounds=(0, 10_000)).fun
            for sign in (1, -1)
        ]
        found.append((round(np.ceil(ends[0] - 1e-6)), round(np.floor(-ends[1] + 1e-6))))
    return found


def test_a_single_small_cell_takes_three_others_with_it() -> None:
    of = linked(np.array([[3, 20, 30], [25, 40, 35], [50, 15, 45]]))
    hidden = suppress(of, of.counts < MINIMUM, WIDTH)
    assert (of.counts < MINIMUM).sum() == 1
    assert hidden.sum() >= 4
    assert all(high - low >= WIDTH for low, high in ranges(of, hidden))


def test_what_a_reader_computes_and_what_more_if_he_is_told_which_cells_are_small() -> None:
    of = linked(np.array([[3, 20, 30], [25, 40, 2], [50, 15, 45]]))
    hidden = suppress(of, of.counts < MINIMUM, WIDTH)
    cells = np.flatnonzero(hidden)
    alone, told = (suppression.ranges(of, hidden, cells, WIDTH, below) for below in (0, MINIMUM))
    assert alone.tolist() == [list(ends) for ends in ranges(of, hidden)]
    assert ((told[:, 0] >= alone[:, 0]) & (told[:, 1] <= alone[:, 1])).all()
    small = of.counts[cells] < MINIMUM
    assert (told[small, 1] < MINIMUM).all()
    assert (told[~small, 0] >= MINIMUM).all()
    assert ((told[:, 0] <= of.counts[cells]) & (of.counts[cells] <= told[:, 1])).all()


def test_a_small_cell_alone_follows_from_its_row() -> None:
    of = linked(np.array([[3, 20, 30], [25, 40, 35], [50, 15, 45]]))
    assert too_narrow(of, of.counts < MINIMUM, WIDTH).sum() == 1


def test_a_small_cell_that_follows_from_another_table_with_the_same_sums_is_found() -> None:
    """Nine in the first row: 3 + 6 here, and shown as the total of the other table."""
    here, there = np.array([[3, 6], [20, 30]]), np.array([[9, 0], [25, 25]])
    of = linked(here, there)
    alone = linked(here)
    hidden = suppress(alone, alone.counts < MINIMUM, WIDTH)
    assert all(high - low >= WIDTH for low, high in ranges(alone, hidden))
    together = suppress(of, of.counts < MINIMUM, WIDTH)
    assert all(high - low >= WIDTH for low, high in ranges(of, together))


def test_nothing_is_left_out_where_nothing_is_small() -> None:
    of = linked(np.array([[30, 20], [25, 0]]))
    assert not suppress(of, of.counts < MINIMUM, WIDTH).any()


@pytest.mark.slow
@settings(max_examples=40)
@given(st.data())
def test_no_hidden_cell_of_linked_tables_can_be_computed(data: st.DataObject) -> None:
    counts = st.sampled_from([0, 0, 1, 2, 3, 4, 5, 8, 13, 40, 200])
    sizes = [data.draw(st.tuples(st.just(3), st.integers(2, 4))) for _ in range(2)]
    tables = [np.array(data.draw(st.lists(counts, min_size=a * b, max_size=a * b))).reshape(a, b) for a, b in sizes]
    tables[1][:, 0] += np.maximum(tables[0].sum(axis=1) - tables[1].sum(axis=1), 0)  # the same sums of rows
    tables[0][:, 0] += np.maximum(tables[1].sum(axis=1) - tables[0].sum(axis=1), 0)
    if not tables[0].any():
        return
    of = linked(*tables)
    primary = of.counts < MINIMUM
    hidden = suppress(of, primary, WIDTH)
    assert (hidden >= primary).all()
    assert all(high - low >= WIDTH for low, high in ranges(of, hidden))


@pytest.mark.slow
def test_a_cube_of_2000_cells_is_protected() -> None:
    random = np.random.default_rng(2)
    of = linked(random.poisson(random.lognormal(1.5, 1.5, (20, 10, 2))).astype(np.int64))
    hidden = suppress(of, of.counts < MINIMUM, WIDTH)
    assert not too_narrow(of, hidden, WIDTH).any()
    assert hidden.mean() < 0.7
