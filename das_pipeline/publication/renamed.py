"""Categories that the release before had and the definitions no longer have: each has become another one, or the release stops (P05).

A concept says in `replaces` of its scheme's file which codes it takes the place of, so a reader can carry a series on under the new name.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path

import pyarrow.parquet as pq

from das_pipeline.gate import Verdict
from das_pipeline.publication.definitions import Table
from das_pipeline.terminology import Scheme

Renamed = dict[str, dict[str, str]]  # dimension -> old code -> new code


def renamed_categories(
    tables: Iterable[Table], before: Path | None, defined: Mapping[str, Mapping[str, list[str]]], schemes: Mapping[str, Scheme]
) -> tuple[dict[str, Renamed], Verdict]:
    """Return what became of the codes of the release in `before`, by table, and the verdict on codes of which nobody says it.

    `defined` has the codes that definitions allow, by table and dimension.
    """
    renamed: dict[str, Renamed] = {}
    lost: list[str] = []
    for table in tables:
        codes = _codes(before / "tables" / f"{table.name}.parquet") if before is not None else {}
        for dimension in (d for d in table.dimensions if d.scheme in schemes and d.name in codes):
            concepts = [c for c in schemes[dimension.scheme or ""].concepts.values() if c.level == dimension.level]
            follows = {old: concept.concept for concept in concepts for old in concept.replaces}
            for code in (c for c in codes[dimension.name] if c not in defined[table.name][dimension.name]):
                if code in follows:
                    renamed.setdefault(table.name, {}).setdefault(dimension.name, {})[code] = follows[code]
                else:
                    lost.append(f"{code} of {dimension.name} in {table.name} (scheme {dimension.scheme})")
    sentence = (
        f"Every category of the release before is still there, or replaced by one that says so ({len(renamed)} tables have such)."
        if not lost
        else f"The release before has {', '.join(lost[:8])}, and nothing says what became of it: write the code in the column `replaces` "
        "of the concept of the same level that takes its place, in terminology/schemes/<scheme>.csv."
    )
    return renamed, Verdict("P05", not lost, sentence, facts={"renamed": len(renamed), "lost": len(lost)})


def _codes(path: Path) -> dict[str, list[str]]:
    """Return the codes of each dimension of a table of a release; none when it has no such table."""
    if not path.exists():
        return {}
    schema = pq.read_schema(path)
    names = json.loads(schema.metadata[b"das"])["dims"]
    return {name: [option["code"] for option in json.loads(schema.field(name).metadata[b"codes"])] for name in names}
