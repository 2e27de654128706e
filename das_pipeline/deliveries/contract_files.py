"""The partners of a jurisdiction and their contracts, read from `contracts/<partner>/` and checked against each other."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date
from functools import cache
from typing import Literal

from pydantic import Field, model_validator

from das_pipeline.deliveries.column import Model
from das_pipeline.deliveries.contract import Contract
from das_pipeline.deliveries.contract_versions import faults_between_versions, path_of
from das_pipeline.errors import Fault, Faults, nearest
from das_pipeline.jurisdiction import Jurisdiction, Text
from das_pipeline.shape_faults import Mistakes

EARLIER = re.compile(r"\.v(\d+)\.yaml$")  # the name of an earlier version, with its major number
LINKED_COLUMNS = {
    "unit",
    "person_id",
    "case_id",
    "link_class",
    "weight",
    "number_key",
    "since",
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
    late_days: int = Field(ge=0, le=36_525)


WeekDay = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]


class Calendar(Model):
    """On which days a partner works, and which day its weekly or monthly deliveries are about. Without one, on every day."""

    weekdays: tuple[WeekDay, ...] = Field(default=("mon", "tue", "wed", "thu", "fri", "sat", "sun"), min_length=1)
    week_day: WeekDay | None = None  # of a weekly partner
    month_day: int | None = Field(default=None, ge=1, le=31)  # of a monthly one; in a shorter month, its last day
    holidays: str | None = None  # a file in contracts/, with the columns day and name


class Partner(Model):
    """Who delivers: which files come together, how often, and what happens when they do not come."""

    partner: str
    title: Text
    owner: str
    files: tuple[str, ...] = Field(min_length=1)
    cadence: Literal["daily", "weekly", "monthly"]
    due_days: int = Field(default=1, ge=0, le=3_652)  # a delivery is in time within so many days of its reference date
    calendar: Calendar | None = None
    records_from: int = Field(default=0, ge=0)  # its record numbers come after this one: of one unit, no two partners start from the same
    completeness: Completeness

    @model_validator(mode="after")
    def _lists_each_file_once(self) -> Partner:
        if twice := [number for number, file in enumerate(self.files) if file in self.files[:number]]:
            raise Mistakes([(("files", number), f"{self.files[number]} is listed twice: remove one.") for number in twice])
        return self

    @model_validator(mode="after")
    def _has_its_day(self) -> Partner:
        days = {"weekly": "week_day", "monthly": "month_day"}
        for cadence, key in days.items() if self.calendar else ():
            if (getattr(self.calendar, key) is not None) != (self.cadence == cadence):
                raise Mistakes([(("calendar", key), f"{key} is the day of a {cadence} delivery: give it there and nowhere else.")])
        return self

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
            holidays = partner.calendar.holidays if partner.calendar else None
            if holidays is not None and f"contracts/{holidays}" not in (there := jurisdiction.files("contracts/*.csv")):
                names = [path.removeprefix("contracts/") for path in there]
                jurisdiction.place(file, "calendar", "holidays").refuse(f"contracts/{holidays} is missing. {nearest(holidays, names)}")
            partners[name] = partner
    faults.raise_any()
    return partners


def load_contracts(jurisdiction: Jurisdiction) -> dict[tuple[str, str], Contract]:
    """The newest version of each contract by (partner, file), parents before the files that refer to them: what later stages read."""
    return {place: versions[-1] for place, versions in load_versions(jurisdiction).items()}


def contracts_on(jurisdiction: Jurisdiction, partner: str, reference_on: date) -> list[Contract]:
    """The contracts by which a delivery of `partner` about this day is read, parents before the files that refer to them."""
    versions = load_versions(jurisdiction)
    valid = [c for (name, _), of_file in versions.items() if name == partner for c in of_file if c.valid_on(reference_on)]
    return _parents_first(jurisdiction, valid)


def load_versions(jurisdiction: Jurisdiction) -> dict[tuple[str, str], Sequence[Contract]]:
    """Every version of each contract, the oldest first, by (partner, file); parents before the files that refer to them."""
    return dict(_versions(jurisdiction, jurisdiction.hash))


@cache
def _versions(jurisdiction: Jurisdiction, content: str) -> dict[tuple[str, str], Sequence[Contract]]:  # noqa: ARG001  (as above)
    versions: dict[tuple[str, str], Sequence[Contract]] = {}
    faults = Faults()
    for name, partner in load_partners(jurisdiction).items():
        loaded: dict[str, list[Contract]] = {}
        for number, file in enumerate(partner.files):
            with faults.gathered():
                newest = _contract(jurisdiction, partner, number)
                loaded[file] = [*_earlier(jurisdiction, newest), newest]
        if len(loaded) == len(partner.files):
            together = [*_faults_together(jurisdiction, name, loaded), *faults_between_versions(jurisdiction, loaded)]
            faults.add(*together)
            if not together:
                with faults.gathered():
                    for day in sorted({c.since or date.min for of_file in loaded.values() for c in of_file}):
                        _parents_first(jurisdiction, [c for of_file in loaded.values() for c in of_file if c.valid_on(day)])
                    newest_first = _parents_first(jurisdiction, [of_file[-1] for of_file in loaded.values()])
                    versions.update({(name, c.file): tuple(loaded[c.file]) for c in newest_first})
    faults.add(*_faults_of_numbers(jurisdiction, {place: of_file[-1] for place, of_file in versions.items()}))
    faults.raise_any()
    return versions


def _earlier(jurisdiction: Jurisdiction, newest: Contract) -> list[Contract]:
    """Return the earlier versions of a contract, the oldest first: `<file>.v<major>.yaml` beside it."""
    files = jurisdiction.files(f"contracts/{newest.partner}/{newest.file}.v*.yaml")
    earlier = [_declared(jurisdiction, file, newest.partner, newest.file) for file in files if EARLIER.search(file)]
    return sorted(earlier, key=lambda contract: contract.major)


def _contract(jurisdiction: Jurisdiction, partner: Partner, number: int) -> Contract:
    """Return the newest contract of the partner's file in this position."""
    file = partner.files[number]
    listed = jurisdiction.place(f"contracts/{partner.partner}/partner.yaml", "files", number)
    place = f"contracts/{partner.partner}/{file}.yaml"
    if not jurisdiction.path(place).exists():
        there = {path.rsplit("/", 1)[-1].removesuffix(".yaml") for path in jurisdiction.files(f"contracts/{partner.partner}/*.yaml")}
        listed.refuse(f"{place} is missing. {nearest(file, there - {'partner', 'events'})}")
    return _declared(jurisdiction, place, partner.partner, file)


def _declared(jurisdiction: Jurisdiction, place: str, partner: str, file: str) -> Contract:
    """Return the contract in the file `place`; ConfigurationError when it declares another file, or another version than its name says."""
    contract = jurisdiction.load(place, Contract)
    name = place.rsplit("/", 1)[-1]
    if contract.partner != partner:
        jurisdiction.place(place, "partner").refuse(f"it declares {contract.partner}/{contract.file}, in the folder of {partner}.")
    if contract.file != file:
        jurisdiction.place(place, "file").refuse(f"it declares {contract.partner}/{contract.file}, in a file called {name}.")
    if (earlier := EARLIER.search(place)) and contract.major != int(earlier.group(1)):
        jurisdiction.place(place, "version").refuse(f"it declares version {contract.version}, in a file called {name}.")
    return contract


def _faults_together(jurisdiction: Jurisdiction, partner: str, contracts: Mapping[str, Sequence[Contract]]) -> Iterator[Fault]:
    """Yield where the files of one partner do not fit each other; `contracts` has the versions of each."""
    for contract in (c for versions in contracts.values() for c in versions):
        at = jurisdiction.place(path_of(contract, contracts[contract.file]))
        for number, column in enumerate(contract.columns):
            if column.is_direct and column.name in LINKED_COLUMNS:
                yield (at / "columns" / number / "name").fault(
                    f"linkage writes a column {column.name}, and rule L14 would take it for this one: choose another name, such as"
                    f" {column.name}_no, and give its own as path."
                )
        for number, relation in enumerate(contract.relations):
            place = at / "relations" / number
            if relation.to not in contracts or relation.to == contract.file:
                others = contracts.keys() - {contract.file}
                sentence = f"the relation to {relation.to} resolves to no other file of {partner}. {nearest(relation.to, others)}"
                yield (place / "to").fault(sentence)
            elif len(relation.columns) != len(key := contracts[relation.to][-1].unit_key):
                yield (place / "columns").fault(
                    f"the relation to {relation.to} needs as many columns as its unit_key has: {', '.join(key)}."
                )


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
