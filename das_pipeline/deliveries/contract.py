"""What a partner's file must be: one YAML file per contract, read in contract_files.py, compiled to SQL in checking.py.

A contract never carries SQL, expressions or regular expressions: what a partner or an author writes is compared, never executed.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from datetime import date
from functools import cached_property
from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from das_pipeline import engine
from das_pipeline.deliveries.column import Column, Model
from das_pipeline.errors import ConfigurationError, nearest
from das_pipeline.jurisdiction import Text
from das_pipeline.shape_faults import Mistakes
from das_pipeline.yaml_reader import Loc


class Format(Model):
    """How the bytes of a file become lines and fields. One line is one row; of XML, one `record` element; Parquet and Excel have rows."""

    kind: Literal["csv", "fixed", "jsonl", "xml", "parquet", "xlsx"]
    # utf-8-sig is UTF-8 with a byte order mark; utf-16 has one too, which says the order. Reading utf-8, a mark is left out.
    encoding: Literal["utf-8", "utf-8-sig", "utf-16", "ascii", "cp1252", "windows-1252", "iso-8859-1", "iso-8859-15"] = "utf-8"
    compression: Literal["gzip", "zip"] | None = None
    delimiter: str = Field(default=";", min_length=1, max_length=1)
    quote: str = Field(default='"', min_length=1, max_length=1)
    header: bool = False
    decimal: Literal[".", ","] = "."
    record: str | None = None  # the name of the XML element that is a row
    root: str | None = None  # the name of the XML element around them; a document with another one is refused

    @property
    def has_cells(self) -> bool:
        """Whether values have types of their own: days are read as yyyy-mm-dd, numbers with a point, truth as true and false."""
        return self.kind in {"parquet", "xlsx"}

    @property
    def first_row(self) -> int:
        """The line number of the first row: what has a header has it on line 1. Records of XML and rows of Parquet are numbered from 1."""
        return 2 if self.kind in {"csv", "xlsx"} else 1

    @model_validator(mode="after")
    def _consistent(self) -> Format:
        if self.header != (self.kind == "csv"):
            raise ValueError("header is true for csv, where columns are found by name, and false for every other kind")
        if (self.record is not None) != (self.kind == "xml"):
            raise ValueError("record names the element that is a row: give it for xml and for nothing else")
        if self.delimiter == self.quote:
            raise ValueError("delimiter and quote must differ")
        if odd := next((key for key in ("delimiter", "quote") if (c := getattr(self, key)).isalnum() or c in "\r\n\0"), None):
            raise Mistakes([((odd,), "no letter, digit or end of a line can be it: values have them.")])
        if self.has_cells and (self.encoding != "utf-8" or self.compression is not None or self.decimal != "."):
            raise ValueError(f"{self.kind} has charset, compression and numbers of its own: leave out encoding, compression, decimal")
        if self.encoding == "utf-16" and self.kind not in {"csv", "fixed"}:
            raise ValueError("utf-16 is for csv and fixed")
        return self


class Mutation(Model):
    """The column of a delta file that says what a row does, and its values."""

    column: str
    new: tuple[str, ...]
    change: tuple[str, ...]
    withdraw: tuple[str, ...]

    @model_validator(mode="after")
    def _distinct(self) -> Mutation:
        values = [*self.new, *self.change, *self.withdraw]
        if twice := next((v for v in values if values.count(v) > 1), None):
            raise ValueError(f"{twice} is listed twice: a value says one thing")
        return self


class DeliveryTerms(Model):
    """How a file comes: everything each time (snapshot) or what changed (delta)."""

    mode: Literal["snapshot", "delta"]
    complete_for: Literal["nothing", "all"] = "nothing"
    mutation: Mutation | None = None
    withdrawn_limit: Annotated[float, Field(ge=0, le=1)] = (
        0.25  # more of what is in force gone from a snapshot than this share stops the delivery
    )
    last_wins: bool = False  # of conflicting rows of one key the last counts and the earlier are superseded


class Relation(Model):
    """The row's `columns` are the key of a row in the file `to` of the same partner."""

    columns: tuple[str, ...]
    to: str


class Contract(Model):
    """What one file of one partner must be, and what a row of it is."""

    partner: str
    file: str
    version: str = Field(pattern=r"^\d+\.\d+\.\d+$")  # major.minor.patch
    since: date | None = None  # what delivered files must be from this reference date on
    until: date | None = None  # … and before this one
    title: Text
    description: Text
    owner: str
    purpose: str
    unit: str
    unit_key: tuple[str, ...] = Field(min_length=1)
    sub_key: tuple[str, ...] = ()
    temporality: Literal["fixed", "stock", "flow", "spell"]
    delivery: DeliveryTerms
    format: Format
    columns: tuple[Column, ...] = Field(min_length=1)
    relations: tuple[Relation, ...] = ()

    @cached_property
    def by_name(self) -> Mapping[str, Column]:
        return {column.name: column for column in self.columns}

    @property
    def major(self) -> int:
        """The first number of its version, which a breaking change raises."""
        return int(self.version.split(".", 1)[0])

    def valid_on(self, reference_on: date) -> bool:
        """Whether a delivery about this day is read by this version of the contract."""
        return (self.since is None or self.since <= reference_on) and (self.until is None or reference_on < self.until)

    @property
    def shape(self) -> str:
        """A short hash of the columns that are stored: files of one shape can be read together."""
        listed = ",".join(f"{c.name} {c.sql_type} {c in self.content} {c in self.direct}" for c in self.columns)
        return hashlib.sha256(listed.encode()).hexdigest()[:12]

    @property
    def texts(self) -> list[str]:
        """The columns of text, by their names in the file."""
        return [column.source for column in self.columns if column.type == "text"]

    @property
    def content(self) -> list[Column]:
        """The columns that later stages read: everything that does not name a person."""
        return [column for column in self.columns if not column.is_direct]

    @property
    def direct(self) -> list[Column]:
        """The columns that linkage alone reads: what names a person, and what else it compares (sex is in both halves)."""
        return [column for column in self.columns if column.is_direct or column.identity is not None]

    @model_validator(mode="after")
    def _consistent(self) -> Contract:
        if mistakes := [*self._mistakes(), *self._mistakes_of_form()]:
            raise Mistakes(mistakes)
        return self

    def _mistakes(self) -> Iterator[tuple[Loc, str]]:
        for key in ("partner", "file", "unit"):
            try:
                engine.identifier(getattr(self, key))
            except ConfigurationError as error:
                yield (key,), str(error)
        if self.since and self.until and self.since >= self.until:
            yield ("until",), "the contract is never valid: until must be after since."
        names = [column.name for column in self.columns]
        sources = [column.source for column in self.columns]
        for number, column in enumerate(self.columns):
            if column.name in names[:number] or column.source in sources[:number]:
                yield ("columns", number), f"two columns have one name: {column.name} is above."
            if column.concept and column.concept.at and self.by_type(column.concept.at) != "date":
                yield ("columns", number, "concept", "at"), f"{column.name}: concept.at must name a date column."
            if column.required_with is not None and column.required_with not in names:
                sentence = f"{column.name}: required_with names {column.required_with}, which is not a column."
                yield ("columns", number, "required_with"), f"{sentence} {nearest(column.required_with, names)}"
            if column.identity is not None and column.identity in (c.identity for c in self.columns[:number]):
                yield (
                    ("columns", number, "identity"),
                    f"{column.name}: a column above is {column.identity} too, and a record has one of each.",
                )
            if column.name in self.unit_key and not column.is_direct:
                sentence = f"{column.name} names a unit: its privacy must be direct, later stages get a record number."
                yield ("columns", number, "privacy"), sentence
            if column.name in self.sub_key and column.is_direct:
                sentence = f"{column.name} is in sub_key, which later stages read: its privacy cannot be direct."
                yield ("columns", number, "privacy"), sentence
        named: list[tuple[Loc, str]] = [((key, i), k) for key in ("unit_key", "sub_key") for i, k in enumerate(getattr(self, key))]
        for loc, key in named:
            if key not in names:
                yield loc, f"unit_key and sub_key name {key}, which is not a column. {nearest(key, names)}"
        for number, relation in enumerate(self.relations):
            for i, key in enumerate(relation.columns):
                if key not in names:
                    yield ("relations", number, "columns", i), f"a relation names {key}, which is not a column. {nearest(key, names)}"
        yield from self._mistakes_of_mutation(names)

    def _mistakes_of_mutation(self, names: list[str]) -> Iterator[tuple[Loc, str]]:
        mutation = self.delivery.mutation
        if (mutation is not None) != (self.delivery.mode == "delta"):
            yield ("delivery", "mode"), "a delta has a mutation column that says what a row does, a snapshot has none."
        if mutation is None:
            return
        if mutation.column not in names:
            sentence = f"mutation names {mutation.column}, which is not a column. {nearest(mutation.column, names)}"
            yield ("delivery", "mutation", "column"), sentence
            return
        allowed = set(map(str, self.by_name[mutation.column].one_of))
        if odd := [v for v in (*mutation.new, *mutation.change, *mutation.withdraw) if allowed and v not in allowed]:
            yield ("delivery", "mutation"), f"{odd[0]} is not one_of the values of column {mutation.column}. {nearest(odd[0], allowed)}"

    def _mistakes_of_form(self) -> Iterator[tuple[Loc, str]]:
        for number, column in enumerate(self.columns):
            if self.format.kind == "fixed" and column.at is None:
                yield ("columns", number), "every column of a fixed-width file needs at: [first position, width]."
            if self.format.kind == "fixed" and (other := self._overlapped(number)) is not None:
                yield ("columns", number, "at"), f"{column.name}: some of its positions are also those of {other}."
            if self.format.kind != "fixed" and column.at is not None:
                yield ("columns", number, "at"), "at is for fixed-width files only."
            if self.format.has_cells and column.type == "date" and "yyyy-mm-dd" not in column.formats:
                sentence = f"{column.name}: a day in {self.format.kind} is read as yyyy-mm-dd, so formats must include it."
                yield ("columns", number, "formats"), sentence
            if self.format.has_cells and column.type == "boolean" and not ("true" in column.true_tokens and "false" in column.false_tokens):
                sentence = f"{column.name}: {self.format.kind} has true and false of its own, so the tokens must include them."
                yield ("columns", number, "type"), sentence

    def _overlapped(self, number: int) -> str | None:
        """The name of a column above that has a position of the column with this number, in the same files."""
        column = self.columns[number]
        for other in self.columns[:number]:
            if column.at is None or other.at is None:
                continue
            is_beside = column.at[0] >= sum(other.at) or other.at[0] >= sum(column.at)
            days = max(column.since or date.min, other.since or date.min), min(column.until or date.max, other.until or date.max)
            if not is_beside and days[0] < days[1]:
                return other.name
        return None

    def by_type(self, name: str) -> str | None:
        """The type of a column, None when there is no such column."""
        column = self.by_name.get(name)
        return column.type if column else None


def contract_schema() -> dict[str, Any]:
    """The JSON Schema of a contract, for editors, and to check a jurisdiction without this package."""
    return Contract.model_json_schema()
