"""`das`: what people do without the UI. Each command says what it did, where the result is, and what to do next."""

from __future__ import annotations

import os
import subprocess
import sys
from datetime import date, datetime
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.table import Table

from das_pipeline.errors import DasError
from das_pipeline.settings import PROJECT, Settings

app = typer.Typer(
    name="das",
    no_args_is_help=True,
    pretty_exceptions_show_locals=False,  # a traceback must not print values
    help="The open data pipeline of a criminal-justice chain. Start with [bold]das demo[/], then [bold]das status[/] and [bold]das ui[/].",
    rich_markup_mode="rich",
)
release_app = typer.Typer(no_args_is_help=True, help="Published releases: list them, compare two.")
app.add_typer(release_app, name="release")
console = Console(width=min(max(Console().width, 120), 140))

AsOf = Annotated[datetime | None, typer.Option("--as-of", formats=["%Y-%m-%d"], help="Stop at deliveries that became known on this day.")]


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
    from das_pipeline import simulation
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
def run(as_of: AsOf = None) -> None:
    """Take in every delivery that waits, day by day in the order they became known, and run the chain after each day."""
    from assets.operate import Operator, instance
    from assets.summary import summarise

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
    run()


@app.command()
def status() -> None:
    """What is live, what waits, what was refused, and what the last checks found."""
    from assets.summary import show_status

    show_status(console)


@app.command()
def quarantine(partner: Annotated[str, typer.Argument(help="One partner; all when left out.")] = "") -> None:
    """The rows that were set aside: how many, by which rule, where they are kept. Never a value."""
    from das_pipeline import deliveries
    from das_pipeline.run import Run

    settings = Settings.from_environment()
    at = Run.start(settings, date.max)
    table = Table("partner", "file", "rule", "state", "rows", "first lines", title="Quarantine")
    for row in deliveries.quarantine_summary(at):
        if partner in ("", row.partner):
            table.add_row(row.partner, row.file, row.rule, row.state, f"{row.rows:,}", ", ".join(map(str, row.first_lines)))
    console.print(table)
    console.print(f"The raw rows are kept, encrypted, under {settings.home / 'deliveries'}/<partner>/<version>/quarantine.")


@app.command()
def audit(release: Annotated[str, typer.Argument(help="A release id; the current one when left out.")] = "") -> None:
    """Check the bytes and signature of a published release, and let the auditor read it again, with nothing but what is published."""
    from das_pipeline import publication
    from das_pipeline.disclosure import audit as auditor
    from das_pipeline.run import Run

    settings = Settings.from_environment()
    at = Run.start(settings, date.max)
    folders = publication.release_folders(at)
    chosen = next((f for f in reversed(folders) if release in ("", f.name)), None)
    if chosen is None:
        raise DasError(f"There is no release {release or 'yet'}: das release list shows what there is.")
    table = Table("rule", "outcome", "what was found", title=f"Audit of release {chosen.name}")
    verdicts = auditor.audit(chosen, folders[: folders.index(chosen)], at.jurisdiction.yaml("policy.yaml"))
    for verdict in verdicts:
        table.add_row(verdict.rule, "[green]holds[/]" if verdict.passed else "[red]broken[/]", verdict.sentence)
    console.print(table)
    wrong = publication.verify_release(chosen)
    console.print("Every file is what the signed manifest says." if not wrong else "[red]Not as released:[/] " + " ".join(wrong))
    if wrong or not all(v.passed for v in verdicts):
        raise typer.Exit(1)


@app.command()
def explain(
    table: Annotated[str, typer.Argument(help="A published table.")],
    cell: Annotated[list[str] | None, typer.Argument(help="Its cell, as dimension=code: period=2024 offence=traffic.")] = None,
) -> None:
    """Where a published number comes from: its value, definition, protection, and every version that it was made from."""
    from das_pipeline import publication
    from das_pipeline.run import Run

    for name, text in publication.explain(
        Run.start(Settings.from_environment(), date.max), table, dict(c.split("=", 1) for c in cell or [])
    ):
        console.print(f"[bold]{name}[/]  {text}")


@release_app.command("list")
def list_releases() -> None:
    """The releases, oldest first."""
    from assets.summary import show_releases

    show_releases(console)


@release_app.command("diff")
def diff_releases(old: str, new: str) -> None:
    """What changed between two releases: cells added, removed and revised, by table."""
    from das_pipeline import publication
    from das_pipeline.run import Run

    folders = {f.name: f for f in publication.release_folders(Run.start(Settings.from_environment(), date.max))}
    missing = [r for r in (old, new) if r not in folders]
    if missing:
        raise DasError(f"There is no release {', '.join(missing)}: there are {', '.join(folders) or 'none'}.")
    table = Table("table", "added", "removed", "revised", title=f"From {old} to {new}")
    for row in publication.compare(folders[old], folders[new]):
        table.add_row(row.table, str(row.added), str(row.removed), str(row.revised))
    console.print(table)


@app.command()
def propose() -> None:
    """Codes that nobody has mapped yet, with the nearest concepts: rows for a person to decide on, never to be taken as they are."""
    from das_pipeline import terminology
    from das_pipeline.run import Run

    table = Table("list", "row for terminology/mappings/<list>.csv", "rows", title="Unmapped codes")
    for proposal in terminology.propose(Run.start(Settings.from_environment(), date.max)):
        table.add_row(proposal.list, proposal.mapping_row, f"{proposal.rows:,}")
    console.print(table)


@app.command()
def serve(port: Annotated[int, typer.Option(help="On this machine only.")] = 8000) -> None:
    """Serve the current release, tables and site, on http://localhost:PORT/."""
    folder = Settings.from_environment().home / "releases" / "current"
    if not folder.exists():
        raise DasError("There is no release yet: run das demo, or das run.")
    console.print(f"The site: http://localhost:{port}/site/index.html  (stop with Ctrl-C)")
    subprocess.run([sys.executable, "-m", "http.server", str(port), "--bind", "127.0.0.1", "--directory", str(folder)], check=False)


@app.command()
def ui(port: Annotated[int, typer.Option(help="On this machine only.")] = 3000) -> None:
    """Open Dagster on this home, with the daily schedule and the delivery sensor running."""
    from assets.operate import instance

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


def main() -> None:
    """The command line; an error of ours is a sentence, not a traceback."""
    try:
        app()
    except DasError as error:
        Console(stderr=True).print(f"[red]das:[/] {error}")
        sys.exit(1)


if __name__ == "__main__":
    main()
