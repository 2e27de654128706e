"""Cubes carried forward: a day counts what it touched, as it was and as it is, and the difference is added to the counts of a base.

A version that counts everything, of a chain that was told whole, is a base for as long as later versions of the chain build on the same
files (see `das_pipeline.chain.changes`), and the month, the terminology, the declarations and the code stay the same. Beside its cubes it
has what only the rules read: `totals/<table>.parquet` and `corrections/<balance>.parquet`. Later versions share these files, as `base/…`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import duckdb

from das_pipeline import engine, layered
from das_pipeline.chain import ChainModel, Unit, create_event_changes, create_spell_changes, is_built_on
from das_pipeline.lake import Draft, Version
from das_pipeline.run import Run, code_version
from das_pipeline.statistics.counting import not_followed_from
from das_pipeline.statistics.model import CLOSING, WEEKS, Cube, Statistics

EVENTS, SPELLS, CONCEPTS = "chain/events", "chain/spells", "terminology/concepts"
TOTALS = ("totals", "year_totals")
FOLDER = "base/"


@dataclass(frozen=True)
class Side:
    """Events and spells to count, as known on `as_of`, added or (sign -1) taken away."""

    sign: int
    as_of: date
    rows_for: Callable[[Cube], str]  # the query of the events or spells that a cube counts

    def create_view(self, connection: duckdb.DuckDBPyConnection, cube: Cube) -> None:
        """Create the view `events`, or for a cube of spells `spells`."""
        connection.execute(f"CREATE OR REPLACE TEMP VIEW {'spells' if cube.spell else 'events'} AS {self.rows_for(cube)}")


@dataclass(frozen=True)
class Base:
    """The live version, which is a base or is built on one, and what was counted in that base."""

    version: Version
    as_of: date
    before_opening: Mapping[str, int]

    def relation(self, name: str) -> str:
        """The rows of a file of the base."""
        return engine.parquet([self.version.root / _entries(self.version)[name].path])

    def sides(self, connection: duckdb.DuckDBPyConnection, run: Run, chain: ChainModel, statistics: Statistics) -> list[Side]:
        """What changed since the base, as it was and as it is; creates the tables that have it."""
        create_event_changes(connection, run.lake.live(EVENTS), _units_of_events(chain))
        if any(cube.spell for cube in statistics.cubes):
            create_spell_changes(connection, run.lake.live(SPELLS), _units_of_spells(statistics, chain), _due(statistics, self.as_of))
        engine.use_threads(connection, 1)
        return [
            Side(sign, as_of, lambda cube, part=part: f"SELECT * FROM {'spells' if cube.spell else 'events'}_{part}")
            for sign, as_of, part in ((-1, self.as_of, "before"), (1, run.as_of, "after"))
        ]


def added_up(rows: str, keys: Iterable[str]) -> str:
    """Return a query: the sums of `n` over the `keys` of the query `rows`, without those that are nothing."""
    names = ", ".join(keys)
    return f"SELECT {names}, CAST(SUM(n) AS BIGINT) AS n FROM ({rows}) AS parts GROUP BY {names} HAVING SUM(n) <> 0"


def whole(run: Run, chain: ChainModel) -> Side:
    """All events and spells."""

    def rows_for(cube: Cube) -> str:
        version = run.lake.live(SPELLS if cube.spell else EVENTS)
        units = chain.units[cube.unit] if cube.spell else units_of(chain, cube)
        return " UNION ALL ".join(f"SELECT * FROM {layered.relation(version, unit.table)}" for unit in units)

    return Side(1, run.as_of, rows_for)


def units_of(chain: ChainModel, cube: Cube) -> list[Unit]:
    """Return the units whose events the cube needs: its own, and those that reach the states of a cohort."""
    others = {chain.unit_of(kind) for kinds in cube.states.values() for kind in kinds}
    return [unit for name in dict.fromkeys([cube.unit, *sorted(others)]) for unit in chain.units[name]]


def find_base(run: Run, draft: Draft, chain: ChainModel, statistics: Statistics) -> Base | None:
    """Return what these cubes can be carried forward from; None when everything is to be counted, as the keys of cells always are."""
    if any(statistics.method_of(cube) == "cell_key" for cube in statistics.cubes):
        return None
    live = draft.live
    known = live.facts.get("base") if live is not None else None
    if live is None or not known or known["rules"] != _rules(run, chain, statistics) or date.fromisoformat(known["as_of"]) > run.as_of:
        return None
    if not all(is_built_on(version, units) for version, units in _inputs(run, chain, statistics)) or not run.lake.is_whole(
        live.table, live.id
    ):
        return None
    return Base(live, date.fromisoformat(known["as_of"]), known["before_opening"])


def keep_base(
    connection: duckdb.DuckDBPyConnection, run: Run, draft: Draft, chain: ChainModel, statistics: Statistics, base: Base | None
) -> None:
    """Share the files of `base`; or let these cubes be one, if the chain that they count was told whole."""
    if base:
        draft.adopted |= {f"{FOLDER}{name}": entry for name, entry in _entries(base.version).items()}
        draft.facts["base"] = base.version.facts["base"]
        return
    if any(layered.is_over_base(version) or not version.facts.get("base") for version, _ in _inputs(run, chain, statistics)):
        return
    tables = {"totals/totals": "cube, period", "totals/year_totals": "cube, year"}
    tables |= {f"corrections/{c.statistic}": ", ".join([*c.leaf, "period"]) for c in statistics.cubes if c.part == CLOSING}
    for name, order in tables.items():
        table = name.removeprefix("totals/").replace("/", "_")
        file = f"{name}.parquet"
        draft.rows[file] = engine.write_parquet(connection, f"SELECT * FROM {table}", draft.path(file), order_by=order, encrypted=True)
    rules, opening = _rules(run, chain, statistics), draft.facts["before_opening"]
    draft.facts["base"] = {"as_of": run.as_of.isoformat(), "rules": rules, "before_opening": opening}


def _entries(version: Version) -> dict[str, Any]:
    """Return the files of the base that `version` is, or is built on, by their names there."""
    shared = {name.removeprefix(FOLDER): entry for name, entry in version.files.items() if name.startswith(FOLDER)}
    return shared or dict(version.files)


def _rules(run: Run, chain: ChainModel, statistics: Statistics) -> dict[str, Any]:
    """Return what all versions that build on one another were made with. In a new month stocks, and in part cohorts, are other ones."""
    bases = {
        f"{version.table}/{unit.table}": version.files[f"{unit.table}{layered.PARQUET}"].sha256
        for version, units in _inputs(run, chain, statistics)
        for unit in units
    }
    concepts = run.lake.live(CONCEPTS)
    return {
        "bases": bases,
        "concepts": {name: concepts.files[name].sha256 for name in ("concepts.parquet", "hierarchies.parquet")},
        "jurisdiction": run.jurisdiction.hash,
        "code": code_version("statistics"),
        "month": run.as_of.isoformat()[:7],
        "followed": not_followed_from(run.as_of, 0, "month").isoformat(),
    }


def _inputs(run: Run, chain: ChainModel, statistics: Statistics) -> list[tuple[Version, list[Unit]]]:
    inputs = [(run.lake.live(EVENTS), _units_of_events(chain))]
    if any(cube.spell for cube in statistics.cubes):
        inputs.append((run.lake.live(SPELLS), _units_of_spells(statistics, chain)))
    return inputs


def _units_of_events(chain: ChainModel) -> list[Unit]:
    return [unit for by_partner in chain.units.values() for unit in by_partner]


def _units_of_spells(statistics: Statistics, chain: ChainModel) -> list[Unit]:
    names = dict.fromkeys(cube.unit for cube in statistics.cubes if cube.spell)
    return [unit for name in names for unit in chain.units[name]]


def _due(statistics: Statistics, as_of: date) -> str:
    """Return the condition of spells whose duration another day changes: those not over, but for what counts as longer than the last week.

    Of those that have an end, it may come to lie in the past.
    """
    parts = ["1 = 0"]
    for cube in statistics.cubes:
        if WEEKS in cube.own:
            is_over = f"COALESCE(end_on <= DATE '{as_of}' AND end_known <= DATE '{as_of}', FALSE)"
            last = as_of - timedelta(days=7 * cube.bounds[-1])
            parts.append(f"(spell = '{cube.spell}' AND NOT {is_over} AND (start_on > DATE '{last}' OR end_on IS NOT NULL))")
    return " OR ".join(parts)
