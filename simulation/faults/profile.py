"""What a profile of faults, or a scenario, may declare: how often each kind happens, where, and in which deliveries."""

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
    """Days or an office in which a partner makes more of the faults than usual: a bad month, a new system, one office."""

    partner: str
    file: str | None = None  # all of them
    start: date | None = Field(default=None, alias="from")  # the days on which a row came into the register
    until: date | None = None
    where: dict[str, list[str]] = {}  # column: the partner's own codes
    times: float = Field(gt=1)  # as often as elsewhere
    weights: Shares = {}  # the kinds that there are more of; those of the profile when none are named


class Trouble(BaseModel, extra="forbid"):
    """A delivery, or a file in it, that does not come as it should."""

    partner: str
    reference_on: date
    fault: str
    file: str | None = None  # all of them that lend themselves to it
    days: int = 1  # how late
    column: str = ""  # of a correction: which is corrected
    share: float = Field(default=0.0, ge=0, le=1)  # of a correction: of the rows


class DefinitionChange(BaseModel, extra="forbid"):
    """Rows that a partner counts no longer, by its own codes."""

    partner: str
    file: str
    start: date = Field(alias="from")  # of those that come into the register from this day on
    where: dict[str, list[str]] = Field(min_length=1)


class Migration(BaseModel, extra="forbid"):
    """A partner's new system: from a reference date on everything in a file has another number, told by the first characters."""

    partner: str
    file: str
    start: date = Field(alias="from")
    column: str
    prefix: tuple[str, str]  # before, after


class Recoding(BaseModel, extra="forbid"):
    """Codes of a partner that are renewed, without a word to those who read them."""

    partner: str
    file: str
    start: date = Field(alias="from")  # of rows that come into the register from this day on
    column: str
    prefix: str  # of each new code


class WholeFiles(BaseModel, extra="forbid"):
    """How often a file of changes goes wrong as a whole, and how."""

    share: float = 0.0
    weights: Shares = {}


class Expected(BaseModel, extra="forbid"):
    """What should come of a scenario: releases by id, deliveries as `partner id`, rules that warn, and rules that stop the chain."""

    released: list[str] = []
    refused: list[str] = []
    taken: list[str] = []
    warned: list[str] = []
    failed: list[str] = []


class Faults(BaseModel, extra="forbid"):
    """A profile: how often each kind of fault happens, where more often than elsewhere, and which deliveries go wrong as a whole."""

    source: str = Field(min_length=10)
    share: float = Field(ge=0, lt=1)  # of the rows of a file that carry a fault, all kinds together
    least: int = 0  # faults in a history file, whatever its size
    weights: Shares
    bursts: list[Burst] = []
    files: WholeFiles = WholeFiles()
    deliveries: list[Trouble] = []
    definitions: list[DefinitionChange] = []
    migrations: list[Migration] = []
    recodings: list[Recoding] = []
    # A profile with a story is a scenario: files under scenarios/, each played by a test from delivery to release.
    story: str = ""
    until: date | None = None  # deliveries come until this day
    expect: Expected = Expected()


def profile(jurisdiction: Jurisdiction, name: str | Path) -> Faults | None:
    """A profile of the jurisdiction by its name, or that in the file at a path; None for `none`. ConfigurationError names a mistake."""
    if name == "none":
        return None
    path = Path(name)
    if path.suffix not in (".yaml", ".yml"):
        known = [Path(f).stem for f in jurisdiction.files("simulation/faults/*.yaml")]
        if str(name) not in known:
            raise ConfigurationError(f"The faults {name} are not known: use none, {', '.join(known)} or the path of a YAML file.")
        path = Path("simulation", "faults", f"{name}.yaml")
    else:
        path = path.resolve()
    read = jurisdiction.load(str(path), Faults)
    mistakes = list(_mistakes(read, load_contracts(jurisdiction)))
    if mistakes:
        raise ConfigurationError(f"{jurisdiction.folder / path}: {'; '.join(mistakes)}")
    return read


def _mistakes(said: Faults, contracts: Mapping[tuple[str, str], Contract]) -> Iterator[str]:
    """What a profile names that does not exist."""
    weights = [("weights", said.weights), *((f"bursts.{n}.weights", b.weights) for n, b in enumerate(said.bursts))]
    for place, kinds in weights:
        yield from (f"{place}: there is no kind {kind}, use {', '.join(KINDS)}" for kind in kinds if kind not in KINDS)
    yield from (f"files.weights: there is no kind {k}, use {', '.join(FILE_KINDS)}" for k in said.files.weights if k not in FILE_KINDS)
    partners = {partner for partner, _ in contracts}
    for n, trouble in enumerate(said.deliveries):
        if trouble.fault not in {*FILE_KINDS, *DELIVERY_KINDS}:
            yield f"deliveries.{n}: there is no kind {trouble.fault}, use {', '.join((*DELIVERY_KINDS, *FILE_KINDS))}"
        if trouble.partner not in partners or (trouble.file is not None and (trouble.partner, trouble.file) not in contracts):
            yield f"deliveries.{n}: {trouble.partner}/{trouble.file or ''} has no contract"
    for n, burst in enumerate(said.bursts):
        files = [c for (p, f), c in contracts.items() if p == burst.partner and burst.file in (None, f)]
        unknown = [column for column in burst.where if not any(column in c.by_name for c in files)]
        if not files or unknown:
            yield f"bursts.{n}: {burst.partner}/{burst.file or ''} has no contract{f' with {unknown[0]}' if files else ''}"
    for place, changes in (("migrations", said.migrations), ("recodings", said.recodings)):
        for n, change in enumerate(changes):
            if (change.partner, change.file) not in contracts or change.column not in contracts[change.partner, change.file].by_name:
                yield f"{place}.{n}: {change.partner}/{change.file} has no contract with {change.column}"
    for n, change in enumerate(said.definitions):
        contract = contracts.get((change.partner, change.file))
        if contract is None or any(column not in contract.by_name for column in change.where):
            yield f"definitions.{n}: {change.partner}/{change.file} has no contract with {', '.join(change.where)}"
