"""D19: what earlier releases published stays as it was, and changes.json lists exactly what changed."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from typing import Any

from das_pipeline.auditor.declared import Limits
from das_pipeline.auditor.findings import verdict
from das_pipeline.auditor.release import AFTER, FOLLOW_UP, Published, Table, last_day, last_day_after
from das_pipeline.gate import Verdict

FIX = "Compare the ledger with the earlier release, find what moved the figure, and build the candidate again."
SAYS_WHAT = ("dims", "population", "unit_of_count", "counts")
OPEN = {"provisional", "incomplete", "not_known"}


def closed_periods_stand(release: Published, earlier: Sequence[Published], limits: Limits) -> Verdict:
    """D19: a cell of a period that was closed at an earlier release has the value, and the status, that it had there."""
    faults: Counter[str] = Counter()
    compared = 0
    for before in earlier:
        closed = {p for t in before.protected for p in t.rows["period"].unique().to_pylist() if limits.is_closed(p, before.as_of)}
        for name in before.tables.keys() & release.tables.keys():
            old, new = before.tables[name], release.tables[name]
            if not old.is_protected or old.keys != new.keys or old.facts["population"] != new.facts["population"]:
                continue
            cells = {key for key in old.cells.keys() & new.cells.keys() if key.rpartition("|")[2] in closed}
            compared += len(cells)
            faults[f"{name} since {before.folder.name}"] = sum(old.cells[key] != new.cells[key] for key in cells)
    return verdict("D19", "Closed periods are as in every earlier release", compared, faults, FIX)


def what_grows_is_absent(release: Published, limits: Limits) -> Verdict:
    """D25: a table by quarter or year has no period that goes on: every release would show how much each of its cells grew.

    A cohort has no period of which a part was not followed for so many months yet.
    """
    tables = [t for t in release.protected if t.is_cohort or (t.kinds and t.kinds[0] in limits.when_ended)]
    faults = {
        t.name: sum(last_day_after(period, months) > release.as_of for months, period in _followed(t))
        if t.is_cohort
        else sum(last_day(p) > release.as_of for p in t.rows["period"].unique().to_pylist())
        for t in tables
    }
    fix = (
        "Name the kind of period in policy.yaml, disclosure.when_ended, or make statistics/cubes again where it is a cohort, and build the"
        " candidate again."
    )
    return verdict("D25", "Tables by quarter or year have only what has ended, and cohorts what was followed", len(tables), faults, fix)


def _followed(cohort: Table) -> list[tuple[int, str]]:
    """Return the months of every follow-up, as its code says them, with each of its periods."""
    pairs = cohort.rows.group_by([FOLLOW_UP, "period"]).aggregate([]).to_pylist()
    return [(int(after[1]), pair["period"]) for pair in pairs if (after := AFTER.fullmatch(pair[FOLLOW_UP]))]


def changes_are_listed(release: Published, earlier: Sequence[Published]) -> Verdict:
    """D19: changes.json is what comparing with the release that it names gives, cell by cell, with the version that follows."""
    content = release.changes
    previous = next((r for r in earlier if r.folder.name == content.get("previous")), None)
    if content.get("previous") is None and any(r.as_of < release.as_of and not r.is_withdrawn for r in earlier):
        return verdict("D19", "changes.json names the release before", 1, {"changes.json": 1}, FIX)
    if content.get("previous") is not None and previous is None:
        return verdict(
            "D19", "The release that changes.json compares with is at hand", 1, {f"changes.json: {str(content['previous'])[:20]}": 1}, FIX
        )
    tables = _changes(previous, release)
    if not any("why" in told for told in content.get("tables", {}).values()):  # releases of earlier versions do not say why
        tables = {name: {key: value for key, value in table.items() if key != "why"} for name, table in tables.items()}
    for name, told in content.get("tables", {}).items():
        if name in tables and not any("why" in cell for cell in told["cells"]):
            tables[name]["cells"] = [{k: v for k, v in cell.items() if k not in {"why", "lag_months"}} for cell in tables[name]["cells"]]
        if (
            "renamed" in told
            and name in tables
            and _is_renamed(told["renamed"], previous.tables.get(name) if previous else None, release.tables.get(name))
        ):
            tables[name]["renamed"] = told["renamed"]
    total = {key: sum(t[key] for t in tables.values()) for key in ("added", "removed", "revised", "became_final")}
    expected: dict[str, Any] = {"as_of": release.as_of, "previous": content.get("previous"), "tables": tables, **total}
    expected["version"] = _version(previous.changes["version"] if previous else None, total)
    wrong = sum(_written(content.get(key)) != _written(expected.get(key)) for key in content.keys() | expected.keys())
    return verdict("D19", "changes.json lists what changed", len(tables), {"changes.json": wrong}, FIX)


def _written(content: Any) -> str:
    """The content as it is written: 5 and 5.0 are equal, but not the same."""
    return json.dumps(content, sort_keys=True)


def _changes(previous: Published | None, release: Published) -> dict[str, dict[str, Any]]:
    before = previous.tables if previous else {}
    names = sorted(before.keys() | release.tables.keys())
    return {name: _of_table(before.get(name), release.tables.get(name), release.as_of) for name in names}


def _of_table(old: Table | None, new: Table | None, as_of: str) -> dict[str, Any]:
    if old is None or new is None or old.keys != new.keys:
        sizes = [len(t.cells) if t else 0 for t in (new, old)]
        return {"added": sizes[0], "removed": sizes[1], "revised": 0, "became_final": 0, "cells": [], "why": None}
    both, why = old.cells.keys() & new.cells.keys(), _why(old, new)
    revised = sorted(key.split("|") for key in both if old.cells[key] != new.cells[key])
    return {
        "added": len(new.cells.keys() - both),
        "removed": len(old.cells.keys() - both),
        "revised": len(revised),
        "became_final": sum(old.statuses[key] in OPEN and new.statuses[key] == "final" for key in both),
        "cells": [_revised(old, new, key, why, as_of) for key in revised],
        "why": why if revised else None,
    }


def _revised(old: Table, new: Table, key: Sequence[str], why: str, as_of: str) -> dict[str, Any]:
    """A revised cell: its counts, how long after its period, and whether a figure moved that was still open, or one that was final."""
    cell = "|".join(key)
    why = why if why != "deliveries" else "late" if old.statuses[cell] in OPEN else "correction"
    return dict(zip(new.keys, key, strict=True)) | {
        "old": old.cells[cell],
        "new": new.cells[cell],
        "lag_months": lag_months(key[-1], as_of),
        "why": why,
    }


def lag_months(period: str, as_of: str) -> int:
    """How many months after the last one of `period` a day is; 0 in that month or before."""
    year, _, part = period.partition("-")
    last = 12 if not part else 3 * int(part[1:]) if part[0] == "Q" else int(part)
    return max(0, 12 * (int(as_of[:4]) - int(year)) + int(as_of[5:7]) - last)


def _is_renamed(renamed: Any, old: Table | None, new: Table | None) -> bool:
    """Whether these are codes that the table had and lost, each with one that it has now: dimension → old → new."""
    if old is None or new is None or not renamed:
        return False
    codes = {d: [set(t.rows[d].unique().to_pylist()) if d in t.rows.column_names else set() for t in (old, new)] for d in renamed}
    return all(
        of_dimension and of_dimension.keys() <= codes[d][0] - codes[d][1] and set(of_dimension.values()) <= codes[d][1]
        for d, of_dimension in renamed.items()
    )


def _why(old: Table, new: Table) -> str:
    """Why counts were revised, as far as two releases tell."""
    if new.facts["kind"] == "external":
        return "source"
    if any(old.facts[key] != new.facts.get(key) for key in SAYS_WHAT if key in old.facts):
        return "definition"
    return "deliveries" if old.facts.get("mapping_version") == new.facts["mapping_version"] else "mapping"


def _version(before: str | None, total: dict[str, int]) -> str:
    """Removed cells make a new major version, added ones a minor one, revised ones a patch."""
    if before is None:
        return "1.0.0"
    major, minor, patch = map(int, before.split("."))
    if total["removed"]:
        return f"{major + 1}.0.0"
    if total["added"]:
        return f"{major}.{minor + 1}.0"
    return f"{major}.{minor}.{patch + (1 if total['revised'] or total['became_final'] else 0)}"
