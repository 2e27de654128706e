"""Parameters of the partners' registers: what they record of the world, and how well."""

from __future__ import annotations

from pydantic import BaseModel

from simulation.parameters.parts import Block, Shares, Size


class Register(BaseModel, extra="forbid"):
    """What one file records: a table of the world, and the field that is in each column."""

    table: str
    where: dict[str, list[str]] = {}  # field: the words whose rows are recorded; all rows when empty
    columns: dict[str, str]  # column: field; columns that identify a person follow from the contract's identity roles
    missing: Shares = {}  # column: share of rows in which it is never filled
    corrected: Shares = {}  # column: share of rows in which it is wrong at first
    spellings: dict[str, Shares] = {}  # column: forms of its codes of two words, {0} being the first word, and how often each is used


class Habits(BaseModel, extra="forbid"):
    """How well a partner keeps its register."""

    late: float  # share of units that reach the register late
    withdrawn: float  # share of units that are withdrawn later
    missing: Shares = {}  # by identity role: share of records without it
    placeholder: Shares = {}  # by identity role: share of the records without a number that have a placeholder instead
    typo: float = 0.0  # share of names with a typing error
    alias: float = 0.0  # share of records of natural persons with somebody else's name and birth date, without numbers
    partial_birth_date: float = 0.0  # share of birth dates written as 1 January because only the year is known
    shows_second_surname: float = 1.0
    shows_all_given_names: float = 1.0


class Registers(Block):
    """What the partners record, and how well."""

    late_days: Size
    withdrawn_after_days: Size
    corrected_after_days: Size
    yes: str
    no: str
    numbers: dict[str, str]  # patterns of the registers' own numbers, with {year}, {yy}, {serial:width} and named parts
    placeholders: dict[str, list[str]]  # by identity role: numbers that stand for nobody
    habits: dict[str, Habits]  # by partner
    files: dict[str, Register]  # by partner/file
