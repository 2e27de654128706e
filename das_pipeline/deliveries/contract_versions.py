"""The versions of one contract, side by side: each valid from a reference date on and until the next begins, about the same records.

The newest is in `<file>.yaml`, an earlier one in `<file>.v<major>.yaml`. Later stages read what all of them brought by the newest.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise

from das_pipeline.deliveries.column import Column
from das_pipeline.deliveries.contract import Contract
from das_pipeline.errors import Fault
from das_pipeline.jurisdiction import Jurisdiction, Place

SAME = ("unit", "unit_key", "sub_key", "temporality")  # what a record is: its earlier rows and its later ones are one history


def path_of(contract: Contract, versions: Sequence[Contract]) -> str:
    """Return where a version of a contract is in its jurisdiction, given all of them, the newest last."""
    earlier = "" if contract is versions[-1] else f".v{contract.major}"
    return f"contracts/{contract.partner}/{contract.file}{earlier}.yaml"


def faults_between_versions(jurisdiction: Jurisdiction, contracts: Mapping[str, Sequence[Contract]]) -> Iterator[Fault]:
    """Yield where the versions of a contract overlap, leave days to none, or are not about the same records; `contracts` by file."""
    for versions in contracts.values():
        for old, new in pairwise(versions):
            at_old, at_new = (jurisdiction.place(path_of(contract, versions)) for contract in (old, new))
            yield from _faults_of_days(old, new, at_old, at_new)
            yield from _faults_of_records(old, new, at_old, at_new)
        for contract in versions:
            yield from _faults_of_parents(contract, jurisdiction.place(path_of(contract, versions)), contracts)


def _faults_of_days(old: Contract, new: Contract, at_old: Place, at_new: Place) -> Iterator[Fault]:
    """Yield where one version does not begin when the one before it ends, or does not have a higher number."""
    if new.major <= old.major:
        yield (at_new / "version").fault(f"{new.version} is no later version than {old.version}, which {at_old.file} has.")
    if old.until is None:
        yield at_old.fault(f"this is an earlier version: give it `until`, the reference date from which {at_new.file} is valid.")
    if new.since is None:
        yield at_new.fault(f"there is an earlier version, {at_old.file}: give this one `since`, the reference date from which it is valid.")
    if old.until is None or new.since is None or old.until == new.since:
        return
    if old.until < new.since:
        sentence = (
            f"no version is valid from {old.until} until {new.since}: {at_old.file} ends before this one begins. Give both the same day."
        )
    else:
        sentence = (
            f"two versions are valid from {new.since} until {old.until}: {at_old.file} ends after this one begins. Give both the same day."
        )
    yield (at_new / "since").fault(sentence)


def _faults_of_records(old: Contract, new: Contract, at_old: Place, at_new: Place) -> Iterator[Fault]:
    """Yield where the rows of two versions could not be one history of the same records."""
    for key in SAME:
        if getattr(old, key) != getattr(new, key):
            yield (at_new / key).fault(
                f"{key} is another one in {at_old.file}: then these are other records, and need a file of another name."
            )
    for number, column in enumerate(new.columns):
        earlier = old.by_name.get(column.name)
        if earlier is not None and (key := _other_meaning(earlier, column)):
            sentence = (
                f"{column.name} has another {key} in {at_old.file}: its values are read as one column, so give this one another name."
            )
            yield (at_new / "columns" / number / key).fault(sentence)


def _other_meaning(old: Column, new: Column) -> str | None:
    """Return the key by which two columns of one name are not one, None when they are."""
    if old.is_direct != new.is_direct:
        return "privacy"
    return next((key for key in ("type", "identity", "reference", "concept") if getattr(old, key) != getattr(new, key)), None)


def _faults_of_parents(contract: Contract, place: Place, contracts: Mapping[str, Sequence[Contract]]) -> Iterator[Fault]:
    """Yield relations to a file that is not delivered on some day on which this one is."""
    for number, relation in enumerate(contract.relations):
        parents = contracts.get(relation.to, ())
        if not parents:
            continue
        first, last = parents[0].since, parents[-1].until
        begins_before = first is not None and (contract.since is None or contract.since < first)
        ends_after = last is not None and (contract.until is None or contract.until > last)
        if begins_before or ends_after:
            days = f"{f'from {first} on' if first else ''}{' and ' if first and last else ''}{f'before {last}' if last else ''}"
            yield (place / "relations" / number / "to").fault(f"{relation.to} is delivered {days} only, and this file on other days too.")
