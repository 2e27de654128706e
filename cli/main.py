"""`das`: every verb, gathered. Each says what it did, where the result is, and what to do next."""

from __future__ import annotations

import sys
from importlib.metadata import version
from typing import Annotated

import typer
from rich.console import Console

from cli import configuration, doctor, exits, housekeeping, keys, linkage, operation, releases, servers, simulated, stewards
from das_pipeline.errors import DasError, KeyMissing

app = typer.Typer(
    name="das",
    no_args_is_help=True,
    pretty_exceptions_show_locals=False,  # a traceback must not print values
    help="The open data pipeline of a criminal-justice chain. Start with [bold]das demo[/], then [bold]das status[/] and [bold]das ui[/].",
    epilog=f"Exit codes\n\n{exits.table()}\n\nMore: docs/command-line.md",
    rich_markup_mode="rich",
)
for verbs in (simulated.app, operation.app, servers.app, doctor.app, housekeeping.app, configuration.app, stewards.app, releases.app):
    app.add_typer(verbs)
app.add_typer(releases.release_app, name="release")
app.add_typer(keys.keys_app, name="keys")
app.add_typer(configuration.contracts_app, name="contracts")
app.add_typer(stewards.terminology_app, name="terminology")
app.add_typer(stewards.external_app, name="external")
app.add_typer(linkage.review_app, name="review")
app.add_typer(linkage.model_app, name="model")


def _print_versions(wanted: bool) -> None:
    if wanted:
        from das_pipeline.run import code_version

        versions = ", ".join(f"{name} {version(package)}" for name, package in (("Dagster", "dagster"), ("DuckDB", "duckdb")))
        typer.echo(f"das {version('das-pipeline')} (code {code_version()[:12]}; Python {sys.version.split()[0]}, {versions})")
        raise typer.Exit


@app.callback()
def options(
    _version: Annotated[
        bool, typer.Option("--version", callback=_print_versions, is_eager=True, help="Print the versions of das and of what it runs on.")
    ] = False,
) -> None:
    """Options of `das` itself."""


def main() -> None:
    """Run the command line; print an error of ours as a sentence, not a traceback."""
    try:
        app()
    except DasError as error:
        advice = " To try it with simulated deliveries, run das demo: it makes demo keys." if isinstance(error, KeyMissing) else ""
        Console(stderr=True, soft_wrap=True).print(f"das: {error}{advice}", style="red", markup=False, highlight=False)
        sys.exit(exits.Exit.FAILED)


if __name__ == "__main__":
    main()
