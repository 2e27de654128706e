"""Parameters of what the partners record of the world, and how well."""

from __future__ import annotations

from pydantic import BaseModel

from simulation.parameters.parts import Block, Shares, Size


class Register(BaseModel, extra="forbid"):
    """How one file sees the world: the table it tells, and which field is in which column."""

    table: str
    where: dict[str, list[str]] = {}  # field of words: only the rows with one of these
    columns: dict[str, str]  # column: field; what names a person follows from the contract's identity roles
    missing: Shares = {}  # column: share of rows in which the register never has it
    corrected: Shares = {}  # column: share of rows in which it was first wrong
    spellings: dict[str, Shares] = {}  # column: how its codes of two words are written, {0} the first, and how often


class Habits(BaseModel, extra="forbid"):
    """How well a partner keeps its register."""

    late: float  # share of units that reach the register late
    withdrawn: float  # share of units that turn out not to belong there
    missing: Shares = {}  # share of records without it, by identity role
    placeholder: Shares = {}  # share of the records without a number that have one of nobody instead, by identity role
    typo: float = 0.0  # share of names with one
    alias: float = 0.0  # share of records of a natural person under a name and birth date that are not theirs, without numbers
    partial_birth_date: float = 0.0  # share of birth dates of which only the year is known: 1 January
    shows_second_surname: float = 1.0
    shows_all_given_names: float = 1.0


class Registers(Block):
    """What the partners hold and how."""

    late_days: Size
    withdrawn_after_days: Size
    corrected_after_days: Size
    yes: str
    no: str
    numbers: dict[str, str]  # patterns of the registers' own numbers: {year} {yy} {serial:width} and parts by name
    placeholders: dict[str, list[str]]  # numbers of nobody, by identity role
    habits: dict[str, Habits]  # by partner
    files: dict[str, Register]  # by partner/file
