"""The quality sheet of a release: what came in, how well it is linked and mapped, what rounding costs, and the rules that hold.

It is published, so it is coarse: percentages in halves and only of many rows, and no count of anything by an attribute of persons.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from datetime import date
from typing import Any

from das_pipeline.deliveries import account_rows, completeness, load_partners, load_schedule, state_of
from das_pipeline.jurisdiction import Jurisdiction
from das_pipeline.lake import Version
from das_pipeline.policy import load_policy
from das_pipeline.publication.definitions import Table
from das_pipeline.run import Run


def quality(run: Run, tables: list[Table]) -> dict[str, Any]:
    """Return the quality sheet as known on the run's date; a stage that has no live version is left out."""
    lineage, least = _lineage(run), load_policy(run.jurisdiction).disclosure.percentages.rows
    linked = lineage["linkage/links"].facts.get("link_rates", {}) if "linkage/links" in lineage else {}
    return {
        "as_of": run.as_of.isoformat(),
        "partners": _partners(run, linked, least),
        "unmapped_pct": _unmapped(lineage, least),
        "rounding": json.loads(lineage["disclosure/leaves"].path("quality.json").read_bytes())["cubes"],
        "tables": _tables(tables),
        "rules": _rules(lineage),
    }


def in_form(sheet: Mapping[str, Any], jurisdiction: Jurisdiction, tables: Iterable[Table], as_of: date) -> dict[str, Any]:
    """Return the sheet that has the figures of `sheet`, and everything else as it follows from `tables` and the jurisdiction."""
    partners = {partner["partner"]: partner for partner in sheet["partners"]}
    return {
        "as_of": as_of.isoformat(),
        "partners": [
            {
                "partner": name,
                "title": partner.title.model_dump(),
                "state": _state(jurisdiction, name, partners[name]["reference_on"], as_of),
                **{key: partners[name][key] for key in ("reference_on", "quarantined_pct", "linked_pct")},
            }
            for name, partner in load_partners(jurisdiction).items()
        ],
        "unmapped_pct": sheet["unmapped_pct"],
        "rounding": sheet["rounding"],
        "tables": _tables(tables),
        "rules": [
            {"rule": rule, "name": name, "holds": holds}
            for rule, name, holds in sorted({(rule["rule"], rule["name"], rule["holds"]) for rule in sheet["rules"]})
        ],
    }


def _state(jurisdiction: Jurisdiction, partner: str, reference_on: str | None, as_of: date) -> str:
    return state_of(load_schedule(jurisdiction, partner), date.fromisoformat(reference_on) if reference_on else None, as_of)


def _tables(tables: Iterable[Table]) -> dict[str, dict[str, Any]]:
    return {t.name: {"base": t.base, "is_simulated": t.is_simulated, "cubes": sorted(set(t.cubes.values()))} for t in tables}


def _partners(run: Run, linked: Mapping[str, float], least: int) -> list[dict[str, Any]]:
    """Return how current each partner is, and which share of its lines was set aside or shares a person with another partner."""
    read: dict[str, int] = {}
    quarantined: dict[str, int] = {}
    for row in account_rows(run):
        read[row.partner] = read.get(row.partner, 0) + row.read
        quarantined[row.partner] = quarantined.get(row.partner, 0) + row.quarantined
    titles = {name: partner.title.model_dump() for name, partner in load_partners(run.jurisdiction).items()}
    return [
        {
            "partner": state.partner,
            "title": titles[state.partner],
            "state": state.state,
            "reference_on": state.reference_on.isoformat() if state.reference_on else None,
            "quarantined_pct": _percent(quarantined.get(state.partner, 0), read.get(state.partner, 0), least),
            "linked_pct": round(200 * linked[state.partner]) / 2 if state.partner in linked else None,
        }
        for state in completeness(run)
    ]


def _unmapped(lineage: Mapping[str, Version], least: int) -> float | None:
    """Return the percentage of all coded values that has no concept."""
    columns = lineage["terminology/records"].facts.get("columns", {}).values() if "terminology/records" in lineage else []
    return _percent(sum(c["unknown"] for c in columns), sum(c["mapped"] + c["unknown"] for c in columns), least)


def _rules(lineage: Mapping[str, Version]) -> list[dict[str, Any]]:
    """Return the rules judged on the tables of this release, each once; a rule holds when it held for every table.

    Intake is judged per delivery, and later ones may be in by now: what it set aside is in the accounts, as known on the run's date.
    """
    rules: dict[tuple[str, str], bool] = {}
    for version in (v for table, v in lineage.items() if not table.startswith("deliveries/")):
        for verdict in version.verdicts:
            key = (verdict["rule"], verdict["name"])
            rules[key] = rules.get(key, True) and verdict["passed"]
    return [{"rule": rule, "name": name, "holds": holds} for (rule, name), holds in sorted(rules.items())]


def _lineage(run: Run) -> dict[str, Version]:
    """Return the live versions that the candidate is made of, directly or not.

    The ledger is left out: it is created when a release goes live, and making the same day again must give the same bytes.
    """
    versions: dict[str, Version] = {}
    to_visit = [run.lake.current(t) for t in ("disclosure/leaves", "terminology/records", "terminology/external", "linkage/links")]
    while to_visit:
        version = to_visit.pop()
        if version is not None and version.table not in {*versions, "disclosure/ledger"}:
            versions[version.table] = version
            to_visit += [run.lake.version(table, version_id) for table, version_id in version.inputs.items()]
    return versions


def _percent(part: float, whole: float, least: int) -> float | None:
    return round(200 * part / whole) / 2 if whole >= least else None
