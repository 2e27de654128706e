"""The model of a profile of faults or a scenario: how often each kind of fault happens, where, and in which deliveries."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date
from pathlib import Path

from pydantic import BaseModel, Field

from das_pipeline.deliveries import Contract, load_contracts
from das_pipeline.errors import ConfigurationError
from das_pipeline.jurisdiction import Jurisdiction
from simulation.faults.kinds import KINDS
from simulation.faults.whole import DELIVERY_KINDS, FILE_KINDS
from simulation.parameters.parts import Shares


class Burst(BaseModel, extra="forbid"):
    """Days or an office in which a partner makes more faults than usual: a bad month, a new system, one office."""

    partner: str
    file: str | None = None  # None for all files
    start: date | None = Field(default=None, alias="from")  # by the day on which a row entered the register
    until: date | None = None
    where: dict[str, list[str]] = {}  # column: codes, in the partner's own list
    times: float = Field(gt=1)  # how many times as often as elsewhere
    weights: Shares = {}  # the kinds that occur more often; those of the profile when empty


class Trouble(BaseModel, extra="forbid"):
    """A fault of a whole delivery, or of a file in it."""

    partner: str
    reference_on: date
    fault: str
    file: str | None = None  # None for all files that can have the fault
    days: int = 1  # of a late delivery: how many
    column: str = ""  # of a correction: the corrected column
    share: float = Field(default=0.0, ge=0, le=1)  # of a correction: the share of rows


class DefinitionChange(BaseModel, extra="forbid"):
    """Rows that a partner no longer counts, by its own codes."""

    partner: str
    file: str
    start: date = Field(alias="from")  # for rows that enter the register from this day on
    where: dict[str, list[str]] = Field(min_length=1)


class Migration(BaseModel, extra="forbid"):
    """A partner's new system: from a reference date on, the numbers in a file start with another prefix."""

    partner: str
    file: str
    start: date = Field(alias="from")
    column: str
    prefix: tuple[str, str]  # before, after


class Recoding(BaseModel, extra="forbid"):
    """Codes that a partner renews without announcing it."""

    partner: str
    file: str
    start: date = Field(alias="from")  # for rows that enter the register from this day on
    column: str
    prefix: str  # of each new code


class WholeFiles(BaseModel, extra="forbid"):
    """How often, and in which ways, a file of changes goes wrong as a whole."""

    share: float = 0.0
    weights: Shares = {}


class Expected(BaseModel, extra="forbid"):
    """The expected outcome of a scenario: releases by id, deliveries as `partner id`, rules that warn, and rules that stop the chain."""

    released: list[str] = []
    refused: list[str] = []
    taken: list[str] = []
    warned: list[str] = []
    failed: list[str] = []


class Faults(BaseModel, extra="forbid"):
    """A profile: how often each kind of fault happens, where it happens more often, and which deliveries go wrong as a whole."""

    source: str = Field(min_length=10)
    share: float = Field(ge=0, lt=1)  # of the rows of a file that have a fault, all kinds together
    least: int = 0  # minimum number of faults in a history file
    weights: Shares
    bursts: list[Burst] = []
    files: WholeFiles = WholeFiles()
    deliveries: list[Trouble] = []
    definitions: list[DefinitionChange] = []
    migrations: list[Migration] = []
    recodings: list[Recoding] = []
    # A profile with a story is a scenario, in a file under scenarios/; a test plays each one from delivery to release.
    story: str = ""
    until: date | None = None  # the day until which deliveries arrive
    expect: Expected = Expected()


def profile(jurisdiction: Jurisdiction, name: str | Path) -> Faults | None:
    """Load a profile of the jurisdiction by name, or from the file at a path; `none` gives None. ConfigurationError names a mistake."""
    if name == "none":
        return None
    path = Path(name)
    if path.suffix not in (".yaml", ".yml"):
        names = [Path(f).stem for f in jurisdiction.files("simulation/faults/*.yaml")]
        if str(name) not in names:
            raise ConfigurationError(f"There is no profile of faults {name}: use none, {', '.join(names)} or the path of a YAML file.")
        path = Path("simulation", "faults", f"{name}.yaml")
    else:
        path = path.resolve()
    loaded = jurisdiction.load(str(path), Faults)
    mistakes = list(_mistakes(loaded, load_contracts(jurisdiction)))
    if mistakes:
        raise ConfigurationError(f"{jurisdiction.folder / path}: {'; '.join(mistakes)}")
    return loaded


def _mistakes(declared: Faults, contracts: Mapping[tuple[str, str], Contract]) -> Iterator[str]:
    """The names in a profile that do not exist, each in a sentence with its place."""
    weights = [("weights", declared.weights), *((f"bursts.{n}.weights", b.weights) for n, b in enumerate(declared.bursts))]
    for place, kinds in weights:
        yield from (f"{place}: there is no kind {kind}, use {', '.join(KINDS)}" for kind in kinds if kind not in KINDS)
    yield from (f"files.weights: there is no kind {k}, use {', '.join(FILE_KINDS)}" for k in declared.files.weights if k not in FILE_KINDS)
    partners = {partner for partner, _ in contracts}
    for n, trouble in enumerate(declared.deliveries):
        if trouble.fault not in {*FILE_KINDS, *DELIVERY_KINDS}:
            yield f"deliveries.{n}: there is no kind {trouble.fault}, use {', '.join((*DELIVERY_KINDS, *FILE_KINDS))}"
        if trouble.partner not in partners or (trouble.file is not None and (trouble.partner, trouble.file) not in contracts):
            yield f"deliveries.{n}: {trouble.partner}/{trouble.file or ''} has no contract"
    for n, burst in enumerate(declared.bursts):
        files = [c for (p, f), c in contracts.items() if p == burst.partner and burst.file in (None, f)]
        unknown = [column for column in burst.where if not any(column in c.by_name for c in files)]
        if not files or unknown:
            yield f"bursts.{n}: {burst.partner}/{burst.file or ''} has no contract{f' with {unknown[0]}' if files else ''}"
    for place, changes in (("migrations", declared.migrations), ("recodings", declared.recodings)):
        for n, change in enumerate(changes):
            if (change.partner, change.file) not in contracts or change.column not in contracts[change.partner, change.file].by_name:
                yield f"{place}.{n}: {change.partner}/{change.file} has no contract with {change.column}"
    for n, change in enumerate(declared.definitions):
        contract = contracts.get((change.partner, change.file))
        if contract is None or any(column not in contract.by_name for column in change.where):
            yield f"definitions.{n}: {change.partner}/{change.file} has no contract with {', '.join(change.where)}"
