"""What the terminology steward has to decide: the values without a mapping, with the concepts of the codes most like them."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass
from difflib import get_close_matches

from das_pipeline import engine
from das_pipeline.run import Run
from das_pipeline.terminology.columns import concept_columns
from das_pipeline.terminology.lists import CodeList, load_lists
from das_pipeline.terminology.readers import live

CANDIDATES = 3


@dataclass(frozen=True)
class Proposal:
    """A value without a mapping: how many record versions in force have it, since when, and the concepts of codes like it."""

    list: str
    code: str
    rows: int
    first_month: str
    concepts: Sequence[str]

    @property
    def file(self) -> str:
        """The file of the jurisdiction that the row belongs in."""
        return f"terminology/mappings/{self.list}.csv"

    @property
    def mapping_row(self) -> str:
        """The row for terminology/mappings, with the concept and the reviewer for a person to fill in."""
        row = io.StringIO()
        csv.writer(row).writerow([self.code, "", f"{self.first_month}-01", "9999-12-31", " or ".join(self.concepts), ""])
        return row.getvalue().rstrip()


def propose(run: Run) -> list[Proposal]:
    """Return the unmapped values of the live records by list, most frequent first. Likeness maps nothing: a person decides."""
    lists = load_lists(run.jurisdiction)
    names = {(c.partner, c.file, c.column): c.list for c in concept_columns(run.jurisdiction)}
    counts_of: dict[tuple[str, str], list[tuple[int, str]]] = {}
    with run.connect(confidential=True) as connection:
        unmapped = engine.parquet([live(run, "terminology/records").path("unmapped.parquet")])
        rows = connection.execute(f'SELECT partner, file, "column", code, rows, month FROM {unmapped}').fetchall()
    for partner, file, column, code, count, month in rows:
        if (partner, file, column) not in names:
            continue  # the contract no longer has codes in this column
        counts_of.setdefault((names[partner, file, column], code), []).append((count, month))
    proposals = [
        Proposal(name, code, sum(n for n, _ in counts), min(m for _, m in counts), _alike(lists[name], code))
        for (name, code), counts in counts_of.items()
    ]
    return sorted(proposals, key=lambda p: (p.list, -p.rows, p.code))


def _alike(codes: CodeList, code: str) -> list[str]:
    """Return the concepts of the codes and labels most like `code`."""
    spelled = {text.casefold(): c.code for c in codes.codes for text in (c.label, c.code)}
    close = [spelled[text] for text in get_close_matches(code.casefold(), spelled, n=CANDIDATES, cutoff=0.5)]
    return list(dict.fromkeys(m.concept for c in close for m in codes.mappings if m.code == c))
