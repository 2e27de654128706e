"""What the sender says of a delivery: its manifest, read and checked."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from typing import Annotated, Literal

from pydantic import Field, ValidationError, model_validator

from das_pipeline.deliveries.column import Model
from das_pipeline.errors import DasError

MANIFEST = "manifest.json"
PLAIN_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]*")
Day = Annotated[date, Field(ge=date(1900, 1, 1), le=date(2999, 12, 31))]  # later days cannot be calculated with


class Window(Model):
    """A delivered file is complete for the rows whose date in `column` lies in [from, until)."""

    column: str
    start: date = Field(alias="from")
    until: date


class DeliveredFile(Model):
    """What the sender says of one file. A file with rows of several units is listed under one name for the contract of each."""

    file: str
    name: str
    sha256: str = Field(pattern="^[0-9a-f]{64}$")
    bytes: int = Field(ge=0)
    lines: int = Field(ge=0)  # physical lines, header included; of XML, records
    sums: Mapping[str, Decimal] = Field(default_factory=dict)
    stock: int | None = Field(default=None, ge=0)  # the rows that the sender's register has on the reference date, by its own count
    complete_for: Literal["nothing", "all"] | Window | None = None  # None: as the contract says


class Manifest(Model):
    """What the sender says of one delivery: the state of its register on `reference_on`, handed over on `delivered_on`."""

    partner: str
    delivery: str
    reference_on: Day
    delivered_on: Day
    sequence: int = Field(ge=1)
    replaces: str | None = None
    is_simulated: bool
    files: tuple[DeliveredFile, ...]

    @model_validator(mode="after")
    def _consistent(self) -> Manifest:
        if not re.fullmatch(re.escape(self.reference_on.isoformat()) + r"\.[1-9][0-9]{0,3}", self.delivery):
            raise ValueError(f"delivery must be the reference date and a number, {self.reference_on}.1")
        if self.delivered_on < self.reference_on:
            raise ValueError("delivered_on lies before reference_on")
        if len({f.file for f in self.files}) < len(self.files):
            raise ValueError("a file is listed twice")
        if len({(f.name, f.sha256, f.bytes, f.lines) for f in self.files}) > len({f.name for f in self.files}):
            raise ValueError(
                "one name is listed with several contents: a file with rows of several units has one hash, size and count of lines"
            )
        if any(not PLAIN_NAME.fullmatch(f.name) or f.name == MANIFEST for f in self.files):
            raise ValueError("a file name may have letters, digits, dots, - and _ only")
        return self


def parse_manifest(content: bytes) -> Manifest:
    """Return the manifest in `content`; DasError names each place in it that is wrong, never a value."""
    try:
        return Manifest.model_validate_json(content)
    except ValidationError as error:
        places = "; ".join(f"{'.'.join(map(str, e['loc'])) or 'file'}: {e['msg']}" for e in error.errors(include_input=False))
        raise DasError(f"manifest.json cannot be read ({places}). Ask the sender for a new one.") from None
