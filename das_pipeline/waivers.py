"""Waivers: a rule that fails for a known reason lets so many rows through until a day; then it is itself again (waivers.yaml)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from itertools import pairwise
from typing import Any, Literal

from pydantic import BaseModel, Field, model_validator

from das_pipeline.gate import Verdict
from das_pipeline.jurisdiction import Jurisdiction
from das_pipeline.shape_faults import Mistakes

FILE = "waivers.yaml"
LONGEST = timedelta(days=90)  # what takes longer is no exception: change the contract, the mapping or the limit


class Section(BaseModel, extra="forbid"):
    """A part of the file; a key that it does not know is a mistake."""


class Maximum(Section):
    """How many rows may fail from a day on."""

    since: date
    count: int = Field(ge=0)


class Waiver(Section):
    """What one rule lets through on one part of one table: so many rows, until a day, for a reason that somebody answers for."""

    table: str
    rule: str
    part: str
    owner: str = Field(min_length=1)
    reason: str = Field(min_length=1)
    expires_on: date
    maximum: list[Maximum] = Field(min_length=1)

    @property
    def since(self) -> date:
        """The first day as known on which it holds."""
        return self.maximum[0].since

    def limit(self, as_of: date) -> int | None:
        """How many rows may fail as known on a day, None when it does not hold then."""
        begun = [step.count for step in self.maximum if step.since <= as_of]
        return begun[-1] if begun and as_of <= self.expires_on else None

    @model_validator(mode="after")
    def _falls(self) -> Waiver:
        mistakes = []
        for number, (before, after) in enumerate(pairwise(self.maximum), start=1):
            if after.since <= before.since:
                mistakes.append((("maximum", number, "since"), f"{after.since} is not after {before.since}: write the first day first."))
            if after.count >= before.count:
                sentence = (
                    f"a maximum only falls, and {after.count:,} is not below {before.count:,}: more needs a new waiver with its own reason."
                )
                mistakes.append((("maximum", number, "count"), sentence))
        if self.expires_on < self.maximum[-1].since:
            mistakes.append((("expires_on",), f"it ends before its maximum of {self.maximum[-1].since} begins."))
        if self.expires_on - self.since > LONGEST:
            latest = self.since + LONGEST
            mistakes.append(
                (("expires_on",), f"a waiver holds {LONGEST.days} days at most: until {latest}. What takes longer is no exception.")
            )
        if mistakes:
            raise Mistakes(mistakes)
        return self


class WaiversFile(Section):
    """The whole file. An ended waiver stays in it: what follows is compared with it."""

    waivers: list[Waiver]

    @model_validator(mode="after")
    def _follow_each_other(self) -> WaiversFile:
        mistakes = []
        for number, waiver in enumerate(self.waivers):
            place = ("waivers", number)
            for earlier in (w for w in self.waivers[:number] if (w.table, w.rule, w.part) == (waiver.table, waiver.rule, waiver.part)):
                if waiver.since <= earlier.expires_on:
                    sentence = f"the waiver above holds until {earlier.expires_on}: this one of the same rule and part must begin later."
                    mistakes.append(((*place, "maximum", 0, "since"), sentence))
                if waiver.maximum[0].count > earlier.maximum[-1].count and waiver.reason == earlier.reason:
                    sentence = f"the waiver above let {earlier.maximum[-1].count:,} through at last: more needs another reason than its."
                    mistakes.append(((*place, "reason"), sentence))
        if mistakes:
            raise Mistakes(mistakes)
        return self


@dataclass(frozen=True)
class WaiverState:
    """How a waiver is doing: whether it holds on a day, what it lets through then, and the rows that failed in the live version."""

    table: str
    rule: str
    part: str
    owner: str
    reason: str
    state: Literal["holds", "begins later", "has ended"]
    expires_on: date
    limit: int  # the last one when it does not hold
    failing: int | None  # None when nothing failed, or nothing is live


def state_of(waiver: Waiver, verdicts: Iterable[Mapping[str, Any]], on: date) -> WaiverState:
    """Return the state of a waiver on a day, given the verdicts of its table's live version."""
    limit = waiver.limit(on)
    failing = [v.get("failing", {}).get(waiver.part) for v in verdicts if v["rule"] == waiver.rule]
    state = "holds" if limit is not None else "begins later" if on < waiver.since else "has ended"
    shown = limit if limit is not None else waiver.maximum[-1].count
    of_waiver = waiver.table, waiver.rule, waiver.part, waiver.owner, waiver.reason
    return WaiverState(*of_waiver, state, waiver.expires_on, shown, next((n for n in failing if n is not None), None))


def load_waivers(jurisdiction: Jurisdiction) -> list[Waiver]:
    """Return every waiver; none when the jurisdiction has no such file, or the stage does not read it."""
    if not jurisdiction.sees(FILE) or not jurisdiction.files(FILE):
        return []
    return jurisdiction.load(FILE, WaiversFile).waivers


def waived(jurisdiction: Jurisdiction, table: str, verdicts: Iterable[Verdict], as_of: date) -> list[Verdict]:
    """Return the verdicts on `table` after its waivers as known on `as_of`.

    A blocking verdict only warns when every part that fails has a waiver that holds and is not exceeded. Otherwise it is what it was, and
    its sentence says which waiver ended or is exceeded.
    """
    waivers = [w for w in load_waivers(jurisdiction) if w.table == table]
    return [_waived(verdict, [w for w in waivers if w.rule == verdict.rule], as_of) for verdict in verdicts]


def _waived(verdict: Verdict, waivers: Sequence[Waiver], as_of: date) -> Verdict:
    if verdict.passed or verdict.severity != "block" or not verdict.failing or not waivers:
        return verdict
    sentences, covered, facts = [verdict.sentence], True, dict(verdict.facts)
    for part, failing in verdict.failing.items():
        waiver = next((w for w in reversed(waivers) if w.part == part and w.since <= as_of), None)
        limit = None if waiver is None else waiver.limit(as_of)
        covered &= limit is not None and failing <= limit
        if waiver is None:
            continue
        facts |= {f"{part}_failing": failing, f"{part}_waived_at_most": 0 if limit is None else limit}
        if limit is None:
            sentences.append(f"The waiver of {waiver.owner} for {part} ended on {waiver.expires_on}.")
        elif failing > limit:
            sentences.append(f"The waiver of {waiver.owner} for {part} lets at most {limit:,} through, and there are {failing:,}.")
        else:
            through = f"Let through until {waiver.expires_on}: {failing:,} of at most {limit:,} of {part}"
            sentences.append(f"{through} (waiver of {waiver.owner}: {waiver.reason})")
    return replace(verdict, severity="warn" if covered else "block", sentence=" ".join(sentences), facts=facts)
