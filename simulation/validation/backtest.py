"""The back-test: published figures compared with the same figures of a simulated world."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import cached_property, partial
from multiprocessing import get_context

from das_pipeline.jurisdiction import Jurisdiction
from simulation.deliveries.registers import main_groups
from simulation.parameters import Parameters
from simulation.validation.declared import Backtest, Measure, Tolerance
from simulation.validation.figures import Figure, figures
from simulation.validation.measure import Measured, added, measure, value
from simulation.world.world import Extent, simulate_world

SPREAD = 2.0  # standard errors, for sampling in a small world, allowed in addition to the tolerance


@dataclass(frozen=True)
class Result:
    """A published figure compared with the simulated one."""

    figure: Figure
    simulated: float
    deviation: float  # in percent, or percentage points for a share
    allowed: float  # in the same unit

    @property
    def is_within(self) -> bool:
        return abs(self.deviation) <= self.allowed


def _result(figure: Figure, simulated: float, measured: Measured, at: int, scale: float, tolerance: Tolerance) -> Result:
    """The comparison. The sampling error is √(published · scale) rows, at least one; √(p(1 − p)/n) for a share; s/√n for a mean."""
    published, n = figure.published, max(float(measured.n[at]), 1.0)
    if figure.measure.kind == "share":
        p = published / 100
        return Result(figure, simulated, simulated - published, tolerance.share + SPREAD * 100 * math.sqrt(p * (1 - p) / n))
    if published == 0:
        return Result(figure, simulated, math.inf if simulated else 0.0, tolerance.total)
    deviation = 100 * (simulated - published) / published
    if figure.measure.is_scaled:
        expected = published * scale
        return Result(figure, simulated, deviation, tolerance.total + 100 * max(SPREAD / math.sqrt(expected), 1 / expected))
    mean = float(measured.total[at]) / n
    spread = math.sqrt(max(float(measured.squares[at]) / n - mean**2, 0.0) / n)
    return Result(figure, simulated, deviation, tolerance.duration + SPREAD * 100 * spread / published)


@dataclass(frozen=True)
class Ruler:
    """Measures the worlds of a jurisdiction; figures with the same measure are measured once."""

    backtest: Backtest
    known: Sequence[Figure]
    groups: Mapping[str, str]
    years: Sequence[int]

    @classmethod
    def read(cls, jurisdiction: Jurisdiction, years: Sequence[int]) -> Ruler:
        """The ruler with the declared measures, for the consecutive years `years`."""
        backtest = Backtest.read(jurisdiction)
        return cls(backtest, figures(jurisdiction, backtest), main_groups(jurisdiction), years)

    @property
    def judged(self) -> range:
        """The years of the back-test."""
        return range(self.backtest.years[0], self.backtest.years[1] + 1)

    @cached_property
    def _measures(self) -> dict[str, Measure]:
        measures = [Measure.model_validate(f.measure.model_dump(include=set(Measure.model_fields))) for f in self.known if f.is_modelled]
        return {m.model_dump_json(): m for m in measures}

    def world(self, parameters: Parameters, extent: Extent, seed: int, processes: int) -> dict[int, Measured]:
        """The sums of a whole world, by position of the figure. Its blocks are simulated in up to `processes` processes, and not kept."""
        blocks = range(extent.blocks(parameters))
        todo = partial(self.block, parameters, extent, seed)
        if processes == 1 or len(blocks) == 1:
            return self.placed(added(map(todo, blocks)))
        with ProcessPoolExecutor(min(processes, len(blocks)), mp_context=get_context("forkserver")) as pool:
            return self.placed(added(pool.map(todo, blocks)))

    def block(self, parameters: Parameters, extent: Extent, seed: int, block: int) -> list[Measured]:
        """The sums of one block, one per measure."""
        world = simulate_world(parameters, self.groups, extent, seed, block)
        return measure(world, self.groups, self._measures.values(), self.years)

    def placed(self, sums: Sequence[Measured]) -> dict[int, Measured]:
        """The sums by position of the figure."""
        by_measure = dict(zip(self._measures, sums, strict=True))
        keys = {i: f.measure.model_dump_json(include=set(Measure.model_fields)) for i, f in enumerate(self.known) if f.is_modelled}
        return {i: by_measure[key] for i, key in keys.items()}

    def results(self, measured: Mapping[int, Measured], scale: float, years: Sequence[int]) -> list[Result]:
        """The comparisons for the modelled figures of `years`."""
        results = []
        for place, m in measured.items():
            figure = self.known[place]
            if figure.year in years and figure.year in self.years:
                at = self.years.index(figure.year)
                results.append(_result(figure, value(figure.measure, m, at, scale), m, at, scale, self.backtest.tolerance))
        return results
