"""For the keeper of the keys: are they the ones that the home was made with, and a new one for encryption."""

from __future__ import annotations

import typer

from cli.approvals import keys_app
from cli.console import console
from cli.exits import Exit
from das_pipeline.settings import Settings

__all__ = ["keys_app"]


@keys_app.command()
def check() -> None:
    """Compare the keys with the check values of the home. Shows and changes nothing of a key."""
    from das_pipeline.home_format import require_current
    from das_pipeline.known_keys import LOSS, is_rotating, replaced_keys
    from das_pipeline.privacy import USES, Keys

    settings = Settings.from_environment()
    require_current(settings.home)
    if is_rotating(settings.home):
        console.print("The encryption key is being replaced: run das keys rotate, which goes on where it stopped.")
        raise typer.Exit(Exit.FAILED)
    replaced = replaced_keys(settings.home, Keys.load(settings))
    for use in USES:
        console.print(
            f"{use}: " + (f"not the key that this home was made with. {LOSS[use]}." if use in replaced else "fine"), soft_wrap=True
        )
    raise typer.Exit(Exit.FAILED if replaced else Exit.DONE)


@keys_app.command()
def rotate() -> None:
    """Replace the encryption key: every encrypted file is written again under a new one. Ends what a killed rotation began."""
    from das_pipeline.rotation import BEFORE, rotate_encryption

    settings = Settings.from_environment()
    files = rotate_encryption(settings)
    console.print(
        f"{files:,} files are encrypted with the new key. Back up {settings.keys} now. The key before is in {settings.keys / BEFORE}: it"
        " opens backups made until today; remove it when there are none.",
        soft_wrap=True,
    )
