"""Codes and concepts: what contracts and events say of the lists and schemes of the terminology."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from das_pipeline.chain import load_chain
from das_pipeline.chain.declarations import DeclaredUnit, EventsFile
from das_pipeline.deliveries import Concept, Contract, external_sources, load_contracts, load_external
from das_pipeline.errors import Fault, Faults, nearest
from das_pipeline.jurisdiction import Jurisdiction, Place
from das_pipeline.terminology import load_schemes
from das_pipeline.terminology.columns import crosswalk_uses, list_uses
from das_pipeline.terminology.crosswalks import load_crosswalks
from das_pipeline.terminology.file_faults import find_faults
from das_pipeline.terminology.glossary import glossary_faults, load_notes, load_terms
from das_pipeline.terminology.lists import load_lists
from das_pipeline.terminology.lookup import check_rewriting
from das_pipeline.terminology.sign_offs import load_sign_offs


def code_lists(jurisdiction: Jurisdiction) -> Iterator[Fault]:
    """Yield the rows that break a rule of the terminology (T03, T04, T05, T10, T11), and lists and rules that cannot be used."""
    faults = Faults()
    for load in (load_schemes, load_lists, load_crosswalks, load_sign_offs, load_notes, load_terms):
        with faults.gathered():
            load(jurisdiction)
    for file in jurisdiction.files("terminology/canonical/*.csv"):
        with faults.gathered():
            check_rewriting(jurisdiction, file)
    yield from faults.found
    faults.raise_any()
    for fault in find_faults(jurisdiction):
        if fault.file.endswith(".csv"):  # that a column names a list or scheme which is not there, its own file's line says below
            yield Fault(fault.file, fault.row, fault.rule, f"{fault.sentence}.")
    yield from glossary_faults(jurisdiction)
    for name in sorted(load_lists(jurisdiction).keys() - {use.list for use in list_uses(jurisdiction)}):
        yield Fault(f"terminology/codes/{name}.csv", 0, "", "no column of a contract has codes of this list. Name it in one, or remove it.")
    for name in sorted(load_crosswalks(jurisdiction).keys() - {use.crosswalk for use in crosswalk_uses(jurisdiction)}):
        yield Fault(f"terminology/crosswalks/{name}.csv", 0, "", "no external source uses this crosswalk. Name it in one, or remove it.")


def coded_columns(jurisdiction: Jurisdiction) -> Iterator[Fault]:
    """Yield where a column names a scheme, a list or rewriting rules that are not there."""
    schemes = _stems(jurisdiction, "schemes")
    lists = _stems(jurisdiction, "codes")
    rules = _stems(jurisdiction, "canonical")
    crosswalks = _stems(jurisdiction, "crosswalks")

    def faults_of(place: Place, concept: Concept | None) -> Iterator[Fault]:
        named = [("scheme", concept.scheme, schemes), ("list", concept.list, lists)] if concept else []
        if concept and concept.canonical:
            named.append(("canonical", concept.canonical, rules))
        for key, name, known in named:
            if name not in known:
                folder = {"scheme": "schemes", "list": "codes", "canonical": "canonical"}[key]
                yield (place / key).fault(f"there is no terminology/{folder}/{name}.csv. {nearest(name, known)}")

    for (partner, file), contract in load_contracts(jurisdiction).items():
        for number, column in enumerate(contract.columns):
            yield from faults_of(jurisdiction.place(f"contracts/{partner}/{file}.yaml", "columns", number, "concept"), column.concept)
    for name in external_sources(jurisdiction):
        source, place = load_external(jurisdiction, name), jurisdiction.place(f"external/{name}/source.yaml")
        for number, column in enumerate(source.columns):
            yield from faults_of(place / "columns" / number / "concept", column.concept)
        for number, walk in enumerate(source.crosswalks):
            for key, named, known in (("scheme", walk.scheme, schemes), ("crosswalk", walk.crosswalk, crosswalks)):
                if named not in known:
                    at = place / "crosswalks" / number / key
                    yield at.fault(f"there is no terminology/{key}s/{named}.csv. {nearest(named, known)}")


def values_of_events(jurisdiction: Jurisdiction) -> Iterator[Fault]:
    """Yield values in `when` of an event, and outcomes that reopen a spell, that can never occur."""
    contracts, schemes = load_contracts(jurisdiction), load_schemes(jurisdiction)
    for partner in jurisdiction.partners:
        path = f"contracts/{partner}/events.yaml"
        if not (jurisdiction.folder / path).exists():
            continue
        files = {file: contract for (owner, file), contract in contracts.items() if owner == partner}
        for name, unit in jurisdiction.load(path, EventsFile).root.items():
            for place, file, column, values in _conditions(jurisdiction.place(path, name), unit):
                known = _values_of(files.get(file), column, {scheme: s.concepts for scheme, s in schemes.items()})
                for number, value in enumerate(values):
                    if known is not None and value not in known:
                        yield (place / number).fault(f"{file}.{column} is never {value}. {nearest(value, known)}")
    chain = load_chain(jurisdiction)
    for name, spell in chain.spells.items():
        for number, reopening in enumerate(spell.reopens):
            scheme = chain.outcome_scheme(reopening.kind)
            place = jurisdiction.place("chain.yaml", "spells", name, "reopens", number, reopening.kind)
            if scheme is None:
                yield place.fault(f"{reopening.kind} has no outcome that is a concept, so it is never {reopening.outcome}.")
            elif scheme in schemes and reopening.outcome not in schemes[scheme].concepts:
                known = schemes[scheme].concepts
                yield place.fault(f"{reopening.outcome} is no concept of scheme {scheme}. {nearest(reopening.outcome, known)}")


def _conditions(place: Place, unit: DeclaredUnit) -> Iterator[tuple[Place, str, str, list[str]]]:
    for number, event in enumerate(unit.events):
        for column, values in event.when.items():
            yield place / "events" / number / "when" / column, event.file or unit.of or unit.rows or "", column, values


def _values_of(contract: Contract | None, column: str, schemes: dict[str, Iterable[str]]) -> set[str] | None:
    """Return the values that a column can have; None when they are not declared."""
    if contract is None:
        return None
    coded = contract.by_name.get(column.removesuffix("_concept"))
    if coded is not None and column.endswith("_concept") and coded.concept:
        return set(schemes[coded.concept.scheme]) if coded.concept.scheme in schemes else None
    plain = contract.by_name.get(column)
    return set(map(str, plain.one_of)) if plain is not None and plain.one_of else None


def _stems(jurisdiction: Jurisdiction, folder: str) -> list[str]:
    return [file.rsplit("/", 1)[-1].removesuffix(".csv") for file in jurisdiction.files(f"terminology/{folder}/*.csv")]
