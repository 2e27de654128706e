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
    """The names of legal entities."""

    words: list[str]
    form: str


class Persons(Block):
    """Names and numbers of persons, and how often two persons are hard to tell apart."""

    twins: float
    namesakes: float
    double_surname: float
    several_given_names: float
    has_citizen_number: float
    relatives: float  # share of persons who live with the preceding person in the list and share the surname
    moves_a_year: float  # to another municipality
    moves_far: float  # share of them to another region
    second_chain_number: float
    merged: float  # share of second chain numbers that are recognised and merged
    merged_after_days: Size  # after the first offence
    stocks: list[Stock]
    company: Company
