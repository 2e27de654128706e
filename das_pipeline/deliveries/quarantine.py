"""Lines that break a row rule: set aside as they came, counted, never repaired."""

from __future__ import annotations

from das_pipeline import engine
from das_pipeline.deliveries.opened import Intake, Opened, open_lines, streamed

FIRST_LINES = 5  # how many line numbers a receipt gives per rule


def set_aside(intake: Intake, opened: Opened) -> None:
    """Write the quarantine file of a delivered file and count its lines; nothing when no line has a fault.

    Those lines are read a second time for it: keeping every raw line until the faults are known would double the memory of a large file.
    """
    file, connection, account = opened.contract.file, intake.connection, opened.account
    account.quarantined = engine.scalar(connection, "SELECT COUNT(DISTINCT line_no) FROM faults")
    if not account.quarantined:
        return
    for rule, count, first in connection.execute(
        f"""SELECT rule, COUNT(DISTINCT line_no), list_sort(list(DISTINCT line_no))[1:{FIRST_LINES}]
        FROM faults GROUP BY rule ORDER BY rule"""
    ).fetchall():
        account.by_rule[rule], account.first_lines[rule] = count, first
    connection.execute(f"CREATE OR REPLACE TEMP TABLE stale AS {engine.sql(__package__, 'stale.sql')}")
    account.stale = engine.scalar(connection, "SELECT COUNT(*) FROM stale")
    path = f"quarantine/{file}/{intake.original.manifest.delivery}.parquet"
    only = [number for (number,) in connection.execute("SELECT DISTINCT line_no FROM faults").fetchall()]
    with streamed(connection, open_lines(intake, opened.contract, opened.declared.name, only)):
        intake.draft.rows[path] = engine.write_parquet(
            connection,
            engine.sql(__package__, "quarantine.sql"),
            intake.draft.path(path),
            order_by='line_no, rule, "column"',
            encrypted=True,
        )
