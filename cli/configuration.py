"""For whoever writes the files of a jurisdiction: what is wrong with them, all at once."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from cli.console import AsJson, console, print_json, shown
from cli.exits import Exit
from das_pipeline.errors import ConfigurationError
from das_pipeline.jurisdiction import Jurisdiction
from das_pipeline.settings import PROJECT, Settings

app = typer.Typer()
contracts_app = typer.Typer(no_args_is_help=True, help="What partners' files must be: draft, compare and export contracts.")

Folder = Annotated[Path | None, typer.Argument(help="The folder of a jurisdiction; that of DAS_JURISDICTION when left out.")]


@app.command()
def check(folder: Folder = None, as_json: AsJson = False) -> None:
    """Check every file of a jurisdiction: each mistake with its file, line and key, and how to correct it. Changes nothing."""
    from das_pipeline.references import find_faults

    jurisdiction = Jurisdiction(folder or Settings.from_environment().jurisdiction)
    if not jurisdiction.folder.is_dir():
        raise ConfigurationError(f"{jurisdiction.folder} is no folder: give the folder of a jurisdiction, such as jurisdictions/nl.")
    faults = find_faults(jurisdiction)
    if as_json:
        print_json([asdict(fault) for fault in faults])
    else:
        for fault in faults:
            console.print(str(fault), markup=False, highlight=False, soft_wrap=True)
        files = len([path for path in jurisdiction.folder.rglob("*") if path.is_file()])
        console.print(
            f"{len(faults) or 'No'} mistake{'s' if len(faults) != 1 else ''} in the {files} files of {jurisdiction.folder}.",
            highlight=False,
        )
    raise typer.Exit(Exit.FAILED if faults else Exit.DONE)


@contracts_app.command()
def schema(out: Annotated[Path, typer.Option(help="The folder to write them to.")] = PROJECT / "schemas") -> None:
    """Write the JSON Schemas of a jurisdiction's files, for editors: the first line of each file names its own."""
    from das_pipeline.contracts.schemas import write_schemas

    console.print(f"{write_schemas(out)} schemas are in {shown(out)}.", highlight=False)


@contracts_app.command()
def new(
    partner: Annotated[str, typer.Argument(help="Who delivers the file.")],
    file: Annotated[str, typer.Argument(help="The name of the file in deliveries.")],
    sample: Annotated[Path, typer.Argument(help="As delivered: CSV with a header, fixed width, JSON lines, XML, Parquet, Excel.")],
) -> None:
    """Draft a contract from a sample: structure, types, formats and short codes, and never a value of a person."""
    from das_pipeline.contracts.drafts import draft

    for path in draft(Jurisdiction(Settings.from_environment().jurisdiction), partner, file, sample):
        console.print(shown(path), highlight=False, soft_wrap=True)
    console.print("Replace every TO DO in them and decide on the privacy of each column. Then run das check, which names what is left.")


@contracts_app.command()
def diff(
    old: Annotated[Path, typer.Argument(help="The contract as it was.")],
    new: Annotated[Path, typer.Argument(help="The contract as it is now.")],
) -> None:
    """Compare two versions of a contract: what breaks earlier files, and the version that the changes ask for."""
    from das_pipeline.contracts.differences import compare, load_contract, where_to_keep

    before, after = load_contract(old), load_contract(new)
    comparison = compare(before, after)
    table = Table("where", "what changed", "breaking")
    for change in sorted(comparison.changes, key=lambda change: (not change.is_breaking, change.where)):
        table.add_row(change.where or "texts", change.what, "yes" if change.is_breaking else "")
    if comparison.changes:
        console.print(table)
    if sentence := where_to_keep(before, after, comparison):
        console.print(sentence, highlight=False, soft_wrap=True)
    if comparison.is_enough:
        console.print(f"Version {comparison.new} says what changed." if comparison.changes else "Nothing changed.", highlight=False)
        return
    sentence = f"The contract needs version {comparison.needed} or higher, and has {comparison.new}: change it in {new.name}."
    console.print(sentence, highlight=False, soft_wrap=True)
    raise typer.Exit(Exit.FAILED)


@contracts_app.command()
def export(folder: Annotated[Path, typer.Argument(help="The folder to write them to.")]) -> None:
    """Write every contract as an Open Data Contract Standard document, and every partner's files as a Frictionless data package."""
    from das_pipeline.contracts.exports import export as export_contracts

    written = export_contracts(Jurisdiction(Settings.from_environment().jurisdiction), folder)
    console.print(f"{len(written)} files are in {shown(folder.resolve())}.", highlight=False)
