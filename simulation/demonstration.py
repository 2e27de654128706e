"""The whole simulation: from a seed and a size to deliveries in an inbox, with the truth beside it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from datetime import date, timedelta
from functools import cached_property
from multiprocessing import get_context
from pathlib import Path
from tempfile import TemporaryDirectory

from pydantic import BaseModel, ValidationError

from das_pipeline.errors import ConfigurationError, DasError
from das_pipeline.jurisdiction import Jurisdiction
from simulation.deliveries.deliver import Handover, Part, Schedule, Sender, Sent, hand_over
from simulation.deliveries.registers import main_groups
from simulation.faults import Fault, Plan, profile
from simulation.parameters import Parameters
from simulation.truth import append_faults, merge, write_truth
from simulation.world.world import Extent, simulate_world

STATE = "simulation.json"
DAY = timedelta(days=1)


class State(BaseModel, extra="forbid", frozen=True):
    """The settings of a simulation and the last day it delivered: what `next_day` needs to continue it."""

    rows: int
    start: date
    seed: int
    faults: str
    persons: str | None = None  # a profile of simulation/persons; None: those of the parameters
    reference_on: date

    @property
    def extent(self) -> Extent:
        return Extent(self.rows, self.start)

    def is_same(self, other: State) -> bool:
        """Return whether `other` is the same world, whatever the day until which it is delivered."""
        return self.model_copy(update={"reference_on": other.reference_on}) == other


@dataclass(frozen=True)
class Simulated:
    """What a simulation wrote."""

    inbox: Path
    truth: Path
    deliveries: tuple[Sent, ...]
    faults: Mapping[str, int]  # how many, by kind

    @property
    def rows(self) -> int:
        return sum(sent.rows for sent in self.deliveries)


def simulate(
    jurisdiction: Jurisdiction,
    out: Path,
    *,
    size: str | int = "demo",
    seed: int = 1,
    faults: str | Path = "default",
    persons: str | None = None,
    until: date | None = None,
    truth: Path | None = None,
    processes: int = 1,
    force: bool = False,
) -> Simulated:
    """Write deliveries to `out/<partner>/<delivery>/`: the history of every partner, then daily deliveries until `until`.

    `size` is a size of simulation/parameters.yaml or a number of rows. `faults` is `none`, a profile of the jurisdiction, or the path of
    one. `persons` is a profile of persons who are hard to link. `truth` (beside `out` by default) receives what is true, the ledger of
    faults, and the state that `next_day` continues from. The same jurisdiction, size, seed, faults and persons give the same bytes, in any
    number of processes. DasError when `out` has the deliveries of another world, whose truth would be replaced, unless `force`.
    """
    state = planned_world(jurisdiction, size=size, seed=seed, faults=faults, persons=persons, until=until)
    target = truth or truth_beside(out)
    earlier = delivered_world(target)
    if earlier and not force and not (earlier.is_same(state) and earlier.reference_on <= state.reference_on):
        raise DasError(
            f"{out} has the deliveries of another world ({earlier.rows:,} rows, seed {earlier.seed}, faults {Path(earlier.faults).stem}, "
            f"until {earlier.reference_on}), and its truth would be replaced. Start anew after make clean, or simulate elsewhere (--out or "
            "another DAS_HOME). das simulate --force replaces the truth and mixes the two."
        )
    parameters = Parameters.read(jurisdiction, persons)
    first = parameters.period.history_until
    days = [first + DAY * n for n in range((state.reference_on - first).days + 1)]
    target.mkdir(parents=True, exist_ok=True)
    (target / "faults.jsonl").unlink(missing_ok=True)
    return _send(_Task(jurisdiction.folder, parameters, state, tuple(days), target, target), out, processes)


def truth_beside(inbox: Path) -> Path:
    """Return the folder with the truth about the deliveries in `inbox`."""
    return inbox.parent / "truth"


def planned_world(
    jurisdiction: Jurisdiction,
    *,
    size: str | int,
    seed: int,
    faults: str | Path = "default",
    persons: str | None = None,
    until: date | None = None,
) -> State:
    """Return what `simulate` would make with these arguments."""
    parameters = Parameters.read(jurisdiction)
    profile_or_path = faults if str(faults) == "none" or not Path(faults).suffix else Path(faults).resolve()
    scenario = profile(jurisdiction, profile_or_path)
    last = (until or (scenario and scenario.until) or parameters.period.until) - DAY
    if last < parameters.period.history_until:
        raise ConfigurationError(f"Nothing is delivered by {until}: the history is delivered on {parameters.period.history_until + DAY}.")
    extent = Extent.of(parameters, size)
    return State(rows=extent.rows, start=extent.start, seed=seed, faults=str(profile_or_path), persons=persons, reference_on=last)


def delivered_world(truth: Path) -> State | None:
    """Return what the simulation whose truth is in `truth` was made with; None when there is none."""
    path = truth / STATE
    if not path.exists():
        return None
    try:
        return State.model_validate_json(path.read_text(encoding="utf-8"))
    except ValidationError as error:
        raise DasError(
            f"{path} is not what `das simulate` writes ({error.error_count()} mistakes): remove {truth} and create a new one."
        ) from None


def next_day(jurisdiction: Jurisdiction, out: Path, *, truth: Path | None = None, processes: int = 1) -> Simulated:
    """Write one more delivery of every partner, for the day after the last one. DasError without a simulation, or after its last day."""
    target = truth or truth_beside(out)
    state = delivered_world(target)
    if state is None:
        raise DasError(f"{target / STATE} is missing: there is no simulation to continue. Create one with `das simulate`.")
    parameters = Parameters.read(jurisdiction, state.persons)
    day = state.reference_on + DAY
    if day > parameters.period.until + DAY * parameters.period.beyond_days:
        raise DasError(f"The simulated world ends on {day - DAY}. Create a new one with `das simulate`.")
    state = state.model_copy(update={"reference_on": day})
    return _send(_Task(jurisdiction.folder, parameters, state, (day,), target, target), out, processes)


@dataclass(frozen=True)
class _Task:
    """What a process needs to simulate one block of the world and write its parts of the deliveries."""

    folder: Path  # of the jurisdiction
    parameters: Parameters
    state: State
    days: tuple[date, ...]
    parts: Path
    truth: Path

    @cached_property
    def jurisdiction(self) -> Jurisdiction:
        return Jurisdiction(self.folder)

    @cached_property
    def schedule(self) -> Schedule:
        plan = Plan(profile(self.jurisdiction, self.state.faults), self.state.seed)
        return Schedule(self.jurisdiction, self.parameters, plan)

    @property
    def handovers(self) -> Iterator[Handover]:
        return (handover for day in self.days for handover in self.schedule.of_day(day))

    def __call__(self, block: int) -> dict[str, dict[str, Part]]:
        """Simulate a block and write its truth to a folder of its own; return its parts by delivery and file."""
        groups = main_groups(self.jurisdiction)
        world = simulate_world(self.parameters, groups, self.state.extent, self.state.seed, block)
        sender = Sender(self.jurisdiction, self.parameters, world, block)
        folder = self.parts / str(block)
        folder.mkdir()
        parts: dict[str, dict[str, Part]] = {}
        for handover in self.handovers:
            if not handover.planned.is_missing:
                contracts = self.schedule.of_partner(handover.planned.partner)
                parts[handover.place] = {c.file: sender.write(handover, c, folder) for c in contracts}
        steps, registers = world.steps, self.parameters.registers
        opened, known_on = sender.registers.values(), self.schedule.known_on(self.days[-1])
        write_truth(self.truth_of(block), self.jurisdiction, opened, world.people, registers, known_on, steps.seed, block, steps.blocks)
        return parts

    def truth_of(self, block: int) -> Path:
        return self.parts / f"{block}.truth"


def _send(task: _Task, out: Path, processes: int) -> Simulated:
    """Simulate all blocks, in up to `processes` processes, and write the deliveries, the manifest of each last."""
    blocks = range(task.state.extent.blocks(task.parameters))
    with TemporaryDirectory(dir=task.parts, prefix=".parts-") as folder:
        task = replace(task, parts=Path(folder))
        if processes > 1 and len(blocks) > 1:
            with ProcessPoolExecutor(min(processes, len(blocks)), mp_context=get_context("forkserver")) as pool:
                parts_of_blocks = list(pool.map(task, blocks))
        else:
            parts_of_blocks = [task(block) for block in blocks]
        log: list[Fault] = []
        sent: list[Sent] = []
        for handover in task.handovers:
            if handover.planned.is_missing:
                log.extend(handover.planned.faults())
                continue
            contracts = task.schedule.of_partner(handover.planned.partner)
            parts = {c.file: [block[handover.place][c.file] for block in parts_of_blocks] for c in contracts}
            delivery, faults = hand_over(out, handover, contracts, parts)
            sent.append(delivery)
            log.extend(faults)
        merge([task.truth_of(block) for block in blocks], task.truth)
    append_faults(task.truth, log)
    (task.truth / STATE).write_text(task.state.model_dump_json(indent=1) + "\n", encoding="utf-8")
    return Simulated(out, task.truth, tuple(sent), dict(Counter(fault.fault for fault in log)))
