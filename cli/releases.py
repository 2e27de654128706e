"""For analysts and the privacy officer: releases, what changed between them, where a number comes from, and the audit."""

from __future__ import annotations

import subprocess
import sys
from datetime import date
from typing import Annotated

import typer
from rich.table import Table

from cli.console import console
from das_pipeline.errors import DasError
from das_pipeline.run import Run
from das_pipeline.settings import Settings

app = typer.Typer()
release_app = typer.Typer(no_args_is_help=True, help="Published releases: list them, compare two.")


@app.command()
def audit(release: Annotated[str, typer.Argument(help="A release id; the current one when left out.")] = "") -> None:
    """Check the bytes and signature of a published release, and let the auditor read it again, with nothing but what is published."""
    from das_pipeline import auditor, publication
    from das_pipeline.policy import load_policy
    from das_pipeline.release import verify_release

    settings = Settings.from_environment()
    at = Run.start(settings, date.max)
    folders = publication.release_folders(at)
    chosen = next((f for f in reversed(folders) if release in ("", f.name)), None)
    if chosen is None:
        raise DasError(f"There is no release {release or 'yet'}: das release list shows what there is.")
    table = Table("rule", "outcome", "what was found", title=f"Audit of release {chosen.name}")
    verdicts = auditor.audit(chosen, folders[: folders.index(chosen)], load_policy(at.jurisdiction).disclosure.bases)
    for verdict in verdicts:
        table.add_row(verdict.rule, "[green]holds[/]" if verdict.passed else "[red]broken[/]", verdict.sentence)
    console.print(table)
    wrong = verify_release(chosen)
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

    for name, text in publication.explain(
        Run.start(Settings.from_environment(), date.max), table, dict(c.split("=", 1) for c in cell or [])
    ):
        console.print(f"[bold]{name}[/]  {text}")


@app.command()
def serve(port: Annotated[int, typer.Option(help="On this machine only.")] = 8000) -> None:
    """Serve the current release, tables and site, on http://localhost:PORT/."""
    folder = Settings.from_environment().home / "releases" / "current"
    if not folder.exists():
        raise DasError("There is no release yet: run das demo, or das run.")
    console.print(f"The site: http://localhost:{port}/site/index.html  (stop with Ctrl-C)")
    subprocess.run([sys.executable, "-m", "http.server", str(port), "--bind", "127.0.0.1", "--directory", str(folder)], check=False)


@release_app.command("list")
def list_releases() -> None:
    """The releases, oldest first."""
    from cli.summary import show_releases

    show_releases(console)


@release_app.command("diff")
def diff_releases(old: str, new: str) -> None:
    """What changed between two releases: cells added, removed and revised, by table."""
    from das_pipeline import publication

    folders = {f.name: f for f in publication.release_folders(Run.start(Settings.from_environment(), date.max))}
    missing = [r for r in (old, new) if r not in folders]
    if missing:
        raise DasError(f"There is no release {', '.join(missing)}: there are {', '.join(folders) or 'none'}.")
    table = Table("table", "added", "removed", "revised", title=f"From {old} to {new}")
    for row in publication.compare(folders[old], folders[new]):
        table.add_row(row.table, str(row.added), str(row.removed), str(row.revised))
    console.print(table)
