"""The simulation as a whole: from a seed and a size to deliveries in an inbox and the truth beside it."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

from das_pipeline.errors import ConfigurationError, DasError
from das_pipeline.jurisdiction import Jurisdiction
from das_pipeline.simulation.deliver import Sender, Sent
from das_pipeline.simulation.faults import Fault, Plan, profile
from das_pipeline.simulation.parameters import Parameters
from das_pipeline.simulation.registers import main_groups
from das_pipeline.simulation.truth import append_faults, write_truth
from das_pipeline.simulation.world import simulate_world

SIZES = {"tiny": 1_000, "demo": 100_000}  # rows in all files together
STATE = "simulation.json"
DAY = timedelta(days=1)


@dataclass(frozen=True)
class Simulated:
    """What a simulation wrote."""

    inbox: Path
    truth: Path
    deliveries: tuple[Sent, ...]
    faults: Mapping[str, int]  # by kind

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
    until: date | None = None,
    truth: Path | None = None,
) -> Simulated:
    """Deliveries in `out/<partner>/<delivery>/`: the history of every partner, then daily ones delivered until `until`.

    `size` is `tiny`, `demo` or a number of rows; `faults` is `none`, a profile of the jurisdiction, or the path of one. `truth` (beside
    `out` when not given) gets records.parquet, faults.jsonl, tables, canaries.txt, and what `next_day` needs to go on. Same
    jurisdiction, size and seed ⇒ same bytes.
    """
    parameters = Parameters.read(jurisdiction)
    last = (until or parameters.period.until) - DAY
    if last < parameters.period.history_until:
        raise ConfigurationError(f"Nothing is delivered by {until}: the history is delivered on {parameters.period.history_until + DAY}.")
    state = {"size": rows_of(size), "seed": seed, "faults": str(faults), "reference_on": str(last)}
    days = [parameters.period.history_until + DAY * n for n in range((last - parameters.period.history_until).days + 1)]
    target = truth or out.parent / "truth"
    (target / "faults.jsonl").unlink(missing_ok=True)
    return _send(jurisdiction, parameters, out, target, state, days)


def next_day(jurisdiction: Jurisdiction, out: Path, *, truth: Path | None = None) -> Simulated:
    """One more delivery of every partner, about the day after the last one. DasError when no simulation was made or its days are over."""
    target = truth or out.parent / "truth"
    try:
        state = json.loads((target / STATE).read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise DasError(f"{target / STATE} is missing: there is no simulation to go on with. Make one with `das simulate`.") from None
    parameters = Parameters.read(jurisdiction)
    day = date.fromisoformat(state["reference_on"]) + DAY
    if day > parameters.period.until + DAY * parameters.period.beyond_days:
        raise DasError(f"The simulated world ends on {day - DAY}. Make a new one with `das simulate`.")
    return _send(jurisdiction, parameters, out, target, {**state, "reference_on": str(day)}, [day])


def rows_of(size: str | int) -> int:
    """How many rows a size means; ConfigurationError for one that is not known."""
    if isinstance(size, int) or size.isdigit():
        return int(size)
    if size not in SIZES:
        raise ConfigurationError(f"The size {size} is not known: use {', '.join(SIZES)} or a number of rows.")
    return SIZES[size]


def _send(
    jurisdiction: Jurisdiction, parameters: Parameters, out: Path, truth: Path, state: dict[str, int | str], days: list[date]
) -> Simulated:
    seed, last = int(state["seed"]), days[-1]
    groups = main_groups(jurisdiction)
    years = (parameters.period.until - parameters.period.start + DAY).days / 365.25
    crimes_a_year = int(state["size"]) / parameters.period.records_a_crime / years
    world = simulate_world(parameters, groups, crimes_a_year, seed, parameters.period.until)
    sender = Sender(jurisdiction, parameters, world, Plan(profile(jurisdiction, str(state["faults"])), seed))
    log: list[Fault] = []
    sent = [delivery for day in days for delivery in sender.send_day(out, day, log)]
    append_faults(truth, log)
    write_truth(truth, jurisdiction, sender.registers.values(), world.people, parameters.registers, last, seed)
    (truth / STATE).write_text(json.dumps(state, indent=1) + "\n", encoding="utf-8")
    return Simulated(out, truth, tuple(sent), dict(Counter(fault.fault for fault in log)))
