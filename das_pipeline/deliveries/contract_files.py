"""The partners of a jurisdiction and their contracts, read from `contracts/<partner>/` and checked against each other."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from typing import Literal

from pydantic import Field

from das_pipeline.deliveries.column import Model
from das_pipeline.deliveries.contract import Contract
from das_pipeline.errors import Fault, Faults, nearest
from das_pipeline.jurisdiction import Jurisdiction, Text

LINKED_COLUMNS = {
    "unit",
    "person_id",
    "case_id",
    "link_class",
    "weight",
    "records",
    "persons",
    "anchor",
    "vintage",
    "kind",
    "id",
    "event",
    "other_id",
}


class Completeness(Model):
    """Whether the chain may run without a partner's newest delivery, and for how many days."""

    required: bool
    late_days: int = Field(ge=0)


class Partner(Model):
    """Who delivers: which files come together, how often, and what happens when they do not come."""

    partner: str
    title: Text
    owner: str
    files: tuple[str, ...] = Field(min_length=1)
    cadence: Literal["daily", "weekly", "monthly"]
    due_days: int = Field(default=1, ge=0)  # a delivery is in time within so many days of its reference date
    records_from: int = Field(default=0, ge=0)  # its record numbers come after this one: of one unit, no two partners start from the same
    completeness: Completeness

    @property
    def period_days(self) -> int:
        return {"daily": 1, "weekly": 7, "monthly": 31}[self.cadence]


def load_partners(jurisdiction: Jurisdiction) -> dict[str, Partner]:
    """The partners of a jurisdiction by name; ConfigurationError names the file and the mistake."""
    return dict(_partners(jurisdiction, jurisdiction.hash))


@cache
def _partners(jurisdiction: Jurisdiction, content: str) -> dict[str, Partner]:  # noqa: ARG001  (content: other files, other partners)
    partners, faults = {}, Faults()
    for name in jurisdiction.partners:
        file = f"contracts/{name}/partner.yaml"
        with faults.gathered():
            partner = jurisdiction.load(file, Partner)
            if partner.partner != name:
                jurisdiction.place(file, "partner").refuse(f"partner is {partner.partner}, not {name}, which its folder is called.")
            partners[name] = partner
    faults.raise_any()
    return partners


def load_contracts(jurisdiction: Jurisdiction) -> dict[tuple[str, str], Contract]:
    """The contracts of a jurisdiction by (partner, file), parents before the files that refer to them."""
    return dict(_contracts(jurisdiction, jurisdiction.hash))


@cache
def _contracts(jurisdiction: Jurisdiction, content: str) -> dict[tuple[str, str], Contract]:  # noqa: ARG001  (as above)
    contracts: dict[tuple[str, str], Contract] = {}
    faults = Faults()
    for name, partner in load_partners(jurisdiction).items():
        loaded = {}
        for number, file in enumerate(partner.files):
            with faults.gathered():
                loaded[file] = _contract(jurisdiction, partner, number)
        if len(loaded) == len(partner.files):
            together = list(_faults_together(jurisdiction, name, loaded))
            faults.add(*together)
            if not together:
                with faults.gathered():
                    contracts.update({(name, c.file): c for c in _parents_first(jurisdiction, loaded.values())})
    faults.add(*_faults_of_numbers(jurisdiction, contracts))
    faults.raise_any()
    return contracts


def _contract(jurisdiction: Jurisdiction, partner: Partner, number: int) -> Contract:
    """Return the contract of the partner's file in this position."""
    file = partner.files[number]
    listed = jurisdiction.place(f"contracts/{partner.partner}/partner.yaml", "files", number)
    place = f"contracts/{partner.partner}/{file}.yaml"
    if not jurisdiction.path(place).exists():
        there = {path.rsplit("/", 1)[-1].removesuffix(".yaml") for path in jurisdiction.files(f"contracts/{partner.partner}/*.yaml")}
        listed.refuse(f"{place} is missing. {nearest(file, there - {'partner', 'events'})}")
    contract = jurisdiction.load(place, Contract)
    if contract.partner != partner.partner:
        jurisdiction.place(place, "partner").refuse(f"it declares {contract.partner}/{contract.file}, in the folder of {partner.partner}.")
    if contract.file != file:
        jurisdiction.place(place, "file").refuse(f"it declares {contract.partner}/{contract.file}, in a file called {file}.yaml.")
    return contract


def _faults_together(jurisdiction: Jurisdiction, partner: str, contracts: Mapping[str, Contract]) -> Iterator[Fault]:
    """Yield where the files of one partner do not fit each other."""
    for file, contract in contracts.items():
        for number, column in enumerate(contract.columns):
            if column.is_direct and column.name in LINKED_COLUMNS:
                yield jurisdiction.place(f"contracts/{partner}/{file}.yaml", "columns", number, "name").fault(
                    f"linkage writes a column {column.name}, and rule L14 would take it for this one: choose another name, such as"
                    f" {column.name}_no, and give its own as path."
                )
        for number, relation in enumerate(contract.relations):
            place = jurisdiction.place(f"contracts/{partner}/{file}.yaml", "relations", number)
            target = contracts.get(relation.to)
            if target is None or relation.to == file:
                others = contracts.keys() - {file}
                sentence = f"the relation to {relation.to} resolves to no other file of {partner}. {nearest(relation.to, others)}"
                yield (place / "to").fault(sentence)
            elif len(relation.columns) != len(target.unit_key):
                keys = ", ".join(target.unit_key)
                yield (place / "columns").fault(f"the relation to {relation.to} needs as many columns as its unit_key has: {keys}.")


def _faults_of_numbers(jurisdiction: Jurisdiction, contracts: Mapping[tuple[str, str], Contract]) -> Iterator[Fault]:
    """Yield where two partners deliver one unit and number their records from the same number."""
    partners = load_partners(jurisdiction)
    numbered: dict[tuple[str, int], str] = {}
    for (name, _), contract in contracts.items():
        other = numbered.setdefault((contract.unit, partners[name].records_from), name)
        if other != name:
            place = jurisdiction.place(f"contracts/{name}/partner.yaml", "records_from")
            yield place.fault(f"{other} also delivers unit {contract.unit}: give one of them another records_from.")


def _parents_first(jurisdiction: Jurisdiction, contracts: Iterable[Contract]) -> list[Contract]:
    """The contracts in an order in which every relation points back."""
    waiting = list(contracts)
    done: list[Contract] = []
    while waiting:
        ready = next((c for c in waiting if all(r.to in {d.file for d in done} for r in c.relations)), None)
        if ready is None:
            place = jurisdiction.place(f"contracts/{waiting[0].partner}/{waiting[0].file}.yaml", "relations")
            place.refuse(f"the relations of {waiting[0].partner} form a circle: {', '.join(c.file for c in waiting)}.")
        waiting.remove(ready)
        done.append(ready)
    return done
