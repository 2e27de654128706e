"""One delivered file, opened: its lines, and what is found in them before any of its rows counts."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from decimal import Decimal

import duckdb

from das_pipeline import engine, policy, privacy
from das_pipeline.deliveries import landing
from das_pipeline.deliveries.account import FileAccount
from das_pipeline.deliveries.contract import Contract
from das_pipeline.deliveries.fields import Header
from das_pipeline.deliveries.landing import Accepted, Landed
from das_pipeline.deliveries.manifest import DeliveredFile
from das_pipeline.deliveries.reading import Lines
from das_pipeline.deliveries.unpacking import NotReadable
from das_pipeline.lake import Draft, Version
from das_pipeline.run import Run


@dataclass(frozen=True)
class Intake:
    """What the files of one delivery share while they are taken in."""

    run: Run
    connection: duckdb.DuckDBPyConnection
    draft: Draft
    original: Landed
    live: Version | None
    contracts: Sequence[Contract]  # parents first
    before: Sequence[Accepted]
    limits: policy.Deliveries

    @property
    def replaced(self) -> list[str]:
        """The accepted deliveries of the same period that this one takes the place of, the last one last."""
        manifest = self.original.manifest
        return [a.delivery for a in self.before if manifest.replaces and a.sequence == manifest.sequence]

    @property
    def units(self) -> dict[str, str]:
        """The unit of every file of the partner."""
        return {c.file: c.unit for c in self.contracts}


@dataclass
class Plausible:
    """What is unusual about one file. `usual`: the least and most rows to expect, of so many earlier files; None with too few of them."""

    file: str
    rows: int
    usual: tuple[float, float] | None = None
    earlier: int = 0
    months: dict[str, list[str]] = field(default_factory=dict)  # column -> months with next to nothing
    heaps: dict[str, list[str]] = field(default_factory=dict)  # column -> days that occur too often
    in_force: int = 0
    held_back: int = 0  # lines in quarantine that may be rows of the stock
    stock: int | None = None  # the rows that the sender says it has


@dataclass
class Opened:
    """What was found in one delivered file."""

    contract: Contract
    declared: DeliveredFile
    header: Header
    account: FileAccount
    lines: int = 0
    is_truncated: bool = False
    sums: Mapping[str, Decimal] = field(default_factory=dict)
    unreadable: Mapping[str, int] = field(default_factory=dict)  # lines on which a summed column could not be read
    refusing: int = 0  # lines with a fault in a column whose contract has on_error: refuse
    in_scope: int = 0  # rows in force for which the file is complete
    infers: bool = True  # whether what is left out counts as withdrawn
    problem: NotReadable | None = None  # why it could not be read to its end
    plausible: Plausible | None = None  # None until its rows are read
    gone: tuple[str, ...] = ()  # columns that were filled until now and have nothing in the whole file

    @property
    def is_complete(self) -> bool:
        """Whether the file is the whole register, as its manifest says, else its contract."""
        return (self.declared.complete_for or self.contract.delivery.complete_for) == "all"


def open_lines(intake: Intake, contract: Contract, name: str, only: Collection[int] | None = None) -> Lines:
    """The lines of the landed file `name`, from its first line; `only` those with these numbers, when it was read before."""
    path = landing.landing_object(intake.run, intake.original.objects[name])
    return Lines(privacy.decrypted(path, intake.run.keys.encryption), contract.format, intake.limits.file_size, only, contract.texts)


@contextmanager
def streamed(connection: duckdb.DuckDBPyConnection, lines: Lines) -> Iterator[None]:
    """The relation `lines`, which can be read once."""
    connection.register("lines", lines.reader())
    try:
        yield
    except duckdb.Error:
        if lines.error is not None:  # the file itself could not be read: that is the error to show
            raise lines.error from None
        raise
    finally:
        connection.unregister("lines")


def look_at_lines(intake: Intake, opened: Opened, *, is_whole: bool) -> None:
    """Note whether the file is cut off, what its declared sums come to, and how many lines count for the contract's refusals."""
    contract, connection = opened.contract, intake.connection
    last = engine.scalar(
        connection, "SELECT COUNT(*) FROM faults WHERE rule = 'I05' AND line_no = (SELECT MAX(line_no) FROM delivered_rows)"
    )
    opened.is_truncated = not is_whole and (bool(last) or contract.format.kind == "xml")
    sums: dict[str, Decimal] = {}
    unreadable: dict[str, int] = {}
    for column in (contract.by_name[c] for c in opened.declared.sums if contract.by_type(c) in {"integer", "decimal"}):
        sums[column.name], unreadable[column.name] = connection.execute(
            f"""SELECT CAST(COALESCE(SUM({column.name}), 0) AS DECIMAL(38, 2)),
                COUNT(*) FILTER (WHERE list_has_any(list_concat(faults, warned), ['I03 ', 'I05 ', 'K06 {column.name}']))
            FROM delivered_rows"""
        ).fetchall()[0]
    opened.sums, opened.unreadable = sums, unreadable
    refusing = [c.name for c in contract.columns if c.on_error == "refuse"]
    if refusing:
        opened.refusing = engine.scalar(
            connection,
            """SELECT COUNT(DISTINCT line_no) FROM faults WHERE list_contains($columns, "column")""",
            {"columns": refusing},
        )
    opened.account.warned = engine.scalar(connection, "SELECT COUNT(*) FROM delivered_rows WHERE len(warned) > 0")
