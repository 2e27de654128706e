"""Parameters of names, numbers and relations of persons."""

from __future__ import annotations

from pydantic import BaseModel

from simulation.parameters.parts import Block, Size


class Stock(BaseModel, extra="forbid"):
    """Names of one origin; words of a surname that start in lower case are its prefix."""

    share: float
    surnames: list[str]
    male: list[str]
    female: list[str]


class Company(BaseModel, extra="forbid"):
    """How legal entities are called."""

    words: list[str]
    form: str


class Persons(Block):
    """Names and numbers of persons, and the pairs that are hard to tell apart."""

    twins: float
    namesakes: float
    double_surname: float
    several_given_names: float
    has_citizen_number: float
    relatives: float  # others who live with the person before them in the list, under the same surname
    moves_a_year: float  # to another municipality
    moves_far: float  # share of them to another region
    second_chain_number: float
    merged: float  # share of second chain numbers of which it is found out whose they are
    merged_after_days: Size  # after the first offence
    stocks: list[Stock]
    company: Company
