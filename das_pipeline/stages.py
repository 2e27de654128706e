"""The stages of the chain, in order, and the files of a jurisdiction that each of them reads.

A table's version depends on its stage's code and files and on those alone: a new text on the site does not make new links. `produce`
hides every other file from the stage, so that a file which is read but not listed here is an error, never a stale table.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class Stage:
    """One stage. `reads` has paths in the jurisdiction's folder; `*` stands for any text, `/` included."""

    name: str
    reads: tuple[str, ...]


STAGES = (
    Stage("deliveries", ("contracts/*", "external/*", "policy.yaml", "terminology/codes/*", "terminology/mappings/*", "waivers.yaml")),
    Stage("terminology", ("contracts/*", "external/*", "jurisdiction.yaml", "policy.yaml", "terminology/*", "waivers.yaml")),
    Stage("linkage", ("contracts/*", "linkage*", "policy.yaml")),
    Stage("chain", ("chain.yaml", "contracts/*", "policy.yaml", "waivers.yaml")),
    Stage("statistics", ("chain.yaml", "contracts/*", "jurisdiction.yaml", "policy.yaml", "statistics/*", "terminology/schemes/*")),
    Stage(
        "disclosure",
        ("chain.yaml", "contracts/*", "jurisdiction.yaml", "policy.yaml", "public_figures.yaml", "statistics/*", "terminology/schemes/*"),
    ),
    Stage(
        "publication",
        ("chain.yaml", "contracts/*", "external/*", "jurisdiction.yaml", "policy.yaml", "statistics/*", "terminology/schemes/*", "texts/*"),
    ),
    Stage(
        "website",
        (
            *("chain.yaml", "contracts/*", "jurisdiction.yaml", "policy.yaml", "statistics/*", "texts/*"),
            *("terminology/schemes/*", "terminology/scope_notes.csv", "terminology/terms.csv"),
        ),
    ),
    Stage(
        "release",  # the auditor knows every text that may be published
        (
            *("chain.yaml", "contracts/*", "external/*", "jurisdiction.yaml", "policy.yaml", "statistics/*", "texts/*"),
            *("terminology/schemes/*", "terminology/scope_notes.csv", "terminology/terms.csv"),
        ),
    ),
)
READS = tuple(sorted({path for stage in STAGES for path in stage.reads}))
"""What any stage reads: the files that published figures are made from."""


DECISION = "release/decision"
"""The last table of the chain: a day whose candidate was decided on is over."""


Zone = Literal["identifying", "confidential", "open"]
CONFIDENTIAL = frozenset(
    {
        "terminology/records",
        "linkage/links",
        "chain/events",
        "chain/spells",
        "chain/flows",
        "statistics/cubes",
        "disclosure/ledger",
    }
)


def zone_of(table: str) -> Zone:
    """Who may read a table of the lake, and so whether it is encrypted on the disk.

    An `identifying` table has names and numbers of persons; linkage alone reads those columns. A `confidential` one has a row per person
    or case without them, or true counts. Both are encrypted. What is `open` has protected figures only, but for two files: the entries
    for the ledger and the report of attacks, which disclosure/leaves encrypts by itself.
    """
    if table.split("/")[0] in {"deliveries", "identifying"}:
        return "identifying"
    return "confidential" if table in CONFIDENTIAL else "open"


def stage_of(table: str) -> str:
    """The stage that makes a table of the lake: the first word of its name, but for the tables of persons, which linkage makes."""
    first = table.split("/")[0]
    return "linkage" if first == "identifying" else first


def reads_of(stage: str) -> tuple[str, ...]:
    """The files of a jurisdiction that `stage` may read; none for a stage that is not of the chain."""
    return next((s.reads for s in STAGES if s.name == stage), ())


def code_of(stage: str) -> tuple[str, ...]:
    """The folders of das_pipeline whose code can change a table of `stage`: its own and those before it, which alone it imports."""
    names = [s.name for s in STAGES]
    return (*names[: names.index(stage) + 1], *(("auditor",) if stage == "release" else ())) if stage in names else ()
