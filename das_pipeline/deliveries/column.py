"""What a column of a partner's file must be: a part of its contract."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from itertools import combinations
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from das_pipeline import engine
from das_pipeline.deliveries.dates import USUAL, both_ways, date_form, is_form
from das_pipeline.errors import ConfigurationError, nearest
from das_pipeline.jurisdiction import Text
from das_pipeline.shape_faults import Mistakes

OWN_COLUMNS = {"record_no", "record_key", "sub", "known_from", "known_until", "is_only", "delivery", "line_no", "content_hash"}
Privacy = Literal["none", "indirect", "direct", "special"]
Identity = Annotated[str, Field(pattern="^[a-z][a-z0-9_]*$")]  # a part of the profile, or a strong key of linkage.yaml
Scalar = str | int | float | date


class Model(BaseModel):
    """A declaration: unknown keys are mistakes, and nothing changes it after loading."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Concept(Model):
    """What the codes in a column mean: a concept of `scheme`, through the code list and mapping `list`, on the date in column `at`."""

    scheme: str
    list: str
    at: str | None = None
    canonical: str | None = None  # the rules that bring spellings of one code together, by name


class CheckDigits(Model):
    """A test that the digits of a number pass: each times its weight, and the sum a multiple of `modulo`."""

    weights: tuple[int, ...] = Field(min_length=2, max_length=18)
    modulo: int = Field(ge=2)


class Column(Model):
    """A column of a file: what it means, what a value must be, and who may see it."""

    name: str
    type: Literal["text", "integer", "decimal", "date", "boolean"]
    description: Text
    path: str | None = None  # its name in the file when that differs: a header, an XML or JSON path with /
    at: tuple[Annotated[int, Field(ge=1)], Annotated[int, Field(ge=1)]] | None = None  # first position and width, fixed width only
    required: bool = False
    required_with: str | None = None  # the column with which it comes: filled when that one is
    formats: tuple[str, ...] = ()
    null_tokens: tuple[str, ...] = ("",)
    true_tokens: tuple[str, ...] = ("true", "1")
    false_tokens: tuple[str, ...] = ("false", "0")
    sentinels: tuple[Scalar, ...] = ()  # values that stand for "not known": accepted, and read as missing
    range: tuple[float, float] | None = None
    horizon_days: int = Field(default=0, ge=0, le=36_525)  # how far after the reference date a date may lie
    one_of: tuple[Scalar, ...] = ()
    mask: str | None = None  # 9 a digit, A a capital, X either; anything else is itself
    check: CheckDigits | None = None
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
    empty_from: date | None = None  # nothing need be in it from this reference date on (rule I13)

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

    def may_be_empty_on(self, reference_on: date) -> bool:
        """Whether a file may have nothing in this column where it had something before."""
        return self.empty_from is not None and self.empty_from <= reference_on

    @model_validator(mode="after")
    def _consistent(self) -> Column:
        if mistakes := [*self._mistakes(), *self._mistakes_in_values()]:
            raise Mistakes(((key,), f"{self.name}: {sentence}") for key, sentence in mistakes)
        return self

    def _mistakes(self) -> Iterator[tuple[str, str]]:
        try:
            engine.identifier(self.name)
        except ConfigurationError as error:
            yield "name", str(error)
        if '"' in self.source:
            yield "path", "path cannot have a double quote."
        if self.name in OWN_COLUMNS:
            yield "name", f"{self.name} is a column that this pipeline adds itself: choose another name, and give its own as path."
        if self.type == "date" and not self.formats:
            yield "type", f"a date needs formats, such as {', '.join(USUAL)}."
        for format in self.formats:
            try:
                date_form(format)
            except ValueError as error:
                yield "formats", f"{error}. {nearest(format, USUAL)}"
        forms = [format for format in self.formats if is_form(format)]
        for one, other in combinations(forms, 2):
            if text := both_ways(one, other) or both_ways(other, one):
                sentence = (
                    f"{text} has both forms {one} and {other}, and means another day in each: nobody can tell which. Keep one of them."
                )
                yield "formats", sentence
        if self.formats and self.type != "date":
            yield "formats", "formats are for dates."
        if self.identity is not None and self.identity != "sex" and self.privacy != "direct":
            yield "privacy", f"identity {self.identity} names a person, so no stage but linkage may read it: its privacy must be direct."
        if self.identity is not None and (self.type == "date") != (self.identity == "birth_date"):
            yield (
                "identity",
                f"identity {self.identity} is a {'date' if self.identity == 'birth_date' else 'text'}, and the type is {self.type}.",
            )
        if self.concept is not None and self.type not in {"text", "integer"}:
            yield "type", f"a code is compared as it is written, and a {self.type} is not kept so: the type must be text."
        if self.mask is not None and self.length is not None and not self.length[0] <= len(self.mask) <= self.length[1]:
            yield "length", f"the mask {self.mask} has {len(self.mask)} characters, so no value has it and this length."
        if self.mask is not None and self.check is not None and len(self.mask) != (weights := len(self.check.weights)):
            yield "check", f"the mask {self.mask} has {len(self.mask)} characters and the check {weights} weights: no value passes both."
        if self.required and self.empty_from is not None:
            yield "empty_from", "a required column may not be empty: remove required, or empty_from."
        if self.required_with == self.name:
            yield "required_with", "a column always comes with itself: name another one, or write required: true."
        if self.mask is not None and not any(letter in "9AX" for letter in self.mask):
            yield "mask", "a mask needs at least one of 9 (digit), A (capital), X (either)."
        if self.range is not None and self.type not in {"integer", "decimal"}:
            yield "range", "range is for numbers."
        for key, pair in (("range", self.range), ("length", self.length)):
            if pair is not None and pair[0] > pair[1]:
                yield key, f"no value is from {pair[0]:g} to {pair[1]:g}: write the smaller one first."
        if self.since and self.until and self.since >= self.until:
            yield "until", "the column is never in the file: until must be after since."
        if self.age and self.type != "date":
            yield "age", "an age is taken at a date: the type must be date."

    def _mistakes_in_values(self) -> Iterator[tuple[str, str]]:
        for key, values in (("sentinels", self.sentinels), ("one_of", self.one_of)):
            for value in values:
                if self.type == "text" and not isinstance(value, str):
                    yield key, f'{value} must be a text in a column of text: write "{value}".'
                try:
                    {"integer": int, "decimal": Decimal, "date": date.fromisoformat}.get(self.type, str)(str(value))
                except (ValueError, ArithmeticError):
                    yield key, f"{value} is not a {self.type} (a date is written yyyy-mm-dd)."
        tokens = {
            "formats": self.formats,
            "null_tokens": self.null_tokens,
            "true_tokens": self.true_tokens,
            "false_tokens": self.false_tokens,
        }
        texts = {key: [v for v in getattr(self, key) if isinstance(v, str)] for key in ("sentinels", "one_of")}
        for key, values in (tokens | texts).items():
            if blank := next((v for v in values if v != v.strip()), None):
                yield key, f"{blank!r} can never match: cells are compared without blanks at their edges."
            if twice := next((v for v in values if values.count(v) > 1), None):
                yield key, f"{twice} is listed twice."
        if both := sorted(set(self.true_tokens) & set(self.false_tokens)):
            yield "true_tokens", f"{both[0]} cannot mean both true and false."
        if both := sorted(set(map(str, self.one_of)) & set(self.null_tokens)):
            yield "one_of", f"{both[0] or 'an empty cell'} is read as missing (null_tokens), so it is never one of these."
