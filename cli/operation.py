"""For whoever runs the pipeline: take deliveries in, see what is live and what waits."""

from __future__ import annotations

from dataclasses import asdict
from datetime import date, datetime
from typing import TYPE_CHECKING, Annotated

import typer
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from cli.console import AsJson, console, print_json
from cli.exits import Exit
from das_pipeline.settings import Settings

if TYPE_CHECKING:
    from orchestration.runs import Report

app = typer.Typer()

AsOf = Annotated[datetime | None, typer.Option("--as-of", formats=["%Y-%m-%d"], help="Stop at deliveries that became known on this day.")]


@app.command()
def run(as_of: AsOf = None) -> None:
    """Take in every delivery that waits, day by day in the order they became known, and run the chain after each day."""
    from cli.summary import summarise

    report = take_in(as_of.date() if as_of else None)
    summarise(console, report)
    raise typer.Exit(exit_code(report))


def take_in(until: date | None = None) -> Report:
    """Take in what waits, with a progress bar; return what the runs did."""
    from orchestration.runs import Operator, instance

    counted = TextColumn("{task.completed}/{task.total} runs")
    columns = (SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), counted, TimeElapsedColumn())
    with instance(Settings.from_environment()) as store, Progress(*columns, console=console) as bar:
        operator = Operator(store)
        task = bar.add_task("looking at the inbox", total=None)

        def show(text: str, total: int) -> None:
            bar.update(task, description=text, total=total, completed=operator.report.runs)

        operator.take_in(show, until)
        bar.update(task, description="done", total=operator.report.runs, completed=operator.report.runs)
    return operator.report


def exit_code(report: Report) -> Exit:
    """Return how a round of runs ends: a chain that failed weighs more than a delivery that was not taken in."""
    if any(label.startswith("chain") for label, _ in report.failed):
        return Exit.FAILED
    return Exit.REFUSED if report.failed else Exit.DONE


@app.command()
def status(as_json: AsJson = False) -> None:
    """Show what is live, what waits, what was refused, and how many checks passed."""
    from cli.status import read_status, show_status

    state = read_status(Settings.from_environment())
    if as_json:
        print_json(asdict(state))
    else:
        show_status(state)
