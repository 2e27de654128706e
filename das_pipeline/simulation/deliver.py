"""Deliveries of the simulated partners: files and manifest in a folder per delivery, as the real ones come."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from das_pipeline.deliveries import Contract, load_contracts, load_partners
from das_pipeline.jurisdiction import Jurisdiction
from das_pipeline.simulation import render
from das_pipeline.simulation.draws import Bools, Ints
from das_pipeline.simulation.faults import Fault, Page, Plan, Planned, put_faults, settled
from das_pipeline.simulation.parameters import Parameters
from das_pipeline.simulation.registers import MAPPING, Register, Registers
from das_pipeline.simulation.world import World

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
    rows: int


class Sender:
    """All partners of a jurisdiction, and what they deliver about one world."""

    def __init__(self, jurisdiction: Jurisdiction, parameters: Parameters, world: World, plan: Plan) -> None:
        self.jurisdiction = jurisdiction
        self.parameters = parameters
        self.plan = plan
        registers = Registers(jurisdiction, parameters, world, plan.seed)
        self.registers = {place: registers.open(contract) for place, contract in load_contracts(jurisdiction).items()}
        self.files = {name: partner.files for name, partner in load_partners(jurisdiction).items()}
        self.expired = _expired_codes(jurisdiction, [r.contract for r in self.registers.values()])
        self.has_children = _with_children(world)

    def send_day(self, out: Path, reference_on: date, log: list[Fault]) -> Iterator[Sent]:
        """What every partner hands over about the day `reference_on`: the whole history first, then day by day."""
        for partner in self.files:
            planned = self._planned(partner, reference_on, 1)
            if planned.is_missing:
                log.extend(planned.faults())
                continue
            sent, found = self._send(out, planned, 1)
            log.extend(found)
            yield sent
            if any(f.outcome == "refused" for f in found) or planned.is_twice:  # mended, or the same once more, under the next number
                again, found = self._send(out, self._planned(partner, reference_on, 2), 2)
                log.extend(found)
                yield again

    def _planned(self, partner: str, reference_on: date, number: int) -> Planned:
        contracts = [self.registers[partner, file].contract for file in self.files[partner]]
        is_history = reference_on == self.parameters.period.history_until
        return self.plan.delivery(contracts, reference_on, f"{reference_on}.{number}", is_history=is_history, is_mended=number > 1)

    def _send(self, out: Path, planned: Planned, number: int) -> tuple[Sent, list[Fault]]:
        """Hands a delivery over; what went wrong with it."""
        partner, reference_on = planned.partner, planned.reference_on
        folder = out / partner / planned.delivery
        folder.mkdir(parents=True, exist_ok=True)
        listed, rows, log = [], 0, planned.faults()
        for file in self.files[partner]:
            entry, count = self._file(self.registers[partner, file], folder, planned, log)
            listed.append(entry)
            rows += count
        sent = Sent(
            partner=partner,
            delivery=planned.delivery,
            reference_on=reference_on,
            delivered_on=reference_on + DAY * (number + planned.days_late),
            sequence=(reference_on - self.parameters.period.history_until).days + 1,
            replaces=f"{reference_on}.{number - 1}" if number > 1 else None,
            rows=rows,
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

    def _file(self, register: Register, folder: Path, planned: Planned, log: list[Fault]) -> tuple[dict[str, Any], int]:
        """One file in `folder`: what the manifest says of it, and its rows. What goes wrong with it is added to `log`."""
        contract = register.contract
        day = np.datetime64(planned.shown_on)
        rows, columns = self._rows(register, day, is_first=planned.shown_on <= self.parameters.period.history_until)
        may_go = ~self.has_children[register.table_name][rows] & np.isnat(register.keeping.withdrawn_on[rows])
        page = Page(contract, planned.shown_on, columns, self.expired, register.keeping.known_on[rows], may_go)
        log.extend(put_faults(page, planned))
        name = render.file_name(contract)
        part = folder / f"{name}.part"
        render.write_part(contract, page.finished(), part, page.form, cut=page.places(page.cut), headers=page.places(page.headers))
        written = render.assemble(contract, [part], folder / name, page.form)
        part.unlink()
        entry = {
            "file": contract.file,
            "name": name,
            "sha256": written.sha256,
            "bytes": written.bytes,
            "lines": written.lines,
            "sums": render.sums(contract, page.held(), []),
            "complete_for": contract.delivery.complete_for,
        }
        log.extend(planned.damage(contract, folder / name, entry))
        return entry, len(page.written)

    def _rows(self, register: Register, day: np.datetime64, *, is_first: bool) -> tuple[Ints, render.Texts]:
        """The rows of the world that a file shows, and their columns as texts, in the order in which they came into the register."""
        contract, said = register.contract, self.parameters.registers
        mutation = contract.delivery.mutation
        whole = mutation is None or is_first
        parts = {"new": register.rows_on(day)} if whole else register.changes(day - np.timedelta64(1, "D"), day)
        rows = np.concatenate(list(parts.values()))
        kinds = np.repeat(np.arange(len(parts)), [len(r) for r in parts.values()])
        order = np.lexsort((rows, register.keeping.known_on[rows]))
        rows, kinds = rows[order], kinds[order]
        columns = render.texts(contract, register.state(rows, day), said)
        if mutation is not None:
            words = {"new": mutation.new, "change": mutation.change, "withdraw": mutation.withdraw}
            columns = {mutation.column: pa.array([words[p][0] for p in parts]).take(pa.array(kinds)), **columns}
        return rows, columns


def _expired_codes(jurisdiction: Jurisdiction, contracts: list[Contract]) -> dict[str, list[tuple[str, str]]]:
    """By code list, the codes that have gone out of use, each with its last day."""
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
    """By table, which rows other rows belong to."""
    result = {name: np.zeros(len(table), dtype=bool) for name, table in world.tables.items()}
    for table in world.tables.values():
        if table.belongs_to is not None:
            result[table.belongs_to][table.links[table.belongs_to]] = True
    return result
