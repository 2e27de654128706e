"""For the linkage steward: what the evidence leaves open, and decisions on it (docs/linkage.md)."""

from __future__ import annotations

from dataclasses import asdict
from datetime import date
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from cli.console import AsJson, console, print_json
from das_pipeline.run import Run
from das_pipeline.settings import Settings

review_app = typer.Typer(no_args_is_help=True, help="Links of persons and cases that a person must decide on.")

model_app = typer.Typer(no_args_is_help=True, help="The model by which names and birth dates are compared.")

First = Annotated[str, typer.Argument(metavar="RECORD", help="A record as unit:number, such as suspect:12.")]
Second = Annotated[str, typer.Argument(metavar="OTHER", help="The record to compare it with.")]


class OutcomeName(StrEnum):
    """What can be decided."""

    one = "one"
    two = "two"
    open = "open"


@review_app.command("list")
def list_items(as_json: AsJson = False) -> None:
    """List what waits for a decision, the most urgent first: records by number, never a value of a person."""
    from das_pipeline import linkage

    items = linkage.items(Run.start(Settings.from_environment(), date.max))
    if as_json:
        print_json([asdict(i) | {"record": str(i.record), "other": str(i.other), "rival": str(i.rival or "")} for i in items])
        return
    table = Table("reason", "record", "other", "or", "weight", title="Review")
    for i in items:
        weight = "" if i.weight is None else f"{i.weight:.1f}"
        table.add_row(i.reason, str(i.record), str(i.other), str(i.rival or ""), weight)
    console.print(table)
    for reason in dict.fromkeys(i.reason for i in items):
        console.print(f"[bold]{reason}[/]  {linkage.REASONS[reason]}", highlight=False)
    console.print("[bold]das review show RECORD OTHER[/] explains one; [bold]das review decide RECORD OTHER one|two[/] decides on it.")


@review_app.command()
def show(
    record: First,
    other: Second,
    values: Annotated[bool, typer.Option("--values", help="Print names and birth dates too: on a screen that nobody else sees.")] = False,
) -> None:
    """Explain why two records are one person or two, part by part, and what was decided on them."""
    from das_pipeline import linkage

    run = Run.start(Settings.from_environment(), date.max)
    one, two = linkage.Record.parse(record), linkage.Record.parse(other)
    print_link(run, record, other)
    if values:
        table = Table("part", record, other, title="As they are compared")
        for part, left, right in linkage.profiles(run, one, two):
            table.add_row(part, *("–" if value is None else str(value) for value in (left, right)))
        console.print(table)


def print_link(run: Run, record: str, other: str) -> None:
    """Print why two records are one person or two."""
    from das_pipeline import linkage

    for name, text in linkage.explain_link(run, linkage.Record.parse(record), linkage.Record.parse(other)):
        console.print(f"[bold]{name}[/]  {text}", highlight=False)


@review_app.command()
def decide(
    record: First,
    other: Second,
    outcome: Annotated[OutcomeName, typer.Argument(help="one person, two persons, or open: an earlier decision no longer counts.")],
    by: Annotated[str, typer.Option(help="Who decides.")],
    why: Annotated[str, typer.Option(help="Why, in a sentence. It is kept encrypted, for it may name a person.")],
    case: Annotated[bool, typer.Option("--case", help="It is about the case of the records, not the person.")] = False,
) -> None:
    """Decide that two records are of one person or of two (or of one case), from the next run on and however often links are made again."""
    from das_pipeline import linkage, retention

    run = Run.start(Settings.from_environment(), date.max)
    run = run.known_on(retention.judged_on(run))
    one, two = linkage.Record.parse(record), linkage.Record.parse(other)
    decision = linkage.decide_on(run, "case" if case else "person", one, two, outcome.value, by, why)
    console.print(f"Decision {decision.number} counts as known from {decision.known_from}: {decision.kind} {decision.outcome}.")
    console.print("Links follow when the chain runs next; [bold]das review decide … open[/] takes it back.", highlight=False)


@review_app.command("decisions")
def list_decisions(as_json: AsJson = False) -> None:
    """List every decision, with who decided it, when and why, the newest first."""
    from das_pipeline import linkage

    rows = linkage.decisions(Run.start(Settings.from_environment(), date.max))[::-1]
    if as_json:
        print_json([asdict(d) | {"record": str(d.record), "other": str(d.other)} for d in rows])
        return
    table = Table("number", "from", "by", "what", "record", "other", "why", title="Decisions")
    for d in rows:
        table.add_row(str(d.number), str(d.known_from), d.decided_by, f"{d.kind} {d.outcome}", str(d.record), str(d.other), d.reason)
    console.print(table)


@model_app.command("drift")
def show_drift(as_json: AsJson = False) -> None:
    """Compare the stored model with one trained on the records that are live; it replaces nothing."""
    from das_pipeline import linkage, retention

    run = Run.start(Settings.from_environment(), date.max)
    levels = linkage.model_drift(run.known_on(retention.judged_on(run)))
    if as_json:
        print_json([asdict(level) | {"bits": level.bits, "bits_today": level.bits_today} for level in levels])
        return
    table = Table("part", "finding", "bits", "today", "m", "today", "u", "today", title="The stored model, and today's records")
    for level in levels:
        today = "not trained" if level.bits_today is None else f"{level.bits_today:.1f}"
        shares = ("–" if share is None else f"{share:.2g}" for share in (level.m, level.m_today, level.u, level.u_today))
        table.add_row(level.part, level.finding, f"{level.bits:.1f}", today, *shares)
    console.print(table)


@model_app.command()
def train(file: Annotated[Path, typer.Argument(help="Where to write the new model: not the stored one, before it is reviewed.")]) -> None:
    """Train a model on the records that are live, and write it to a file for review; a level that cannot be trained is refused."""
    from das_pipeline import linkage, retention

    run = Run.start(Settings.from_environment(), date.max)
    model = linkage.next_model(run.known_on(retention.judged_on(run)))
    file.write_text(linkage.dump_model(model), encoding="utf-8")
    console.print(f"{file}: version {model.version}, trained on {model.trained_on['records']:,} records. A run uses the stored model only.")
