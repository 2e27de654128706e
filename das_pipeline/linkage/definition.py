"""What a jurisdiction declares about identity: `linkage.yaml`."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, Field

from das_pipeline.jurisdiction import Jurisdiction

ProfileRole = Literal["surname", "given_names", "birth_date", "sex"]


class MergedNumbers(BaseModel, extra="forbid"):
    """The file in which the authority that gives a number reports which of them it merged: columns `old` and `leading`."""

    partner: str
    file: str
    old: str
    leading: str


class StrongKey(BaseModel, extra="forbid"):
    """A number that is given to one person. It is evidence, never identity: see `guarded`."""

    role: str
    sentinels: list[str] = []
    max_profiles: Annotated[
        int, Field(ge=1)
    ]  # a value with more different surnames *and* birth dates than this is a placeholder (rule K05)
    alone: bool = False  # whether it links records that have no name and no birth date to agree: never mistyped, never given again
    merged: MergedNumbers | None = None  # None: two numbers are never one


class Reference(BaseModel, extra="forbid"):
    """What a case reference points to, and whether a value of it is about one person only."""

    unit: str
    column: str
    names_one_person: bool = False  # if so, it is also a key of the person, after the strong keys


class LinkageDefinition(BaseModel, extra="forbid"):
    """Which identity roles are strong, how profiles are compared, and what names a case."""

    strong_keys: Annotated[list[StrongKey], Field(min_length=1)]  # the first one anchors a person: two different valid values never merge
    profile: list[ProfileRole]
    surname_prefixes: list[str] = []  # "van der": no part of a surname when names are compared
    missing_names: list[str] = []  # words that are written where a name is not known
    spellings: dict[str, str] = {}  # letters that are written in more than one way: as written -> as compared
    legal_forms: list[str] = []  # the last words of the name of an organisation, as names are compared: "b v"
    one_per_person: list[str] = []  # partners with one record a person
    case_anchor: list[str]  # the references, the one that best names a case first
    references: dict[str, Reference]
    case_window: Annotated[int, Field(gt=0)] | None = None  # days; None: a record without a reference joins its person's only case
    model: str | None = None  # the stored probabilistic model; None: guarded keys only

    @property
    def registers(self) -> set[tuple[str, str]]:
        """The (partner, file) of registers of numbers: their rows are not records to link."""
        return {(key.merged.partner, key.merged.file) for key in self.strong_keys if key.merged}


def load_definition(jurisdiction: Jurisdiction) -> LinkageDefinition:
    """Return the checked content of `linkage.yaml`."""
    return jurisdiction.load("linkage.yaml", LinkageDefinition)
