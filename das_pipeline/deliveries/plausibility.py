"""What is unusual about a delivered file that is right line by line: its number of rows, months without any, days that recur, its stock.

Nothing is set aside for it. I06 compares the file with the earlier ones, I14 and K09 look at the dates of a whole register or history,
and F03 compares what is in force with the sender's own count.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import date, timedelta
from statistics import median

from das_pipeline import engine
from das_pipeline.deliveries.column import Column
from das_pipeline.deliveries.opened import Intake, Opened, Plausible
from das_pipeline.gate import Verdict, share_exceeds
from das_pipeline.policy import Heaping, Months, RowCount, WarnAndBlock

WINDOW = timedelta(days=90)
NEIGHBOURS = 3  # months on either side
FIRST_DAYS = {"1 January": (1 / 365.25, "month(day) = 1 AND day(day) = 1"), "day 1 of the month": (12 / 365.25, "day(day) = 1")}


def look_at_dates(intake: Intake, opened: Opened) -> Plausible:
    """Return what is unusual about a file of which `delivered_rows` and `faults` have the rows; the stock follows."""
    contract, limits = opened.contract, intake.limits
    earlier = _earlier_counts(intake, contract.file, is_delta=contract.delivery.mode == "delta")
    seen = Plausible(contract.file, opened.account.read, usual_rows(earlier, opened.account.read, limits.row_count), len(earlier))
    is_whole = contract.delivery.complete_for == "all" or intake.original.manifest.sequence == 1
    for column in (c for c in contract.columns if c.type == "date" and c.identity is None and c.name in opened.header.positions):
        if is_whole:
            seen.months[column.name] = _empty_months(intake, column, limits.empty_months)
            seen.heaps[column.name] = _heaps(intake, column, limits.heaping)
    return seen


def judge_plausibility(intake: Intake, opened: Sequence[Opened]) -> list[Verdict]:
    """Return I06, I14, K09 and F03 on the files of a delivery, once it is taken in."""
    seen = [o.plausible for o in opened if o.plausible]
    for o in opened:
        _count_stock(intake, o)
    return [judge_row_counts(seen, intake.limits.row_count), judge_months(seen), judge_heaps(seen), judge_stock(seen, intake.limits.stock)]


def _count_stock(intake: Intake, opened: Opened) -> None:
    """Note the rows in force of a file, the lines that are held back, and the sender's own count, where there is one."""
    seen, stock, connection = opened.plausible, opened.declared.stock, intake.connection
    if seen is None or stock is None:
        return
    seen.stock, seen.held_back = stock, opened.account.quarantined
    seen.in_force = engine.scalar(
        connection, f"SELECT (SELECT COUNT(*) FROM opened_{seen.file}) - (SELECT COUNT(*) FROM closed_{seen.file})"
    )
    if opened.contract.delivery.complete_for != "all" and intake.live is not None:
        account = engine.parquet([intake.live.path("account.parquet")])
        seen.held_back += engine.scalar(
            connection, f"SELECT CAST(COALESCE(SUM(quarantined), 0) AS BIGINT) FROM {account} WHERE file = $file", {"file": seen.file}
        )


# -- I06


def _earlier_counts(intake: Intake, file: str, *, is_delta: bool) -> list[tuple[date, int]]:
    """The rows of the earlier files by reference date: of the last ninety days, or the last deliveries when these are too few.

    The first delivery of changes brought a whole register, and one that was replaced counts no more.
    """
    if intake.live is None:
        return []
    rows = intake.connection.execute(
        f"""SELECT sequence, MAX_BY(reference_on, delivery) AS day, MAX_BY(read, delivery) AS read
        FROM {engine.parquet([intake.live.path("account.parquet")])}
        WHERE file = $file AND sequence < $sequence GROUP BY sequence ORDER BY sequence""",
        {"file": file, "sequence": intake.original.manifest.sequence},
    ).fetchall()
    counts = [(day, read) for sequence, day, read in rows if not (is_delta and sequence == 1)]
    recent = [c for c in counts if c[0] >= intake.original.manifest.reference_on - WINDOW]
    least = intake.limits.row_count.deliveries
    counts = recent if len(recent) >= least else counts[-least:]
    same_day = [c for c in counts if c[0].weekday() == intake.original.manifest.reference_on.weekday()]
    return same_day if len(same_day) >= least else counts


def usual_rows(earlier: Sequence[tuple[date, int]], rows: int, limit: RowCount) -> tuple[float, float] | None:
    """Return between which numbers of rows a file is usual; None with too few earlier files, or when `rows` is among them.

    Roots of counts vary alike whatever their size. What the policy allows as a share is always usual.
    """
    if len(earlier) < limit.deliveries:
        return None
    roots = [2 * math.sqrt(n + 3 / 8) for _, n in earlier]
    middle = median(roots)
    spread = max(1.0, 1.4826 * median(abs(root - middle) for root in roots)) * limit.deviations
    low, high = (max(middle + sign * spread, 0.0) ** 2 / 4 - 3 / 8 for sign in (-1, 1))
    count = median(n for _, n in earlier)
    low, high = max(min(low, count * (1 - limit.share)), 0.0), max(high, count * (1 + limit.share))
    return None if low <= rows <= high else (low, high)


def judge_row_counts(seen: Sequence[Plausible], limit: RowCount) -> Verdict:
    """I06: every file has about as many rows as the earlier ones, by weekday where there are enough of one."""
    unusual = [o for o in seen if o.usual is not None]
    told = [f"{o.file} has {o.rows:,} rows, where {o.usual[0]:,.0f} to {o.usual[1]:,.0f} are usual" for o in unusual if o.usual]
    beyond = [o for o in unusual if o.usual and o.earlier >= limit.sure and not (o.usual[0] / 2 <= o.rows <= o.usual[1] * 2)]
    return Verdict(
        "I06",
        not unusual,
        f"{'; '.join(told)}. Ask whether the file is complete." if told else "Every file has about as many rows as the earlier ones.",
        severity="block" if beyond else "warn",
        facts={f"{o.file}_rows": o.rows for o in seen},
    )


# -- I14, K09


def _empty_months(intake: Intake, column: Column, limit: Months) -> list[str]:
    """The months between the first and the last of a column that have next to nothing of what their neighbours have."""
    counts = dict(
        intake.connection.execute(
            f"""SELECT CAST(date_trunc('month', {column.name}) AS DATE) AS month, COUNT(*) FROM delivered_rows
            WHERE {column.name} IS NOT NULL AND len(faults) = 0 GROUP BY month"""
        ).fetchall()
    )
    return nearly_empty({day.year * 12 + day.month - 1: n for day, n in counts.items()}, limit)


def nearly_empty(counts: dict[int, int], limit: Months) -> list[str]:
    """Return the months (numbered from year 0) that have less than the limit's share of the median of their neighbours, as yyyy-mm."""
    empty = []
    for month in range(min(counts, default=0) + 1, max(counts, default=0)):
        near = [counts.get(month + n, 0) for n in range(-NEIGHBOURS, NEIGHBOURS + 1) if n]
        usual = median(near)
        if usual >= limit.rows and counts.get(month, 0) < limit.share * usual:
            empty.append(f"{month // 12}-{month % 12 + 1:02}")
    return empty


def judge_months(seen: Sequence[Plausible]) -> Verdict:
    """I14: the dates of a whole register or history leave out no month between the first and the last."""
    told = [f"{o.file}.{column}: {', '.join(months)}" for o in seen for column, months in o.months.items() if months]
    sentence = f"Months with next to nothing in them: {'; '.join(told)}. Ask whether they were left out."
    return Verdict(
        "I14", not told, sentence if told else "No month is left out between the first and the last.", facts={"places": len(told)}
    )


def _heaps(intake: Intake, column: Column, limit: Heaping) -> list[str]:
    """The days of the year or the month that a column has far more often than others."""
    counts = ", ".join(f"COUNT(*) FILTER ({condition})" for _, condition in FIRST_DAYS.values())
    rows, *of_day = intake.connection.execute(
        f"SELECT COUNT(*), {counts} FROM (SELECT {column.name} AS day FROM delivered_rows WHERE len(faults) = 0) WHERE day IS NOT NULL"
    ).fetchall()[0]
    limits = zip(FIRST_DAYS.items(), of_day, strict=True)
    return [day for (day, (share, _)), n in limits if share_exceeds(n, max(rows, 1), limit.times * share, limit.rows)]


def judge_heaps(seen: Sequence[Plausible]) -> Verdict:
    """K09: no date stands for one that was not known: 1 January and the first of the month are no more frequent than by chance."""
    told = [f"{o.file}.{column}: {' and '.join(days)}" for o in seen for column, days in o.heaps.items() if days]
    sentence = f"Days that occur too often: {'; '.join(told)}. Ask whether they stand for a date that is not known, and declare sentinels."
    return Verdict("K09", not told, sentence if told else "No day is so frequent that it stands for others.", facts={"places": len(told)})


# -- F03


def judge_stock(seen: Sequence[Plausible], limit: WarnAndBlock) -> Verdict:
    """F03: as many rows are in force as the sender says it has, but for lines in quarantine."""
    declared = [(o, o.stock) for o in seen if o.stock is not None]
    differences = [(o, max(stock, 1), max(abs(o.in_force - stock) - o.held_back, 0)) for o, stock in declared]
    apart = [(o, stock, n) for o, stock, n in differences if n > limit.warn * stock]
    beyond = [o for o, stock, n in apart if share_exceeds(min(n, stock), stock, limit.block, limit.min_rows)]
    told = [f"{o.file} has {o.in_force:,} rows in force, and {stock:,} by the sender's own count" for o, stock, _ in apart]
    sentence = f"{'; '.join(told)}. Ask for the whole register, or for what was deleted without notice."
    facts: dict[str, int | float | str] = {f"{o.file}_stock_difference": o.in_force - stock for o, stock in declared}
    right = "Files have the rows in force that their senders count." if declared else "No sender gives its own count of a stock."
    return Verdict("F03", not apart, sentence if apart else right, severity="block" if beyond else "warn", facts=facts)
