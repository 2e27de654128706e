"""Appending to the release ledger: the decisions of a candidate, before it goes live."""

from __future__ import annotations

from collections import Counter

import pyarrow as pa

from das_pipeline import engine
from das_pipeline.disclosure import ENTRIES, LEDGER, ledger_file, write_entries
from das_pipeline.errors import LakeError
from das_pipeline.gate import Verdict
from das_pipeline.lake import Draft
from das_pipeline.publication import release_folders
from das_pipeline.run import Run


def append_ledger(run: Run, draft: Draft, release: str) -> list[Verdict]:
    """Append the decisions of the candidate that goes live as `release`; return the verdict. A second time changes nothing."""
    leaves, ledger = run.lake.current("disclosure/leaves"), run.lake.current(LEDGER)
    if leaves is None:
        raise LakeError("disclosure/leaves has no live version yet: there is nothing to release.")
    released: list[str] = []
    if ledger is not None:
        draft.adopt(ledger)
        released = list(ledger.facts["releases"])
    if release not in released:
        if leaves.inputs.get(LEDGER) != (ledger.id if ledger else None):
            raise LakeError(
                "The ledger has moved since this candidate was made: run the chain again, so that the candidate is made from it."
            )
        name = ledger_file(release)
        with run.connect(confidential=True) as connection:
            rows = engine.read_table(connection, leaves.path(ENTRIES))
            stamped = rows.append_column("release", pa.array([release] * rows.num_rows, type=pa.string()))
            draft.rows[name] = write_entries(connection, stamped, draft.path(name))
        released.append(release)
    files = len(draft.adopted) + len(list(draft.folder.rglob("*.parquet")))
    draft.facts["releases"] = released
    once = len(released) == len(set(released)) == files
    sentence = (
        f"The ledger holds {len(released)} releases, each once."
        if once
        else "The ledger's releases and files differ: restore it from backup."
    )
    return [Verdict("D17", once, sentence, facts={"releases": len(released)})]


def judge_ledger(run: Run) -> Verdict:
    """D17 before a release: the ledger holds every finished release, each once. Without it no leaf could keep its value."""
    ledger = run.lake.current(LEDGER)
    listed = Counter(ledger.facts["releases"]) if ledger is not None else Counter()
    finished = [folder.name for folder in release_folders(run)]
    wrong = sorted({r for r in finished if not listed[r]} | {r for r, n in listed.items() if n > 1})
    sentence = (
        f"The ledger does not hold {', '.join(wrong)} exactly once: restore {LEDGER} from backup."
        if wrong
        else f"The ledger holds all {len(finished)} releases, each once."
    )
    return Verdict("D17", not wrong, sentence, facts={"releases": len(finished), "wrong": len(wrong)})
