"""Codes that a list still has and that nobody uses any more (rule T09)."""

from __future__ import annotations

from datetime import date

import duckdb

from das_pipeline import engine
from das_pipeline.gate import Verdict

MONTHS, ROWS = 24, 20  # no row for so many months is no chance when so many came in as many months before
NAMED = 10


def codes_are_in_use(connection: duckdb.DuckDBPyConnection, as_of: date) -> Verdict:
    """T09 on the tables of `look_up`: every listed code that was in use has been used in the last two years.

    A code that goes out of use was replaced, or what it stood for is no longer reported; its list does not say so yet.
    """
    rows = connection.execute(
        f"{engine.sql(__package__, 'unused.sql')} ORDER BY field, code",
        {"as_of": as_of, "now": 12 * as_of.year + as_of.month, "months": MONTHS, "rows": ROWS},
    ).fetchall()
    named = ", ".join(f"{code} in {field} (since {since})" for field, code, since in rows[:NAMED])
    more = f" and {len(rows) - NAMED} more" if len(rows) > NAMED else ""
    sentence = f"Codes that are listed and no longer used: {named}{more}. Ask whether they were replaced, and end them in their list."
    right = f"Every listed code that was in use has been used in the last {MONTHS} months."
    return Verdict("T09", not rows, sentence if rows else right, facts={"codes": len(rows)})
