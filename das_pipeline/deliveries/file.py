"""One delivered file on its way in: opened, checked, split, accounted.

Its temporary tables are those of versions.py. The file is read twice when lines of it are quarantined: keeping every raw line until the
faults are known would double the memory of a large file.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from decimal import Decimal

import duckdb

from das_pipeline import engine, policy, privacy
from das_pipeline.deliveries import landing, versions
from das_pipeline.deliveries.account import FileAccount
from das_pipeline.deliveries.checking import header_of, rows_query
from das_pipeline.deliveries.contract import Contract, load_partners
from das_pipeline.deliveries.judging import Opened
from das_pipeline.deliveries.landing import Accepted, Landed
from das_pipeline.deliveries.reading import Lines
from das_pipeline.lake import Draft, Version
from das_pipeline.run import Run

FIRST_LINES = 5  # as many line numbers per rule does a receipt give


@dataclass(frozen=True)
class Intake:
    """What the files of one delivery share while they are taken in."""

    run: Run
    connection: duckdb.DuckDBPyConnection
    draft: Draft
    known: Landed
    live: Version | None
    contracts: Sequence[Contract]  # parents first
    before: Sequence[Accepted]
    limits: policy.Deliveries

    @property
    def replaced(self) -> list[str]:
        """The accepted deliveries of the same period that this one takes the place of, the last one last."""
        manifest = self.known.manifest
        return [a.delivery for a in self.before if manifest.replaces and a.sequence == manifest.sequence]

    @property
    def units(self) -> dict[str, str]:
        return {c.file: c.unit for c in self.contracts}


def take_in_file(intake: Intake, contract: Contract) -> Opened:
    """What was found in the file of `contract`; its quarantined lines are written before its accepted rows."""
    said = next(f for f in intake.known.manifest.files if f.file == contract.file)
    account = FileAccount(contract.file)
    lines = _open(intake, contract, said.name)
    header = header_of(contract, lines.names, intake.known.manifest.reference_on)
    opened = Opened(contract, said, header, account, problem=lines.problem)
    if header.missing or lines.problem:
        return opened
    query = rows_query(contract, header, intake.units, intake.known.manifest.reference_on, "lines")
    with _streamed(intake.connection, lines):
        intake.connection.execute(f"CREATE TEMP TABLE rows_{contract.file} AS {query}", {"header_line": lines.header_line})
    account.read, opened.lines, opened.problem = lines.rows, lines.count, lines.problem
    if lines.problem:
        return opened
    intake.connection.execute(
        f"""CREATE TEMP TABLE faults_{contract.file} AS
        SELECT DISTINCT line_no, split_part(fault, ' ', 1) AS rule, split_part(fault, ' ', 2) AS "column"
        FROM (SELECT line_no, unnest(faults) AS fault FROM rows_{contract.file})"""
    )
    _look_at_lines(intake, opened, is_whole=lines.is_whole)
    _look_for_gone_columns(intake, opened)
    versions.find_orphans(intake.connection, contract, intake.units)
    versions.decide_fates(intake.connection, contract)
    _set_aside(intake, contract, account, said.name)
    _accept(intake, opened)
    return opened


def _open(intake: Intake, contract: Contract, name: str) -> Lines:
    path = landing.landing_object(intake.run, intake.known.objects[name])
    return Lines(privacy.decrypted(path, intake.run.keys.encryption), contract.format)


@contextmanager
def _streamed(connection: duckdb.DuckDBPyConnection, lines: Lines) -> Iterator[None]:
    """The relation `lines`, to be read once."""
    connection.register("lines", lines.reader())
    try:
        yield
    except duckdb.Error:
        if lines.error is not None:  # the file itself could not be read: that is the error to show
            raise lines.error from None
        raise
    finally:
        connection.unregister("lines")


def _look_at_lines(intake: Intake, opened: Opened, *, is_whole: bool) -> None:
    """Whether the file is cut off, what its declared sums come to, and how many lines count for the contract's refusals."""
    file, contract, connection = opened.contract.file, opened.contract, intake.connection
    last = engine.scalar(
        connection, f"SELECT COUNT(*) FROM faults_{file} WHERE rule = 'I05' AND line_no = (SELECT MAX(line_no) FROM rows_{file})"
    )
    opened.is_truncated = not is_whole and (bool(last) or contract.format.kind == "xml")
    sums: dict[str, Decimal] = {}
    unreadable: dict[str, int] = {}
    for column in (contract.by_name[c] for c in opened.said.sums if contract.by_type(c) in {"integer", "decimal"}):
        sums[column.name], unreadable[column.name] = connection.execute(
            f"""SELECT CAST(COALESCE(SUM({column.name}), 0) AS DECIMAL(38, 2)),
                COUNT(*) FILTER (WHERE list_has_any(list_concat(faults, warned), ['I03 ', 'I05 ', 'K06 {column.name}'])) FROM rows_{file}"""
        ).fetchall()[0]
    opened.sums, opened.unreadable = sums, unreadable
    refusing = [c.name for c in contract.columns if c.on_error == "refuse"]
    if refusing:
        opened.refusing = engine.scalar(
            connection,
            f"""SELECT COUNT(DISTINCT line_no) FROM faults_{file} WHERE list_contains($columns, "column")""",
            {"columns": refusing},
        )
    opened.account.warned = engine.scalar(connection, f"SELECT COUNT(*) FROM rows_{file} WHERE len(warned) > 0")


def _look_for_gone_columns(intake: Intake, opened: Opened) -> None:
    """The columns with nothing in them that were filled in each of the deliveries before.

    The first delivery of changes brings the whole register, in which more is known of a row than on its first day: it is no measure.
    """
    contract, connection, live = opened.contract, intake.connection, intake.live
    is_delta = contract.delivery.mode == "delta"
    limit = intake.limits.empty_column
    before = [a for a in intake.before if a.delivery not in intake.replaced and not (is_delta and a.sequence == 1)][-limit.deliveries :]
    if live is None or len(before) < limit.deliveries:
        return
    columns = [c for c in contract.columns if c.name in opened.header.positions and c.history]
    counts = ", ".join(f"COUNT({c.name})" for c in columns)
    whole = f"line_no NOT IN (SELECT line_no FROM faults_{contract.file}) AND NOT is_withdrawal"
    rows, *filled = connection.execute(f"SELECT COUNT(*), {counts} FROM rows_{contract.file} WHERE {whole}").fetchall()[0]
    for column in (c for c, n in zip(columns, filled, strict=True) if rows and not n):
        half = versions.stored_rows(live, contract, "direct" if column.is_direct else "content")
        shares = connection.execute(
            f"SELECT COUNT({column.name}) / COUNT(*) FROM {half} WHERE list_contains($before, delivery) GROUP BY delivery",
            {"before": [a.delivery for a in before]},
        ).fetchall()
        least = min((share for (share,) in shares), default=0.0)
        if len(shares) == limit.deliveries and least > 0.05 and least * rows >= limit.rows:
            opened.gone = (*opened.gone, column.name)


def _set_aside(intake: Intake, contract: Contract, account: FileAccount, name: str) -> None:
    """The quarantine file: one row per line, rule and column, with the line as it came. `stale`: an older version stays in force."""
    file, connection = contract.file, intake.connection
    account.quarantined = engine.scalar(connection, f"SELECT COUNT(DISTINCT line_no) FROM faults_{file}")
    if not account.quarantined:
        return
    for rule, count, first in connection.execute(
        f"""SELECT rule, COUNT(DISTINCT line_no), list_sort(list(DISTINCT line_no))[1:{FIRST_LINES}] FROM faults_{file}
        GROUP BY rule ORDER BY rule"""
    ).fetchall():
        account.by_rule[rule], account.first_lines[rule] = count, first
    connection.execute(f"""CREATE TEMP TABLE stale_{file} AS
        SELECT DISTINCT r.line_no FROM rows_{file} AS r
        JOIN keys_{contract.unit} AS k ON k.record_key = r.record_key
        JOIN versions_{file} AS v ON v.record_no = k.record_no AND v.sub = r.sub AND v.known_until = {versions.OPEN}
        WHERE r.line_no IN (SELECT line_no FROM faults_{file})""")
    account.stale = engine.scalar(connection, f"SELECT COUNT(*) FROM stale_{file}")
    path = f"quarantine/{file}/{intake.known.manifest.delivery}.parquet"
    with _streamed(connection, _open(intake, contract, name)):
        intake.draft.rows[path] = engine.write_parquet(
            connection,
            f"""SELECT f.line_no, f.rule, f."column", l.line AS raw, CASE WHEN s.line_no IS NULL THEN 'open' ELSE 'stale' END AS state
            FROM lines AS l JOIN faults_{file} AS f ON f.line_no = l.line_no LEFT JOIN stale_{file} AS s ON s.line_no = f.line_no""",
            intake.draft.path(path),
            order_by='line_no, rule, "column"',
            encrypted=True,
        )


def _accept(intake: Intake, opened: Opened) -> None:
    """The rows that made a version, split into their two halves, and the versions with this delivery in them."""
    contract, account, connection, draft = opened.contract, opened.account, intake.connection, intake.draft
    manifest = intake.known.manifest
    fates = dict(connection.execute(f"SELECT fate, COUNT(*) FROM fates_{contract.file} GROUP BY fate").fetchall())
    for fate, count in fates.items():
        setattr(account, fate, count)
    opened.in_scope = versions.find_absent(connection, contract, manifest, intake.live)
    account.absent = engine.scalar(connection, f"SELECT COUNT(*) FROM absent_{contract.file}")
    account.restored = versions.find_restored(connection, contract, manifest, intake.replaced)
    nameless = engine.scalar(connection, f"SELECT COUNT(*) FROM rows_{contract.file} WHERE record_key IS NULL OR sub IS NULL")
    # Lines without a readable key may be all that is left out; and a file with many of them says nothing about what it leaves out.
    left_out = account.absent + account.restored
    if left_out and nameless and (left_out <= nameless or nameless > intake.limits.unreadable_keys_share.block * account.read):
        opened.infers = False
        account.absent = account.restored = 0
        connection.execute(f"DELETE FROM absent_{contract.file}")
        connection.execute(f"DELETE FROM restored_{contract.file}")
    partner = load_partners(intake.run.jurisdiction)[contract.partner]
    versions.number_records(connection, contract, manifest.delivery, partner.records_from)
    names = [f"{half}/{contract.file}/{manifest.delivery}.parquet" for half in ("content", "direct")]
    rows = versions.write_halves(connection, contract, manifest.delivery, draft.path(names[0]), draft.path(names[1]))
    draft.rows.update(zip(names, rows, strict=True))
    versions.apply(connection, contract, manifest.delivery, landing.known_on(manifest, intake.before))
    connection.execute(f"DROP TABLE rows_{contract.file}")
