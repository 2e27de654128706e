"""What must hold from one version of the links to the next, and from one group of persons to another: rules L02, L03, L06, L09
to L11 and L13."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from datetime import date

import duckdb

from das_pipeline import engine
from das_pipeline.gate import Verdict
from das_pipeline.policy import SubgroupFloor, Warn, WarnAndBlock

BITS = 2.0  # by which rule L13 moves the threshold


def rates_are_steady(rates: Mapping[str, float], earlier: Sequence[Mapping[str, float]], limit: WarnAndBlock) -> Verdict:
    """L02: every partner's link rate is near its mean over the `earlier` versions of a year; it blocks from `min_rows` of them on."""
    moved = {}
    for partner, rate in sorted(rates.items()):
        before = [version[partner] for version in earlier if partner in version]
        if before and abs(rate - sum(before) / len(before)) > limit.warn:
            moved[partner] = round(rate - sum(before) / len(before), 4)
    stops = len(earlier) >= limit.min_rows and any(abs(change) > limit.block for change in moved.values())
    sentence = "Every partner's link rate is near its mean of the last twelve months."
    if moved:
        named = ", ".join(f"{partner} ({change:+.1%})" for partner, change in moved.items())
        sentence = (
            f"Link rates moved from their mean of twelve months: {named}. Look for a column that is empty or was renamed at the partner."
        )
    return Verdict(
        "L02",
        not moved,
        sentence,
        severity="block" if stops else "warn",
        facts={"partners": len(rates), "earlier_versions": len(earlier), "moved": len(moved)},
    )


def groups_are_linked_alike(connection: duckdb.DuckDBPyConnection, least: int, limit: Warn) -> tuple[Verdict, dict[str, dict[str, float]]]:
    """L03: records without a verified number are linked as often in every group, beyond chance; return the rates too."""
    counts: dict[str, dict[str, tuple[int, int]]] = {}
    for trait, value, records, linked in connection.execute(engine.sql(__package__, "group_rates.sql"), {"least": least}).fetchall():
        counts.setdefault(trait, {})[value] = (linked, records)
    rates = {trait: {value: round(n / of, 4) for value, (n, of) in groups.items()} for trait, groups in counts.items()}
    gaps = {trait: round(max(groups.values()) - min(groups.values()), 4) for trait, groups in rates.items()}
    wide = {trait: gap for trait, gap in gaps.items() if gap - _chance(counts[trait].values()) > limit.warn}
    sentence = "Records without a verified number are linked as often in every group."
    if wide:
        named = ", ".join(f"{trait} ({gap:.1%} between the highest and the lowest)" for trait, gap in wide.items())
        sentence = (
            f"Records without a verified number are linked less often in some groups, by {named}: figures of persons are biased by it."
        )
    return Verdict("L03", not wide, sentence, facts={f"gap by {trait}": gap for trait, gap in gaps.items()}), rates


def _chance(groups: Iterable[tuple[int, int]]) -> float:
    """Return what the gap between the highest and the lowest rate may be by chance: three standard errors."""
    ordered = sorted(groups, key=lambda group: group[0] / group[1])
    shares = ((linked / records, records) for linked, records in (ordered[0], ordered[-1]))
    return 3 * math.sqrt(sum(share * (1 - share) / records for share, records in shares))


def joins_are_above_keeping(connection: duckdb.DuckDBPyConnection, join_at: float) -> Verdict:
    """L06: a probable link of fewer bits than a new one needs is one that an earlier version had."""
    fresh = int(
        engine.scalar(
            connection,
            "SELECT COUNT(*) FROM links AS l LEFT JOIN links_before AS b ON b.unit = l.unit AND b.record_no = l.record_no"
            " WHERE l.link_class = 'C' AND l.weight < $join_at AND b.unit IS NULL",
            {"join_at": join_at},
        )
    )
    sentence = "Every new probable link has the weight that a new one needs."
    if fresh:
        sentence = (
            f"{fresh} new records were linked by fewer than {join_at:g} bits, which only keep a link: a mistake in the code: report it."
        )
    return Verdict("L06", not fresh, sentence, facts={"new_below": fresh})


def linking_anew_agrees(changed: int, records: int, limit: Warn) -> Verdict:
    """L10: linked anew, without what earlier versions linked, nearly every record would have the same person."""
    share = changed / records if records else 0.0
    sentence = f"Linked anew, {changed:,} of {records:,} records would have another person."
    if share > limit.warn:
        sentence += " Links that earlier versions made lost much of their evidence: look for a column that is emptier at a partner."
    return Verdict("L10", share <= limit.warn, sentence, facts={"records": records, "changed": changed})


def second_numbers_agree(connection: duckdb.DuckDBPyConnection, first: str, least: int, floor: SubgroupFloor) -> Verdict:
    """L11: in every group of records, persons agree with the later strong keys: few persons with two values, few values of two persons."""
    rates = connection.execute(engine.sql(__package__, "second_number_rates.sql"), {"first": first, "least": least}).fetchall()
    low, precision, recall = [], 1.0, 1.0
    for trait, value, same, linked, both in rates:
        agreeing, found = (both / of if of else 1.0 for of in (linked, same))
        precision, recall = min(precision, agreeing), min(recall, found)
        if agreeing < floor.precision or found < floor.recall:
            low.append(f"{trait} {value} ({agreeing:.1%}, {found:.1%})")
    sentence = (
        f"In each of {len(rates)} groups of records, {precision:.1%} or more of the pairs of one person have one second number, and"
        f" {recall:.1%} or more of the pairs with one second number are one person."
    )
    if low:
        sentence = (
            "Of the pairs of one person too few have one second number, or of the pairs with one second number too few are one person,"
            f" for {', '.join(low)}: look at that group's names, birth dates and numbers before figures of persons are believed."
        )
    facts = {"groups": len(rates), "low": len(low), "lowest precision": round(precision, 4), "lowest recall": round(recall, 4)}
    return Verdict("L11", not low, sentence, facts=facts)


def persons_are_certain(persons: Mapping[str, int], limit: Warn) -> Verdict:
    """L13: about as many persons at a `strict` and a `loose` threshold as at the `default` one. Without a model there is no threshold."""
    if persons.keys() == {"default"}:
        return Verdict("L13", True, "Persons are linked by keys alone: there is no threshold that they could depend on.", facts={**persons})
    usual = persons["default"]
    moved = max(abs(n - usual) for n in persons.values()) / usual if usual else 0.0
    band = f"{persons['loose']:,} to {persons['strict']:,}"
    sentence = f"With {BITS:g} bits more or fewer for a probable link there are {band} persons, with the usual ones {usual:,}."
    if moved > limit.warn:
        sentence += " Figures of persons depend on the threshold: say so beside them, and train the model on more records."
    return Verdict("L13", moved <= limit.warn, sentence, facts={**persons, "moved": round(moved, 4)})


def id_moves(connection: duckdb.DuckDBPyConnection, vintage: date) -> tuple[int, int]:
    """Return how many records have a person with another id than before, and of how many of these no event says why."""
    moved, unexplained = connection.execute(engine.sql(__package__, "id_moves.sql"), {"vintage": vintage}).fetchall()[0]
    return moved, unexplained


def ids_are_steady(moves: tuple[int, int], records: int, limit: Warn) -> Verdict:
    """L09: few of the records have a person with another id than before, and the ledger says of each why. It blocks only if it does not.

    `moves` are those of `id_moves`.
    """
    moved, unexplained = moves
    share = moved / records if records else 0.0
    sentence = f"{moved} of {records} records have a person with another id than before; the ledger has every change."
    if unexplained:
        sentence = (
            f"{unexplained} records have a person with another id, and the ledger has no event of it: a mistake in the code: report it."
        )
    elif share > limit.warn:
        sentence = f"{moved} of {records} records have a person with another id than before ({share:.2%}): look at what merged and split."
    return Verdict(
        "L09",
        not unexplained and share <= limit.warn,
        sentence,
        severity="block" if unexplained else "warn",
        facts={"records": records, "moved": moved, "unexplained": unexplained},
    )
