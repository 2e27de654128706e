"""Events and spells as a base and an overlay (see `layered`): of a day, only the records that it touched are told anew.

A unit's history depends on the rows of its own record, on its person and case, and on its ages, and on nothing else (rules across units
only report). So a version that is made whole is a base for as long as the records it was made from keep their base and the declarations
and the code stay the same. What was touched since: the records that terminology mapped anew, and those whose person, case or age changed.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any

import duckdb

from das_pipeline import engine, layered
from das_pipeline.chain.model import Unit
from das_pipeline.errors import LakeError
from das_pipeline.lake import Draft, Version
from das_pipeline.linkage import LINKS, ages_of, links_of
from das_pipeline.run import Run, code_version

RECORD = "unit, record_no"  # what links and ages go by


def facts_of_base(run: Run, inputs: Sequence[Version], units: Sequence[Unit], **counts: Any) -> dict[str, Any]:
    """What a version made whole from `inputs` remembers, so that later ones can build on it; nothing when its first input has no base.

    `counts` are those of the whole, which later ones carry forward.
    """
    if not inputs[0].facts.get("base"):
        return {}
    return {
        "as_of": run.as_of.isoformat(),
        "inputs": {version.table: version.id for version in inputs},
        "rules": _rules(run, inputs, units),
        **counts,
    }


def _rules(run: Run, inputs: Sequence[Version], units: Sequence[Unit]) -> dict[str, Any]:
    return {
        "base": inputs[0].facts.get("base"),
        "jurisdiction": run.jurisdiction.hash,
        "code": code_version("chain"),
        "units": [unit.table for unit in units],
    }


def find_base(run: Run, draft: Draft, inputs: Sequence[Version], units: Sequence[Unit]) -> Version | None:
    """The live version when it is, or is built on, a base that this one can be built on too; None when it must be made whole."""
    live = draft.live
    known = live.facts.get("base") if live is not None else None
    if live is None or not known or known["rules"] != _rules(run, inputs, units) or date.fromisoformat(known["as_of"]) > run.as_of:
        return None
    return live if run.lake.is_whole(live.table, live.id) else None


def find_relinked(connection: duckdb.DuckDBPyConnection, run: Run, base: Version, links: Version) -> bool:
    """Create `relinked` (unit, record_no): records with another person, case or age than the version `base` was made with.

    Return False when the links that it was made with are no longer kept.
    """
    try:
        before = run.lake.version(LINKS, base.inputs[LINKS])
        before.require_files()
    except LakeError:
        return False
    changed = []
    for name, rows_of, columns in (
        ("links", links_of, "unit, record_no, person_id, case_id"),
        ("ages", ages_of, "unit, record_no, date, age"),
    ):
        near = ""
        if before.files[f"{name}{layered.PARQUET}"] == links.files[f"{name}{layered.PARQUET}"]:  # one base: only what either touched
            either = " UNION ".join(f"SELECT unit, record_no FROM {layered.touched_before(v, name, RECORD)}" for v in (before, links))
            near = f" SEMI JOIN ({either}) AS t USING ({RECORD})"
        old, new = (f"SELECT {columns} FROM {rows_of(version)}{near}" for version in (before, links))
        changed += [f"({old} EXCEPT {new})", f"({new} EXCEPT {old})"]
    parts = " UNION ".join(f"SELECT unit, record_no FROM {rows}" for rows in changed)
    connection.execute(f"CREATE OR REPLACE TEMP TABLE relinked AS {parts}")
    return True


def find_touched(connection: duckdb.DuckDBPyConnection, units: Sequence[Unit], base: Version, records: Version) -> bool:
    """Create `touched` (unit, partner, record_no): the records to tell anew, those of `relinked` and those of `base` among them.

    Return False when they are so many that making the whole costs no more.
    """
    parts = []
    for unit in units:
        own = [layered.touched_before(records, f"{unit.partner}/{file}") for file in unit.columns]
        own += [layered.touched_before(base, unit.table), f"(SELECT record_no FROM relinked WHERE unit = '{unit.name}')"]
        touched = " UNION ".join(f"SELECT record_no FROM {relation}" for relation in own)
        parts.append(f"SELECT '{unit.name}' AS unit, '{unit.partner}' AS partner, record_no FROM ({touched})")
    connection.execute(f"CREATE OR REPLACE TEMP TABLE touched AS {' UNION ALL '.join(parts)}")
    rows = sum(base.files[f"{unit.table}.parquet"].rows or 0 for unit in units)
    return int(engine.scalar(connection, "SELECT COUNT(*) FROM touched")) <= layered.LARGEST * rows


def touched_of(unit: Unit) -> str:
    """The records of `unit` in `touched`, as a relation with record_no."""
    return f"(SELECT record_no FROM touched WHERE unit = '{unit.name}' AND partner = '{unit.partner}')"
