"""For whoever writes the files of a jurisdiction: what is wrong with them, all at once."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

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
