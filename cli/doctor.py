"""`das doctor`: whether this installation can work, from the environment to the last published byte. It changes nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import typer
from rich.table import Column, Table

from cli.console import console
from cli.examinations import EXAMINATIONS, Finding
from cli.exits import Exit
from das_pipeline.errors import DasError

app = typer.Typer()


@app.command()
def doctor() -> None:
    """Examine this installation, from its settings and keys to the last published byte; say how to fix what is wrong. Changes nothing."""
    findings = [finding for examine in EXAMINATIONS for finding in _examined(examine)]
    table = Table(Column("what", no_wrap=True), "", Column("seen", overflow="fold"), Column("how to fix it", overflow="fold"))
    for finding in findings:
        table.add_row(finding.what, "[red]wrong[/]" if finding.fix else "[green]ok[/]", finding.seen, finding.fix)
    console.print(table)
    wrong = sum(bool(finding.fix) for finding in findings)
    console.print(f"{wrong} of {len(findings)} are wrong." if wrong else "All is well. Deliveries that wait or were refused: das status.")
    raise typer.Exit(Exit.FAILED if wrong else Exit.DONE)


def _examined(examine: Callable[[], Iterator[Finding]]) -> Iterator[Finding]:
    """Yield what `examine` finds; an error is a finding too, and the other examinations go on."""
    try:
        yield from examine()
    except DasError as error:
        yield Finding((examine.__doc__ or "").rstrip("."), "it cannot be read", str(error))
    except Exception as error:  # what is so wrong that nobody foresaw it: its own text may hold a value, so only its kind is shown
        yield Finding(
            (examine.__doc__ or "").rstrip("."), f"unexpected {type(error).__name__}", "Report it: it was not made by this version."
        )
