"""`das`: every verb, gathered. Each says what it did, where the result is, and what to do next."""

from __future__ import annotations

import sys

import typer
from rich.console import Console

from cli import operation, releases, simulated, stewards
from das_pipeline.errors import DasError

app = typer.Typer(
    name="das",
    no_args_is_help=True,
    pretty_exceptions_show_locals=False,  # a traceback must not print values
    help="The open data pipeline of a criminal-justice chain. Start with [bold]das demo[/], then [bold]das status[/] and [bold]das ui[/].",
    rich_markup_mode="rich",
)
for verbs in (simulated.app, operation.app, stewards.app, releases.app):
    app.add_typer(verbs)
app.add_typer(releases.release_app, name="release")


def main() -> None:
    """The command line; an error of ours is a sentence, not a traceback."""
    try:
        app()
    except DasError as error:
        Console(stderr=True).print(f"[red]das:[/] {error}")
        sys.exit(1)


if __name__ == "__main__":
    main()
