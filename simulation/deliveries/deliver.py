"""Deliveries of the simulated partners: files and a manifest in a folder per delivery, like real ones.

The schedule decides who hands over what on which day, and is the same for every block of the world. A sender writes the rows of one
block; `hand_over` joins the parts of all blocks. So the bytes do not depend on the number of processes.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from das_pipeline.deliveries import Contract, Partner, load_contracts, load_partners
from das_pipeline.jurisdiction import Jurisdiction
from simulation.deliveries import render
from simulation.deliveries.layout import Texts, file_name
from simulation.deliveries.registers import MAPPING, Register, Registers
from simulation.deliveries.values import as_amounts, sums, texts
from simulation.draws import Bools, Ints, compute
from simulation.faults import FILE_KINDS, Fault, Page, Plan, Planned, put_faults, settled
from simulation.faults.profile import Migration
from simulation.parameters import Parameters
from simulation.world.world import World

DAY = timedelta(days=1)


@dataclass(frozen=True)
class Sent:
    """A delivery as it was handed over."""

    partner: str
    delivery: str
    reference_on: date
    delivered_on: date
    sequence: int
    replaces: str | None
    rows: int  # lines without the header, as the receiver counts them: a repeated header or a broken row is one more


@dataclass(frozen=True)
class Handover:
    """One delivery of the schedule."""

    planned: Planned
    number: int  # 1, or 2 for a delivery that replaces or repeats the first
    sequence: int
    since: date | None  # the reference date of the preceding delivery; None for the history

    @property
    def place(self) -> str:
        return f"{self.planned.partner}/{self.planned.delivery}"


@dataclass(frozen=True)
class Part:
    """The rows of one block for one file, written to be joined with those of the other blocks."""

    path: Path
    lines: int
    sums: Mapping[str, int]  # cents, by column of amounts
    stock: int | None  # rows in the register by its own count; None where it no longer counts all of them
    faults: tuple[Fault, ...]  # with line numbers within the part


class Schedule:
    """Which partner hands over what on which day."""

    def __init__(self, jurisdiction: Jurisdiction, parameters: Parameters, plan: Plan) -> None:
        self.first = parameters.period.history_until
        self.plan = plan
        self.partners = load_partners(jurisdiction)
        self.contracts = load_contracts(jurisdiction)

    def of_partner(self, partner: str) -> list[Contract]:
        """The contracts of a partner, in the order of its files."""
        return [self.contracts[partner, file] for file in self.partners[partner].files]

    def of_day(self, day: date) -> Iterator[Handover]:
        """The deliveries with reference date `day`: on the first day every history, then what each partner's cadence prescribes."""
        for name, partner in self.partners.items():
            dates = self._dates(partner, day)
            if not dates or (day != self.first and dates[-1] != day):
                continue
            since = dates[-2] if len(dates) > 1 else None
            for number in (1, 2):
                planned = self._planned(name, dates[-1], number, is_history=since is None)
                yield Handover(planned, number, len(dates), since)
                if planned.is_missing or not (planned.is_twice or _is_refused(planned, self.of_partner(name))):
                    break  # nothing to correct or repeat

    def known_on(self, day: date) -> dict[str, date]:
        """By partner, the reference date of its newest delivery up to `day`."""
        return {name: self._dates(partner, day)[-1] for name, partner in self.partners.items()}

    def _dates(self, partner: Partner, day: date) -> list[date]:
        """The reference dates of a partner up to `day`; the first is that of its history."""
        if partner.cadence == "daily":
            return [self.first + DAY * n for n in range((day - self.first).days + 1)]
        if partner.cadence == "weekly":
            return [self.first + DAY * 7 * n for n in range((day - self.first).days // 7 + 1)]
        first = self.first if _is_month_end(self.first) else self.first.replace(day=1) - DAY
        return [d for d in (first + DAY * n for n in range((day - first).days + 1)) if _is_month_end(d)]

    def _planned(self, partner: str, reference_on: date, number: int, *, is_history: bool) -> Planned:
        delivery = f"{reference_on}.{number}"
        return self.plan.delivery(self.of_partner(partner), reference_on, delivery, is_history=is_history, is_corrected=number > 1)


def _is_month_end(day: date) -> bool:
    return (day + DAY).day == 1


def _is_refused(planned: Planned, contracts: Sequence[Contract]) -> bool:
    """Whether the delivery is certain to be refused."""
    of_files = [FILE_KINDS[fault.kind].outcome for contract in contracts for fault in planned.of_file(contract)]
    return "refused" in [*of_files, *(fault.outcome for fault in planned.faults())]


class Sender:
    """The registers of all partners for one block of the world, and what they send of them."""

    def __init__(self, jurisdiction: Jurisdiction, parameters: Parameters, world: World, block: int) -> None:
        self.parameters = parameters
        self.block = block
        registers = Registers(jurisdiction, parameters, world)
        self.registers = {place: registers.open(contract) for place, contract in load_contracts(jurisdiction).items()}
        self.expired = _expired_codes(jurisdiction, [r.contract for r in self.registers.values()])
        self.has_children = _with_children(world)

    def write(self, handover: Handover, contract: Contract, folder: Path) -> Part:
        """Write the rows of this block for one file of a delivery to `folder`."""
        planned, register = handover.planned, self.registers[contract.partner, contract.file]
        day = np.datetime64(planned.shown_on)
        since = None if handover.since is None else np.datetime64(handover.since - (planned.reference_on - planned.shown_on))
        rows, columns = self._rows(register, since, day, planned.migration(contract))
        may_go = ~self.has_children[register.table_name][rows] & np.isnat(register.keeping.withdrawn_on[rows])
        page = Page(contract, planned.shown_on, columns, self.expired, register.keeping.known_on[rows], may_go)
        faults = put_faults(page, planned, block=self.block)
        path = folder / f"{contract.partner}.{contract.file}.{planned.delivery}"
        render.write_part(contract, page.finished(), path, page.form, cut=page.places(page.cut), headers=page.places(page.headers))
        lines = len(page.written) + len(page.headers) + len(page.broken)
        stock = len(register.rows_on(day)) if contract.delivery.mutation else page.rows - len(page.left_out)
        return Part(path, lines, sums(contract, page.held()), None if planned.counts_less(contract) else stock, tuple(faults))

    def _rows(self, register: Register, since: np.datetime64 | None, day: np.datetime64, moved: Migration | None) -> tuple[Ints, Texts]:
        """The rows of the world that a file contains, in the order in which they entered the register, and their columns as texts."""
        contract, registers = register.contract, self.parameters.registers
        mutation = contract.delivery.mutation
        parts = {"new": register.rows_on(day)} if mutation is None or since is None else register.changes(since, day)
        is_moving = False
        if moved is not None and mutation is not None and since is not None and since < np.datetime64(moved.start):
            is_moving = True  # every unit is withdrawn under its old number and new under another
            parts = {"withdraw": register.rows_on(since), "new": register.rows_on(day)}
        rows = np.concatenate(list(parts.values()))
        kinds = np.repeat(np.arange(len(parts)), [len(r) for r in parts.values()])
        order = np.lexsort((rows, register.keeping.known_on[rows]))
        rows, kinds = rows[order], kinds[order]
        columns = texts(contract, register.state(rows, day), registers)
        if moved is not None:
            old = columns[moved.column]
            new = compute.replace_substring_regex(old, "^" + re.escape(moved.prefix[0]), moved.prefix[1])
            is_old = np.array([name == "withdraw" for name in parts])[kinds] if is_moving else np.zeros(len(rows), dtype=bool)
            columns = {**columns, moved.column: compute.if_else(pa.array(is_old), old, new)}
        if mutation is not None:
            words = {"new": mutation.new, "change": mutation.change, "withdraw": mutation.withdraw}
            columns = {mutation.column: pa.array([words[p][0] for p in parts]).take(pa.array(kinds)), **columns}
        return rows, columns


def hand_over(
    out: Path, handover: Handover, contracts: Sequence[Contract], parts: Mapping[str, Sequence[Part]]
) -> tuple[Sent, list[Fault]]:
    """Write a delivery to `out/<partner>/<delivery>` from the parts of every block, by file; return it with its faults."""
    planned = handover.planned
    folder = out / planned.partner / planned.delivery
    folder.mkdir(parents=True, exist_ok=True)
    listed: list[dict[str, Any]] = []
    log = planned.faults()
    for contract in contracts:
        name, of_file = file_name(contract), parts[contract.file]
        written = render.assemble(contract, [part.path for part in of_file], folder / name, planned.form(contract))
        before = 0
        for part in of_file:
            log.extend(fault if fault.line is None else fault.moved(before) for fault in part.faults)
            before += part.lines
            part.path.unlink()
        entry: dict[str, Any] = {
            "file": contract.file,
            "name": name,
            "sha256": written.sha256,
            "bytes": written.bytes,
            "lines": written.lines,
            "sums": as_amounts([part.sums for part in of_file]),
            "complete_for": contract.delivery.complete_for,
        }
        if all(part.stock is not None for part in of_file):
            entry["stock"] = sum(part.stock or 0 for part in of_file)
        log.extend(planned.damage(contract, folder / name, entry))
        listed.append(entry)
    sent = Sent(
        partner=planned.partner,
        delivery=planned.delivery,
        reference_on=planned.reference_on,
        delivered_on=planned.reference_on + DAY * (handover.number + planned.days_late),
        sequence=handover.sequence,
        replaces=f"{planned.reference_on}.{handover.number - 1}" if handover.number > 1 else None,
        rows=sum(part.lines for of_file in parts.values() for part in of_file),
    )
    manifest = {
        "partner": sent.partner,
        "delivery": sent.delivery,
        "reference_on": str(sent.reference_on),
        "delivered_on": str(sent.delivered_on),
        "sequence": sent.sequence,
        "replaces": sent.replaces,
        "is_simulated": True,
        "files": listed,
    }
    (folder / "manifest.json").write_text(json.dumps(manifest, indent=1) + "\n", encoding="utf-8")
    return sent, settled(log)


def _expired_codes(jurisdiction: Jurisdiction, contracts: list[Contract]) -> dict[str, list[tuple[str, str]]]:
    """By code list, the codes that are no longer in use, each with its last day."""
    expired: dict[str, list[tuple[str, str]]] = {}
    for name in sorted({c.concept.list for contract in contracts for c in contract.columns if c.concept}):
        rows = jurisdiction.csv(f"terminology/mappings/{name}.csv", MAPPING)
        last = {}
        for row in rows:
            last[row["code"]] = max(last.get(row["code"], ""), row["valid_until"])
        if gone := [(code, day) for code, day in sorted(last.items()) if day < "9999-12-31"]:
            expired[name] = gone
    return expired


def _with_children(world: World) -> dict[str, Bools]:
    """By table, for each row whether other rows belong to it."""
    result = {name: np.zeros(len(table), dtype=bool) for name, table in world.tables.items()}
    for table in world.tables.values():
        if table.belongs_to is not None:
            result[table.belongs_to][table.links[table.belongs_to]] = True
    return result
