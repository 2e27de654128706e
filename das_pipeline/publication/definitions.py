"""What each published table is: its texts, dimensions, unit of count and source, from the definitions of earlier stages."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal, Protocol

import pyarrow.parquet as pq
from pydantic import BaseModel

from das_pipeline.deliveries import ExternalSource, is_simulated, load_external, load_partners
from das_pipeline.jurisdiction import Jurisdiction, Text
from das_pipeline.publication.texts import Licence, TableTexts
from das_pipeline.run import Run
from das_pipeline.statistics import (
    AMOUNTS,
    CLOSING,
    CORRECTIONS,
    HALF,
    MEDIAN,
    MOVEMENT,
    OPENING,
    Method,
    Rate,
    Share,
    Statistics,
    counts_of,
    load_statistics,
)
from das_pipeline.statistics import Table as Declared


@dataclass(frozen=True)
class Dimension:
    """A column of codes: concepts of `scheme` at `level`, and `all`. Without a scheme the codes are the table's own (rows of a stack)."""

    name: str
    scheme: str | None
    level: str
    column: str = ""  # of an external file
    is_split: bool = False  # a crosswalk may have split figures among its codes


@dataclass(frozen=True)
class Source:
    """Who the figures come from, and under which terms they may be used."""

    title: Text
    licence: Licence
    url: str | None = None


class Described(Protocol):
    """What descriptors ask of whatever is published as rows: its name, texts, source and key."""

    @property
    def name(self) -> str: ...
    @property
    def title(self) -> Text: ...
    @property
    def whole(self) -> Text: ...
    @property
    def source(self) -> Source: ...
    @property
    def is_simulated(self) -> bool: ...
    @property
    def keys(self) -> list[str]: ...


@dataclass(frozen=True)
class Table:
    """A table as published: one row per cell.

    `kind` protected: sums of protected leaves; derived: weeks, percentages or rates computed from such sums; external: another
    publisher's own exact figures. `cubes` names the cube that the table is made of, or one cube for each code of its first dimension.
    """

    name: str
    title: Text
    description: Text
    notes: Text
    theme: str
    kind: Literal["protected", "derived", "external"]
    unit: str
    base: int
    dimensions: tuple[Dimension, ...]
    periods: tuple[str, ...]
    source: Source
    is_simulated: bool
    cubes: dict[str, str] = field(default_factory=dict)  # code of the first dimension -> cube; {"": cube} for a table of one cube
    follow_up: dict[str, int] = field(default_factory=dict)  # of a cohort table: the same codes -> months
    codes: dict[str, list[str]] = field(default_factory=dict)  # the codes of dimensions that no scheme has
    own_levels: tuple[tuple[str, str, str, str], ...] = ()  # scheme, level, leaf, node of the same dimensions
    shown: dict[str, str] = field(default_factory=dict)  # dimension without a total -> the code to show first; none where units differ
    population: dict[str, str] = field(default_factory=dict)  # the same codes -> what is counted: equal texts, equal counts
    ratios: Mapping[str, Share | Rate] = field(default_factory=dict)  # of a derived table: code of its first dimension -> what is divided
    bounds: tuple[int, ...] = ()  # of a table of amounts: the lower bounds of their classes but the first
    counts: str = ""  # of a derived table: the table with the counts of what its figures are about
    file: str = ""  # of terminology/external
    measure: str = ""
    method: Method = "rounding"  # how a protected table is protected

    @property
    def may_hide(self) -> bool:
        """Whether there are cells whose count is not shown: it is null, with a status that says so."""
        return self.method == "suppression"

    @property
    def count(self) -> str:
        """The text of texts/tables.yaml that says what its figures are."""
        if self.method != "rounding":
            return f"n_{self.method}"
        return {"protected": "n", "derived": "n_derived", "external": "n_exact"}[self.kind]

    @property
    def whole(self) -> Text:
        """Its description with its notes."""
        return Text.joined([self.description, self.notes], " ")

    @property
    def is_balance(self) -> bool:
        """Whether its lines are an opening stock, what came and went, and a closing stock."""
        return CORRECTIONS in self.codes.get(MOVEMENT, [])

    @property
    def keys(self) -> list[str]:
        """The columns that name a cell."""
        return [d.name for d in self.dimensions] + ["period_kind", "period"]


class ExternalTable(BaseModel, extra="forbid"):
    """One table of another publisher's figures, in `external/<source>/tables.yaml`: made of a file of terminology/external.

    `dimensions`: name -> [column of the file, scheme, level], from broad to fine; each is summed within those before it.
    """

    table: str
    file: str
    measure: str
    title: Text
    description: Text
    notes: Text
    theme: str
    dimensions: dict[str, tuple[str, str, str]]


class ExternalTables(BaseModel, extra="forbid"):
    """The tables of one external source."""

    tables: list[ExternalTable]


def published_tables(run: Run, texts: TableTexts) -> list[Table]:
    """Return every table of the jurisdiction, by name."""
    leaves = run.lake.live("disclosure/leaves")

    def base_of(table: Declared) -> int:
        files = [leaves.path(f"{cube}.parquet") for cube in table.cubes if table.method == "rounding"]
        bases = {base for path in files for base in pq.read_table(path, columns=["base"])["base"].unique().to_pylist()}
        return 1 if table.derived or not bases else min(bases)

    protected = {file.removesuffix(".parquet") for file in leaves.files}
    return declared_tables(run.jurisdiction, texts, protected, base_of, simulated=is_simulated(run))


def tables_in(jurisdiction: Jurisdiction, texts: TableTexts, folder: Path) -> list[Table]:
    """Return every table that the release in `folder` should have, by name, given the cubes that its tables show."""
    paths = {path.stem: path for path in sorted((folder / "tables").glob("*.parquet"))}
    facts = {name: json.loads(pq.read_schema(path).metadata[b"das"]) for name, path in paths.items()}
    shown: set[str] = set()
    for table in (t for t in load_statistics(jurisdiction).tables if t.name in paths):
        rows = set(pq.read_table(paths[table.name], columns=[table.stacked])[table.stacked].unique().to_pylist()) if table.stacked else None
        shown |= {cube for code, cube in table.of.items() if rows is None or code in rows}
        shown |= {ratio.cube for ratio in table.ratios.values() if isinstance(ratio, Share) and ratio.cube}
    simulated = any(fact["is_simulated"] for fact in facts.values())
    return declared_tables(jurisdiction, texts, shown, lambda table: facts[table.name]["base"], simulated=simulated)


def declared_tables(
    jurisdiction: Jurisdiction, texts: TableTexts, protected: Collection[str], base_of: Callable[[Declared], int], *, simulated: bool
) -> list[Table]:
    """Return every table of the jurisdiction, by name.

    What its files do not say: which cubes were `protected`, what their counts are rounded to, and whether they are real.
    """
    statistics = load_statistics(jurisdiction)
    partners = {name: partner.title for name, partner in load_partners(jurisdiction).items()}
    followed = [table for declared in statistics.tables if (table := _followed(declared, protected)) is not None]
    tables = [_protected(table, statistics, partners, texts, base_of(table), simulated) for table in followed]
    for file in jurisdiction.files("external/*/tables.yaml"):
        source = load_external(jurisdiction, file.split("/")[1])
        tables += [_external(table, source) for table in jurisdiction.load(file, ExternalTables).tables]
    return sorted(tables, key=lambda table: table.name)


def table_kinds(jurisdiction: Jurisdiction) -> dict[str, str]:
    """Return the kind of every table that definitions declare, by name."""
    external = [t.table for file in jurisdiction.files("external/*/tables.yaml") for t in jurisdiction.load(file, ExternalTables).tables]
    own = {t.name: "derived" if t.derived else "protected" for t in load_statistics(jurisdiction).tables}
    return own | dict.fromkeys(external, "external")


def table_methods(jurisdiction: Jurisdiction) -> dict[str, str]:
    """Return how the counts of every protected table are protected, by name."""
    return {table.name: table.method for table in load_statistics(jurisdiction).tables if not table.derived}


def _followed(table: Declared, protected: Collection[str]) -> Declared | None:
    """Return `table` without the cohorts of which nothing was followed for so many months yet; None when it has no others."""
    if table.method != "rounding":
        return table
    kept = {code: cube for code, cube in table.of.items() if cube in protected}
    ratios = [ratio for ratio in table.ratios.values() if isinstance(ratio, Share) and ratio.cube]
    return replace(table, of=kept) if kept and all(ratio.cube in protected for ratio in ratios) else None


def _protected(
    table: Declared, statistics: Statistics, partners: Mapping[str, Text], texts: TableTexts, base: int, simulated: bool
) -> Table:
    cubes = [statistics.cube(name) for name in table.cubes]
    dimensions = tuple(Dimension(name, cubes[0].scheme[name], level) for name, level in table.by.items())
    if table.stacked:
        dimensions = (Dimension(table.stacked, None, "row"), *dimensions)
    is_stack = len({c.statistic for c in cubes}) > 1
    units = {c.unit_of_count for c in cubes}
    titles = list({name: partners[name] for c in cubes for name in c.partners}.values())
    return Table(
        name=table.name,
        title=table.title,
        description=table.description,
        notes=Text.joined([table.notes, texts.simulated], " ") if simulated else table.notes,
        theme=table.theme,
        kind="derived" if table.derived else "protected",
        unit=table.derived or (units.pop() if len(units) == 1 else "step"),
        base=base,
        dimensions=dimensions,
        periods=tuple(table.periods),
        source=Source(
            title=Text.joined(titles, ", "),
            licence=texts.licence,
        ),
        is_simulated=simulated,
        cubes=dict(table.of),
        follow_up={code: months for code, name in table.of.items() if (months := statistics.cube(name).follow_up)},
        codes=statistics.own_codes(table),
        own_levels=tuple(row for row in statistics.own_levels() if row[0] in {scheme for c in cubes for scheme in c.scheme.values()}),
        shown={table.stacked: next((code for code in (CLOSING, MEDIAN, HALF) if code in table.of), next(iter(table.of)))}
        if table.stacked and not is_stack
        else {},
        ratios=table.ratios,
        method=table.method,
        bounds=tuple(cubes[0].bounds) if any(code in AMOUNTS for code in table.of) else (),
        counts=counts.name if table.derived and (counts := counts_of(table, statistics.tables)) else "",
        population={}
        if table.derived
        else {code: f"{OPENING} " * (code == OPENING) + statistics.cube(name).population for code, name in table.of.items()},
    )


def _external(table: ExternalTable, source: ExternalSource) -> Table:
    split = {walk.column for walk in source.crosswalks}
    return Table(
        name=table.table,
        title=table.title,
        description=table.description,
        notes=table.notes,
        theme=table.theme,
        kind="external",
        unit=source.unit,
        base=1,
        dimensions=tuple(
            Dimension(name, scheme, level, column, column in split) for name, (column, scheme, level) in table.dimensions.items()
        ),
        periods=("year",),
        source=Source(title=source.publisher, licence=Licence(**source.licence.model_dump()), url=source.url),
        is_simulated=False,
        file=table.file,
        measure=table.measure,
    )
