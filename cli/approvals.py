"""For those who approve releases: a key of their own, and review, approve, return, withdraw, show (docs/releases.md)."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cli.console import console
from cli.releases import release_app
from das_pipeline.run import Run
from das_pipeline.settings import Settings

if TYPE_CHECKING:
    from das_pipeline.release import Action

keys_app = typer.Typer(no_args_is_help=True, help="Keys of persons who sign releases.")

Name = Annotated[str, typer.Argument(help="Your name in policy.yaml, release.persons.")]
Key = Annotated[Path, typer.Option("--key", envvar="DAS_PERSON_KEY", help="Your private key file, from das keys new-person.")]
Reason = Annotated[str, typer.Option(help="Why, in a sentence that may be published.")]


@keys_app.command()
def new_person(
    name: Annotated[str, typer.Argument(help="Your name as policy.yaml, release.persons, is to list it: small letters, digits, - and _.")],
    out: Annotated[Path | None, typer.Option(help="Where to write the private key; NAME.key here when left out.")] = None,
) -> None:
    """Make a key for a person who reviews or approves releases: the private key in a file of their own, the public one for the policy."""
    from das_pipeline.release import new_person_key

    path = out or Path(f"{name}.key")
    public_key = new_person_key(Settings.from_environment(), path)
    console.print(f"The private key of {name} is in {path}: keep it to yourself, and keep a copy. For policy.yaml, release.persons:")
    console.print(f'    {name}: {{public_key: "{public_key}", roles: [review, approve]}}', soft_wrap=True, markup=False)


@release_app.command()
def show(release: Annotated[str, typer.Argument(help="A release; the candidate that is put forward when left out.")] = "") -> None:
    """The state of the candidate or of a release, who signed what and when, and what to type next."""
    from das_pipeline.release import describe

    for line in describe(Run.start(Settings.from_environment(), date.max), release):
        console.print(line, soft_wrap=True, markup=False)


@release_app.command()
def review(name: Name, key: Key) -> None:
    """Sign that you have reviewed the candidate that is put forward."""
    _sign("review", name, key)


@release_app.command()
def approve(name: Name, key: Key) -> None:
    """Sign that the reviewed candidate may go live: it does so at once."""
    _sign("approve", name, key)


@release_app.command("return")
def return_candidate(name: Name, key: Key, reason: Reason) -> None:
    """Sign that the candidate that is put forward must not go live."""
    _sign("return", name, key, reason)


@release_app.command()
def withdraw(release: Annotated[str, typer.Argument(help="The release to withdraw.")], name: Name, key: Key, reason: Reason) -> None:
    """Withdraw a release: its pages say so and why, and the one before it is live again."""
    from das_pipeline import release as stage

    stage.withdraw(Run.start(Settings.from_environment(), date.max), release, name, key, reason)
    show(release)


def _sign(action: Action, name: str, key: Path, reason: str = "") -> None:
    from das_pipeline.release import sign_release

    run = Run.start(Settings.from_environment(), date.max)
    console.print(f"Signed. {sign_release(run, action, name, key, reason).sentence}", soft_wrap=True, markup=False)
