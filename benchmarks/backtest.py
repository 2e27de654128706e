"""The back-test: compare the simulated chain with published figures; fit its alignment, or write the report.

    python -m benchmarks.backtest calibrate [size] [rounds]     writes the factors of simulation/parameters.yaml
    python -m benchmarks.backtest report [size]                 writes docs/backtest.md, its charts, the tables of docs/simulation.md

A size is one of simulation/parameters.yaml or a number of rows. The worlds are not rendered.
"""

from __future__ import annotations

import math
import resource
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from das_pipeline.jurisdiction import Jurisdiction
from das_pipeline.publication.texts import load_words
from das_pipeline.settings import PROJECT
from das_pipeline.website.charts import FONT, GRID, INK, SERIES, SOFT, Picture, draw
from das_pipeline.website.language import Language
from simulation.parameters import Parameters
from simulation.validation.backtest import Result, Ruler
from simulation.validation.calibrate import Factors, fit, write_factors
from simulation.validation.declared import Measure
from simulation.validation.documentation import markdown, write_tables
from simulation.validation.measure import Measured, value
from simulation.world.world import Extent

NL = Jurisdiction(PROJECT / "jurisdictions" / "nl")
DOCS = PROJECT / "docs"
SEED = 1
PROCESSES = 2
HEADS = ["year", "figure", "published", "simulated", "deviation", "allowed"]
MARK = "Simulated: no figure of this chain is real; dots are published figures"


@contextmanager
def clocked(what: str) -> Iterator[None]:
    """Print wall seconds and the peak memory of the largest process so far."""
    start = time.perf_counter()
    yield
    peak = max(resource.getrusage(who).ru_maxrss for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)) / 1e6
    print(f"{what}: {time.perf_counter() - start:.0f} s, {peak:.2f} GB", flush=True)


def main() -> None:
    what, *said = sys.argv[1:] or ["report"]
    commands: dict[str, Callable[..., None]] = {"calibrate": calibrate, "report": report}
    if what not in commands:
        sys.exit(__doc__)
    commands[what](*said)


def calibrate(size: str = "5000000", rounds: str = "10") -> None:
    """Fit the alignment from where it is now."""
    parameters = Parameters.read(NL)
    extent, alignment = Extent.of(parameters, size), parameters.alignment
    ruler = Ruler.read(NL, alignment.years)

    def simulate(factors: Factors) -> Mapping[int, Measured]:
        aligned = parameters.model_copy(update={"alignment": alignment.model_copy(update={"factors": factors})})
        sums = ruler.world(aligned, extent, SEED, PROCESSES)
        judged = [r for r in ruler.results(sums, extent.scale(parameters), ruler.judged) if not r.figure.is_of_class]
        print(f"{sum(r.is_within for r in judged)} of {len(judged)} figures are within their tolerance", flush=True)
        return sums

    with clocked(f"{rounds} rounds"):
        factors = fit(ruler.backtest, ruler.known, ruler.years, extent.scale(parameters), alignment.factors, simulate, int(rounds))
    write_factors(NL.folder / "simulation/parameters.yaml", factors)
    for r in ruler.results(simulate(factors), extent.scale(parameters), ruler.judged):
        if not r.is_within and not r.figure.is_of_class:
            print(*_cells(r)[:1], " · ".join(r.figure.name), *_cells(r)[2:], sep="  ")


def report(size: str = "national") -> None:
    """Write the report of a world of this size."""
    parameters = Parameters.read(NL)
    extent, ruler = Extent.of(parameters, size), Ruler.read(NL, parameters.alignment.years)
    scale = extent.scale(parameters)
    with clocked(f"a world of {extent.rows:,} rows in {extent.blocks(parameters)} blocks, measured"):
        sums = ruler.world(parameters, extent, SEED, PROCESSES)
    results = ruler.results(sums, scale, ruler.years)
    language = Language("en", load_words(NL))
    for name, chart in charts(ruler, sums, results, scale).items():
        (DOCS / f"{name}.svg").write_text(draw(Picture(chart, chart).marked(MARK).wide, language), encoding="utf-8")
    (DOCS / "backtest.md").write_text(page(ruler, results, scale), encoding="utf-8")
    (DOCS / "simulation.md").write_text(write_tables(DOCS / "simulation.md", NL), encoding="utf-8")
    print(f"{sum(r.is_within for r in results)} of {len(results)} figures are within their tolerance")


def page(ruler: Ruler, results: Sequence[Result], scale: float) -> str:
    """The report, in Markdown."""
    tolerance = ruler.backtest.tolerance
    first, last = ruler.judged[0], ruler.judged[-1]
    inside = [r for r in results if first <= r.figure.year <= last]
    known = [r for r in inside if not r.figure.is_of_class]
    parts = [
        "# The simulated chain held against published figures",
        "Everything simulated here is made up; the published figures are real. Written by `python -m benchmarks.backtest report` from a"
        f" world of {scale:.3g} simulated crimes for each registered one (seed {SEED}), as it truly was: before registers, faults and"
        " delivery. What the model is: [simulation.md](simulation.md).",
        f"A total may be {tolerance.total:g} % off, a share {tolerance.share:g} percentage point, a duration"
        f" {tolerance.duration:g} %. Beside that comes the sampling error of the world, twice the standard error:"
        " 1/√(published figure × scale) of a number, and a row at least,"
        " √(p(1 − p)/n) of a share, s/√n of a mean; the column *allowed* has both together. Published durations are means, so that means"
        " are compared. *Of which fitted*: the alignment was fitted to these figures, the others are a check.",
        "## In short",
        _summary(ruler, inside),
        *[f"![{title}]({name}.svg)" for name, title in CHARTS.items()],
        f"## Not within tolerance, {first}–{last}",
        markdown(
            [*HEADS, "why"],
            [[*_cells(r), r.figure.measure.known_gap or "not explained"] for r in known if not r.is_within],
        ),
        "## Not modelled",
        markdown(
            ["years", "figure", "why"],
            [
                [", ".join(str(f.year) for f in ruler.known if f.name == name), " · ".join(name), why]
                for name, why in {f.name: f.measure.not_modelled for f in ruler.known if not f.is_modelled}.items()
            ],
        ),
        "## Every figure",
        "Figures before and after the back-test's years are shown too; they are not judged.",
    ]
    for partner in dict.fromkeys(r.figure.partner for r in results if not r.figure.is_of_class):
        rows = [r for r in results if r.figure.partner == partner and not r.figure.is_of_class]
        shown = [[*_cells(r), _verdict(r, inside), r.figure.source] for r in rows]
        parts += [
            f"### {partner}",
            markdown(["year", "figure", "published", "simulated", "deviation", "allowed", "verdict", "source"], shown),
        ]
        definitions = {r.figure.indicator: r.figure.definition for r in rows}
        parts.append("\n".join(f"- *{name}*: {text}" for name, text in definitions.items()))
    parts += ["### Police classes", ruler.backtest.classes.definition + " Deviation in percent.", _classes(results)]
    return "\n\n".join(parts) + "\n"


def _summary(ruler: Ruler, inside: Sequence[Result]) -> str:
    fitted = {name for f in ruler.backtest.fit for name in f.figures}
    kinds = {"totals": "total", "shares": "share", "durations": "duration"}
    rows = []
    for title, kind in kinds.items():
        of_kind = [r for r in inside if r.figure.measure.judged_as == kind and not r.figure.is_of_class]
        rows.append([title, len(of_kind), sum(r.figure.name in fitted for r in of_kind), sum(r.is_within for r in of_kind)])
    classes = [r for r in inside if r.figure.is_of_class]
    rows.append(["police classes by year", len(classes), 0, sum(r.is_within for r in classes)])
    missing = sum(not f.is_modelled and f.year in ruler.judged for f in ruler.known)
    return markdown(["", "figures", "of which fitted", "within tolerance"], [*rows, ["not modelled", missing, "", ""]])


def _verdict(result: Result, judged: Sequence[Result]) -> str:
    if not any(r is result for r in judged):
        return "not judged"
    return "within" if result.is_within else "**not within**"


def _cells(r: Result) -> list[str]:
    unit = " pt" if r.figure.measure.kind == "share" else " %"
    name = " · ".join(r.figure.name[1:])
    return [
        str(r.figure.year),
        name,
        _number(r.figure.published),
        _number(r.simulated),
        f"{r.deviation:+.1f}{unit}",
        f"{r.allowed:.1f}{unit}",
    ]


def _number(x: float) -> str:
    return "–" if math.isnan(x) else f"{x:,.1f}" if abs(x) < 200 and x != int(x) else f"{x:,.0f}"


def _classes(results: Sequence[Result]) -> str:
    by_class = {(r.figure.breakdown, r.figure.year): r for r in results if r.figure.is_of_class}
    years = sorted({year for _, year in by_class})
    rows = []
    for name in dict.fromkeys(n for n, _ in by_class):
        shown = [f"{_number(r.simulated)} ({r.deviation:+.1f})" if r.figure.published else "0" for r in (by_class[name, y] for y in years)]
        rows.append([name, *shown])
    return markdown(["class", *map(str, years)], rows)


def charts(ruler: Ruler, measured: Mapping[int, Measured], results: Sequence[Result], scale: float) -> dict[str, dict[str, Any]]:
    """Vega-Lite specifications by the name of their file."""
    specifications = {
        f"backtest-{name}": _through_time(ruler, measured, scale, partners)
        for name, partners in {
            "police": ["politie+kmar"],
            "prosecution": ["om"],
            "courts": ["rechtspraak"],
            "execution": ["dji", "3ro", "halt"],
        }.items()
    }
    specifications["backtest-shares"] = _side_by_side([r for r in results if r.figure.measure.kind == "share"], "percent")
    durations = [r for r in results if r.figure.measure.judged_as == "duration" and r.figure.measure.kind != "mean"]
    specifications["backtest-durations"] = _side_by_side(durations, "mean days")
    return specifications


def _through_time(ruler: Ruler, measured: Mapping[int, Measured], scale: float, partners: Sequence[str]) -> dict[str, Any]:
    """A panel for each figure that is published for two years or more: a line through the simulated years, dots for the published ones."""
    import altair as alt

    panels: dict[Any, list[int]] = {}
    for place, figure in enumerate(ruler.known):
        if figure.is_modelled and figure.partner in partners and figure.measure.kind != "share" and figure.measure.judged_as == "total":
            panels.setdefault(figure.measure.model_dump_json(include=set(Measure.model_fields)), []).append(place)
    points, lines, order = [], [], []
    for places in panels.values():
        if len(places) < 2:
            continue
        figure = ruler.known[places[0]]
        label = f"{figure.indicator}, {figure.breakdown}"
        order.append(label)
        points += [{"label": label, "year": ruler.known[p].year, "n": ruler.known[p].published} for p in places]
        lines += [
            {"label": label, "year": year, "n": value(figure.measure, measured[places[0]], at, scale)}
            for at, year in enumerate(ruler.years)
            if ruler.judged[0] - 1 <= year <= ruler.judged[-1] + 2
        ]
    x = alt.X("year:Q", title=None, axis=alt.Axis(format="d", tickCount=6, grid=False))
    y = alt.Y("n:Q", title=None, scale=alt.Scale(zero=True), axis=alt.Axis(format=",d", tickCount=4))
    data = alt.Data(values=[{**row, "is": kind} for kind, rows in (("published", points), ("simulated", lines)) for row in rows])
    line = alt.Chart().transform_filter("datum.is == 'simulated'").mark_line(color=SERIES[1], strokeWidth=2)
    dots = alt.Chart().transform_filter("datum.is == 'published'").mark_point(color=SERIES[2], filled=True, opacity=1, size=55)
    panel = alt.layer(line.encode(x=x, y=y), dots.encode(x=x, y=y), data=data).properties(width=440, height=120)
    header = alt.Header(labelFontSize=13, labelFontWeight=600, labelAnchor="start", labelColor=INK, labelLimit=440)
    chart = panel.facet(facet=alt.Facet("label:N", sort=order, title=None, header=header), columns=2)
    return _styled(chart.resolve_scale(y="independent", x="shared").resolve_axis(x="independent"))


def _side_by_side(results: Sequence[Result], unit: str) -> dict[str, Any]:
    """A row for each figure, with the published and the simulated value on one axis."""
    import altair as alt

    rows = []
    for r in results:
        label = f"{r.figure.year} {r.figure.indicator}, {r.figure.breakdown}"
        rows += [{"label": label, "is": "published", "n": r.figure.published}, {"label": label, "is": "simulated", "n": r.simulated}]
    order = list(dict.fromkeys(row["label"] for row in rows))
    base = alt.Chart(alt.Data(values=rows)).encode(
        y=alt.Y("label:N", sort=order, title=None, axis=alt.Axis(labelLimit=520, grid=True)),
        x=alt.X("n:Q", title=unit, scale=alt.Scale(zero=True)),
    )
    kinds, legend = ["published", "simulated"], alt.Legend(title=None, orient="top", symbolType="circle")
    colour = alt.Color("is:N", scale=alt.Scale(domain=kinds, range=[SERIES[2], SERIES[1]]), legend=legend)
    dots = base.transform_filter("datum.is == 'published'").mark_point(filled=True, opacity=1, size=75).encode(color=colour)
    ticks = base.transform_filter("datum.is == 'simulated'").mark_tick(thickness=3, size=15).encode(color=colour)
    dots = alt.layer(dots, ticks)
    return _styled(dots.properties(width=480, height=alt.Step(20)))


def _styled(chart: Any) -> dict[str, Any]:
    styled = (
        chart.configure(background="white", font=FONT, padding=8)
        .configure_view(stroke=None)
        .configure_axis(labelColor=SOFT, labelFontSize=12, titleColor=SOFT, gridColor=GRID, domainColor=GRID, tickColor=GRID)
        .configure_legend(labelColor=INK, labelFontSize=13)
    )
    return styled.to_dict()


CHARTS = {
    "backtest-police": "Registered crime and suspects, simulated and published",
    "backtest-prosecution": "Cases and decisions of the prosecution service, simulated and published",
    "backtest-courts": "Judgments and sanctions, simulated and published",
    "backtest-execution": "Detention, probation and Halt, simulated and published",
    "backtest-shares": "Shares, simulated and published",
    "backtest-durations": "Durations, simulated and published",
}

if __name__ == "__main__":
    main()
