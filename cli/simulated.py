"""For whoever tries the pipeline out: simulated deliveries, and the demo that runs the whole chain on them."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

from cli import operation
from cli.console import console, shown
from cli.exits import Exit
from das_pipeline.errors import DasError
from das_pipeline.settings import Settings

app = typer.Typer()


@app.command()
def simulate(
    size: Annotated[str, typer.Option(help="tiny, demo, large, national, stress, or a number of records.")] = "demo",
    seed: Annotated[int, typer.Option(help="The same seed gives the same bytes.")] = 1,
    faults: Annotated[str, typer.Option(help="none, default, hostile, or a YAML file: the mistakes that partners make.")] = "default",
    out: Annotated[Path | None, typer.Option(help="Where partners deliver; the inbox by default. The truth is written beside it.")] = None,
    processes: Annotated[int, typer.Option(min=1, help="How many at a time; the bytes are the same.")] = os.cpu_count() or 1,
    next_day: Annotated[bool, typer.Option("--next-day", help="Let the partners deliver one more day.")] = False,
    force: Annotated[bool, typer.Option("--force", help="Deliver another world where one is delivered already.")] = False,
) -> None:
    """Simulate the partners' deliveries into the inbox, with faults, and keep the truth beside it."""
    import simulation
    from das_pipeline.jurisdiction import Jurisdiction

    settings = Settings.from_environment()
    inbox = (out or settings.inbox).resolve()
    if inbox == settings.inbox:
        prepare_installation(settings, seed, force=force)
    jurisdiction = Jurisdiction(settings.jurisdiction)
    if next_day:
        made = simulation.next_day(jurisdiction, inbox, processes=processes)
    else:
        made = simulation.simulate(jurisdiction, inbox, size=size, seed=seed, faults=faults, processes=processes, force=force)
    faulty = ", ".join(f"{kind} {n}" for kind, n in sorted(made.faults.items()))
    console.print(f"{len(made.deliveries)} deliveries with {made.rows:,} lines in {made.inbox}; the truth is in {made.truth}.")
    console.print(f"Faults put in: {faulty or 'none'}.")


def prepare_installation(settings: Settings, seed: int, *, force: bool = False) -> None:
    """Write demo keys. DasError when the deliveries of this installation are real ones, unless `force`: they would be counted together."""
    from das_pipeline.privacy import DEMO_MARK, USES, write_demo_keys
    from simulation import delivered_world, truth_beside

    has_keys = any((settings.keys / use).exists() for use in USES)
    has_deliveries = any(settings.home.glob("deliveries/*/current.json")) or any(settings.inbox.glob("*/*/manifest.json"))
    is_real = has_keys and not (settings.keys / DEMO_MARK).exists()
    if not force and (is_real or (has_deliveries and not delivered_world(truth_beside(settings.inbox)))):
        raise DasError(
            f"{settings.home} has keys or deliveries that das simulate did not make. Simulate elsewhere (--out, or another DAS_HOME), "
            "or start anew after make clean; --force delivers here all the same."
        )
    write_demo_keys(settings.keys, seed)


@app.command()
def demo(
    seed: Annotated[int, typer.Option(help="Another seed is another world.")] = 1,
    size: Annotated[str, typer.Option(help="tiny, demo, or a number of records.")] = "demo",
    details: Annotated[bool, typer.Option("--details", help="Print all that das run prints: accounts, checks and measures.")] = False,
) -> None:
    """Simulate three years of deliveries, run the whole chain day by day, publish two releases with their site."""
    import simulation
    from cli.newcomer import all_planned, introduce, show_outcome
    from cli.summary import summarise
    from das_pipeline.jurisdiction import Jurisdiction
    from orchestration.runs import waiting

    settings = Settings.from_environment()
    jurisdiction = Jurisdiction(settings.jurisdiction)
    world = simulation.delivered_world(simulation.truth_beside(settings.inbox))
    if world is None or not world.is_same(simulation.planned_world(jurisdiction, size=size, seed=seed)):
        introduce(size, seed)
        prepare_installation(settings, seed)
        made = simulation.simulate(jurisdiction, settings.inbox, size=size, seed=seed, processes=os.cpu_count() or 1)
        console.print(f"Simulated: {len(made.deliveries)} deliveries with {sum(made.faults.values())} mistakes, in {shown(made.inbox)}.")
    elif (settings.home / "releases" / "current").exists() and not any(d.state == "ready" for d in waiting()):
        console.print(
            f"This demo has been made already, in {shown(settings.home)}: nothing was done. Look at it with make site, make ui or "
            ".venv/bin/das status.\nTo make it anew: make clean && make demo. Another world: make clean && make demo SEED=2."
        )
        return
    else:
        console.print("The deliveries of this demo are there already: taking in those that wait.")
    report = operation.take_in()
    if details:
        summarise(console, report)
    else:
        show_outcome(report)
    if not all_planned(report):
        raise typer.Exit(Exit.FAILED)
