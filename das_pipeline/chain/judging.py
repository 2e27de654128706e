"""What must be true of events, spells and flows: rules C01, C04, C06, F01, F02 and K10."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

import duckdb

from das_pipeline import engine
from das_pipeline.chain.model import ChainModel
from das_pipeline.gate import Verdict, share_exceeds
from das_pipeline.policy import Block, Warn, WarnFrom

EventCount = tuple[str, str, str, str, int]  # unit, partner, kind, rule ("" for an accepted event), number
COUNTS = {"event_counts": 4, "order_in_cases": 0, "swapped_dates": 3}  # queries, with the number of their columns that are names
Counted = dict[str, list[list[Any]]]  # rows of some names and a few numbers, by what they count


def count_events(connection: duckdb.DuckDBPyConnection, as_of: date) -> Counted:
    """What the rules on events judge, of `events` and `kinds` as known on `as_of`: see the three queries."""
    return {
        name: [list(row) for row in connection.execute(engine.sql(__package__, f"{name}.sql"), {"as_of": as_of}).fetchall()]
        for name in COUNTS
    }


def carried_forward(base: Counted, before: Counted, after: Counted) -> Counted:
    """The counts of a base, less those of what was touched as it was, plus those of it as it is."""
    counted: Counted = {}
    for name, names in COUNTS.items():
        sums: dict[tuple[Any, ...], list[int]] = {}
        for sign, rows in ((1, base[name]), (-1, before[name]), (1, after[name])):
            for row in rows:
                key, numbers = tuple(row[:names]), row[names:]
                so_far = sums.get(key, [0] * len(numbers))
                sums[key] = [a + sign * b for a, b in zip(so_far, numbers, strict=True)]
        counted[name] = [[*key, *numbers] for key, numbers in sorted(sums.items()) if any(numbers) or not names]
    return counted


def dates_run_forward(counted: Counted, limit: Warn) -> Verdict:
    """C01: few events are dated before an earlier step of their unit or case."""
    events, in_units, in_cases = counted["order_in_cases"][0]
    share = (in_units + in_cases) / max(events, 1)
    return Verdict(
        "C01",
        passed=share <= limit.warn,
        sentence=f"Of {events} events, {in_units} are dated before an earlier step of their own unit (shown, not counted) and {in_cases}"
        f" before one of another unit of their case. The limit is a share of {limit.warn:.2%}; ask the partners of these units about"
        " their dates.",
        severity="warn",
        facts={"events": events, "in_units": in_units, "in_cases": in_cases},
    )


def days_and_months_are_in_place(counted: Counted, limit: WarnFrom) -> Verdict:
    """K10: few dates break the order of their unit that would not with day and month swapped.

    One such date may be any mistake; a share of those of one kind is a form of date that was read the wrong way round.
    """
    rows = counted["swapped_dates"]
    broken = [
        f"{kind} of {partner} ({swapped:,} of {ambiguous:,})"
        for _, partner, kind, ambiguous, swapped in rows
        if share_exceeds(swapped, ambiguous, limit.warn, limit.min_rows)
    ]
    swapped = sum(row[-1] for row in rows)
    sentence = f"Dates that break the order and would not with day and month swapped: {swapped:,}."
    if broken:
        sentence += f" Above {limit.warn:.2%} of those that can be read both ways: {', '.join(broken)}. Ask in which form these dates are."
    return Verdict("K10", not broken, sentence, facts={"ambiguous": sum(row[-2] for row in rows), "swapped": swapped})


def transitions_are_allowed(
    counts: Sequence[EventCount] | Sequence[list[Any]],
    chain: ChainModel,
    limit: Block,
    lost: Mapping[str, Mapping[str, Mapping[str, Any]]] | None = None,
) -> Verdict:
    """C04, by unit and partner: a small partner's broken file must not hide behind a large partner's good one.

    `lost` has, by partner and file, the rows in force whose parent was withdrawn (K03): the probable cause, which the sentence names.
    """
    turning = {kind for _, kind, _ in chain.roles()}
    forbidden: Counter[str] = Counter()
    totals: Counter[tuple[str, str]] = Counter()
    failures: Counter[tuple[str, str]] = Counter()
    for unit, partner, kind, rule, n in counts:
        if kind in turning:
            totals[unit, partner] += n
        if rule == "C04":
            forbidden[kind] += n
            failures[unit, partner] += n
    broken = {
        (unit, partner): failed
        for (unit, partner), failed in failures.items()
        if share_exceeds(failed, totals[unit, partner], limit.block, limit.min_rows)
    }
    sentence = f"Events that do not fit the state of their spell (shown, not counted): {sum(forbidden.values())}."
    if broken:
        listed = ", ".join(f"{unit} of {partner} ({failed} of {totals[unit, partner]})" for (unit, partner), failed in broken.items())
        sentence += f" Above the limit of {limit.block:.2%}: {listed}. Look at these files, or allow the transition in chain.yaml."
    sentence += "".join(
        f" {rows['rows']:,} rows in force of {partner}/{file} have lost their parent in {', '.join(rows['parents'])}, which was withdrawn"
        f" in {', '.join(rows['ended_by'])} (rule K03): see the receipt, and ask {partner} to withdraw them or bring the parents back."
        for partner in sorted({partner for _, partner in failures})
        for file, rows in sorted((lost or {}).get(partner, {}).items())
    )
    return Verdict(
        "C04",
        passed=not broken,
        sentence=sentence,
        facts={"forbidden": sum(forbidden.values()), **{f"forbidden_{kind}": n for kind, n in forbidden.items()}},
        failing={f"{partner}/{unit}": failed for (unit, partner), failed in broken.items()},
    )


def one_open_spell(connection: duckdb.DuckDBPyConnection, as_of: date, limit: Warn) -> Verdict:
    """C06 on `spells` and `single_spells`: few persons have two open spells of a kind of which the law allows one."""
    spells, overlapping = connection.execute(engine.sql(__package__, "overlapping_spells.sql"), {"as_of": as_of}).fetchall()[0]
    return Verdict(
        "C06",
        passed=overlapping <= limit.warn * spells,
        sentence=f"Of {spells} spells of which the law allows a person one at a time, {overlapping} begin while another is open."
        f" The limit is a share of {limit.warn:.2%}. Nothing is removed: look at the links of these persons and the partner's end dates.",
        severity="warn",
        facts={"spells": spells, "overlapping": overlapping},
    )


def judge_flows(connection: duckdb.DuckDBPyConnection, parameters: dict[str, Any]) -> list[Verdict]:
    """F01 and F02 on `flows`, `spells`, `events`, `months` and `turn_roles`.

    Flows are counted from spells. F01 compares them with the accepted events, and the stocks with the spells counted again at the end of
    each month.
    """
    cells = engine.scalar(connection, "SELECT COUNT(*) FROM flows")
    stock = connection.execute(engine.sql(__package__, "stock_differences.sql"), {"as_of": parameters["as_of"]}).fetchall()
    event = connection.execute(engine.sql(__package__, "event_differences.sql"), parameters).fetchall()
    carried = connection.execute(engine.sql(__package__, "carried_differences.sql")).fetchall()
    sentence = (
        f"In all {cells} cells, opening + inflow - outflow + corrections = closing = the spells counted again, and flows are the events."
    )
    if stock or event:
        spells = ", ".join(sorted({f"{spell} of {partner}" for partner, spell, *_ in stock + event}))
        sentence = (
            f"Of {cells} cells, {len(stock)} differ from the spells counted again and {len(event)} from the accepted events, in spells"
            f" {spells}. Materialise chain/spells and chain/flows again from the live events."
        )
    return [
        Verdict(
            "F01",
            passed=not stock and not event,
            sentence=sentence,
            facts={"cells": cells, "stock_differences": len(stock), "event_differences": len(event)},
        ),
        Verdict(
            "F02",
            passed=not carried,
            sentence=f"Of {cells} cells, {len(carried)} do not open with the closing stock of the month before."
            + (" Materialise chain/flows again." if carried else ""),
            facts={"cells": cells, "differences": len(carried)},
        ),
    ]
