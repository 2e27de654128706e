"""For whoever looks after partners' files and codes: what was set aside, and what nobody has mapped yet."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from datetime import date, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table

from cli.console import AsJson, console, print_json, shown
from das_pipeline.errors import unknown_name
from das_pipeline.jurisdiction import Jurisdiction
from das_pipeline.run import Run
from das_pipeline.settings import Settings

if TYPE_CHECKING:
    from das_pipeline.publication import Consequence
    from das_pipeline.terminology import Difference

app = typer.Typer()
external_app = typer.Typer(no_args_is_help=True, help="Figures of other publishers, which stand beside ours.")
terminology_app = typer.Typer(no_args_is_help=True, help="Codes and concepts: what is unmapped, and what a changed mapping would change.")


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
def calendar(
    partner: Annotated[str, typer.Argument(help="One partner; all when left out.")] = "",
    days: Annotated[int, typer.Option(min=0, help="How many days back and ahead.")] = 7,
    as_json: AsJson = False,
) -> None:
    """Show which deliveries are expected when, and what came of each."""
    from das_pipeline import deliveries, retention

    at = Run.start(Settings.from_environment(), date.max)
    if partner and partner not in at.jurisdiction.partners:
        raise unknown_name("partner", partner, at.jurisdiction.partners)
    today = retention.judged_on(at)
    window = timedelta(days=min(days, (today - date.min).days))
    rows = [
        expected
        for name in ([partner] if partner else at.jurisdiction.partners)
        for expected in deliveries.expected_deliveries(at.known_on(today), name, today - window, today + window)
    ]
    if as_json:
        print_json([asdict(row) for row in rows])
        return
    table = Table("partner", "about", "due", "delivery", "came", "state", title=f"Deliveries, as of {today}")
    for row in rows:
        table.add_row(row.partner, str(row.reference_on), str(row.due_on), row.delivery or "–", str(row.delivered_on or "–"), row.state)
    console.print(table)


@external_app.command()
def fetch(source: Annotated[str, typer.Argument(help="The external source, as its folder in external/ is called.")]) -> None:
    """Take the figures of an external source as its publisher has them now: writes its file; a person writes the vintage and totals."""
    from das_pipeline.deliveries import external_sources, load_external, statline

    jurisdiction = Jurisdiction(Settings.from_environment().jurisdiction)
    if source not in (known := external_sources(jurisdiction)):
        raise unknown_name("external source", source, known)
    declared = load_external(jurisdiction, source)
    fetched = statline.fetch(jurisdiction, declared)
    console.print(f"{fetched.rows:,} figures of {fetched.vintage} are in {fetched.file}.")
    if (fetched.vintage, dict(fetched.totals)) == (declared.vintage, declared.totals):
        console.print("They are of the vintage, and add up to the totals, that source.yaml declares.")
        return
    console.print("They are others than source.yaml declares. Compare the file with its earlier version, and write there:", soft_wrap=True)
    console.print(f"vintage: {fetched.vintage}", highlight=False)
    console.print(f"totals: {{{', '.join(f'{year}: {total}' for year, total in fetched.totals.items())}}}", soft_wrap=True, highlight=False)


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


@terminology_app.command()
def unmapped(as_json: AsJson = False) -> None:
    """List codes that nobody has mapped yet, the most frequent first, with the concepts of codes like them."""
    from das_pipeline import terminology

    proposals = terminology.propose(Run.start(Settings.from_environment(), date.max))
    if as_json:
        print_json([asdict(proposal) for proposal in proposals])
        return
    table = Table("list", "code", "rows", "since", "concepts of codes like it", title="Unmapped codes")
    for proposal in proposals:
        table.add_row(proposal.list, proposal.code, f"{proposal.rows:,}", proposal.first_month, ", ".join(proposal.concepts))
    if not proposals:
        console.print("Every code in the live records has a mapping.")
        return
    console.print(table)
    console.print("[bold]das terminology propose[/] prints the rows to add for them.")


@terminology_app.command()
def propose(as_json: AsJson = False) -> None:
    """Print a row for terminology/mappings for each unmapped code; a person fills in the concept and signs as reviewer."""
    from das_pipeline import terminology

    proposals = terminology.propose(Run.start(Settings.from_environment(), date.max))
    if as_json:
        print_json([{"file": proposal.file, "row": proposal.mapping_row} for proposal in proposals])
        return
    above = ""
    for proposal in proposals:
        if proposal.list != above:
            console.print(proposal.file, style="bold", highlight=False)
            above = proposal.list
        console.print(proposal.mapping_row, markup=False, highlight=False, soft_wrap=True)
    if not above:
        console.print("Every code in the live records has a mapping.")


@terminology_app.command()
def export(
    folder: Annotated[Path, typer.Argument(help="Where to write concepts.ttl and concepts.jsonld; made when it is not there.")],
) -> None:
    """Write the terminology in the files as SKOS, in Turtle and JSON-LD; a release has it too, as it was then."""
    from das_pipeline import terminology

    for path in terminology.export(Run.start(Settings.from_environment(), date.max), folder):
        console.print(f"{shown(path)}: {path.stat().st_size:,} bytes", highlight=False)


@terminology_app.command("diff")
def diff_mappings(as_json: AsJson = False) -> None:
    """Show what the terminology in the files would change: records, concepts, published figures. Nothing changes until a run."""
    from das_pipeline import publication, terminology

    at = Run.start(Settings.from_environment(), date.max)
    difference = terminology.difference(at)
    consequences = publication.consequences(at, difference)
    if as_json:
        print_json(
            {
                "accepted": difference.accepted,
                "proposed": difference.proposed,
                "columns": [
                    {"column": c.column.place, "rows": c.rows, "changes": [asdict(code) | {"column": c.column.place} for code in c.changes]}
                    for c in difference.columns
                ],
                "concepts": [asdict(concept) for concept in difference.redefined],
                "figures": [asdict(consequence) for consequence in consequences],
                "external": [asdict(figures) for figures in difference.external],
            }
        )
        return
    console.print(f"Live records: mapping set {difference.accepted}. The files: {difference.proposed}.")
    tables = _difference_tables(difference, consequences)
    for table in tables:
        console.print(table)
    if not tables:
        console.print("No record, concept or published figure would change.")
        return
    console.print(
        f"Rule T07 asks for a row in terminology/sign_offs.csv above the limit of terminology.changed_share in policy.yaml, and when a"
        f" concept that rows have gets another parent or definition: {difference.proposed},OWNER,REASON,EXPIRES_ON",
        highlight=False,
    )


def _difference_tables(difference: Difference, consequences: Sequence[Consequence]) -> list[Table]:
    """Return the tables of a change report that have rows."""
    rows = Table("column", "code", "concept now", "becomes", "rows", "of", "months", title="Rows in force that would change concept")
    for column in difference.columns:
        for c in column.changes:
            months = f"{c.first_month} to {c.last_month}"
            rows.add_row(column.column.place, c.code, c.was, c.becomes, f"{c.rows:,}", f"{column.rows:,}", months)
    concepts = Table("scheme", "concept", "what", "now", "becomes", "rows", title="Concepts that would get another meaning")
    for r in difference.redefined:
        concepts.add_row(r.scheme, r.concept, r.what, r.was, r.becomes, f"{r.rows:,}")
    figures = Table("table", "dimension", "code now", "becomes", "rows at most", "cells at most", title="Published figures that would move")
    for c in consequences:
        figures.add_row(c.table, c.dimension, c.was, c.becomes, f"{c.rows:,}", f"{c.cells:,}")
    external = Table("table", "cells", "would change", title="Figures of other publishers")
    for f in difference.external:
        if f.cells_changed:
            external.add_row(f.table, f"{f.cells:,}", f"{f.cells_changed:,}")
    return [table for table in (rows, concepts, figures, external) if table.row_count]
