"""The table `terminology/records`: every record version of every partner with its concepts beside the values as delivered."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import duckdb

from das_pipeline import engine
from das_pipeline.deliveries import judge_completeness, load_contracts, partners_in, register_records
from das_pipeline.gate import Verdict, share_exceeds
from das_pipeline.lake import Draft
from das_pipeline.policy import WarnAndBlock, load_policy
from das_pipeline.run import Run
from das_pipeline.terminology.columns import ConceptColumn, concept_columns
from das_pipeline.terminology.lookup import look_up, with_concepts
from das_pipeline.terminology.readers import live_concepts
from das_pipeline.terminology.schemes import NOT_APPLICABLE, UNKNOWN

SHOWN = 5  # columns named in a verdict's sentence; unmapped.parquet has them all
ORDER = "record_no, sub, known_from, delivery, line_no"


@dataclass(frozen=True)
class Account:
    """The rows of one coded column: as delivered, and as written by kind of concept."""

    column: ConceptColumn
    delivered: int
    mapped: int
    unknown: int
    not_applicable: int

    @property
    def closes(self) -> bool:
        return self.delivered == self.mapped + self.unknown + self.not_applicable


def build_records(run: Run, draft: Draft) -> list[Verdict]:
    """The verdicts I10, T01, T02, T03 and T06 on the records of all partners, which are written to `draft` with their concepts.

    A value is trimmed, brought into its canonical form where its contract names one, and looked up in its list as of its date;
    the value as delivered stays beside the concept. A value that no mapping knows is never guessed: its concept is `unknown`,
    and it is listed in `unmapped`.
    """
    concepts = live_concepts(run)
    limits = load_policy(run.jurisdiction).terminology.unmapped_share
    present = set(partners_in(run))
    files = [(partner, file) for partner, file in load_contracts(run.jurisdiction) if partner in present]
    columns = [c for c in concept_columns(run.jurisdiction) if c.partner in present]
    with run.connect(identifying=True) as connection:
        views = {(partner, file): register_records(run, connection, partner, file) for partner, file in files}
        look_up(connection, run, concepts, columns, views)
        accounts: list[Account] = []
        for (partner, file), view in views.items():
            coded = [c for c in columns if (c.partner, c.file) == (partner, file)]
            accounts += _write(connection, run, draft, view, f"{partner}/{file}.parquet", coded)
        name = "unmapped.parquet"
        draft.rows[name] = engine.write_parquet(
            connection, engine.sql(__package__, "unmapped.sql"), draft.path(name), order_by='partner, file, "column", month, code'
        )
        ambiguous = int(engine.scalar(connection, f"SELECT COUNT(*) FROM ({engine.sql(__package__, 'ambiguous.sql')})"))
        shares = [Share(*row) for row in connection.execute(engine.sql(__package__, "shares.sql") + "ORDER BY field, month").fetchall()]
    draft.facts["mapping_version"] = concepts.facts["mapping_version"]
    draft.facts["columns"] = {  # exact counts of a whole column: no attribute of persons
        a.column.place: {"rows": a.delivered, "mapped": a.mapped, "unknown": a.unknown, "not_applicable": a.not_applicable}
        for a in accounts
    }
    return [
        judge_completeness(run),
        _codes_are_listed(shares),
        judge_unmapped(shares, limits),
        _one_concept(ambiguous),
        _nothing_lost(accounts),
    ]


def _write(
    connection: duckdb.DuckDBPyConnection, run: Run, draft: Draft, view: str, name: str, columns: Sequence[ConceptColumn]
) -> list[Account]:
    path = draft.path(name)
    query, parameters = with_concepts(run, view, columns)
    draft.rows[name] = engine.write_parquet(connection, query, path, order_by=ORDER, parameters=parameters)
    delivered = dict(connection.execute("SELECT field, SUM(rows) FROM seen GROUP BY field").fetchall())
    accounts = []
    for column in columns:
        concept = engine.identifier(f"{column.column}_concept")
        counts = dict(connection.execute(f"SELECT {concept}, COUNT(*) FROM {engine.parquet([path])} GROUP BY {concept}").fetchall())
        unknown, not_applicable = counts.pop(UNKNOWN, 0), counts.pop(NOT_APPLICABLE, 0)
        accounts.append(Account(column, int(delivered.get(column.place, 0)), sum(counts.values()), unknown, not_applicable))
    return accounts


@dataclass(frozen=True)
class Share:
    """How many of the coded values of a column and month have no mapping, or are not in the partner's list."""

    field: str
    month: str
    rows: int
    unmapped: int
    unlisted: int


def _codes_are_listed(shares: Sequence[Share]) -> Verdict:
    rows, places = sum(s.unlisted for s in shares), sorted({s.field for s in shares if s.unlisted})
    sentence = "Every code is in its partner's list on its date."
    if places:
        sentence = (
            f"{rows} rows carry a code that is not in its list on its date, in {_named(places)}; they are kept as {UNKNOWN}"
            " where no mapping knows them. Add the codes to terminology/codes and terminology/mappings, or ask the partner."
        )
    facts: dict[str, int | float | str] = {"rows": sum(s.rows for s in shares), "rows_unlisted": rows, "columns": len(places)}
    return Verdict("T01", passed=not places, sentence=sentence, severity="warn", facts=facts)


def judge_unmapped(shares: Sequence[Share], limits: WarnAndBlock) -> Verdict:
    """T02: the share of values without a mapping, by column and month; it blocks beyond chance and warns above its lower limit."""
    warned = [s for s in shares if s.unmapped > limits.warn * s.rows]
    blocked = [s for s in shares if share_exceeds(s.unmapped, s.rows, limits.block, limits.min_rows)]
    sentence = "The share of values without a mapping is within its limits in every column and month."
    if warned or blocked:
        places = sorted({s.field for s in blocked or warned})
        sentence = (
            f"Above {limits.block if blocked else limits.warn:.1%} of the values have no mapping in {len(blocked or warned)} months of"
            f" {_named(places)}. They are in unmapped.parquet of this version: add them to terminology/mappings."
        )
    return Verdict(
        "T02",
        passed=not (warned or blocked),
        sentence=sentence,
        severity="block" if blocked else "warn",
        facts={
            "rows": sum(s.rows for s in shares),
            "rows_unmapped": sum(s.unmapped for s in shares),
            "column_months": len(shares),
            "column_months_above_warning": len(warned),
            "column_months_above_limit": len(blocked),
        },
    )


def _one_concept(ambiguous: int) -> Verdict:
    sentence = "Every value has at most one concept on its date."
    if ambiguous:
        sentence = f"{ambiguous} values have several concepts on their date: mend the overlapping rows in terminology/mappings."
    return Verdict("T03", passed=not ambiguous, sentence=sentence, facts={"ambiguous_values": ambiguous})


def _nothing_lost(accounts: Sequence[Account]) -> Verdict:
    open_accounts = [a for a in accounts if not a.closes]
    sentence = "In every column, mapped + unknown + not applicable = the rows delivered."
    if open_accounts:
        places = [a.column.place for a in open_accounts]
        sentence = (
            f"Mapped + unknown + not applicable differ from the rows delivered in {_named(places)}: rows were lost or doubled by a mapping."
        )
    facts: dict[str, int | float | str] = {
        "rows_delivered": sum(a.delivered for a in accounts),
        "rows_mapped": sum(a.mapped for a in accounts),
        "rows_unknown": sum(a.unknown for a in accounts),
        "rows_not_applicable": sum(a.not_applicable for a in accounts),
    }
    return Verdict("T06", passed=not open_accounts, sentence=sentence, facts=facts)


def _named(places: Sequence[str]) -> str:
    return ", ".join(places[:SHOWN]) + (f" and {len(places) - SHOWN} more columns" if len(places) > SHOWN else "")
