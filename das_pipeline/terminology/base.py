"""Records as a base and an overlay: mapped once, and of what deliveries touched since, mapped anew.

A version of `terminology/records` made whole is a base (see `layered`). Later versions share its files for as long as the mapping set, the
code, the contracts and the partners' files are the same. A version is made whole again in a new month, when a large share of the records
was touched, and when the base is damaged.

So that counts of the whole are known without reading it, a base has them too: `seen.parquet` (field, raw, day, rows, rows_now) and
`counts.parquet` (field, concept, rows).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import duckdb

from das_pipeline import engine, layered
from das_pipeline.deliveries import deliveries_known, touched_since
from das_pipeline.lake import Draft, Version
from das_pipeline.run import Run, code_version
from das_pipeline.terminology.columns import ConceptColumn

SEEN, COUNTS = "seen.parquet", "counts.parquet"


@dataclass(frozen=True)
class Base:
    """A version made whole, with the deliveries that are in it, by partner."""

    version: Version
    as_of: date
    deliveries: Mapping[str, Sequence[str]]

    def touched(self, run: Run, partner: str, file: str) -> str | None:
        """The records of a file that deliveries touched since, as a relation; None when there are none."""
        return touched_since(run.lake.live(f"deliveries/{partner}"), file, self.deliveries[partner])


def facts_of_base(run: Run, concepts: Version, files: Sequence[tuple[str, str]]) -> dict[str, Any]:
    """What a version made whole remembers, so that later ones can build on it; nothing when records are in no deliveries."""
    partners = {partner: run.lake.current(f"deliveries/{partner}") for partner, _ in files}
    live = {partner: version for partner, version in partners.items() if version is not None}
    if live.keys() != partners.keys():
        return {}
    return {
        "as_of": run.as_of.isoformat(),
        "deliveries": {partner: deliveries_known(version, run.as_of) for partner, version in live.items()},
        "rules": {
            "mapping_version": concepts.facts["mapping_version"],
            "jurisdiction": run.jurisdiction.hash,
            "code": code_version("terminology"),
            "files": [list(file) for file in files],
            "replayed": {partner: version.facts.get("replayed") for partner, version in live.items()},
        },
    }


def find_base(
    connection: duckdb.DuckDBPyConnection,
    run: Run,
    draft: Draft,
    concepts: Version,
    files: Sequence[tuple[str, str]],
    columns: Sequence[ConceptColumn],
) -> Base | None:
    """The version that the live one is, or is built on, when the records of `files` can be built on it; None when they are made whole."""
    live = draft.live
    known = live.facts.get("base") if live is not None else None
    wanted = facts_of_base(run, concepts, files)
    if live is None or not known or not wanted or known["rules"] != wanted["rules"]:
        return None
    as_of = date.fromisoformat(known["as_of"])
    if (as_of.year, as_of.month) != (run.as_of.year, run.as_of.month) or as_of > run.as_of:
        return None
    if any(not set(deliveries) <= set(wanted["deliveries"][partner]) for partner, deliveries in known["deliveries"].items()):
        return None
    if _meanings_turn(connection, concepts, [c.list for c in columns if c.at is None], as_of, run.as_of):
        return None
    if not run.lake.is_whole(live.table, live.id):
        return None
    base = Base(live, as_of, known["deliveries"])
    touched = sum(
        engine.scalar(connection, f"SELECT COUNT(*) FROM {records}")
        for partner, file in files
        if (records := base.touched(run, partner, file)) is not None
    )
    rows = sum(live.files[f"{partner}/{file}.parquet"].rows or 0 for partner, file in files)
    return base if touched <= layered.LARGEST * rows else None


def _meanings_turn(connection: duckdb.DuckDBPyConnection, concepts: Version, lists: Sequence[str], start: date, end: date) -> bool:
    """Whether a code of the lists, which are looked up on the day of the run, has another meaning on `end` than on `start`."""
    mappings = engine.parquet([concepts.path("mappings.parquet")])
    turns = "(valid_from > $start AND valid_from <= $end) OR (valid_until >= $start AND valid_until < $end)"
    query = f"SELECT COUNT(*) FROM {mappings} WHERE list_contains($lists, list) AND ({turns})"
    return bool(engine.scalar(connection, query, {"lists": list(lists), "start": start, "end": end}))
