"""The faults that a profile and a seed give to each delivery, file and row."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from das_pipeline.deliveries import Contract
from simulation.deliveries.layout import Layout, first_line, layout
from simulation.draws import Bools, Floats, Ints, compute, joined, stream
from simulation.faults.kinds import KINDS, Kind
from simulation.faults.page import Change, Fault, Page
from simulation.faults.profile import Burst, Faults, Migration, Trouble
from simulation.faults.whole import DELIVERY_KINDS, FILE_KINDS, NAMED, REPEATED_ROWS, InFile, damage

AGAIN, CORRECTED = "earlier_period_again", "corrected_again"
TRIES = 40  # rows tried for one fault before it is dropped: few rows have a letter that differs between charsets


@dataclass(frozen=True)
class Planned:
    """The faults planned for one delivery. All blocks of a file agree on them."""

    profile: Faults | None
    seed: int
    partner: str
    delivery: str
    reference_on: date
    is_history: bool
    is_delta: bool
    kinds: tuple[str, ...] = ()  # kinds of fault of the whole delivery
    days_late: int = 0
    in_files: tuple[tuple[str, InFile], ...] = ()  # (file, fault)
    corrections: tuple[Trouble, ...] = ()  # in a delivery that repeats an earlier one, corrected

    @property
    def is_missing(self) -> bool:
        """Whether it never arrives."""
        return "never_delivered" in self.kinds

    @property
    def is_twice(self) -> bool:
        """Whether another delivery follows in its place even if it is accepted: the same files again, corrected ones, or the right ones."""
        return not {"delivered_twice", CORRECTED, AGAIN}.isdisjoint(self.kinds)

    @property
    def shown_on(self) -> date:
        """The reference date of the files in it."""
        return self.reference_on - timedelta(days=1) if AGAIN in self.kinds else self.reference_on

    def faults(self) -> list[Fault]:
        """The ledger lines for the delivery as a whole."""
        faults = []
        for name in (n for n in self.kinds if n not in (AGAIN, CORRECTED)):
            rule, outcome = DELIVERY_KINDS[name].of_delta if self.is_delta else DELIVERY_KINDS[name].of_snapshot
            faults.append(Fault(name, "transport", self.partner, self.delivery, "", None, None, None, None, rule, outcome))
        return faults

    def _of_earlier(self, contract: Contract, rows: int) -> list[Fault]:
        """The ledger line for a file that repeats that of the day before."""
        if AGAIN not in self.kinds or not rows:
            return []
        rule, outcome = DELIVERY_KINDS[AGAIN].of_delta if contract.delivery.mode == "delta" else DELIVERY_KINDS[AGAIN].of_snapshot
        outcome = outcome if rows >= REPEATED_ROWS else "accepted"
        return [Fault(AGAIN, "source", self.partner, self.delivery, contract.file, None, None, None, None, rule, outcome)]

    def form(self, contract: Contract) -> Layout:
        """The layout of the file of `contract`, with its faults."""
        form = layout(contract, self.shown_on)
        for fault in self.of_file(contract):
            if (change := FILE_KINDS[fault.kind].layout) is not None:
                form = change(form, fault)
        return form

    def damage(self, contract: Contract, path: Path, entry: dict[str, Any]) -> list[Fault]:
        """Apply the planned faults to the written file at `path` and to its manifest `entry`; return the ledger lines."""
        rows = entry["lines"] - first_line(contract) + 1
        return self._of_earlier(contract, rows) + [
            self._logged(contract, fault)
            for fault in self.of_file(contract)
            if damage(contract, path, entry, fault)
            or (FILE_KINDS[fault.kind].layout is not None and (rows or contract.format.kind in NAMED))
        ]

    def of_file(self, contract: Contract) -> list[InFile]:
        """The planned faults of one file as a whole."""
        return [fault for file, fault in self.in_files if file == contract.file]

    def _logged(self, contract: Contract, fault: InFile, *, is_seen: bool = True) -> Fault:
        kind = FILE_KINDS[fault.kind]
        place = (contract.partner, self.delivery, contract.file, None, fault.column)
        rule, outcome = (kind.rule, kind.outcome) if is_seen else (None, "accepted")
        return Fault(fault.kind, kind.phase, *place, None, None, rule, outcome)

    def counts_less(self, contract: Contract) -> bool:
        """Whether the partner counts fewer rows than its register has: its definition changed."""
        changes = self.profile.definitions if self.profile else ()
        return any((c.partner, c.file) == (contract.partner, contract.file) and c.start <= self.shown_on for c in changes)

    def migration(self, contract: Contract) -> Migration | None:
        """The partner's new system, if it is in use on the day that is shown."""
        profile = self.profile.migrations if self.profile else []
        place = (contract.partner, contract.file)
        return next((m for m in profile if (m.partner, m.file) == place and m.start <= self.shown_on), None)

    def _corrected(self, page: Page, correction: Trouble, draw: np.random.Generator) -> Fault:
        """Change a column in a share of the rows; return the ledger line."""
        old = page.columns[correction.column]
        chosen = np.isin(np.arange(page.rows), draw.permutation(page.rows)[: max(1, round(correction.share * page.rows))])
        others = old.take(pa.array(draw.permutation(page.rows)))
        page.columns = {**page.columns, correction.column: compute.if_else(pa.array(chosen), others, old)}
        rule, outcome = DELIVERY_KINDS[CORRECTED].of_delta
        place = (self.partner, self.delivery, page.contract.file, None, correction.column)
        return Fault(CORRECTED, "source", *place, None, None, rule, outcome)

    def on_rows(self, page: Page, *, block: int) -> list[Fault]:
        """Apply the faults that affect all rows of a file; return the ledger lines, for the first block only."""
        log = []
        for fault in self.of_file(page.contract):
            kind = FILE_KINDS[fault.kind]
            if kind.page is not None and (touched := kind.page(page, fault)):
                log.append(self._logged(page.contract, fault, is_seen=touched >= kind.least))
        for n, correction in enumerate(c for c in self.corrections if c.file in (None, page.contract.file)):
            draw = stream(self.seed, "correction", page.contract.partner, page.contract.file, str(self.reference_on), n, block)
            log.append(self._corrected(page, correction, draw))
        for recoding in self.profile.recodings if self.profile else ():
            if (recoding.partner, recoding.file) == (page.contract.partner, page.contract.file) and recoding.start <= page.reference_on:
                old = page.columns[recoding.column]
                new = compute.if_else(pa.array(page.known_on >= np.datetime64(recoding.start)), joined([recoding.prefix, old]), old)
                page.columns = {**page.columns, recoding.column: new}
                place = (self.partner, self.delivery, recoding.file, None, recoding.column)
                log.append(Fault("codes_renewed", "source", *place, None, None, "T02", "accepted_unknown"))
        for change in self.profile.definitions if self.profile else ():
            if (change.partner, change.file) == (page.contract.partner, page.contract.file) and change.start <= page.reference_on:
                since = page.known_on >= np.datetime64(change.start)
                place = (self.partner, self.delivery, change.file, None, next(iter(change.where)))
                if page.leave_out(_has(page, change.where) & since):
                    log.append(Fault("definition_change", "source", *place, None, None, "F12", "left_out"))
        return log if block == 0 else []


@dataclass(frozen=True)
class Plan:
    """The faults of a whole simulation; none without a profile."""

    profile: Faults | None
    seed: int

    def delivery(
        self, contracts: Sequence[Contract], reference_on: date, delivery: str, *, is_history: bool, is_corrected: bool = False
    ) -> Planned:
        """The faults planned for one delivery of the partner of `contracts`. A corrected delivery has faults of rows only."""
        partner, is_delta = contracts[0].partner, any(c.delivery.mode == "delta" for c in contracts)
        planned = Planned(self.profile, self.seed, partner, delivery, reference_on, is_history, is_delta)
        if self.profile is None:
            return planned
        troubles = [t for t in self.profile.deliveries if (t.partner, t.reference_on) == (partner, reference_on)]
        if is_corrected:
            return replace(planned, corrections=tuple(t for t in troubles if t.fault == CORRECTED))
        if any(t.fault == AGAIN for t in troubles):
            earlier = self.delivery(contracts, reference_on - timedelta(days=1), delivery, is_history=False)
            was_corrected = any(FILE_KINDS[fault.kind].outcome == "refused" for _, fault in earlier.in_files)
            return replace(planned, kinds=(AGAIN,), in_files=() if was_corrected else earlier.in_files)
        in_files = [
            (contract.file, fault)
            for trouble in troubles
            for contract in contracts
            if trouble.fault in FILE_KINDS and trouble.file in (None, contract.file)
            if (fault := self._in_file(contract, reference_on, trouble.fault, is_history=is_history)) is not None
        ]
        chosen = {file for file, _ in in_files}
        for contract in contracts:
            if contract.file not in chosen and (fault := self._drawn(contract, reference_on, is_history=is_history)) is not None:
                in_files.append((contract.file, fault))
        return replace(
            planned,
            kinds=tuple(t.fault for t in troubles if t.fault in DELIVERY_KINDS),
            days_late=max((t.days for t in troubles if t.fault == "late"), default=0),
            in_files=tuple(in_files),
        )

    def _drawn(self, contract: Contract, reference_on: date, *, is_history: bool) -> InFile | None:
        """The fault drawn for a file; usually none."""
        assert self.profile is not None
        files = self.profile.files
        draw = stream(self.seed, "faults of files", contract.partner, contract.file, str(reference_on))
        if is_history or draw.random() >= files.share:  # everything depends on the history, which cannot wait for a correction
            return None
        fits = [name for name in files.weights if FILE_KINDS[name].fits(contract, is_history)]
        weights = np.array([files.weights[name] for name in fits])
        if not fits:
            return None
        return self._in_file(contract, reference_on, fits[draw.choice(len(fits), p=weights / weights.sum())], is_history=is_history)

    def _in_file(self, contract: Contract, reference_on: date, name: str, *, is_history: bool) -> InFile | None:
        """A fault of this kind in this file; None when the file cannot have it."""
        kind = FILE_KINDS[name]
        if not kind.fits(contract, is_history):
            return None
        draw = stream(self.seed, "fault of a file", contract.partner, contract.file, str(reference_on), name)
        if kind.columns is None:
            return InFile(name, None, float(draw.random()))
        columns = [c.name for c in contract.columns if c.valid_on(reference_on) and kind.columns(contract, c)]
        return InFile(name, columns[draw.integers(len(columns))], float(draw.random())) if columns else None


def put_faults(page: Page, planned: Planned, *, block: int = 0) -> list[Fault]:
    """Give rows of `page` the planned faults; return the ledger lines, with line numbers within this block's part of the file.

    Every row has the profile's chance, plus that of each burst it is in. The first block of a history has at least `least` faults.
    """
    page.form, profile = planned.form(page.contract), planned.profile
    if profile is None or not page.rows:
        return []
    log = planned.on_rows(page, block=block)
    contract = page.contract
    draw = stream(planned.seed, "faults", contract.partner, contract.file, str(page.reference_on), block)
    changes_of: dict[int, tuple[str, list[Change]]] = {}
    for choice in _choices(page, planned, draw, is_first_block=block == 0):
        name, kind = choice.kind(draw)
        for row in choice.rows(draw, TRIES):
            if row in changes_of or row in page.left_out or (kind.outcome == "quarantined" and not kind.adds and not page.may_go[row]):
                continue
            column = page.pick(row, draw, choice.columns[name])
            changes = None if column is None else kind.make(page, row, column, draw)
            if changes is not None:
                page.changes.extend(changes)
                changes_of[row] = (name, changes)
                break
    return log + _logged(page, planned.delivery, changes_of)


class _Choice:
    """The kinds that a file can have, by weight, the columns of each, and the chance that each row has one of them."""

    def __init__(self, contract: Contract, weights: Mapping[str, float], chances: Floats) -> None:
        fitting = {name: [c for c in contract.columns if KINDS[name].fits(contract, c)] for name in weights}
        self.columns = {name: columns for name, columns in fitting.items() if columns}
        self.chances = chances
        self._names = tuple(self.columns)
        self._kinds = np.cumsum([weights[name] for name in self._names])
        self._rows = np.cumsum(chances)

    @property
    def is_possible(self) -> bool:
        return bool(self._names) and self._rows[-1] > 0

    def kind(self, draw: np.random.Generator) -> tuple[str, Kind]:
        """One of the kinds."""
        name = self._names[int(_place(self._kinds, draw, 1)[0])]
        return name, KINDS[name]

    def rows(self, draw: np.random.Generator, n: int) -> list[int]:
        """`n` rows drawn by their chance."""
        return _place(self._rows, draw, n).tolist()


def _place(limits: Floats, draw: np.random.Generator, n: int) -> Ints:
    """Positions drawn by weight; `limits` are the running sums of the weights."""
    return np.minimum(np.searchsorted(limits, draw.random(n) * limits[-1], side="right"), len(limits) - 1)


def _choices(page: Page, planned: Planned, draw: np.random.Generator, *, is_first_block: bool) -> Iterator[_Choice]:
    """For each fault that is to be made, the kinds and rows it is drawn from."""
    profile, contract = planned.profile, page.contract
    assert profile is not None
    everywhere = _Choice(contract, profile.weights, np.full(page.rows, profile.share or 1e-9))
    choices = [everywhere]
    for burst in profile.bursts:
        if burst.partner == contract.partner and burst.file in (None, contract.file):
            more = np.where(_inside(page, burst), profile.share * (burst.times - 1), 0.0)
            choices.append(_Choice(contract, burst.weights or profile.weights, more))
    numbers = [int((draw.random(page.rows) < choice.chances).sum()) for choice in choices]
    if planned.is_history and is_first_block:
        numbers[0] = max(numbers[0], min(profile.least, page.rows // 25))
    for choice, number in zip(choices, numbers, strict=True):
        for _ in range(number if choice.is_possible else 0):
            yield choice


def _inside(page: Page, burst: Burst) -> Bools:
    """The rows of a burst: those that entered the register in its days, in its office."""
    inside = _has(page, burst.where) if burst.where else np.ones(page.rows, dtype=bool)
    if burst.start is not None:
        inside &= page.known_on >= np.datetime64(burst.start)
    if burst.until is not None:
        inside &= page.known_on < np.datetime64(burst.until)
    return inside


def _has(page: Page, where: Mapping[str, Sequence[str]]) -> Bools:
    """The rows that have one of the texts in every named column; none if the file lacks such a column."""
    matching = np.ones(page.rows, dtype=bool)
    for column, texts in where.items():
        if column not in page.columns:
            return np.zeros(page.rows, dtype=bool)
        is_in = compute.is_in(page.columns[column], value_set=pa.array(texts, pa.string()))
        matching &= is_in.to_numpy(zero_copy_only=False)
    return matching


def _logged(page: Page, delivery: str, changes_of: Mapping[int, tuple[str, list[Change]]]) -> list[Fault]:
    """One ledger line for each line of the file that a fault affects."""
    log, line_of = [], page.line_numbers()
    for row, (name, changes) in sorted(changes_of.items()):
        kind = KINDS[name]
        for change in {c.row: c for c in reversed(changes)}.values():
            is_out = change.row in page.left_out
            line = None if is_out else line_of(change.row) - (name == "repeated_header")
            before = page.text(change.column, change.row) if change.row < page.rows else None
            column = None if kind.of_row else change.column
            place = (page.contract.partner, delivery, page.contract.file)
            fault = Fault(name, kind.phase, *place, line, column, before, change.after, kind.rule, kind.outcome)
            log.append(fault)
            if row in page.broken and line is not None:
                log.append(replace(fault, line=line + 1))
    return log


def settled(faults: Sequence[Fault]) -> list[Fault]:
    """The faults of one delivery with their final outcome: if one causes a refusal, the faults of rows are refused with it."""
    if not any(f.outcome == "refused" for f in faults):
        return list(faults)
    return [f if f.line is None else replace(f, outcome="refused", rule=None) for f in faults]
