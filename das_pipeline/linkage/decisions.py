"""What persons decided on review: that two records are of one person or of two, or of one case or two.

Decisions are a table of the home, `identifying/decisions`, to which each adds a row, with who decided, when and why; none is changed or
removed. Of the decisions on the same two records the last one counts. Records are named by the numbers of the ledger, so that a decision
holds however often everything is made again.
"""

from __future__ import annotations

from dataclasses import astuple, dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Literal, NamedTuple, Self

import duckdb

from das_pipeline import engine
from das_pipeline.errors import DasError
from das_pipeline.gate import Verdict
from das_pipeline.lake import Draft, Version
from das_pipeline.run import Run, produce

TABLE = "identifying/decisions"
FILE = "decisions.parquet"
COLUMNS = (
    "number INTEGER, kind VARCHAR, unit VARCHAR, record_no BIGINT, other_unit VARCHAR, other_record_no BIGINT, outcome VARCHAR,"
    " decided_by VARCHAR, reason VARCHAR, decided_at VARCHAR, known_from DATE"
)
Kind = Literal["person", "case"]
Outcome = Literal["one", "two", "open"]  # open: an earlier decision no longer counts


class Record(NamedTuple):
    """A record by its unit and its number in the ledger."""

    unit: str
    number: int

    @classmethod
    def parse(cls, text: str) -> Self:
        """The record that a person names as `unit:number`."""
        unit, colon, number = text.partition(":")
        if not colon or not number.isdecimal():
            raise DasError(f"{text!r} names no record: write unit:number, such as suspect:12, as das review list does.")
        return cls(unit, int(number))

    def __str__(self) -> str:
        return f"{self.unit}:{self.number}"


@dataclass(frozen=True)
class Decision:
    """A row of the table: what somebody decided, and from which day as known it counts."""

    number: int
    kind: Kind
    record: Record
    other: Record
    outcome: Outcome
    decided_by: str
    reason: str
    decided_at: str  # the clock of the machine on which it was decided
    known_from: date

    @property
    def row(self) -> tuple[object, ...]:
        return (self.number, self.kind, *self.record, *self.other, *astuple(self)[4:])


def decisions(run: Run) -> list[Decision]:
    """Return every decision, the first one first, those that no longer count included."""
    return _read(run, None if run.lake.current(TABLE) is None else run.lake.open(TABLE))


def _read(run: Run, version: Version | None) -> list[Decision]:
    if version is None:
        return []
    with run.connect(identifying=True) as connection, engine.errors_of_engine(TABLE):
        rows = connection.execute(f"SELECT * FROM {engine.parquet([version.path(FILE)])} ORDER BY number").fetchall()
    return [
        Decision(number, kind, Record(unit, record), Record(other_unit, other), *rest)
        for number, kind, unit, record, other_unit, other, *rest in rows
    ]


def decide(run: Run, kind: Kind, record: Record, other: Record, outcome: Outcome, decided_by: str, reason: str) -> Decision:
    """Add a decision, and return it. It counts from the run's date, or from the day after the last one whose figures were decided on.

    Its first record is the one in question: if both have one verified number, it is the first that leaves it.
    """
    if not decided_by.strip() or not reason.strip():
        raise DasError("A decision needs a name and a reason: --by NAME --why TEXT.")
    if record == other:
        raise DasError(f"{record} is one record: name two.")
    decided_on, at = run.decided_on(), datetime.now(UTC).isoformat(timespec="seconds")
    known_from = run.as_of if decided_on < run.as_of else decided_on + timedelta(days=1)

    def build(run: Run, draft: Draft) -> list[Verdict]:
        before = _read(run, draft.live)
        added = Decision(len(before) + 1, kind, record, other, outcome, decided_by.strip(), reason.strip(), at, known_from)
        with run.connect(identifying=True) as connection:
            engine.create_table(connection, "decisions", COLUMNS, [d.row for d in (*before, added)])
            rows = engine.write_parquet(connection, "SELECT * FROM decisions", draft.path(FILE), order_by="number", encrypted=True)
        draft.rows[FILE] = draft.facts["decisions"] = rows
        return []

    produce(run, TABLE, build, salt=" ".join((kind, str(record), str(other), outcome, decided_by, reason, at)), chained=True)
    return decisions(run)[-1]


def read_decisions(run: Run, connection: duckdb.DuckDBPyConnection) -> None:
    """Create `decisions` (kind, unit, record_no, other_unit, other_record_no, outcome): those that count on the run's date."""
    engine.create_table(connection, "every_decision", COLUMNS, [d.row for d in decisions(run) if d.known_from <= run.as_of])
    connection.execute(f"CREATE OR REPLACE TEMP TABLE decisions AS {engine.sql(__package__, 'decisions.sql')}")


def place_decisions(connection: duckdb.DuckDBPyConnection) -> None:
    """Create `decided` (kind, node, other, outcome) from `decisions` and `records`, see decided.sql."""
    connection.execute(f"CREATE OR REPLACE TEMP TABLE decided AS {engine.sql(__package__, 'decided.sql')}")


def add_decided_edges(connection: duckdb.DuckDBPyConnection) -> None:
    """Add edges of class D to `edges`: entities with records of which a person decided that they are of one person."""
    connection.execute(f"INSERT INTO edges {engine.sql(__package__, 'decided_edges.sql')}")


def add_decided_references(connection: duckdb.DuckDBPyConnection) -> None:
    """Give a record the case references of the one whose case it is by decision, in `case_references`."""
    connection.execute(f"INSERT INTO case_references {engine.sql(__package__, 'decided_references.sql')}")
