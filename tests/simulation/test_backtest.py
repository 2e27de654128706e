"""The back-test: every published figure has a measure or a reason, and measures give what a plain count gives."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from das_pipeline.errors import ConfigurationError
from das_pipeline.jurisdiction import Jurisdiction
from das_pipeline.settings import PROJECT
from simulation.draws import NEVER, Coded
from simulation.parameters import Parameters
from simulation.validation.backtest import Ruler
from simulation.validation.calibrate import fit, interpolated, write_factors
from simulation.validation.declared import Backtest, Breakdown, Fit, Measure
from simulation.validation.documentation import write_tables
from simulation.validation.figures import COLUMNS, Figure, figures
from simulation.validation.measure import Measured, added, measure, value
from simulation.world.persons import People
from simulation.world.tables import Steps, Table
from simulation.world.world import Extent, World

NL = Jurisdiction(PROJECT / "jurisdictions" / "nl")
YEARS = [2020, 2021, 2022]
GROUPS = {"theft": "property", "assault": "violence"}


def days(*texts: str):
    return np.array(texts, dtype="datetime64[D]")


def small_world() -> World:
    """Three cases of two persons, and a decision in two of them."""
    received = days("2020-03-01", "2020-12-31", "2022-01-01")
    cases = Table(
        columns={
            "received_on": received,
            "offence": Coded(("theft", "assault"), np.array([0, 0, 1])),
            "offence_on": received,
            "fast": np.array([True, False, True]),
            "amount": np.array([100.0, np.nan, 40.0]),
            "ended_on": np.array(["2020-03-11", "2021-01-30", "NaT"], dtype="datetime64[D]"),
        },
        entry=received,
        person=np.array([0, 0, 1]),
        case=np.arange(3),
    )
    decided = days("2020-03-21", "2022-03-01")
    decisions = Table(
        columns={"decided_on": decided}, entry=decided, person=np.array([0, 1]), case=np.array([0, 2]), links={"cases": np.array([0, 2])}
    )
    born = days("1990-01-01", "2006-06-01")
    known: dict[str, Any] = {f.name: pa.nulls(2, pa.string()) for f in fields(People)}
    people = People(**known | {"born_on": born, "sex": Coded(("male", "female"), np.array([0, 1]))})
    steps = Steps(Parameters.read(NL), GROUPS, 1, 0, 1, 1.0, received, received[0])
    steps.tables.update({"cases": cases, "decisions": decisions})
    steps.known_people = people
    return World(steps)


def figures_of(m: Measure, scale: float = 1.0) -> list[float]:
    world = small_world()
    (measured,) = measure(world, GROUPS, [m], YEARS)
    (twice,) = added([[measured], [measured]])
    for at in range(len(YEARS)):  # two blocks of the same people make the same figure at twice the scale
        np.testing.assert_equal(value(m, twice, at, 2 * scale), value(m, measured, at, scale))
    return [value(m, measured, at, scale) for at in range(len(YEARS))]


def test_no_row_of_the_calibration_is_forgotten():
    rows = NL.csv("simulation/calibration.csv", COLUMNS)
    known = figures(NL, Backtest.read(NL))

    assert len(known) == len(rows) + len(NL.csv("external/politie_47018/recorded_crime.csv", ["class_code", "year", "recorded_crimes"]))
    for row, figure in zip(rows, known[: len(rows)], strict=True):
        assert (row["partner"], row["indicator"], row["breakdown"], int(row["year"])) == (*figure.name, figure.year)
        assert figure.measure.table or figure.measure.not_modelled
        assert len(figure.definition) > 20


def test_a_row_without_a_measure_stops_the_back_test():
    backtest = Backtest.read(NL)
    shorter = backtest.model_copy(update={"indicators": backtest.indicators[1:]})

    with pytest.raises(ConfigurationError, match="geregistreerde misdrijven"):
        figures(NL, shorter)


def test_rows_and_persons_are_counted_in_the_year_of_their_day():
    assert figures_of(Measure(table="cases", day="received_on")) == [2, 0, 1]
    assert figures_of(Measure(table="cases", day="received_on"), scale=0.1) == [20, 0, 10]
    assert figures_of(Measure(kind="persons", table="cases", day="received_on")) == [1, 0, 1]
    assert figures_of(Measure(table="cases", day="ended_on")) == [1, 1, 0]


def test_rows_are_chosen_by_column_group_person_and_the_row_they_follow_from():
    def chosen(table: str, day: str, **where: list[str | bool | int]) -> list[float]:
        return figures_of(Measure(table=table, day=day, where={k.replace("__", "."): v for k, v in where.items()}))

    assert chosen("cases", "received_on", offence=["theft"]) == [2, 0, 0]
    assert chosen("cases", "received_on", offence__group=["violence"]) == [0, 0, 1]
    assert chosen("cases", "received_on", person__minor=[True]) == [0, 0, 1]
    assert chosen("cases", "received_on", person__sex=["male"]) == [2, 0, 0]
    assert chosen("decisions", "decided_on", cases__offence__group=["violence"]) == [0, 0, 1]
    assert chosen("decisions", "decided_on", cases__fast=[True]) == [1, 0, 1]
    assert figures_of(Measure(table="cases", day="received_on", where_not={"fast": [True]})) == [1, 0, 0]


def test_shares_means_and_durations():
    share = figures_of(Measure(kind="share", table="cases", day="received_on", part={"fast": [True]}))
    assert share[0] == 50
    assert np.isnan(share[1])
    assert share[2] == 100
    assert figures_of(Measure(kind="mean", table="cases", day="received_on", of="amount"))[::2] == [100, 40]
    assert figures_of(Measure(kind="days", table="decisions", day="decided_on", since="cases.received_on", until="decided_on"))[::2] == [
        20,
        59,
    ]
    median = Measure(kind="median_days", table="cases", day="received_on", since="received_on", until="ended_on")
    assert figures_of(median)[0] == 10


def test_stocks_count_what_has_begun_and_not_ended():
    stock = Measure(kind="stock", table="cases", since="received_on", until="ended_on", month_day="12-31")
    assert figures_of(stock) == [1, 0, 1]
    assert figures_of(stock.model_copy(update={"kind": "average_stock"})) == [1 / 12, 0, 1]
    assert figures_of(stock.model_copy(update={"kind": "present"})) == [1, 1, 1]


def test_a_small_world_is_allowed_its_sampling_error():
    m = Breakdown(table="cases", day="received_on")
    figure = Figure(2020, "om", "zaken", "totaal", 40.0, "zaak", "a source", "a definition", m)
    (measured,) = measure(small_world(), GROUPS, [m], YEARS)

    def result(scale: float):
        return Ruler(Backtest.read(NL), [figure], GROUPS, YEARS).results({0: measured}, scale, YEARS)[0]

    assert result(0.05).simulated == 40
    assert result(0.05).allowed == pytest.approx(2 + 2 * 100 / np.sqrt(40 * 0.05))
    assert result(0.001).allowed == pytest.approx(2 + 100 / (40 * 0.001))  # one row more or less
    assert result(0.05).is_within
    assert result(0.02).deviation == pytest.approx(150)


def test_days_that_are_none_are_in_no_year():
    world = small_world()
    world.tables["cases"].columns["received_on"] = np.full(3, NEVER)

    assert measure(world, GROUPS, [Measure(table="cases", day="received_on")], YEARS)[0].total.tolist() == [0, 0, 0]


def fitted_to(figure: Figure, years: list[int], simulate, gain: float = 1.0, assumed: dict[int, float] | None = None) -> list[float]:
    """The factor after some rounds, when `simulate` gives the figure for the factor of its year."""

    def measured(factors: dict[str, list[float]]) -> dict[int, Measured]:
        at = years.index(figure.year)
        n = np.zeros(len(years))
        n[at], total = 1000, np.zeros(len(years))
        total[at] = simulate(factors["f"][at])
        return {0: Measured(n, total, total)}

    backtest = Backtest.read(NL).model_copy(update={"fit": [Fit(factor="f", figures=[figure.name], gain=gain, assumed=assumed or {})]})
    return fit(backtest, [figure], years, 1.0, {"f": [1.0] * len(years), "other": [2.0] * len(years)}, measured, rounds=12)["f"]


def test_a_factor_of_odds_makes_a_share_what_was_published():
    figure = Figure(2021, "om", "deel", "totaal", 40.0, "%", "a source", "a definition", Breakdown(kind="share", table="cases"))

    def share(factor: float) -> float:  # a transition with odds 1 to 4, times the factor, in 1,000 cases
        return 1000 * 0.25 * factor / (1 + 0.25 * factor)

    factors = fitted_to(figure, YEARS, share)
    assert share(factors[1]) == pytest.approx(400, rel=1e-3)
    assert factors[0] == factors[1] == factors[2]  # the years without a figure are as the nearest one


def test_a_factor_with_a_negative_gain_makes_a_number_smaller():
    figure = Figure(2021, "om", "aantal", "totaal", 500.0, "zaak", "a source", "a definition", Breakdown(table="cases"))

    assert 1000 / (1 + fitted_to(figure, YEARS, lambda factor: 1000 / (1 + factor / 4), gain=-2.0)[1] / 4) == pytest.approx(500, rel=1e-2)


def test_a_year_without_a_published_figure_may_have_an_assumed_one():
    figure = Figure(2021, "om", "aantal", "totaal", 500.0, "zaak", "a source", "a definition", Breakdown(table="cases"))

    factors = fitted_to(figure, YEARS, lambda factor: 250 * factor, assumed={2022: 0.0001, 2021: 7.0})
    assert factors[1] == pytest.approx(2, rel=1e-3)  # what is published goes before what is assumed
    assert factors[2] == 1  # nothing is simulated in that year


def test_years_without_a_figure_lie_between_their_neighbours():
    assert interpolated({1: 1.0, 3: 4.0}, 5) == pytest.approx([1, 1, 2, 4, 4])


def test_factors_are_written_in_the_alignment_and_nothing_else_changes(tmp_path: Path):
    path = tmp_path / "parameters.yaml"
    alignment = "alignment:\n  source: a source\n  years: [2020, 2021]\n"
    path.write_text(f"period: 1  # kept\n\n{alignment}  factors: {{}}\n\nlast:\n  b: 1\n", encoding="utf-8")

    for _ in range(2):  # with no factors there, and with those of the time before
        write_factors(path, {"b": [1.0, 0.5], "a": [2.25, 1.0]})
        written = "  factors:\n    a: [2.25, 1]\n    b: [1, 0.5]\n"
        assert path.read_text(encoding="utf-8") == f"period: 1  # kept\n\n{alignment}{written}\nlast:\n  b: 1\n"

    path.write_text("period: 1\n", encoding="utf-8")
    with pytest.raises(ConfigurationError, match="no alignment"):
        write_factors(path, {})


@pytest.mark.slow
def test_a_world_of_a_million_rows_gives_the_published_figures():
    """Totals within 2 %, shares within 1 point, durations within 10 %, and the sampling error of a small world."""
    parameters = Parameters.read(NL)
    extent, ruler = Extent.of(parameters, "large"), Ruler.read(NL, parameters.alignment.years)
    results = ruler.results(ruler.world(parameters, extent, 1, 2), extent.scale(parameters), ruler.judged)
    judged = [r for r in results if not r.figure.is_of_class]
    missed = {(r.figure.year, *r.figure.name): round(r.deviation, 1) for r in judged if not r.is_within and not r.figure.measure.known_gap}
    far = [r for r in results if abs(r.deviation) > 2 * r.allowed and not r.figure.measure.known_gap]

    assert len(judged) > 180
    assert len(results) - len(judged) > 600
    assert far == []
    assert len(missed) / len(judged) < 0.05, missed  # twice the standard error is missed by one in twenty
    assert sum(r.is_within for r in results if r.figure.is_of_class) / (len(results) - len(judged)) > 0.95


def test_the_page_that_explains_the_model_has_the_tables_of_its_parameters():
    page = PROJECT / "docs" / "simulation.md"

    assert write_tables(page, NL) == page.read_text(encoding="utf-8"), "run python -m benchmarks.backtest report"
