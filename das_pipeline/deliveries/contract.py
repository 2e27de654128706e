"""What a partner's file must be: one YAML file per contract, read and checked here, compiled to SQL in checking.py.

A contract never carries SQL, expressions or regular expressions: what a partner or an author writes is compared, never executed.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from datetime import date
from decimal import Decimal
from functools import cache, cached_property
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from das_pipeline import engine
from das_pipeline.errors import ConfigurationError
from das_pipeline.jurisdiction import Jurisdiction, Text

# Where day, month and year are in a date as partners write it: (year, month, day) as 1-based positions, and its length.
DATE_FORMATS: dict[str, tuple[int, int, int]] = {
    "yyyy-mm-dd": (1, 6, 9),
    "yyyy/mm/dd": (1, 6, 9),
    "dd-mm-yyyy": (7, 4, 1),
    "dd/mm/yyyy": (7, 4, 1),
    "dd.mm.yyyy": (7, 4, 1),
    "mm/dd/yyyy": (7, 1, 4),
    "yyyymmdd": (1, 5, 7),
    "ddmmyyyy": (5, 3, 1),
    "yyyy-mm-ddThh:mm": (1, 6, 9),
    "yyyy-mm-ddThh:mm:ss": (1, 6, 9),
    "yyyy-mm-dd hh:mm:ss": (1, 6, 9),
    "dd-mm-yyyy hh:mm": (7, 4, 1),
}
OWN_COLUMNS = {"record_no", "record_key", "sub", "known_from", "known_until", "is_only", "delivery", "line_no", "content_hash"}
Privacy = Literal["none", "indirect", "direct", "special"]
Identity = Literal["chain_number", "citizen_number", "surname", "surname_prefix", "given_names", "birth_date", "sex", "alias"]
Scalar = str | int | float | date


class Model(BaseModel):
    """A declaration: unknown keys are mistakes, and nothing changes it after loading."""

    model_config = ConfigDict(extra="forbid", frozen=True)


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
    root: str | None = None  # the name of the XML element around them: only used to write such a file

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
        if self.has_cells and (self.encoding != "utf-8" or self.compression is not None or self.decimal != "."):
            raise ValueError(f"{self.kind} has charset, compression and numbers of its own: leave out encoding, compression, decimal")
        if self.encoding == "utf-16" and self.kind not in {"csv", "fixed"}:
            raise ValueError("utf-16 is for csv and fixed")
        return self


class Concept(Model):
    """What the codes in a column mean: a concept of `scheme`, through the code list and mapping `list`, on the date in column `at`."""

    scheme: str
    list: str
    at: str | None = None
    canonical: str | None = None  # the rules that bring spellings of one code together, by name


class Column(Model):
    """A column of a file: what it means, what a value must be, and who may see it."""

    name: str
    type: Literal["text", "integer", "decimal", "date", "boolean"]
    description: Text
    path: str | None = None  # its name in the file when that differs: a header, an XML or JSON path with /
    at: tuple[Annotated[int, Field(ge=1)], Annotated[int, Field(ge=1)]] | None = None  # first position and width, fixed width only
    required: bool = False
    formats: tuple[str, ...] = ()
    null_tokens: tuple[str, ...] = ("",)
    true_tokens: tuple[str, ...] = ("true", "1")
    false_tokens: tuple[str, ...] = ("false", "0")
    sentinels: tuple[Scalar, ...] = ()  # values that stand for "not known": accepted, and read as missing
    range: tuple[float, float] | None = None
    horizon_days: int = 0  # how far after the reference date a date may lie
    one_of: tuple[Scalar, ...] = ()
    mask: str | None = None  # 9 a digit, A a capital, X either; anything else is itself
    check: Literal["eleven_test"] | None = None
    length: tuple[int, int] | None = None
    privacy: Privacy = "none"
    identity: Identity | None = None
    reference: str | None = None
    concept: Concept | None = None
    age: bool = False  # linkage gives whole years on this date
    history: bool = True  # a change makes a new version of the record
    on_error: Literal["quarantine", "refuse", "warn"] = "quarantine"
    since: date | None = None  # in the file from this reference date on
    until: date | None = None  # in the file before this reference date

    @property
    def source(self) -> str:
        """Its name in the file."""
        return self.path or self.name

    @property
    def sql_type(self) -> str:
        return {"text": "VARCHAR", "integer": "BIGINT", "decimal": "DECIMAL(14,2)", "date": "DATE", "boolean": "BOOLEAN"}[self.type]

    @property
    def is_direct(self) -> bool:
        return self.privacy == "direct"

    def valid_on(self, reference_on: date) -> bool:
        return (self.since is None or self.since <= reference_on) and (self.until is None or reference_on < self.until)

    @model_validator(mode="after")
    def _consistent(self) -> Column:
        try:
            engine.identifier(self.name)
        except ConfigurationError as error:
            raise ValueError(str(error)) from None
        if '"' in self.source:
            raise ValueError(f"{self.name}: path cannot have a double quote")
        if self.name in OWN_COLUMNS:
            raise ValueError(f"{self.name} is a column that this pipeline adds itself")
        if self.type == "date" and not self.formats:
            raise ValueError(f"{self.name}: a date needs formats, of {', '.join(DATE_FORMATS)}")
        unknown = [f for f in self.formats if f not in DATE_FORMATS]
        if unknown or (self.formats and self.type != "date"):
            raise ValueError(f"{self.name}: formats are for dates, of {', '.join(DATE_FORMATS)}")
        if self.mask is not None and not any(letter in "9AX" for letter in self.mask):
            raise ValueError(f"{self.name}: a mask needs at least one of 9 (digit), A (capital), X (either)")
        for value in (*self.sentinels, *self.one_of):
            try:
                {"integer": int, "decimal": Decimal, "date": date.fromisoformat}.get(self.type, str)(str(value))
            except (ValueError, ArithmeticError):
                raise ValueError(f"{self.name}: {value} is not a {self.type} (a date is written yyyy-mm-dd)") from None
        if self.range is not None and self.type not in {"integer", "decimal"}:
            raise ValueError(f"{self.name}: range is for numbers")
        return self


class Mutation(Model):
    """The column of a delta file that says what a row does, and its values."""

    column: str
    new: tuple[str, ...]
    change: tuple[str, ...]
    withdraw: tuple[str, ...]


class DeliveryTerms(Model):
    """How a file comes: everything each time (snapshot) or what changed (delta)."""

    mode: Literal["snapshot", "delta"]
    complete_for: Literal["nothing", "all"] = "nothing"
    mutation: Mutation | None = None
    withdrawn_limit: float = 0.25  # more of what is in force gone from a snapshot than this share stops the delivery
    last_wins: bool = False  # of conflicting rows of one key the last counts and the earlier are superseded


class Relation(Model):
    """The row's `columns` are the key of a row in the file `to` of the same partner."""

    columns: tuple[str, ...]
    to: str


class Contract(Model):
    """What one file of one partner must be, and what a row of it is."""

    partner: str
    file: str
    version: str
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
    def shape(self) -> str:
        """A short hash of the columns that are stored: files of one shape can be read together."""
        listed = ",".join(f"{c.name} {c.sql_type} {c in self.content} {c in self.direct}" for c in self.columns)
        return hashlib.sha256(listed.encode()).hexdigest()[:12]

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
        for name in (self.partner, self.file, self.unit):
            try:
                engine.identifier(name)
            except ConfigurationError as error:
                raise ValueError(str(error)) from None
        mistakes = list(self._mistakes())
        if mistakes:
            raise ValueError("; ".join(mistakes))
        return self

    def _mistakes(self) -> Iterator[str]:
        names = [column.name for column in self.columns]
        if len(set(names)) < len(names) or len({c.source for c in self.columns}) < len(names):
            yield "two columns have one name"
        columns = set(names)
        yield from (f"unit_key and sub_key name {k}, which is not a column" for k in (*self.unit_key, *self.sub_key) if k not in columns)
        for column in (c for c in self.columns if c.name in self.unit_key and not c.is_direct):
            yield f"{column.name} names a unit: its privacy must be direct, later stages get a record number"
        for column in (c for c in self.columns if c.name in self.sub_key and c.is_direct):
            yield f"{column.name} is in sub_key, which later stages read: its privacy cannot be direct"
        for relation in self.relations:
            yield from (f"a relation names {c}, which is not a column" for c in relation.columns if c not in columns)
        for column in (c for c in self.columns if c.concept and c.concept.at and self.by_type(c.concept.at) != "date"):
            yield f"{column.name}: concept.at must name a date column"
        if self.delivery.mutation and self.delivery.mutation.column not in columns:
            yield f"mutation names {self.delivery.mutation.column}, which is not a column"
        if (self.delivery.mutation is not None) != (self.delivery.mode == "delta"):
            yield "a delta has a mutation column that says what a row does, a snapshot has none"
        if self.format.kind == "fixed" and any(c.at is None for c in self.columns):
            yield "every column of a fixed-width file needs at: [first position, width]"
        if self.format.kind != "fixed" and any(c.at is not None for c in self.columns):
            yield "at is for fixed-width files only"
        if self.format.has_cells:
            for column in self.columns:
                if column.type == "date" and "yyyy-mm-dd" not in column.formats:
                    yield f"{column.name}: a day in {self.format.kind} is read as yyyy-mm-dd, so formats must include it"
                if column.type == "boolean" and not ("true" in column.true_tokens and "false" in column.false_tokens):
                    yield f"{column.name}: {self.format.kind} has true and false of its own, so the tokens must include them"

    def by_type(self, name: str) -> str | None:
        """The type of a column, None when there is no such column."""
        column = self.by_name.get(name)
        return column.type if column else None


class Completeness(Model):
    """Whether the chain may run without a partner's newest delivery, and for how many days."""

    required: bool
    late_days: int = Field(ge=0)


class Partner(Model):
    """Who delivers: which files come together, how often, and what happens when they do not come."""

    partner: str
    title: Text
    owner: str
    files: tuple[str, ...] = Field(min_length=1)
    cadence: Literal["daily", "weekly", "monthly"]
    due_days: int = 1  # a delivery is in time within so many days of its reference date
    records_from: int = Field(default=0, ge=0)  # its record numbers come after this one: of one unit, no two partners start from the same
    completeness: Completeness

    @property
    def period_days(self) -> int:
        return {"daily": 1, "weekly": 7, "monthly": 31}[self.cadence]


def load_partners(jurisdiction: Jurisdiction) -> dict[str, Partner]:
    """The partners of a jurisdiction by name; ConfigurationError names the file and the mistake."""
    return dict(_partners(jurisdiction, jurisdiction.hash))


@cache
def _partners(jurisdiction: Jurisdiction, content: str) -> dict[str, Partner]:  # noqa: ARG001  (content: other files, other partners)
    partners = {}
    for name in jurisdiction.partners:
        partner = jurisdiction.load(f"contracts/{name}/partner.yaml", Partner)
        if partner.partner != name:
            raise ConfigurationError(f"{jurisdiction.folder}/contracts/{name}/partner.yaml: partner is {partner.partner}, not {name}.")
        partners[name] = partner
    return partners


def load_contracts(jurisdiction: Jurisdiction) -> dict[tuple[str, str], Contract]:
    """The contracts of a jurisdiction by (partner, file), parents before the files that refer to them."""
    return dict(_contracts(jurisdiction, jurisdiction.hash))


@cache
def _contracts(jurisdiction: Jurisdiction, content: str) -> dict[tuple[str, str], Contract]:  # noqa: ARG001  (as above)
    contracts: dict[tuple[str, str], Contract] = {}
    for name, partner in load_partners(jurisdiction).items():
        loaded = {}
        for file in partner.files:
            place = f"contracts/{name}/{file}.yaml"
            contract = jurisdiction.load(place, Contract)
            if (contract.partner, contract.file) != (name, file):
                raise ConfigurationError(f"{jurisdiction.folder / place}: it declares {contract.partner}/{contract.file}.")
            loaded[file] = contract
        _check_together(jurisdiction, name, loaded)
        contracts.update({(name, c.file): c for c in _parents_first(loaded.values())})
    _check_numbers(jurisdiction, contracts)
    return contracts


def contract_schema() -> dict[str, Any]:
    """The JSON Schema of a contract, for editors, and to check a jurisdiction without this package."""
    return Contract.model_json_schema()


def _check_together(jurisdiction: Jurisdiction, partner: str, contracts: Mapping[str, Contract]) -> None:
    """Raise ConfigurationError when the files of one partner do not fit each other."""
    for file, contract in contracts.items():
        place = f"{jurisdiction.folder}/contracts/{partner}/{file}.yaml"
        for relation in contract.relations:
            target = contracts.get(relation.to)
            if target is None or relation.to == file:
                raise ConfigurationError(f"{place}: the relation to {relation.to} resolves to no other file of {partner}.")
            if len(relation.columns) != len(target.unit_key):
                raise ConfigurationError(f"{place}: the relation to {relation.to} needs as many columns as its unit_key has.")


def _check_numbers(jurisdiction: Jurisdiction, contracts: Mapping[tuple[str, str], Contract]) -> None:
    """Raise ConfigurationError when two partners deliver one unit and number their records from the same number."""
    partners = load_partners(jurisdiction)
    numbered: dict[tuple[str, int], str] = {}
    for (name, _), contract in contracts.items():
        other = numbered.setdefault((contract.unit, partners[name].records_from), name)
        if other != name:
            place = f"{jurisdiction.folder}/contracts/{name}/partner.yaml"
            raise ConfigurationError(f"{place}: {other} also delivers unit {contract.unit}: give one of them another records_from.")


def _parents_first(contracts: Iterable[Contract]) -> list[Contract]:
    """The contracts in an order in which every relation points back."""
    waiting = list(contracts)
    done: list[Contract] = []
    while waiting:
        ready = next((c for c in waiting if all(r.to in {d.file for d in done} for r in c.relations)), None)
        if ready is None:
            raise ConfigurationError(f"The relations of {waiting[0].partner} form a circle: {', '.join(c.file for c in waiting)}.")
        waiting.remove(ready)
        done.append(ready)
    return done
