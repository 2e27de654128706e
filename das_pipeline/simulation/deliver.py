"""Deliveries of the simulated partners: files and manifest in a folder per delivery, as the real ones come."""

from __future__ import annotations

import json
import os
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
from das_pipeline.simulation.draws import Bools, Ints, stream
from das_pipeline.simulation.faults import Fault, Page, put_faults
from das_pipeline.simulation.parameters import Parameters, Trouble
from das_pipeline.simulation.registers import MAPPING, Register, Registers
from das_pipeline.simulation.world import World

DAY = timedelta(days=1)
EXTENSION = {"csv": "csv", "fixed": "txt", "jsonl": "jsonl", "xml": "xml"}


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

    def __init__(self, jurisdiction: Jurisdiction, parameters: Parameters, world: World, seed: int, *, with_faults: bool) -> None:
        self.jurisdiction = jurisdiction
        self.parameters = parameters
        self.seed = seed
        self.with_faults = with_faults
        registers = Registers(jurisdiction, parameters, world, seed)
        self.registers = {place: registers.open(contract) for place, contract in load_contracts(jurisdiction).items()}
        self.files = {name: partner.files for name, partner in load_partners(jurisdiction).items()}
        self.expired = _expired_codes(jurisdiction, [r.contract for r in self.registers.values()])
        self.has_children = _with_children(world)

    def send_day(self, out: Path, reference_on: date, log: list[Fault]) -> Iterator[Sent]:
        """What every partner hands over about the day `reference_on`: the whole history first, then day by day."""
        for partner in self.files:
            trouble = self._trouble(partner, reference_on)
            yield self._send(out, partner, reference_on, trouble, 1, log)
            if trouble.truncated:
                yield self._send(out, partner, reference_on, Trouble(partner=partner, reference_on=reference_on, days_late=1), 2, log)

    def _trouble(self, partner: str, reference_on: date) -> Trouble:
        """What goes wrong with a whole delivery; mostly nothing."""
        planned = self.parameters.faults.deliveries if self.with_faults else []
        none = Trouble(partner=partner, reference_on=reference_on)
        return next((t for t in planned if (t.partner, t.reference_on) == (partner, reference_on)), none)

    def _send(self, out: Path, partner: str, reference_on: date, trouble: Trouble, number: int, log: list[Fault]) -> Sent:
        sent = Sent(
            partner=partner,
            delivery=f"{reference_on}.{number}",
            reference_on=reference_on,
            delivered_on=reference_on + DAY * (1 + trouble.days_late),
            sequence=(reference_on - self.parameters.period.history_until).days + 1,
            replaces=f"{reference_on}.{number - 1}" if number > 1 else None,
            rows=0,
        )
        folder = out / partner / sent.delivery
        folder.mkdir(parents=True, exist_ok=True)
        listed, rows = [], 0
        for file in self.files[partner]:
            entry, count = self._file(self.registers[partner, file], folder, sent, log)
            if trouble.truncated and not listed:
                os.truncate(folder / entry["name"], max(entry["bytes"] * 2 // 3, 1))
            listed.append(entry)
            rows += count
        if trouble.truncated:
            entry = listed[0]
            log.append(
                Fault("truncated_file", "transport", partner, sent.delivery, entry["file"], None, None, None, None, "I01", "refused")
            )
        manifest = {
            "partner": partner,
            "delivery": sent.delivery,
            "reference_on": str(reference_on),
            "delivered_on": str(sent.delivered_on),
            "sequence": sent.sequence,
            "replaces": sent.replaces,
            "is_simulated": True,
            "files": listed,
        }
        (folder / "manifest.json").write_text(json.dumps(manifest, indent=1) + "\n", encoding="utf-8")
        return Sent(**{**sent.__dict__, "rows": rows})

    def _file(self, register: Register, folder: Path, sent: Sent, log: list[Fault]) -> tuple[dict[str, Any], int]:
        """One file in `folder`: what the manifest says of it, and its rows."""
        contract = register.contract
        day = np.datetime64(sent.reference_on)
        rows, columns = self._rows(register, day, is_first=sent.sequence == 1)
        page = Page(contract, sent.reference_on, columns, self.expired)
        faults: list[Fault] = []
        if self.with_faults and len(rows):
            draw = stream(self.seed, "faults", contract.partner, contract.file, str(sent.reference_on))
            may_go = ~self.has_children[register.table_name][rows]
            may_go &= np.isnat(register.keeping.withdrawn_on[rows])
            least = min(self.parameters.faults.least, len(rows) // 25) if sent.sequence == 1 else 0
            faults = put_faults(page, sent.delivery, self.parameters.faults, least, may_go, draw)
            log.extend(faults)
        form = render.layout(contract, sent.reference_on)
        name = f"{contract.file}.{EXTENSION[contract.format.kind]}"
        part = folder / f"{name}.part"
        render.write_part(contract, page.finished(), part, form, cut=page.cut)
        written = render.assemble(contract, [part], folder / name, form)
        part.unlink()
        entry = {
            "file": contract.file,
            "name": name,
            "sha256": written.sha256,
            "bytes": written.bytes,
            "lines": written.lines,
            "sums": render.sums(contract, page.columns, page.extra),
            "complete_for": contract.delivery.complete_for,
        }
        return entry, page.rows + len(page.extra)

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
