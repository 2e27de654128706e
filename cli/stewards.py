"""For whoever looks after partners' files and codes: what was set aside, and what nobody has mapped yet."""

from __future__ import annotations

from dataclasses import asdict
from datetime import date
from typing import Annotated

import typer
from rich.table import Table

from cli.console import AsJson, console, print_json
from das_pipeline.errors import unknown_name
from das_pipeline.run import Run
from das_pipeline.settings import Settings

app = typer.Typer()


@app.command()
def quarantine(partner: Annotated[str, typer.Argument(help="One partner; all when left out.")] = "", as_json: AsJson = False) -> None:
    """Show the rows that were set aside: how many, by which rule, where they are kept; never a value."""
    from das_pipeline import deliveries

    settings = Settings.from_environment()
    at = Run.start(settings, date.max)
    if partner and partner not in at.jurisdiction.partners:
        raise unknown_name("partner", partner, at.jurisdiction.partners)
    rows = [row for row in deliveries.quarantine_summary(at) if partner in ("", row.partner)]
    if as_json:
        print_json([asdict(row) for row in rows])
        return
    table = Table("partner", "file", "rule", "state", "rows", "first lines", title="Quarantine")
    for row in rows:
        table.add_row(row.partner, row.file, row.rule, row.state, f"{row.rows:,}", ", ".join(map(str, row.first_lines)))
    console.print(table)
    console.print(f"The raw rows are kept, encrypted, under {settings.home / 'deliveries'}/<partner>/<version>/quarantine.")


@app.command()
def replay(
    partner: Annotated[str, typer.Argument(help="Whose contract was corrected.")],
    from_delivery: Annotated[str, typer.Option("--from", help="The first delivery to take in again; all of them when left out.")] = "",
) -> None:
    """Take a partner's deliveries in again after its contract was corrected: as known when they came, from the landed originals."""
    from das_pipeline import deliveries

    replayed = deliveries.replay(Run.start(Settings.from_environment(), date.max), partner, from_delivery or None)
    console.print(f"{partner}: {len(replayed.taken_in)} deliveries are taken in again; version {replayed.version.id} is live.")
    for delivery in replayed.refused:
        console.print(f"[yellow]refused[/] {delivery}: [bold]das status[/] says why.")
    console.print("Take in what waited for them with [bold]das run[/]. The figures follow when the chain runs next: its schedule is daily.")


@app.command()
def propose() -> None:
    """List codes that nobody has mapped yet, with the nearest concepts: a person decides on each row."""
    from das_pipeline import terminology

    table = Table("list", "row for terminology/mappings/<list>.csv", "rows", title="Unmapped codes")
    for proposal in terminology.propose(Run.start(Settings.from_environment(), date.max)):
        table.add_row(proposal.list, proposal.mapping_row, f"{proposal.rows:,}")
    console.print(table)
