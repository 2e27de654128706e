"""Tables by suppression and by cell key: decided once, the same in every file, refused where they cannot be."""

from __future__ import annotations

import re
from collections import defaultdict
from datetime import date
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from das_pipeline.disclosure.cell_key import Perturbation, Table, fractions
from das_pipeline.disclosure.judging import changed_counts_stay_hidden
from das_pipeline.disclosure.methods import Estimated, Shown
from das_pipeline.errors import DasError
from das_pipeline.jurisdiction import Jurisdiction
from das_pipeline.policy import Deduction
from das_pipeline.references import find_faults
from das_pipeline.release import append_ledger
from das_pipeline.run import Run, produce
from tests.conftest import toy_settings
from tests.content import rows
from tests.methods import LIMITS, leaves, toy_with_methods

FEBRUARY, MARCH = date(2024, 2, 29), date(2024, 3, 31)


def decided(root: Path, as_of: date = FEBRUARY, more: int = 0) -> Run:
    toy = root / "toy" if (root / "toy").exists() else toy_with_methods(root)
    run = Run.start(toy_settings(root, toy), as_of)
    leaves(run, more)
    return run


def cells(run: Run, table: str) -> dict[tuple[str, ...], int | None]:
    read = pq.read_table(run.lake.live("disclosure/leaves").path(f"{table}.cells.parquet"))
    return {tuple(row[key] for key in read.column_names[:-1]): row["n"] for row in read.to_pylist()}


def true_counts(run: Run, cube: str, *dimensions: str) -> dict[tuple[str, ...], int]:
    found: dict[tuple[str, ...], int] = defaultdict(int)
    for row in rows(run, run.lake.live("statistics/cubes"), f"{cube}.parquet"):
        for kept in np.ndindex(*(2,) * len(dimensions)):
            codes = tuple(row[d] if is_kept else "all" for d, is_kept in zip(dimensions, kept, strict=True))
            found[(*codes, "month", row["period"])] += row["n"]
    return found


@pytest.mark.slow
def test_what_is_shown_by_suppression_is_exact_and_never_small(tmp_path: Path) -> None:
    run = decided(tmp_path)
    shown, true = cells(run, "closed_by_ward"), true_counts(run, "closings", "offence", "region")
    assert len(shown) == 4 * 4 * 2  # three offences and wards with their totals, January and February
    assert {n for n in shown.values() if n is not None and 0 < n < 5} == set()
    assert all(n in (None, true.get(cell, 0)) for cell, n in shown.items())
    hidden = [cell for cell, n in shown.items() if n is None]
    assert all(true[cell] > 0 for cell in hidden)
    assert {cell for cell, n in true.items() if n < 5} <= set(hidden)


@pytest.mark.slow
def test_a_cell_that_two_tables_share_is_the_same_in_both(tmp_path: Path) -> None:
    run = decided(tmp_path)
    by_ward, by_sex = cells(run, "closed_by_ward"), cells(run, "closed_by_sex")
    shared = [(offence, period) for offence, ward, _, period in by_ward if ward == "all"]
    assert len(shared) == 4 * 2
    assert all(by_ward[offence, "all", "month", period] == by_sex[offence, "all", "month", period] for offence, period in shared)
    assert None in {by_ward[offence, "all", "month", period] for offence, period in shared}


@pytest.mark.slow
def test_a_period_is_decided_once_whatever_comes_late(tmp_path: Path) -> None:
    first = decided(tmp_path)
    before = {name: cells(first, name) for name in ("closed_by_ward", "received_by_age")}
    produce(
        first,
        "disclosure/ledger",
        lambda run, draft: append_ledger(run, draft, release="2024-02-29.1"),
        inputs=["disclosure/leaves"],
        chained=True,
    )
    later = decided(tmp_path, MARCH, more=9)
    for name, earlier in before.items():
        now = cells(later, name)
        assert now | earlier == now
        assert {period for *_, period in now.keys() - earlier.keys()} == {"2024-03"}
    entries = [row for row in rows(later, later.lake.live("disclosure/leaves"), "ledger_entries.parquet") if row["base"] == 1]
    assert {row["period"] for row in entries} == {"2024-03"}
    assert all(row["frozen"] for row in entries)


@pytest.mark.slow
def test_a_month_that_has_not_ended_is_in_none_of_these_tables(tmp_path: Path) -> None:
    assert {period for *_, period in cells(decided(tmp_path, date(2024, 3, 30)), "closed_by_ward")} == {"2024-01", "2024-02"}
    with pytest.raises(DasError, match="has no month that has ended"):
        decided(tmp_path, date(2024, 1, 30))


@pytest.mark.slow
def test_counts_by_cell_key_are_those_of_the_keys(tmp_path: Path) -> None:
    run = decided(tmp_path)
    shown = cells(run, "received_by_age")
    limits = LIMITS["cell_key"]
    table = Table.of(Perturbation(limits["distance"], limits["variance"], limits["not_published"]))
    read = rows(run, run.lake.live("statistics/cubes"), "received.parquet")
    for period in ("2024-01", "2024-02"):
        parts = [row for row in read if row["period"] == period]
        for row in parts:
            key = fractions(np.array([row["key"]], dtype=np.uint64), np.zeros(1, dtype=np.int64), 1)
            assert shown[row["age"], "month", period] == table.perturbed(np.array([row["n"]]), key)[0]
        keys = np.array([row["key"] for row in parts], dtype=np.uint64)
        whole = fractions(keys, np.zeros(len(keys), dtype=np.int64), 1)
        assert shown["all", "month", period] == table.perturbed(np.array([sum(row["n"] for row in parts)]), whole)[0]
    assert not {1, 2} & set(shown.values())


@pytest.mark.breaks("D22")
def test_an_estimate_that_undoes_the_changes_of_a_table_is_found() -> None:
    """Of 40 small counts an estimate gets 30 right, one guess for all 15."""
    nothing = np.zeros(0, dtype=np.int64)

    def judged(right: int) -> bool:
        shown = Shown("cell_key", "received", [], {}, nothing, nothing, nothing > 0, Estimated(40, right, 15))
        return changed_counts_stay_hidden([shown], Deduction()).passed

    assert judged(18)
    assert not judged(30)


def faults(toy: Path) -> str:
    return "\n".join(str(fault) for fault in find_faults(Jurisdiction(toy)))


def test_three_tables_that_choose_their_method_are_without_mistakes(tmp_path: Path) -> None:
    assert faults(toy_with_methods(tmp_path)) == ""


@pytest.mark.parametrize(
    ("file", "old", "new", "said"),
    [
        ("closed_by_ward", "method: suppression", "method: supression", r"closed_by_ward.yaml:\d+: method: .*suppression"),
        ("closed_by_ward", "method: suppression", "method: rounding", r"closed_by_sex.yaml:\d+: method: table closed_by_ward has"),
        ("closed_by_ward", "method: suppression", "method: cell_key", r"by cell_key: together .* Give both one method"),
        ("reports", "theme: crime", "theme: crime\nmethod: suppression", r"reports.yaml:\d+: method: table flow has counts of the same"),
        ("flow", "theme: chain", "theme: chain\nmethod: cell_key", r"flow.yaml:\d+: method: cell_key is for .* Take `method` out"),
    ],
)  # fmt: skip
def test_a_strange_choice_is_refused_with_its_place(tmp_path: Path, file: str, old: str, new: str, said: str) -> None:
    toy = toy_with_methods(tmp_path)
    path = toy / "statistics" / f"{file}.yaml"
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new), encoding="utf-8")
    assert re.search(said, faults(toy))


@pytest.mark.parametrize(
    ("limits", "said"),
    [
        ({"suppression": None}, "closed_by_sex has the method suppression, for which there are no limits: add `suppression: {minimum: 5"),
        ({"cell_key": None}, "received_by_age has the method cell_key, for which there are no limits"),
        ({"cell_key": LIMITS["cell_key"] | {"variance": 90}}, "has variance 90"),
        ({"suppression": {"minimum": 5, "reason": "x"}}, "suppression.width: this key is missing"),
        ({"sensitive_cubes": ["closings"]}, "the cube closings has no leaves to protect"),
    ],
)
def test_limits_that_are_missing_or_strange_are_refused(tmp_path: Path, limits: dict, said: str) -> None:
    found = faults(toy_with_methods(tmp_path, **limits))
    assert "policy.yaml:" in found
    assert said in found


def test_words_that_such_tables_need_are_asked_for(tmp_path: Path) -> None:
    toy = toy_with_methods(tmp_path)
    path = toy / "texts" / "tables.yaml"
    path.write_text(
        path.read_text(encoding="utf-8").replace("confidential:", "secret:").replace("n_cell_key:", "n_other:"), encoding="utf-8"
    )
    found = faults(toy)
    assert "no text for the status confidential" in found
    assert "no text for column n_cell_key" in found


def test_a_headline_of_such_a_table_is_refused(tmp_path: Path) -> None:
    toy = toy_with_methods(tmp_path)
    site = toy / "texts" / "site.yaml"
    site.write_text(
        site.read_text(encoding="utf-8").replace("en: Reports}, table: reports}", "en: Reports}, table: closed_by_ward}"), encoding="utf-8"
    )
    assert "closed_by_ward is protected by suppression" in faults(toy)
