"""The page of everything that is published: `python -m das_pipeline.contracts.statistics_page` writes docs/statistics.md.

What is counted, in which unit, by which rule and of which period follows from the declarations; what a table cannot say, from its notes.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import PurePosixPath

from das_pipeline.deliveries import ExternalSource, load_external, load_partners
from das_pipeline.jurisdiction import Jurisdiction, Text
from das_pipeline.periods import KINDS
from das_pipeline.publication import table_texts
from das_pipeline.publication.definitions import ExternalTable, ExternalTables
from das_pipeline.publication.texts import TableTexts
from das_pipeline.settings import PROJECT
from das_pipeline.statistics import Cube, Statistics, Table, counts_of, load_statistics
from das_pipeline.terminology import ALL

PAGE = PROJECT / "docs" / "statistics.md"
RELEASE = PurePosixPath("releases/current/tables")
OPENING = """# What is published

Made by `python -m das_pipeline.contracts.statistics_page` from the declarations of the Dutch jurisdiction; do not edit.

Each table says what 1 is, what is counted by which rule, of which period, and what it cannot say; the lines below it read its totals. What
holds for all tables is in [analysts.md](analysts.md); adding one is adding a file ([how](new-jurisdiction.md)).
"""
Facts = Iterator[tuple[str, str]]


def page(jurisdiction: Jurisdiction) -> str:
    """Return the page about the published tables of a jurisdiction, by name; those of other publishers come last."""
    return "\n".join([OPENING, *_own(jurisdiction), *_others(jurisdiction)])


def _own(jurisdiction: Jurisdiction) -> Iterator[str]:
    statistics, texts = load_statistics(jurisdiction), table_texts(jurisdiction)
    partners = {name: partner.title for name, partner in load_partners(jurisdiction).items()}
    yield from ("## Tables of the chain", "")
    for table in statistics.tables:
        cubes = [statistics.cube(name) for name in table.cubes]
        sources = list(dict.fromkeys(partners[name].main for cube in cubes for name in cube.partners))
        facts = _facts(table, cubes, statistics, texts, sources)
        totals = dict.fromkeys(table.by, ALL) | (
            {table.stacked: next(iter(statistics.own_codes(table)[table.stacked]))} if table.stacked else {}
        )
        yield from _section(table.name, table.title, table.description, table.notes, facts, totals, table.periods)


def _others(jurisdiction: Jurisdiction) -> Iterator[str]:
    texts = table_texts(jurisdiction)
    yield from ("## Tables of other publishers", "", "Exact, as their publisher has them, and never added to ours.", "")
    for file in jurisdiction.files("external/*/tables.yaml"):
        source = load_external(jurisdiction, file.split("/")[1])
        for table in jurisdiction.load(file, ExternalTables).tables:
            facts = _facts_of_others(table, source, texts)
            totals = dict.fromkeys(table.dimensions, ALL)
            yield from _section(table.table, table.title, table.description, table.notes, facts, totals, ("year",))


def _facts(table: Table, cubes: Sequence[Cube], statistics: Statistics, texts: TableTexts, sources: Sequence[str]) -> Facts:
    yield "What 1 is", texts.units[table.derived].main if table.derived else _listed(texts.units[c.unit_of_count].main for c in cubes)
    yield "What is counted", _listed(_rule(cube) for cube in cubes)
    if table.derived and (counts := counts_of(table, statistics.tables)):
        yield "Computed from", f"the rounded counts of `{counts.name}`"
    yield "Reported by", _listed(sources)
    yield "Period", f"{', '.join(table.periods)}: {_listed(_basis(cube) for cube in cubes)}"
    dimensions = [*([table.stacked] if table.stacked else []), *table.by]
    yield "By", _listed(f"`{name}` ({texts.columns[name].main})" for name in dimensions) or "nothing else"


def _facts_of_others(table: ExternalTable, source: ExternalSource, texts: TableTexts) -> Facts:
    yield "What 1 is", texts.units[source.unit].main
    yield "Published by", f"{source.publisher.main}, in the state of {source.vintage}, under {source.licence.title}"
    yield "Period", "year, as its publisher has it"
    yield "By", _listed(f"`{name}` ({texts.columns[name].main})" for name in table.dimensions)


def _rule(cube: Cube) -> str:
    """Return by which rule a cube counts."""
    kinds = _listed(f"`{kind}`" for kind in cube.kinds)
    left_out = "; ".join(f"{column} {', '.join(values)}" for column, values in cube.leave_out.items())
    without = f", without {left_out}" if left_out else ""
    if cube.type == "flow":
        return f"{'each event' if cube.which == 'each' else f'the {cube.which} event of a {cube.unit}'} {kinds}{without}"
    if cube.type == "persons":
        return f"distinct persons with {kinds}{without}, once a period, in the group of their first event"
    if cube.type == "balance":
        return f"spells `{cube.spell}`: {cube.part}"
    if cube.type == "duration":
        return f"spells `{cube.spell}` by the weeks that they took, or have taken so far"
    states = ", ".join(cube.states)
    return f"units with {kinds}, by the furthest state that they reached in {cube.follow_up} months ({states})"


def _basis(cube: Cube) -> str:
    """Return which date puts a unit in a period."""
    if cube.type == "balance":
        return "the end of the month" if cube.is_stock else "the month in which the spell began or ended"
    return {"duration": "the one in which the spell began", "cohort": "the one of the first event"}.get(cube.type, "the one of the event")


def _section(
    name: str, title: Text, description: Text, notes: Text, facts: Facts, totals: dict[str, str], periods: Sequence[str]
) -> Iterator[str]:
    yield from (f"### {title.main}", "", " / ".join([f"`{name}`", *title.others.values()]), "", description.main, "")
    yield from ("| | |", "|---|---|")
    for fact, said in (*facts, ("Notes, and what it cannot say", notes.main)):
        yield f"| {fact} | {' '.join(said.split()).replace('|', '&#124;')} |"
    yield ""
    yield from _read(name, {"period_kind": max(periods, key=list[str](KINDS).index), **totals})


def _read(name: str, cell: dict[str, str]) -> Iterator[str]:
    """Yield how the total of a table is read, in three lines for each tool."""
    path = RELEASE / f"{name}.parquet"
    sql = " AND ".join(f"{column} = '{code}'" for column, code in cell.items())
    query = " and ".join(f"{column} == '{code}'" for column, code in cell.items())
    given = ", ".join(f'{column}="{code}"' for column, code in cell.items())
    subset = " & ".join(f'{column} == "{code}"' for column, code in cell.items())
    tools = (
        ("python", "import duckdb", "", f'cells = duckdb.read_parquet("{path}")', f'totals = cells.filter("{sql}").order("period")'),
        ("python", "import pandas", "", f'cells = pandas.read_parquet("{path}")', f'totals = cells.query("{query}")'),
        ("python", "import polars", "", f'cells = polars.read_parquet("{path}")', f"totals = cells.filter({given})"),
        ("r", f'cells <- read.csv("{path.with_suffix(".csv")}")', f"totals <- subset(cells, {subset})"),
    )
    for language, *lines in tools:
        yield from (f"```{language}", *lines, "```", "")


def _listed(texts: Iterator[str] | Sequence[str]) -> str:
    return "; ".join(dict.fromkeys(texts))


if __name__ == "__main__":
    PAGE.write_text(page(Jurisdiction(PROJECT / "jurisdictions" / "nl")), encoding="utf-8")
