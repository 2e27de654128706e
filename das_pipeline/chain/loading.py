"""Reading the chain of a jurisdiction: `chain.yaml` and every partner's `events.yaml`, checked against each other and the contracts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

from das_pipeline.chain.declarations import ChainFile, EventsFile, Spell
from das_pipeline.chain.model import ChainModel, Unit, kinds_of
from das_pipeline.chain.units import UnitReader
from das_pipeline.deliveries import load_contracts
from das_pipeline.errors import Fault, Faults, nearest
from das_pipeline.jurisdiction import Jurisdiction, Place


def load_chain(jurisdiction: Jurisdiction) -> ChainModel:
    """Return the chain of `jurisdiction` with every name in it resolved; ConfigurationError names the file and place of a mistake."""
    declared = jurisdiction.load("chain.yaml", ChainFile)
    contracts = load_contracts(jurisdiction)
    units: dict[str, list[Unit]] = {}
    faults = Faults()
    for partner in jurisdiction.partners:
        path = f"contracts/{partner}/events.yaml"
        if not (jurisdiction.folder / path).exists():
            continue
        files = {file: contract for (owner, file), contract in contracts.items() if owner == partner}
        with faults.gathered():
            for name, unit in jurisdiction.load(path, EventsFile).root.items():
                reader = UnitReader(jurisdiction.place(path, name), name, partner, files, declared, jurisdiction.partners, faults)
                with faults.gathered():
                    resolved = reader.read(unit)
                    for other in units.setdefault(name, []):
                        _check_alike(reader.place, resolved, other)
                    units[name].append(resolved)
    faults.raise_any()
    place = jurisdiction.place("chain.yaml")
    chain = ChainModel(
        units=units,
        attributes=_attribute_types(place, declared, units),
        spells=declared.spells,
        order=declared.order,
        order_across=declared.order_across,
        opening_month=declared.opening_month,
    )
    faults.add(*_faults_of_kinds(place, chain))
    faults.raise_any()
    return chain


def _check_alike(place: Place, unit: Unit, other: Unit) -> None:
    """Two partners that report one unit mean the same by its attributes and outcomes: concepts of one scheme."""
    for name in unit.attributes.keys() & other.attributes.keys():
        if unit.attributes[name].column.scheme != other.attributes[name].column.scheme:
            sentence = f"unit {unit.name}: attribute {name} has another scheme than at partner {other.partner}."
            (place / "attributes" / name).refuse(sentence)
    schemes = [{t.kind: t.outcome.scheme for t in u.reported if t.outcome} for u in (unit, other)]
    for kind in schemes[0].keys() & schemes[1].keys():
        if schemes[0][kind] != schemes[1][kind]:
            place.refuse(f"unit {unit.name}: event {kind}: its outcome has another scheme than at partner {other.partner}.")


def _attribute_types(place: Place, declared: ChainFile, units: Mapping[str, Sequence[Unit]]) -> dict[str, str]:
    """The SQL type of every attribute, one over all units: whole years for ages, else a concept."""
    types: dict[str, str] = {}
    for number, name in enumerate(declared.attributes):
        read = {u.attributes[name].column.type for by_partner in units.values() for u in by_partner if name in u.attributes}
        meant = {"SMALLINT" if kind in {"SMALLINT", "BIGINT"} else "VARCHAR" for kind in read}
        if len(meant) > 1:
            (place / "attributes" / number).refuse(f"attribute {name} is an age in one unit and a concept in another.")
        types[name] = next(iter(meant), "VARCHAR")
    return types


def _faults_of_kinds(place: Place, chain: ChainModel) -> Iterator[Fault]:
    """Yield where a kind does not belong to one unit, has no place in the order, or turns more than one spell, or in two ways."""
    kinds = Counter(kind for by_partner in chain.units.values() for kind in kinds_of(by_partner))
    for kind, times in kinds.items():
        if times > 1:
            yield place.fault(f"kind {kind} is an event of {times} units: rename it in one of their events.yaml.")
    for number, kind in enumerate(chain.order):
        if kind not in kinds:
            sentence = f"`order` must list every kind of the units once; look at {kind}, which no unit has. {nearest(kind, kinds)}"
            yield (place / "order" / number).fault(sentence)
        elif kind in chain.order[:number]:
            yield (place / "order" / number).fault(f"`order` must list every kind of the units once; look at {kind}.")
    if absent := sorted(kinds.keys() - set(chain.order)):
        yield (place / "order").fault(f"`order` must list every kind of the units once; look at {', '.join(absent)}: add it.")
    for number, kind in enumerate(chain.order_across):
        if kind not in kinds:
            yield (place / "order_across" / number).fault(f"`order_across` names kinds that no unit has: {kind}. {nearest(kind, kinds)}")
    turning = Counter(kind for _, kind, _ in chain.roles())
    for name, spell in chain.spells.items():
        yield from _faults_of_spell(place / "spells" / name, name, spell, chain, turning)


def _faults_of_spell(place: Place, name: str, spell: Spell, chain: ChainModel, turning: Counter[str]) -> Iterator[Fault]:
    if spell.unit not in chain.units:
        yield (place / "unit").fault(f"spell {name}: there is no unit {spell.unit}. {nearest(spell.unit, chain.units)}")
        return
    own_kinds = kinds_of(chain.units[spell.unit])
    named = [(place / key / i, kind) for key in ("opens", "moves", "closes") for i, kind in enumerate(getattr(spell, key))]
    for at, kind in [*named, *((place / "reopens" / i, r.by) for i, r in enumerate(spell.reopens))]:
        if kind not in own_kinds:
            yield at.fault(f"spell {name}: unit {spell.unit} has no event {kind}. {nearest(kind, own_kinds)}")
        elif turning[kind] > 1:
            yield at.fault(f"spell {name}: {kind} turns more than one spell, or one in two ways: it may be in one place only.")
    for i, reopening in enumerate(spell.reopens):
        if reopening.kind not in spell.closes:
            sentence = (
                f"spell {name}: {reopening.kind} does not close it, so nothing reopens after it. {nearest(reopening.kind, spell.closes)}"
            )
            yield (place / "reopens" / i).fault(sentence)
