"""Open figures of another publisher: read against a contract of their own, kept exactly as published, in no zone but the open one."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, model_validator

from das_pipeline import engine
from das_pipeline.deliveries.account import FileAccount, judge_account
from das_pipeline.deliveries.checking import header_of, rows_query
from das_pipeline.deliveries.column import Column, Model
from das_pipeline.deliveries.contract import Contract, DeliveryTerms, Format
from das_pipeline.deliveries.institute_tables import Mark, Moved, Sheet, as_csv
from das_pipeline.deliveries.reading import Lines
from das_pipeline.disk import sha256_of
from das_pipeline.errors import ConfigurationError, nearest
from das_pipeline.gate import Verdict
from das_pipeline.jurisdiction import Jurisdiction, Text
from das_pipeline.lake import Draft
from das_pipeline.policy import load_policy
from das_pipeline.run import Produced, Run, produce
from das_pipeline.shape_faults import Mistakes


class Licence(Model):
    """Under what terms the figures may be shown."""

    name: str
    title: str
    url: str


class Crosswalk(Model):
    """A column to be made from the concept in `of`: its concepts of `scheme`, among which `crosswalk` splits the figure."""

    column: str
    of: str
    scheme: str
    crosswalk: str


class StatLine(Model):
    """The table of StatLine that the file is fetched from, by OData: `columns` has what each column of the file is called there.

    `where`: the keys of dimensions that the file does not have. `periods`: how the key of a period of
    the wanted kind ends; what comes before is the year. `total`: the key under which the publisher gives totals, which are no rows here.
    """

    version: Literal[3, 4]
    address: Annotated[str, Field(pattern=r"^https?://[A-Za-z0-9.:/_-]*[A-Za-z0-9_-]$")]
    columns: Annotated[dict[str, str], Field(min_length=1)]
    where: dict[str, str] = Field(default_factory=dict)
    periods: Annotated[str, Field(pattern=r"^[A-Z0-9]+$")]
    total: dict[str, str] = Field(default_factory=dict, max_length=1)


class Status(Model):
    """The column with the publisher's mark of a figure, and the marks of those that it may still revise."""

    column: str
    provisional: Annotated[tuple[str, ...], Field(min_length=1)]


class ExternalSource(Model):
    """An external source: whose figures they are, what a row is, and what they add up to as published."""

    source: str
    title: Text
    publisher: Text
    description: Text
    url: str
    licence: Licence
    vintage: date  # the state of the figures, as their publisher dates it
    retrieved: Text
    file: str
    unit: str
    measure: str
    columns: tuple[Column, ...]
    key: tuple[str, ...]
    table: str  # what the figures become in terminology
    crosswalks: tuple[Crosswalk, ...] = ()
    status: Status | None = None
    statline: StatLine | None = None
    sheet: Sheet | None = None
    totals: dict[int, int]  # the measure summed over all rows of each year

    @property
    def name(self) -> str:
        """The name of the file without its ending."""
        return self.file.rsplit(".", 1)[0]

    @property
    def period(self) -> str:
        """The key column that the totals are by."""
        return next(c for c in self.key if not self._column(c).concept)

    def _column(self, name: str) -> Column:
        return next(c for c in self.columns if c.name == name)

    @model_validator(mode="after")
    def _consistent(self) -> ExternalSource:
        names = {c.name for c in self.columns}
        named = [(("key", i), name) for i, name in enumerate(self.key)] + [(("measure",), self.measure)]
        named += [(("crosswalks", i, "of"), crosswalk.of) for i, crosswalk in enumerate(self.crosswalks)]
        named += [(("status", "column"), self.status.column)] if self.status else []
        named += [(("statline", "columns", name), name) for name in self.statline.columns] if self.statline else []
        if self.sheet:
            across = [self.sheet.across.column] if self.sheet.across else []
            named += [(("sheet", "columns", name), name) for name in self.sheet.columns] + [
                (("sheet", "across", "column"), n) for n in across
            ]
            given = {*self.sheet.columns, *across, *([self.measure] if across else []), *([self.status.column] if self.status else [])}
            if lacking := names - given:
                raise Mistakes([(("sheet", "columns"), f"it must say under which heading {min(lacking)} is.")])
            if self.measure not in self.sheet.columns and not across:
                raise Mistakes([(("sheet",), f"it must say where {self.measure} is: under a heading, or across.")])
        if wrong := [(loc, name) for loc, name in named if name not in names]:
            raise Mistakes((loc, f"only columns can be named here, and {n} is none. {nearest(n, names)}") for loc, n in wrong)
        if plain := [(i, walk.of) for i, walk in enumerate(self.crosswalks) if not self._column(walk.of).concept]:
            raise Mistakes((("crosswalks", i, "of"), f"{of} has no concept to look up: give it one.") for i, of in plain)
        if self.statline and (missing := names - self.statline.columns.keys()):
            raise Mistakes([(("statline", "columns"), f"it must say what {min(missing)} is called there.")])
        if all(self._column(c).concept for c in self.key):
            raise ValueError("the key needs a column without concept: the year that totals are by")
        return self

    def contract(self) -> Contract:
        """The same as the contract of a file, so that it is read and checked in one way."""
        key = tuple(c.model_copy(update={"privacy": "direct"} if c.name in self.key else {}) for c in self.columns)
        return Contract(
            partner=self.source,
            file=engine.identifier(self.name),
            version="1.0.0",
            title=self.title,
            description=self.description,
            owner=self.publisher.main,
            purpose="published beside the chain's own figures",
            unit=self.unit,
            unit_key=self.key,
            temporality="flow",
            delivery=DeliveryTerms(mode="snapshot", complete_for="all"),
            format=Format(kind="csv", encoding="utf-8", delimiter=",", header=True),
            columns=key,
        )


def external_sources(jurisdiction: Jurisdiction) -> list[str]:
    """The external sources of a jurisdiction, by name."""
    return [path.split("/")[1] for path in jurisdiction.files("external/*/source.yaml")]


def load_external(jurisdiction: Jurisdiction, source: str) -> ExternalSource:
    """The declaration of an external source; ConfigurationError names the mistake."""
    place = f"external/{source}/source.yaml"
    declared = jurisdiction.load(place, ExternalSource)
    if declared.source != source:
        jurisdiction.place(place, "source").refuse(f"source is {declared.source}, not {source}, which its folder is called.")
    return declared


def take_in_external(run: Run, source: str) -> Produced:
    """The live version of `deliveries/<source>`: one plain file with the source's columns, one row per figure."""
    declared = load_external(run.jurisdiction, source)
    at = replace(run, as_of=declared.vintage)
    salt = sha256_of(_path(run, declared))
    return produce(at, f"deliveries/{source}", lambda run, draft: build_external(run, draft, source), salt=salt)


def _path(run: Run, declared: ExternalSource) -> Path:
    path = run.jurisdiction.path(f"external/{declared.source}/{declared.file}")
    if not path.is_file():
        raise ConfigurationError(f"{path} is missing: {declared.source}/source.yaml names it.")
    return path


def build_external(run: Run, draft: Draft, source: str) -> list[Verdict]:
    """Write the figures of an external source; return the verdicts. One wrong row refuses them all: nothing is set aside."""
    declared = load_external(run.jurisdiction, source)
    contract = declared.contract()
    limit = load_policy(run.jurisdiction).deliveries.file_size
    content = _path(run, declared).read_bytes()
    if declared.sheet:
        status = declared.status if declared.status and declared.status.column not in declared.sheet.columns else None
        mark = Mark(status.column, status.provisional) if status else None
        try:
            content = as_csv(content, declared.sheet, [c.name for c in declared.columns], declared.measure, mark, limit)
        except Moved as changed:
            advice = "Compare it with source.yaml: if the publisher changed the table, change what is declared."
            return [Verdict("I04", False, f"{declared.file} {changed}. {advice}", facts={"unknown_columns": 0})]
    lines = Lines([content], contract.format, limit, texts=contract.texts)
    header = header_of(contract, lines.names, declared.vintage)
    missing = ", ".join(header.missing)
    verdicts = [
        Verdict(
            "I04",
            not missing and not header.unknown,
            f"{declared.file} has the declared columns." if not missing else f"{declared.file} lacks {missing}: fetch it again.",
            severity="block" if missing else "warn",
            facts={"unknown_columns": header.unknown},
        )
    ]
    if missing:
        return verdicts
    with run.connect(identifying=True) as connection:  # for the macro that the row query uses; what is written is plain
        connection.register("lines", lines.reader())
        query = rows_query(contract, header, {}, declared.vintage, "lines")
        connection.execute(f"CREATE TEMP TABLE figures AS {query}", {"header_line": lines.header_line})
        wrong = engine.scalar(connection, "SELECT COUNT(*) FROM figures WHERE len(faults) > 0")
        twice = engine.scalar(connection, "SELECT COUNT(*) - COUNT(DISTINCT record_key) FROM figures")
        key = ", ".join(declared.key)
        name = f"{declared.name}.parquet"
        draft.rows[name] = engine.write_parquet(
            connection,
            f"SELECT {', '.join(c.name for c in declared.columns)} FROM figures",
            draft.path(name),
            order_by=f"{key}, line_no",
        )
        sums = dict(
            connection.execute(
                f"SELECT {declared.period}, CAST(SUM({declared.measure}) AS DECIMAL(38, 2)) FROM figures GROUP BY 1 ORDER BY 1"
            ).fetchall()
        )
    draft.facts["vintage"] = declared.vintage.isoformat()
    account = FileAccount(declared.name, read=lines.rows, new=draft.rows[name])
    return [*verdicts, _judge_totals(declared, sums), _judge_values(declared, wrong, twice), judge_account([account])]


def _judge_totals(declared: ExternalSource, sums: dict[int, Decimal]) -> Verdict:
    """I01: the rows add up to the totals that the publisher gives."""
    different = sorted(year for year in {*sums, *declared.totals} if sums.get(year) != declared.totals.get(year))
    return Verdict(
        "I01",
        not different,
        f"The figures add up to the published total in all {len(sums)} years."
        if not different
        else f"The figures of {', '.join(map(str, different))} do not add up to the published total. "
        f"Compare {declared.file} with its source.",
        facts={"years": len(sums), "years_different": len(different)},
    )


def _judge_values(declared: ExternalSource, wrong: int, twice: int) -> Verdict:
    """K06: every figure is one that the declaration allows, once."""
    return Verdict(
        "K06",
        not wrong and not twice,
        "Every row is of its declared form, once."
        if not wrong and not twice
        else f"{wrong} rows of {declared.file} are not as source.yaml declares, and {twice} repeat a key. Compare it with its source.",
        facts={"rows_wrong": wrong, "rows_repeated": twice},
    )
