"""For whoever runs the pipeline: take deliveries in, see what is live and what waits, open Dagster."""

from __future__ import annotations

import os
import subprocess
import sys
from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from cli.console import console
from das_pipeline.settings import PROJECT, Settings

app = typer.Typer()

AsOf = Annotated[datetime | None, typer.Option("--as-of", formats=["%Y-%m-%d"], help="Stop at deliveries that became known on this day.")]


@app.command()
def run(as_of: AsOf = None) -> None:
    """Take in every delivery that waits, day by day in the order they became known, and run the chain after each day."""
    from cli.summary import summarise
    from orchestration.runs import Operator, instance

    counted = TextColumn("{task.completed}/{task.total} runs")
    shown = (SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), counted, TimeElapsedColumn())
    with instance(Settings.from_environment()) as store, Progress(*shown, console=console) as bar:
        operator = Operator(store)
        task = bar.add_task("looking at the inbox", total=None)

        def show(text: str, total: int) -> None:
            bar.update(task, description=text, total=total, completed=operator.report.runs)

        operator.take_in(show, as_of.date() if as_of else None)
        bar.update(task, description="done", completed=operator.report.runs)
    summarise(console, operator.report)
    if any(label.startswith("chain") for label, _ in operator.report.failed):
        raise typer.Exit(1)


@app.command()
def status() -> None:
    """What is live, what waits, what was refused, and what the last checks found."""
    from cli.summary import show_status

    show_status(console)


@app.command()
def ui(port: Annotated[int, typer.Option(help="On this machine only.")] = 3000) -> None:
    """Open Dagster on this home, with the daily schedule and the delivery sensor running."""
    from orchestration.runs import instance

    instance(Settings.from_environment()).dispose()
    console.print(f"Dagster: http://localhost:{port}/  (stop with Ctrl-C)")
    command = [
        str(Path(sys.executable).with_name("dagster")),
        "dev",
        "-w",
        str(PROJECT / "workspace.yaml"),
        "-h",
        "127.0.0.1",
        "-p",
        str(port),
    ]
    subprocess.run(command, check=False, env={**os.environ, "PYTHONPATH": str(PROJECT)}, cwd=PROJECT)
