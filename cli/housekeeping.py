"""For the person on duty: removing what has outlived its term."""

from __future__ import annotations

from datetime import date
from typing import Annotated

import typer
from rich.table import Table

from cli.console import console
from cli.exits import Exit
from das_pipeline.run import Run
from das_pipeline.settings import Settings

app = typer.Typer()

DryRun = Annotated[bool, typer.Option("--dry-run", help="Show what would go, and remove nothing.")]


@app.command()
def clean(dry_run: DryRun = False) -> None:
    """Remove what has outlived its term (policy.yaml, retention), and what processes that were killed left behind."""
    from das_pipeline import retention

    run = Run.start(Settings.from_environment(), date.max)
    on = retention.judged_on(run)
    found = (retention.expired if dry_run else retention.clean)(run.known_on(on))
    table = Table("kind", "items", "files", "MB", title=f"{'Would go' if dry_run else 'Removed'}, judged on {on}")
    for kind in sorted({e.kind for e in found}):
        of_kind = [e for e in found if e.kind == kind]
        table.add_row(kind, f"{len(of_kind):,}", f"{sum(len(e.files) for e in of_kind):,}", f"{sum(e.bytes for e in of_kind) / 1e6:,.1f}")
    console.print(table if found else f"Nothing has outlived its term on {on}.")


@app.command()
def rebuild() -> None:
    """Make damaged tables of the chain again (das doctor names them), as known on the last day that was run. What is whole stays."""
    from das_pipeline.damage import damaged_tables, how_to_mend
    from das_pipeline.release import DECISION
    from orchestration.runs import Operator, instance

    settings = Settings.from_environment()
    run = Run.start(settings, date.max)
    damaged = damaged_tables(run.lake)
    if not damaged:
        console.print("Nothing is damaged: every file of every live version has the hash in its manifest.")
        return
    with instance(settings) as store:
        operator = Operator(store)
        operator.chain(date.fromisoformat(run.lake.live(DECISION).as_of))
    left = damaged_tables(run.lake)
    if whole := sorted(damaged.keys() - left.keys()):
        console.print(f"Made again: {', '.join(whole)}.")
    for table, damage in left.items():
        console.print(f"[red]damaged[/] {damage} {how_to_mend(run, table)}", soft_wrap=True, highlight=False)
    for _, reason in operator.report.failed:
        console.print(f"[red]failed[/] {reason}", soft_wrap=True, highlight=False)
    raise typer.Exit(Exit.FAILED if left or operator.report.failed else Exit.DONE)


@app.command()
def upgrade() -> None:
    """Bring the home of an earlier version to this one. Stop Dagster and make a backup first. A killed upgrade goes on when run again."""
    from das_pipeline import upgrade
    from das_pipeline.home_format import FORMAT
    from orchestration import configuration

    settings = Settings.from_environment()
    changes = upgrade.upgrade(settings)
    changes += configuration.renew(settings.home / "dagster")
    outcome = "go on with das doctor." if changes else "nothing was changed."
    console.print("\n".join([*changes, f"{settings.home} is of format {FORMAT}, the current one: {outcome}"]), soft_wrap=True)
