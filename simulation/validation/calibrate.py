"""The calibration: fits the factors of the alignment, year by year, so that the simulated chain meets the published figures.

It is a fixed-point iteration: simulate, compare the figures with the published ones, move each factor by the deviation of its figure,
repeat. A factor acts on the odds of one transition, so the odds of a published share determine how far it must move; for a number its
gain does. Years without a figure are interpolated.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np

from das_pipeline.errors import ConfigurationError
from simulation.validation.declared import Backtest, Fit
from simulation.validation.figures import Figure
from simulation.validation.measure import Measured, value

Factors = dict[str, list[float]]  # one for each year of the alignment, by name
STEP = (0.4, 2.5)  # the least and the most that a factor is multiplied by in one round
RANGE = (0.02, 50.0)  # of a factor: beyond it the model is wrong, not its alignment
DAMPING = (0.7, 0.3)  # in the first and the last round: later transitions depend on a factor too, and would oscillate
DIGITS = 4
_FACTORS = r"^(alignment:\n(?:  (?!factors:).*\n)*)  factors:.*\n(?:    .*\n)*"


def fit(
    backtest: Backtest,
    known: Sequence[Figure],
    years: Sequence[int],
    scale: float,
    factors: Mapping[str, Sequence[float]],
    simulate: Callable[[Factors], Mapping[int, Measured]],
    rounds: int,
) -> Factors:
    """The factors after `rounds` rounds. `simulate` measures a world with given factors, by position of the figure in `known`."""
    fitted = {f.factor: list(factors.get(f.factor, [1.0] * len(years))) for f in backtest.fit}
    others = {name: list(series) for name, series in factors.items() if name not in fitted}
    targets = {f.factor: _targets(f, known, years) for f in backtest.fit}
    for number in range(rounds):
        damping = DAMPING[0] + (DAMPING[1] - DAMPING[0]) * number / max(rounds - 1, 1)
        measured = simulate({**others, **fitted})
        for f in backtest.fit:
            moved = {}
            for at, (place, wanted) in targets[f.factor].items():
                simulated = value(known[place].measure, measured[place], at, scale)
                moved[at] = _moved(fitted[f.factor][at], known[place], wanted, simulated, f.gain, damping)
            fitted[f.factor] = interpolated(moved, len(years))
    return {**others, **{name: [round(x, DIGITS) for x in series] for name, series in fitted.items()}}


def _targets(f: Fit, known: Sequence[Figure], years: Sequence[int]) -> dict[int, tuple[int, float]]:
    """By position of the year: the position of the first figure in the list that is published for it, and its published value."""
    targets: dict[int, tuple[int, float]] = {}
    first = next((place for place, figure in enumerate(known) if figure.name == f.figures[0]), 0)
    for name in f.figures:
        for place, figure in enumerate(known):
            if figure.name == name and figure.year in years and figure.is_modelled:
                targets.setdefault(years.index(figure.year), (place, figure.published))
    for year, wanted in f.assumed.items():
        targets.setdefault(years.index(year), (first, wanted))
    if not targets:
        raise ConfigurationError(f"The factor {f.factor} is fitted to figures of no year from {years[0]} to {years[-1]}.")
    return targets


def _moved(factor: float, figure: Figure, wanted: float, simulated: float, gain: float, damping: float) -> float:
    """The factor, moved towards the wanted figure; unchanged if the world has no such row."""
    if not simulated > 0 or (figure.measure.kind == "share" and simulated >= 100):
        return factor
    ratio = wanted / simulated
    if figure.measure.kind == "share":  # the factor acts on odds
        ratio, gain = ratio * (100 - simulated) / (100 - wanted), 1.0
    return float(np.clip(factor * np.clip(ratio ** (gain * damping), *STEP), *RANGE))


def interpolated(known: Mapping[int, float], n: int) -> list[float]:
    """A series of `n` values from some of them: linear in the logarithm between two, the nearest one outside them."""
    places = sorted(known)
    return np.exp(np.interp(np.arange(n), places, [math.log(known[p]) for p in places])).tolist()


def write_factors(path: Path, factors: Factors) -> None:
    """Write the factors into the alignment of a file of parameters; its other lines stay the same."""
    text = path.read_text(encoding="utf-8")
    lines = "".join(f"    {name}: [{', '.join(f'{x:g}' for x in factors[name])}]\n" for name in sorted(factors))
    text, replaced = re.subn(_FACTORS, lambda m: f"{m[1]}  factors:\n{lines}", text, count=1, flags=re.MULTILINE)
    if not replaced:
        raise ConfigurationError(f"{path} has no alignment with factors.")
    path.write_text(text, encoding="utf-8")
