"""What must be true of values once they are looked up: rules T01, T02, T03, T06, T07, and T02 and F05 of external figures.

Their limits are in policy.yaml (`terminology`).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from das_pipeline.gate import Verdict, share_exceeds
from das_pipeline.policy import Block, WarnAndBlock
from das_pipeline.terminology.columns import ConceptColumn
from das_pipeline.terminology.schemes import NOT_APPLICABLE, UNKNOWN
from das_pipeline.terminology.sign_offs import SignOff

SHOWN = 5  # columns named in a verdict's sentence; the others are counted


@dataclass(frozen=True)
class Share:
    """How many of the coded values of a column and month have no mapping, or are not in the partner's list."""

    field: str
    month: str
    rows: int
    unmapped: int
    unlisted: int


@dataclass(frozen=True)
class Account:
    """The rows of one coded column: as delivered, and as written by kind of concept."""

    column: ConceptColumn
    delivered: int
    concepts: Mapping[str, int]  # concept -> the rows written with it

    @property
    def unknown(self) -> int:
        return self.concepts.get(UNKNOWN, 0)

    @property
    def not_applicable(self) -> int:
        return self.concepts.get(NOT_APPLICABLE, 0)

    @property
    def mapped(self) -> int:
        return sum(self.concepts.values()) - self.unknown - self.not_applicable

    @property
    def closes(self) -> bool:
        return self.delivered == self.mapped + self.unknown + self.not_applicable


@dataclass(frozen=True)
class CodeRows:
    """Rows in force of a column with one code (as delivered, trimmed): their concept in the live records, and what it would become."""

    column: ConceptColumn
    code: str
    was: str
    becomes: str
    rows: int
    first_month: str
    last_month: str


@dataclass(frozen=True)
class Compared:
    """One column of the live records: its rows in force with a code."""

    column: ConceptColumn
    codes: Sequence[CodeRows]

    @property
    def rows(self) -> int:
        return sum(code.rows for code in self.codes)

    @property
    def changes(self) -> list[CodeRows]:
        """The rows that would get another concept."""
        return [code for code in self.codes if code.was != code.becomes]

    @property
    def rows_changed(self) -> int:
        return sum(code.rows for code in self.changes)


@dataclass(frozen=True)
class Redefined:
    """A concept that would keep its name and get another parent or definition, so that rows change their meaning without a new code."""

    scheme: str
    concept: str
    what: str  # parent, or definition_<language>
    was: str
    becomes: str
    rows: int  # in force, that would be of this concept or of a narrower one


def codes_are_listed(shares: Sequence[Share]) -> Verdict:
    """T01: every code is in its partner's list on its date."""
    rows, places = sum(s.unlisted for s in shares), sorted({s.field for s in shares if s.unlisted})
    sentence = "Every code is in its partner's list on its date."
    if places:
        sentence = (
            f"{rows} rows have a code that is not in its list on its date, in {_named(places)}; without a mapping it counts as {UNKNOWN}."
            " Add the codes to terminology/codes and terminology/mappings, or ask the partner."
        )
    facts: dict[str, int | float | str] = {"rows": sum(s.rows for s in shares), "rows_unlisted": rows, "columns": len(places)}
    return Verdict("T01", passed=not places, sentence=sentence, severity="warn", facts=facts)


def unmapped_share_is_small(shares: Sequence[Share], limits: WarnAndBlock) -> Verdict:
    """T02: the share of values without a mapping, by column and month; it blocks beyond chance and warns above its lower limit."""
    warned = [s for s in shares if s.unmapped > limits.warn * s.rows]
    blocked = [s for s in shares if share_exceeds(s.unmapped, s.rows, limits.block, limits.min_rows)]
    sentence = "The share of values without a mapping is within its limits in every column and month."
    if warned or blocked:
        places = sorted({s.field for s in blocked or warned})
        sentence = (
            f"More than {limits.block if blocked else limits.warn:.1%} of the values have no mapping in {len(blocked or warned)} months of"
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
        failing=dict(sum((Counter({s.field: s.unmapped}) for s in blocked), Counter())),
    )


def values_have_one_concept(ambiguous: int) -> Verdict:
    """T03 on the values as delivered: none has two concepts on its date."""
    sentence = "Every value has at most one concept on its date."
    if ambiguous:
        sentence = f"{ambiguous} values have several concepts on their date: correct the overlapping rows in terminology/mappings."
    return Verdict("T03", passed=not ambiguous, sentence=sentence, facts={"ambiguous_values": ambiguous})


def mapping_loses_no_row(accounts: Sequence[Account]) -> Verdict:
    """T06: in every column, the rows written are the rows delivered."""
    open_accounts = [a for a in accounts if not a.closes]
    sentence = "In every column, mapped + unknown + not applicable = the rows delivered."
    if open_accounts:
        places = [a.column.place for a in open_accounts]
        sentence = (
            f"Mapped + unknown + not applicable differ from the rows delivered in {_named(places)}: a mapping lost or doubled rows."
            " Look at T03, and report it if that is green."
        )
    facts: dict[str, int | float | str] = {
        "rows_delivered": sum(a.delivered for a in accounts),
        "rows_mapped": sum(a.mapped for a in accounts),
        "rows_unknown": sum(a.unknown for a in accounts),
        "rows_not_applicable": sum(a.not_applicable for a in accounts),
    }
    return Verdict("T06", passed=not open_accounts, sentence=sentence, facts=facts)


def concepts_are_recounted(accounts: Sequence[Account], recounted: Mapping[str, Mapping[str, int]]) -> Verdict:
    """T08: in every column, as many rows have each concept as a second implementation gives it."""
    rows = {a.column.place: (Counter(a.concepts) - Counter(recounted[a.column.place])).total() for a in accounts}
    places = sorted(place for place, differing in rows.items() if differing)
    sentence = "A second implementation gives every concept as many rows."
    if places:
        sentence = (
            f"{sum(rows.values())} rows in {_named(places)} have another concept than a second implementation gives them: das_pipeline/"
            "terminology/lookup.py and recount.py differ. If a rewriting rule is new, write it more simply; otherwise report it."
        )
    return Verdict("T08", passed=not places, sentence=sentence, facts={"rows_differing": sum(rows.values()), "columns": len(accounts)})


def changes_are_meant(compared: Sequence[Compared], redefined: Sequence[Redefined], limits: Block, signed: SignOff | None) -> Verdict:
    """T07: a changed mapping set gives few rows of a column another concept, and no concept in use another meaning, or is signed off.

    Nothing is compared when the mapping set is the one that the live records were made with.
    """
    in_use = sorted({f"{concept.scheme}/{concept.concept}" for concept in redefined if concept.rows})
    large = [c for c in compared if share_exceeds(c.rows_changed, c.rows, limits.block, limits.min_rows)]
    changed = sum(c.rows_changed for c in compared)
    sentence = f"The mapping set gives {changed} rows in force another concept than in the live records."
    if large:
        sentence += f" That is more than {limits.block:.1%} in {_named([c.column.place for c in large])}."
    if in_use:
        sentence += f" Concepts that rows have get another parent or definition: {_named(in_use, 'concepts')}."
    if (large or in_use) and signed is None:
        sentence += (
            " `das terminology diff` lists the changes. If they are meant, the terminology steward signs off in terminology/sign_offs.csv."
        )
    elif (large or in_use) and signed is not None:
        sentence += f" Signed off by {signed.owner} until {signed.expires_on}: {signed.reason}"
    facts: dict[str, int | float | str] = {
        "rows": sum(c.rows for c in compared),
        "rows_changed": changed,
        "columns_above_limit": len(large),
        "concepts_redefined": len(in_use),
        "signed_off_by": signed.owner if (large or in_use) and signed else "",
    }
    return Verdict("T07", passed=not (large or in_use) or signed is not None, sentence=sentence, facts=facts)


def figures_are_mapped(unmapped: int, cells: int) -> Verdict:
    """T02 on external sources: every figure has a concept in all our classifications."""
    sentence = "Every figure of every external source has a concept in all our classifications."
    if unmapped:
        sentence = f"{unmapped} figures of external sources have no concept: add their codes to terminology/mappings."
    return Verdict("T02", not unmapped, sentence, facts={"cells": cells, "cells_unmapped": unmapped})


def figures_add_up(differing: int, totals: int) -> Verdict:
    """F05 on external sources: after mapping, their figures still add up to the totals of their publisher."""
    sentence = "After mapping, the figures of every external source still add up to the totals that their publisher gives."
    if differing:
        sentence = f"{differing} published totals of external sources are not the sum of the mapped figures. Correct terminology/mappings."
    facts: dict[str, int | float | str] = {"totals": totals, "totals_differing": differing}
    return Verdict("F05", not differing, sentence, facts=facts)


def _named(places: Sequence[str], what: str = "columns") -> str:
    return ", ".join(places[:SHOWN]) + (f" and {len(places) - SHOWN} more {what}" if len(places) > SHOWN else "")
