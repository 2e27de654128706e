"""Who is who, and which limits hold: what linkage.yaml says of contracts, and policy.yaml of cubes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from das_pipeline.deliveries import Contract, load_contracts
from das_pipeline.disclosure.policy import checked_policy
from das_pipeline.disclosure.public_figures import faults_of_public_figures
from das_pipeline.errors import Fault, nearest
from das_pipeline.jurisdiction import Jurisdiction, Place
from das_pipeline.linkage.definition import LinkageDefinition, MergedNumbers, StrongKey, load_definition
from das_pipeline.linkage.probabilistic import load_model
from das_pipeline.policy import FILE
from das_pipeline.statistics import load_statistics
from das_pipeline.terminology import load_schemes

Contracts = Mapping[tuple[str, str], Contract]  # (partner, file) -> contract


def linkage(jurisdiction: Jurisdiction) -> Iterator[Fault]:
    """Yield roles, references, partners and files of linkage.yaml that no contract has, and references that it does not have."""
    definition, contracts = load_definition(jurisdiction), load_contracts(jurisdiction)
    place = jurisdiction.place("linkage.yaml")
    roles = {c.identity for contract in contracts.values() for c in contract.columns if c.identity}
    yield from _strong_keys(place, definition, contracts, roles)
    yield from _identities_and_references(jurisdiction, definition, contracts)
    for number, role in enumerate(definition.profile):
        if role not in roles:
            yield (place / "profile" / number).fault(f"no column of a contract has identity {role}. {nearest(role, roles)}")
    for number, partner in enumerate(definition.one_per_person):
        if partner not in jurisdiction.partners:
            yield (place / "one_per_person" / number).fault(f"there is no partner {partner}. {nearest(partner, jurisdiction.partners)}")
    for number, anchor in enumerate(definition.case_anchor):
        if anchor not in definition.references:
            sentence = f"{anchor} is not one of the references below. {nearest(anchor, definition.references)}"
            yield (place / "case_anchor" / number).fault(sentence)
    yield from _declared_references(place, definition, contracts.values())
    if definition.model:
        if not jurisdiction.path(definition.model).is_file():
            models = jurisdiction.files("linkage*.json")
            yield (place / "model").fault(f"the file {definition.model} is missing. {nearest(definition.model, models)}")
        else:
            load_model(jurisdiction, definition.model)


def _strong_keys(place: Place, definition: LinkageDefinition, contracts: Contracts, roles: set[str]) -> Iterator[Fault]:
    """Yield strong keys that no contract delivers, that are there twice or link nobody, and merged numbers that no file has."""
    for number, key in enumerate(definition.strong_keys):
        at = place / "strong_keys" / number
        if key.role not in roles:
            yield (at / "role").fault(
                f"no column of a contract has identity {key.role}, so nothing is linked by it. {nearest(key.role, roles)}"
            )
        if key.role in [other.role for other in definition.strong_keys[:number]]:
            yield (at / "role").fault(f"{key.role} is a strong key already.")
        if not key.alone:
            yield from _without_profile(at, key, definition.profile, contracts.values())
        if key.merged is not None:
            yield from _merged_numbers(at / "merged", key.merged, contracts)


def _merged_numbers(place: Place, merged: MergedNumbers, contracts: Contracts) -> Iterator[Fault]:
    """Yield that the file of merged numbers, or a column of it, is not there."""
    contract = contracts.get((merged.partner, merged.file))
    if contract is None:
        files = [f"{partner}/{file}" for partner, file in contracts]
        sentence = f"there is no file {merged.partner}/{merged.file}. {nearest(f'{merged.partner}/{merged.file}', files)}"
        yield (place / "file").fault(sentence)
        return
    direct = {column.name for column in contract.direct}
    for word in ("old", "leading"):
        if (column := getattr(merged, word)) not in direct:
            sentence = f"{merged.partner}/{merged.file} has no direct column {column}. {nearest(column, direct)}"
            yield (place / word).fault(sentence)


def _identities_and_references(jurisdiction: Jurisdiction, definition: LinkageDefinition, contracts: Contracts) -> Iterator[Fault]:
    """Yield columns of contracts whose identity or reference linkage.yaml does not have."""
    identities = {"surname", "surname_prefix", "given_names", "birth_date", "sex", *(key.role for key in definition.strong_keys)}
    for (partner, file), contract in contracts.items():
        for number, column in enumerate(contract.columns):
            at = jurisdiction.place(f"contracts/{partner}/{file}.yaml", "columns", number)
            if column.identity and column.identity not in identities:
                sentence = f"linkage.yaml has no strong key {column.identity}, so it links nobody. {nearest(column.identity, identities)}"
                yield (at / "identity").fault(sentence)
            if column.reference and column.reference not in definition.references:
                sentence = f"linkage.yaml has no reference {column.reference}. {nearest(column.reference, definition.references)}"
                yield (at / "reference").fault(sentence)


def _declared_references(place: Place, definition: LinkageDefinition, contracts: Iterable[Contract]) -> Iterator[Fault]:
    """Yield references of linkage.yaml whose unit or column no file has."""
    units: dict[str, set[str]] = {}
    for contract in contracts:
        units.setdefault(contract.unit, set()).update(column.name for column in contract.direct)
    for name, reference in definition.references.items():
        at = place / "references" / name
        if reference.unit not in units:
            yield (at / "unit").fault(f"no file has rows of unit {reference.unit}. {nearest(reference.unit, units)}")
        elif reference.column not in units[reference.unit]:
            sentence = f"no file of unit {reference.unit} has a direct column {reference.column}."
            yield (at / "column").fault(f"{sentence} {nearest(reference.column, units[reference.unit])}")


def _without_profile(place: Place, key: StrongKey, profile: Iterable[str], contracts: Iterable[Contract]) -> Iterator[Fault]:
    """Yield that a number links nobody: where it is delivered, nothing is beside it that could agree."""
    agreeing = {"surname", "given_names", "birth_date"} & set(profile)  # sex can only disagree
    roles = [{c.identity for c in contract.columns} for contract in contracts if any(c.identity == key.role for c in contract.columns)]
    if roles and not any(agreeing & of_file for of_file in roles):
        yield (place / "role").fault(
            f"{key.role} links nobody: no file that has it has a name or birth date in `profile`, which must agree. Add `alone: true` if "
            "the number is never mistyped and never given to another person."
        )


def limits(jurisdiction: Jurisdiction) -> Iterator[Fault]:
    """Yield cubes, dimensions and concepts of policy.yaml that are not there."""
    statistics, schemes = load_statistics(jurisdiction), load_schemes(jurisdiction)
    disclosure = checked_policy(jurisdiction, statistics)
    for key in ("structural_zeros", "presence_sensitive"):
        for number, leaf_set in enumerate(getattr(disclosure, key)):
            cube = statistics.cube(leaf_set.cube)
            for dimension, concept in leaf_set.leaf.items():
                scheme, level = cube.scheme[dimension], cube.leaf[dimension][1]
                known = [c.concept for c in schemes[scheme].concepts.values() if c.level == level]
                if concept not in known:
                    sentence = f"{concept} is no concept of scheme {scheme} at level {level}. {nearest(concept, known)}"
                    yield jurisdiction.place(FILE, "disclosure", key, number, "leaf", dimension).fault(sentence)


def public_figures(jurisdiction: Jurisdiction) -> Iterator[Fault]:
    """Yield what public_figures.yaml names and is not there."""
    yield from faults_of_public_figures(jurisdiction, load_statistics(jurisdiction))
