"""What attacks on the cubes of one candidate gave, for the privacy officer: `das attacks`, and a page in plain words.

The report is computed with the true counts, so it lies encrypted beside the leaves and is never published. Its percentages are whole, and
of at least as many small counts as the policy judges by: no count follows from them.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import jinja2
import numpy as np

from das_pipeline import engine
from das_pipeline.disclosure.attacks import Gain, Reader, World, expected_from_other_periods, gain_of_changed
from das_pipeline.disclosure.deduction import Deduced, deduce
from das_pipeline.disclosure.differencing import one_more_moves, told_apart, twins
from das_pipeline.disclosure.family import Protected
from das_pipeline.disclosure.ledger import Past
from das_pipeline.disclosure.methods import Shown, changes_of
from das_pipeline.disclosure.public_figures import PublicFigures
from das_pipeline.disclosure.rounding import UNKNOWN, Ints
from das_pipeline.policy import Disclosure
from das_pipeline.run import Run

ATTACKS = "attacks.parquet"
KNOWN = (1, 2, 3, 4)  # records that an insider knows


@dataclass(frozen=True)
class Outcomes:
    """What each attack gave, by cube.

    `gains`: None where there are no small counts. `insider`: of all choices of 1, 2, 3 and 4 records in a leaf shown as 0, those that are
    all of it, (alone, all). `one_more`: of how many leaves one more record moves how many, (moved, all). `apart`: the leaves that tell the
    counts from other ones which the published values allow. `moved`: the published leaves that have another value than before.
    """

    gains: Mapping[str, Gain | None]
    insider: Mapping[str, Sequence[tuple[int, int]]]
    deduced: Mapping[str, Deduced]
    one_more: Mapping[str, tuple[int, int]]
    apart: Mapping[str, int]
    moved: Mapping[str, int]


def attack(protected: Mapping[str, Protected], past: Mapping[str, Past], public: Mapping[str, Ints], policy: Disclosure) -> Outcomes:
    """Attack all cubes of a candidate, as a reader who has what was published in the `past`, and the `public` cells of a cube exactly."""
    limits = policy.deduction
    return Outcomes(
        gains=gains_of(protected),
        insider={name: [alone(cube.leaves.true, cube.value, known) for known in KNOWN] for name, cube in protected.items()},
        deduced=deduce(protected, past, public, limits.sample, limits.width),
        one_more={name: one_more_moves(cube) for name, cube in protected.items()},
        apart=told_apart(protected, twins(protected)),
        moved={name: _moved(cube.value, past[name].before) for name, cube in protected.items()},
    )


def _moved(value: Ints, before: Ints) -> int:
    return int(((before != UNKNOWN) & (value != before)).sum())


def gains_of(protected: Mapping[str, Protected]) -> dict[str, Gain | None]:
    """What the reader who knows the algorithm learns about the small counts of every cube; None where there are none."""
    worlds = {
        name: World(expected_from_other_periods(c.grid, c.leaves.true), c.leaves.true, c.value, c.leaves.cells, c.leaves.base)
        for name, c in protected.items()
    }
    return {name: Reader([world]).gain(world) for name, world in worlds.items()}


def alone(true: Ints, value: Ints, known: int) -> tuple[int, int]:
    """Of all choices of `known` records in a leaf shown as 0: how many are all that it counts, and how many choices there are."""
    counts = true[value == 0]
    choices = np.prod([counts - n for n in range(known)], axis=0) // math.factorial(known)
    return int(choices[counts == known].sum()), int(choices[counts >= known].sum())


def attack_report(
    protected: Mapping[str, Protected],
    outcomes: Outcomes,
    figures: Sequence[PublicFigures],
    policy: Disclosure,
    others: Sequence[Shown] = (),
) -> dict[str, Any]:
    """The figures of every cube, and of tables by another method; None where there are too few small counts to tell."""
    cubes = {}
    for name, cube in protected.items():
        gain, deduced = outcomes.gains[name], outcomes.deduced[name]
        enough = gain is not None and gain.small >= policy.attack.min_rows
        insiders = {
            f"insider_of_{known}_pct": _percentage(*outcomes.insider[name][place], policy.attack.min_rows)
            for place, known in enumerate(KNOWN)
        }
        moves, leaves = outcomes.one_more[name]
        guessed, estimated = (_percentage(n, deduced.small, policy.attack.min_rows) for n in (deduced.guessed, deduced.estimated))
        cubes[name] = {
            "sure_without_pct": round(max(gain.sure[0], gain.sure_told[0])) if gain and enough else None,
            "sure_added_points": round(max(0.0, gain.points)) if gain and enough else None,
            "named_without_pct": round(gain.named[0]) if gain and enough else None,
            "named_pct": round(gain.named[1]) if gain and enough else None,
            **insiders,
            "tried": deduced.tried,
            "exact": deduced.exact,
            "narrow_pct": _percentage(deduced.narrow, deduced.tried, policy.deduction.min_rows),
            "guessed_pct": guessed,
            "estimated_pct": estimated,
            "estimated_over_points": None if guessed is None or estimated is None else max(0, estimated - guessed),
            "one_record_pct": _percentage(moves, leaves, policy.attack.min_rows),
            "told_apart": outcomes.apart[name],
            "shows_presence": int((cube.value > 0).sum()),  # both of these can be counted in the published tables
            "moved": outcomes.moved[name],
        }
    return {
        "limits": {
            "sure_added_points": round(100 * policy.attack.block, 1),
            "min_small_counts": policy.attack.min_rows,
            "insider_of_1_pct": round(100 * policy.insider.share),
            "exact": 0,
            "width": policy.deduction.width,
            "narrow_pct": round(100 * policy.deduction.block, 1),
            "estimated_over_points": round(100 * policy.deduction.above, 1),
            "one_record_pct": round(100 * policy.one_record.block, 1),
            "told_apart": 0,
            "small_shown": 0,
        },
        "reasons": {
            "attack": policy.attack.reason,
            "insider": policy.insider.reason,
            "deduction": policy.deduction.reason,
            "one_record": policy.one_record.reason,
            "corrections": policy.corrections.reason,
        },
        "public_figures": [of.model_dump() for of in figures],
        "cubes": cubes,
        "others": {shown.anchor: {"tables": list(shown.tables)} | _of_other(shown, policy) for shown in others},
        "methods": {
            method: limits.model_dump()
            for method in sorted({shown.method for shown in others})
            if (limits := getattr(policy, method)) is not None
        },
    }


def _of_other(shown: Shown, policy: Disclosure) -> dict[str, Any]:
    """What is known of the cells that this run decided of a family of tables by suppression or by cell key."""
    true, value = shown.true[shown.decided], shown.value[shown.decided]
    about = {"method": shown.method, "decided": len(true), "shows_presence": int(((value != 0) & (true > 0)).sum())}
    if shown.method == "suppression":
        assert policy.suppression is not None
        of, least = shown.computed, policy.deduction.min_rows
        return about | {
            "not_shown": int((value == UNKNOWN).sum()),
            "small_shown": int(((value > 0) & (value < policy.suppression.minimum)).sum()),
            "tried": of.tried,
            "exact": of.exact,
            "narrow_pct": _percentage(of.narrow, of.tried, least),
            "small_pct": _percentage(of.small, of.tried, least),
            "exact_told_pct": _percentage(of.exact_told, of.tried, least),
        }
    least = policy.attack.min_rows
    gain, estimated = gain_of_changed(true, value, changes_of(policy), policy.base.default), shown.estimated
    guessed_pct, estimated_pct = (_percentage(n, estimated.small, least) for n in (estimated.guessed, estimated.right))
    return about | {
        "sure_without_pct": round(gain.sure[0]) if gain.small >= least else None,
        "sure_added_points": round(max(0.0, gain.points)) if gain.small >= least else None,
        "named_without_pct": round(gain.named[0]) if gain.small >= least else None,
        "named_pct": round(gain.named[1]) if gain.small >= least else None,
        "insider_of_1_pct": _percentage(*alone(true, value, 1), least),
        "guessed_pct": guessed_pct,
        "estimated_pct": estimated_pct,
        "estimated_over_points": None if guessed_pct is None or estimated_pct is None else max(0, estimated_pct - guessed_pct),
    }


def _percentage(part: int, whole: int, least: int) -> int | None:
    return round(100 * part / whole) if whole >= least else None


def write_report(connection: duckdb.DuckDBPyConnection, report: Mapping[str, Any], path: Path) -> int:
    """Write `report`, as JSON, as the one row of an encrypted table; return the number of rows."""
    query, content = "SELECT $report AS report", {"report": json.dumps(report)}
    return engine.write_parquet(connection, query, path, order_by="report", encrypted=True, parameters=content)


def read_report(run: Run) -> dict[str, Any]:
    """The report on the newest cubes; LakeError when there are none yet."""
    with run.connect(confidential=True) as connection:
        table = engine.read_table(connection, run.lake.live("disclosure/leaves").path(ATTACKS))
    return json.loads(table["report"][0].as_py())


def report_page(report: Mapping[str, Any]) -> str:
    """`report` as a page."""
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("das_pipeline.disclosure", ""), autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True
    )
    return environment.get_template("attacks.html").render(report)
