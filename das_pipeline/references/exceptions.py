"""Waivers: each is of a rule that can be waived, on a table that it gates, for a part that is there."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from das_pipeline.chain import load_chain
from das_pipeline.deliveries import load_contracts, load_partners
from das_pipeline.errors import Fault, nearest
from das_pipeline.jurisdiction import Jurisdiction
from das_pipeline.rules import OF_PARTNER, catalogue
from das_pipeline.waivers import FILE, load_waivers


def waivers(jurisdiction: Jurisdiction) -> Iterator[Fault]:
    """Yield waivers of a rule, table or part that is not there."""
    waivable = {rule.id: rule for rule in catalogue().values() if rule.waiver}
    for number, waiver in enumerate(load_waivers(jurisdiction)):
        place = jurisdiction.place(FILE, "waivers", number)
        if waiver.rule not in waivable:
            yield (place / "rule").fault(f"rule {waiver.rule} cannot be waived. {nearest(waiver.rule, waivable)}")
            continue
        rule = waivable[waiver.rule]
        tables = [name for table in rule.tables for name in _tables(table, jurisdiction)]
        if waiver.table not in tables:
            yield (place / "table").fault(f"rule {rule.id} is not judged on table {waiver.table}. {nearest(waiver.table, tables)}")
        elif waiver.part not in (parts := _parts(waiver.table, jurisdiction)):
            yield (place / "part").fault(
                f"{waiver.table} has no {waiver.part}: a part is here {rule.waiver}. {nearest(waiver.part, parts)}"
            )


def _tables(table: str, jurisdiction: Jurisdiction) -> Sequence[str]:
    return [f"deliveries/{partner}" for partner in jurisdiction.partners] if table == OF_PARTNER else [table]


def _parts(table: str, jurisdiction: Jurisdiction) -> Sequence[str]:
    """Return what can fail in a table: a partner's files, the coded columns, the units of the chain."""
    if table.startswith("deliveries/"):
        return load_partners(jurisdiction)[table.removeprefix("deliveries/")].files
    if table == "chain/events":
        return [f"{unit.partner}/{unit.name}" for units in load_chain(jurisdiction).units.values() for unit in units]
    contracts = load_contracts(jurisdiction).items()
    return [f"{partner}/{file}.{column.name}" for (partner, file), c in contracts for column in c.columns if column.concept is not None]
