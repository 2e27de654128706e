"""D18 on the files that follow from the tables: made again, they have the same bytes.

So nothing is free in them: no order, place, spelling or repetition could tell more than the tables do. That code is not the auditor's own,
and it is given published files only. What each number and text on a page says is judged apart from it, in `pages`.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence

from das_pipeline.auditor.declared import Declared, Remake
from das_pipeline.auditor.findings import verdict
from das_pipeline.auditor.release import Published
from das_pipeline.errors import DasError
from das_pipeline.gate import Verdict

FIX = "Find what wrote it there, and build the candidate again."


def files_follow_from_tables(
    release: Published, earlier: Sequence[Published], declared: Declared, remake: Remake
) -> tuple[Verdict, frozenset[str]]:
    """D18: every page and picture, and every other file that is made again, has the bytes that come out, and no page is there besides.

    With the files that have.
    """
    try:
        made = remake(release.folder, [r.folder for r in earlier if r.folder.name in _known_to(release) or not r.is_withdrawn])
    except (DasError, OSError, LookupError, ValueError, TypeError, AttributeError):  # what it would be made from is not of its shape
        return verdict("D18", "What follows from the tables can be made again", 0, {"site": 1}, FIX), frozenset()
    present = set(release.paths)
    faults = {path: 1 for path in present - made.keys() - declared.files.keys() if path.startswith("site/")}
    faults |= {path: 1 for path, content in made.items() if path not in present or (release.folder / path).read_bytes() != content}
    told = verdict("D18", "Every file that follows from the tables is as they make it", len(made), faults, FIX)
    return told, frozenset(made.keys() - faults.keys())


def _known_to(release: Published) -> set[str]:
    """The releases that there were when it was made, as it says itself: some may have been withdrawn since."""
    path = release.folder / "revisions.csv"
    editions = {row["release"] for row in csv.DictReader(io.StringIO(path.read_text(encoding="utf-8")))} if path.exists() else set[str]()
    return {str(release.changes.get("previous")), *editions}
