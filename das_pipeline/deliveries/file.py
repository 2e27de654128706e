"""Taking one delivered file in: opened, checked, its bad lines set aside, its good rows brought into force."""

from __future__ import annotations

from das_pipeline import engine
from das_pipeline.deliveries import opened as opening
from das_pipeline.deliveries import state, versions
from das_pipeline.deliveries.account import FileAccount
from das_pipeline.deliveries.checking import header_of, rows_query
from das_pipeline.deliveries.contract import Contract
from das_pipeline.deliveries.contract_files import load_partners
from das_pipeline.deliveries.gone_columns import look_for_gone_columns
from das_pipeline.deliveries.opened import Intake, Opened
from das_pipeline.deliveries.plausibility import look_at_dates
from das_pipeline.deliveries.profile import add_profile
from das_pipeline.deliveries.quarantine import set_aside


def take_in_file(intake: Intake, contract: Contract) -> Opened:
    """Take the file of `contract` in; return what was found in it. Its quarantined lines are written before its accepted rows."""
    connection, manifest = intake.connection, intake.original.manifest
    declared = next(f for f in manifest.files if f.file == contract.file)
    lines = opening.open_lines(intake, contract, declared.name)
    shared = [c for c in intake.contracts if c.file in {f.file for f in manifest.files if f.name == declared.name}]
    header = header_of(contract, lines.names, manifest.reference_on, shared)
    opened = Opened(contract, declared, header, FileAccount(contract.file), problem=lines.problem)
    if header.missing or lines.problem:
        return opened
    query = rows_query(contract, header, intake.units, manifest.reference_on, "lines")
    with opening.streamed(connection, lines):
        connection.execute(f"CREATE OR REPLACE TEMP TABLE delivered_rows AS {query}", {"header_line": lines.header_line})
    opened.account.read, opened.lines, opened.problem = lines.rows, lines.count, lines.problem
    if lines.problem:
        return opened
    connection.execute(
        """CREATE OR REPLACE TEMP TABLE faults AS
        SELECT DISTINCT line_no, split_part(fault, ' ', 1) AS rule, split_part(fault, ' ', 2) AS "column"
        FROM (SELECT line_no, unnest(faults) AS fault FROM delivered_rows)"""
    )
    opening.look_at_lines(intake, opened, is_whole=lines.is_whole)
    state.select_file(connection, contract)
    look_for_gone_columns(intake, opened)
    opened.plausible = look_at_dates(intake, opened)
    versions.find_orphans(connection, contract, intake.units)
    versions.decide_fates(connection, contract)
    set_aside(intake, opened)
    add_profile(intake, opened)
    _accept(intake, opened)
    return opened


def _accept(intake: Intake, opened: Opened) -> None:
    """Write the rows that made a version, split into their two halves, and bring the versions up to date."""
    contract, account, connection, draft = opened.contract, opened.account, intake.connection, intake.draft
    manifest = intake.original.manifest
    account.count(dict(connection.execute("SELECT fate, COUNT(*) FROM fates GROUP BY fate").fetchall()))
    opened.in_scope = versions.find_absent(connection, contract, manifest, intake.live)
    account.absent = engine.scalar(connection, "SELECT COUNT(*) FROM absent")
    account.restored = versions.find_restored(connection, contract, manifest, intake.replaced)
    nameless = engine.scalar(connection, "SELECT COUNT(*) FROM delivered_rows WHERE record_key IS NULL OR sub IS NULL")
    # Lines without a readable key may be all that is left out; and a file with many of them says nothing about what it leaves out.
    left_out = account.absent + account.restored
    if left_out and nameless and (left_out <= nameless or nameless > intake.limits.unreadable_keys_share.block * account.read):
        opened.infers = False
        account.absent = account.restored = 0
        connection.execute("DELETE FROM absent")
        connection.execute("DELETE FROM restored")
    partner = load_partners(intake.run.jurisdiction)[contract.partner]
    versions.number_records(connection, contract, manifest.delivery, partner.records_from)
    names = [f"{half}/{contract.file}/{manifest.delivery}.parquet" for half in ("content", "direct")]
    rows = versions.write_halves(connection, contract, manifest.delivery, draft.path(names[0]), draft.path(names[1]))
    draft.rows.update(zip(names, rows, strict=True))
    versions.write_versions(connection, contract, draft, manifest.delivery, intake.run.as_of)
    connection.execute("DROP TABLE delivered_rows")  # the largest of them: the next file has its own
