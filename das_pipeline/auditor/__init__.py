"""The auditor: reads the files of a finished candidate and of earlier releases, as any outsider could, and tries to break their protection.

It shares no code with disclosure control, so that the same mistake cannot be in both, and it knows only what is published and what its
writers declare. It is an allow-list: what is not declared and explained is a fault.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import duckdb

from das_pipeline.auditor import database, files, history, pages, series, tables
from das_pipeline.auditor.another import audit_another
from das_pipeline.auditor.declared import Declared, Forms, Groups, Limits
from das_pipeline.auditor.descriptors import Descriptors
from das_pipeline.auditor.groups import no_group_is_one_category
from das_pipeline.auditor.quality import quality_is_coarse
from das_pipeline.auditor.release import read
from das_pipeline.auditor.remade import files_follow_from_tables
from das_pipeline.auditor.suppressed import suppressed_cells_stay_hidden
from das_pipeline.gate import Verdict

__all__ = ["Declared", "Forms", "Groups", "Limits", "audit", "audit_another"]


def audit(
    folder: Path, earlier: Sequence[Path], limits: Limits, readers: Mapping[str, files.Reader], declared: Declared | None
) -> list[Verdict]:
    """The verdicts on the candidate in `folder`, given the folders of earlier releases, oldest first.

    `readers` has a reader of the copies of a table for each file extension. The tables themselves are read from Parquet here. Without
    `declared`, as of another publisher's release, texts and pages are not judged, since nobody says which there may be.
    """
    before = [read(path) for path in earlier]
    release = read(folder)
    if release.unreadable:  # nothing can be compared with a table that cannot be read
        return [files.files_as_described(release, declared)]
    release = replace(release, earlier_changes=tuple(r.changes for r in before if r.as_of < release.as_of and not r.is_withdrawn))
    with duckdb.connect(":memory:", config={"threads": 1, "autoload_known_extensions": "false"}) as connection:
        for name, table in release.tables.items():
            connection.register(name, table.rows)
        verdicts = [
            files.files_as_described(release, declared),
            files.copies_equal_tables(release, connection, readers),
            tables.counts_are_rounded(release, limits),
            tables.tables_are_full(release, connection),
            tables.totals_add_up(release, connection),
            tables.balances_close(release, connection),
            tables.figures_have_enough(release, connection, limits.least_cases),
            tables.tables_agree(release, connection),
            tables.changes_are_rounded(release, before),
            suppressed_cells_stay_hidden(release, limits),
            no_group_is_one_category(release, connection, limits.groups),
            quality_is_coarse(release, limits.least_cells),
            history.closed_periods_stand(release, before, limits),
            history.what_grows_is_absent(release, limits),
        ]
    if (folder / "changes.json").exists():
        verdicts.append(history.changes_are_listed(release, before))
    if (folder / series.REVISIONS).exists():
        verdicts.append(series.revisions_are_as_published(release, before))
    if declared is not None:
        remade: frozenset[str] = frozenset()
        if declared.remake is not None:
            told, remade = files_follow_from_tables(release, before, declared, declared.remake)
            verdicts.append(told)
        verdicts += [database.database_has_nothing_else(release, declared), Descriptors(release, declared, limits, remade).judge()]
        verdicts.append(pages.pages_are_explained(release, declared, remade))
        if (folder / series.BREAKS).exists():
            verdicts.append(series.breaks_are_declared(release, declared))
        if (folder / series.DIFFERENCES).exists():
            verdicts.append(series.differences_are_of_cells(release, declared))
    return verdicts
