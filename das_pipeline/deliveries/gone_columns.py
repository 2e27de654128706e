"""Columns that were filled until now and have nothing in a whole file (rule I13): renamed, left out or emptied.

A file without the column, or a complete one, says so at once. In a file of changes a column can be empty by chance, so more is asked of it.
"""

from __future__ import annotations

from collections.abc import Sequence

from das_pipeline.deliveries import versions
from das_pipeline.deliveries.column import Column
from das_pipeline.deliveries.fields import NAMED_VALUES
from das_pipeline.deliveries.opened import Intake, Opened
from das_pipeline.deliveries.state import OPEN

FEW = 3  # values that should be there, and are not by more than chance: of a column that is absent, or of a complete file
LEAST_SHARE = 0.05  # a column that was emptier than this may be empty


def look_for_gone_columns(intake: Intake, opened: Opened) -> None:
    """Note the columns of an opened file that are gone; `delivered_rows` and `faults` have its rows."""
    connection, contract, day = intake.connection, opened.contract, intake.original.manifest.reference_on
    marker = contract.delivery.mutation.column if contract.delivery.mutation else None
    expected = [c for c in contract.columns if c.name in opened.header.positions and c.name != marker and not c.may_be_empty_on(day)]
    if intake.live is None or not expected:
        return
    counts = ", ".join(f"COUNT({c.name}), COUNT(*) FILTER (WHERE list_contains(faults, 'K06 {c.name}'))" for c in expected)
    whole = "NOT is_withdrawal AND NOT list_has_any(faults, ['I03 ', 'I05 '])"
    rows, *found = connection.execute(f"SELECT COUNT(*), {counts} FROM delivered_rows WHERE {whole}").fetchall()[0]
    absent = set(opened.header.absent) if contract.format.kind in NAMED_VALUES else set()
    is_changes = contract.delivery.mode == "delta"
    for column, filled, wrong in zip(expected, found[::2], found[1::2], strict=True):
        if filled or not rows or (wrong and column.source not in absent):  # wrong values are not missing: they are in quarantine
            continue
        is_absent = column.source in absent
        least = 1 if column.source in opened.header.renamed else FEW if is_absent or not is_changes else intake.limits.empty_column.rows
        if _expected_values(intake, opened, column, rows, is_absent=is_absent) >= least:
            opened.gone = (*opened.gone, column.source)


def _expected_values(intake: Intake, opened: Opened, column: Column, rows: int, *, is_absent: bool) -> float:
    """Return how many values a column should have in a file of so many rows: those that its rows have in force, or the usual share.

    The usual share is the least of the last deliveries. The first one of changes brings the whole register, in which more is known of a row
    than on its first day, so it says little of a column that is there and empty.
    """
    contract, connection, live = opened.contract, intake.connection, intake.live
    assert live is not None
    stored = versions.stored_rows(live, contract, "direct" if column.is_direct else "content")
    held = connection.execute(
        f"""SELECT COUNT(*) FROM delivered_rows AS r
        JOIN keys AS k ON k.record_key = r.record_key
        JOIN versions AS v ON v.record_no = k.record_no AND v.sub = r.sub AND v.known_until = {OPEN}
        JOIN (SELECT delivery, line_no FROM {stored} WHERE {column.name} IS NOT NULL) AS s
            ON s.delivery = v.delivery AND s.line_no = v.line_no
        WHERE NOT r.is_withdrawal"""
    ).fetchall()[0][0]
    is_first_left_out = contract.delivery.mode == "delta" and not is_absent
    before = [a for a in intake.before if a.delivery not in intake.replaced and not (is_first_left_out and a.sequence == 1)]
    shares = connection.execute(
        f"SELECT COUNT({column.name}) / COUNT(*) FROM {stored} WHERE list_contains($before, delivery) GROUP BY delivery",
        {"before": [a.delivery for a in before[-intake.limits.empty_column.deliveries :]]},
    ).fetchall()
    share = min((share for (share,) in shares), default=0.0)
    return max(float(held), share * rows if share > LEAST_SHARE else 0.0)


def probable_renames(opened: Sequence[Opened]) -> str:
    """Return the sentences, each with a blank after it, that name what the missing columns of each file are probably called now."""
    return "".join(
        f"{o.contract.file} has {column} with a sign in its name that nobody sees, as a blank without width. "
        if now == column
        else f"{o.contract.file} has {now}: did you mean that for {column}? "
        for o in opened
        for column, now in sorted(o.header.renamed.items())
        if column in o.gone or column in o.header.missing
    )
