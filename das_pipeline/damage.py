"""Damaged tables: live versions with a file that is not what its manifest says, and what makes each of them whole again."""

from __future__ import annotations

from das_pipeline.errors import DasError
from das_pipeline.lake import Lake
from das_pipeline.run import Run

REMEMBERING = ("identifying/decisions", "linkage/links", "disclosure/ledger")  # what they were is in no input
RESTORE = "Restore it from backup (docs/backup.md), the whole home: what it remembers cannot be made again from deliveries."


def live_tables(lake: Lake) -> list[str]:
    """The tables that have a live version, by name."""
    return [pointer.parent.relative_to(lake.home).as_posix() for pointer in sorted(lake.home.glob("*/*/current.json"))]


def damaged_tables(lake: Lake) -> dict[str, str]:
    """What is wrong with the live version of each damaged table. Reads every file of every live version."""
    damaged = {}
    for table in live_tables(lake):
        try:
            lake.open(table, is_whole=True)
        except DasError as error:
            damaged[table] = str(error)
    return damaged


def how_to_mend(run: Run, table: str) -> str:
    """What a person does about a damaged live version of `table`."""
    stage, name = table.split("/")
    if stage == "deliveries" and name in run.jurisdiction.partners:
        return f"das replay {name} makes it again from the landed originals. If that names the same file, restore the home from backup."
    return RESTORE if table in REMEMBERING else "das rebuild makes it again, and what follows from it."
