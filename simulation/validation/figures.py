"""The published figures of a jurisdiction, each with its source, its definition and how a world is measured for it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from das_pipeline.errors import ConfigurationError
from das_pipeline.jurisdiction import Jurisdiction
from simulation.validation.declared import Backtest, Breakdown, Classes, Indicator, Measure

COLUMNS = ["year", "partner", "indicator", "breakdown", "value", "unit", "is_provisional", "source", "verified"]
CLASSES = "geregistreerde misdrijven per klasse"


@dataclass(frozen=True)
class Figure:
    """One published figure and how a world is measured for it."""

    year: int
    partner: str
    indicator: str
    breakdown: str
    published: float  # as compared: a percentage where `share_of` is declared
    unit: str
    source: str
    definition: str
    measure: Breakdown

    @property
    def name(self) -> tuple[str, str, str]:
        return self.partner, self.indicator, self.breakdown

    @property
    def is_modelled(self) -> bool:
        return not self.measure.not_modelled

    @property
    def is_of_class(self) -> bool:
        """Whether it is one of the police's own figures by class, of which there are hundreds."""
        return self.indicator == CLASSES


def figures(jurisdiction: Jurisdiction, backtest: Backtest) -> list[Figure]:
    """Every row of calibration.csv, then every class and year of the police; ConfigurationError for a row without a measure."""
    rows = jurisdiction.csv("simulation/calibration.csv", COLUMNS)
    measures = {(i.partner, i.indicator, b): _merged(i, declared) for i in backtest.indicators for b, declared in i.breakdowns.items()}
    definitions = {(i.partner, i.indicator): i.definition for i in backtest.indicators}
    values = {(r["year"], r["partner"], r["indicator"], r["breakdown"]): float(r["value"]) for r in rows}
    published = {(r["partner"], r["indicator"], r["breakdown"]) for r in rows}
    if forgotten := sorted(published - set(measures)):
        raise ConfigurationError(f"backtest.yaml has no measure for these rows of calibration.csv: {forgotten}")
    if invented := sorted(set(measures) - published):
        raise ConfigurationError(f"calibration.csv has no rows for these breakdowns of backtest.yaml: {invented}")
    result = []
    for row in rows:
        partner, indicator, breakdown, value = row["partner"], row["indicator"], row["breakdown"], float(row["value"])
        measure, unit = measures[partner, indicator, breakdown], row["unit"]
        if measure.share_of:
            value, unit = 100 * value / values[row["year"], partner, indicator, measure.share_of], "%"
        definition = definitions[partner, indicator]
        result.append(Figure(int(row["year"]), partner, indicator, breakdown, value, unit, row["source"], definition, measure))
    return result + _class_figures(jurisdiction, backtest.classes)


def _class_figures(jurisdiction: Jurisdiction, classes: Classes) -> list[Figure]:
    result = []
    for row in jurisdiction.csv(classes.figures, ["class_code", "year", "recorded_crimes"]):
        concept = classes.prefix + row["class_code"].replace(".", "_")
        shared = classes.model_dump(include=set(Measure.model_fields), exclude_defaults=True)
        measure = Breakdown.model_validate(shared | {"where": {**classes.where, classes.field: [concept]}})
        name = "politie", CLASSES, row["class_code"]
        year, number = int(row["year"]), float(row["recorded_crimes"])
        result.append(Figure(year, *name, number, "misdrijf", classes.figures, classes.definition, measure))
    return result


def _merged(indicator: Indicator, declared: Mapping[str, Any]) -> Breakdown:
    """A breakdown with the defaults of its indicator; the conditions of both apply."""
    shared = indicator.model_dump(include=set(Breakdown.model_fields), exclude_defaults=True)
    both = {key: {**shared.get(key, {}), **declared.get(key, {})} for key in ("where", "where_not", "part", "part_not")}
    return Breakdown.model_validate({**shared, **declared, **both})
