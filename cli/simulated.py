"""For whoever tries the pipeline out: simulated deliveries, and the demo that runs the whole chain on them."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

from cli import operation
from cli.console import console
from das_pipeline.settings import Settings

app = typer.Typer()


@app.command()
def simulate(
    size: Annotated[str, typer.Option(help="tiny, demo, large, national, stress, or a number of records.")] = "demo",
    seed: Annotated[int, typer.Option(help="The same seed gives the same bytes.")] = 1,
    faults: Annotated[str, typer.Option(help="none, default, hostile, or a YAML file: the mistakes that partners make.")] = "default",
    out: Annotated[Path | None, typer.Option(help="Where partners deliver; the inbox when not said. The truth comes beside it.")] = None,
    processes: Annotated[int, typer.Option(min=1, help="How many at a time; the bytes are the same.")] = os.cpu_count() or 1,
    next_day: Annotated[bool, typer.Option("--next-day", help="Let the partners deliver one more day.")] = False,
) -> None:
    """Simulate the partners' deliveries into the inbox, with faults, and keep the truth beside it."""
    import simulation
    from das_pipeline.jurisdiction import Jurisdiction
    from das_pipeline.privacy import write_demo_keys

    settings = Settings.from_environment()
    jurisdiction = Jurisdiction(settings.jurisdiction)
    inbox = out or settings.inbox
    if inbox == settings.inbox:
        write_demo_keys(settings.keys, seed)
    if next_day:
        made = simulation.next_day(jurisdiction, inbox, processes=processes)
    else:
        made = simulation.simulate(jurisdiction, inbox, size=size, seed=seed, faults=faults, processes=processes)
    faulty = ", ".join(f"{kind} {n}" for kind, n in sorted(made.faults.items()))
    console.print(f"{len(made.deliveries)} deliveries with {made.rows:,} rows in {made.inbox}; the truth is in {made.truth}.")
    console.print(f"Faults put in: {faulty or 'none'}.")


@app.command()
def demo(
    seed: Annotated[int, typer.Option(help="Another seed is another world.")] = 1,
    size: Annotated[str, typer.Option(help="tiny, demo, or a number of records.")] = "demo",
) -> None:
    """Simulate three years of deliveries, run the whole chain day by day, publish two releases with their site."""
    settings = Settings.from_environment()
    if (settings.home / "dagster").exists():
        console.print(f"{settings.home} holds a run already: see [bold]das status[/], or start anew after [bold]make clean[/].")
        raise typer.Exit(1)
    simulate(size=size, seed=seed)
    operation.run()
