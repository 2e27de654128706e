"""The auditor: reads the files of a finished candidate and of earlier releases, as any outsider could, and tries to break their protection.

It shares no code with disclosure control, so that the same mistake cannot be in both, and it knows only what is published.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import duckdb

from das_pipeline.auditor import files, pages, tables
from das_pipeline.auditor.release import read
from das_pipeline.gate import Verdict

__all__ = ["audit"]


def audit(
    folder: Path, earlier: Sequence[Path], bases: Sequence[int], least_cells: int, readers: Mapping[str, files.Reader]
) -> list[Verdict]:
    """The verdicts on the candidate in `folder`, given the folders of earlier releases.

    Counts must be multiples of one of `bases`; quality figures must be over at least `least_cells` cells. `readers` has a reader of the
    copies of a table for each file extension. The tables themselves are read from Parquet here.
    """
    release = read(folder)
    with duckdb.connect(":memory:", config={"threads": 1, "autoload_known_extensions": "false"}) as connection:
        for name, table in release.tables.items():
            connection.register(name, table.rows)
        return [
            files.files_as_described(release),
            files.copies_equal_tables(release, connection, readers),
            tables.counts_are_rounded(release, bases),
            tables.tables_are_full(release, connection),
            tables.totals_add_up(release, connection),
            tables.balances_close(release, connection),
            tables.figures_have_enough(release, connection),
            tables.tables_agree(release, connection),
            tables.changes_are_rounded(release, [read(path) for path in earlier]),
            pages.pages_show_the_release(release),
            pages.quality_is_coarse(release, least_cells),
        ]
