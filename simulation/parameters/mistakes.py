"""Parameters of persons who are hard to link: a profile beside the parameters, and how often each office gets somebody wrong."""

from __future__ import annotations

from pydantic import BaseModel, Field

from simulation.parameters.parts import Block, Shares


class Mistakes(BaseModel, extra="forbid"):
    """Shares of the records of natural persons in which a register shows somebody otherwise than he is registered elsewhere."""

    swapped_names: float = 0.0  # surname and given names in each other's column
    unknown_name: float = 0.0  # a word that means "not known" instead of a name
    initials: float = 0.0  # "J.P." for Jan Pieter
    call_name: float = 0.0  # of those with two given names: the second one alone
    respelled: float = 0.0  # of names with letters that are written in more than one way
    mistyped_number: float = 0.0  # one digit of the chain number, or the order of two
    housemates_number: float = 0.0  # of those who live with somebody: his chain number
    another_number: float = 0.0  # anybody's chain number
    wrong_sex: float = 0.0
    mistyped_birth: float = 0.0  # another day, month or year, or day and month swapped


class PersonsProfile(Block):
    """What differs from the parameters: shares of persons, and the mistakes of partners' offices."""

    persons: Shares  # fields of `persons`
    missing: dict[str, Shares] = Field(default_factory=dict)  # by partner and identity role, instead of that of its habits
    unknown_names: list[str]
    respellings: dict[str, str]  # letters: how they are written elsewhere
    offices: float  # sigma of the log-normal factor by which an office makes more mistakes, or fewer
    mistakes: Mistakes  # of a partner that is not named in `partners`
    partners: dict[str, Mistakes] = Field(default_factory=dict)
