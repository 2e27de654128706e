"""The format of a home: how its files lie and what they hold, as a number, so that no version of the code reads what it does not know.

A home has it in `<home>/format` from its first write on. Homes made before there were numbers are of format 1. `das upgrade` brings an
earlier one to the current format (das_pipeline/upgrade.py).
"""

from __future__ import annotations

from pathlib import Path

from das_pipeline.disk import replace_file
from das_pipeline.errors import WrongFormat

FORMAT = 3
FILE = "format"
UNNUMBERED = 1
WRITTEN = ("landing/manifests/*", "*/*/current.json")  # in any home that holds something


def format_of(home: Path) -> int | None:
    """The number of the format of `home`; None when nothing has been written in it yet."""
    number = _number(home)
    if number is None and any(any(home.glob(written)) for written in WRITTEN):
        return _number(home) or UNNUMBERED  # looked at again: another process may have begun the home meanwhile
    return number


def _number(home: Path) -> int | None:
    try:
        text = (home / FILE).read_text(encoding="ascii").strip()
    except FileNotFoundError:
        return None
    if not text.isdecimal():
        raise WrongFormat(f"{home / FILE} is damaged: restore it from backup. It says which version of das can read this home.")
    return int(text)


def require_current(home: Path) -> None:
    """Raise WrongFormat unless `home` is of the format of this code, or new."""
    number = format_of(home)
    if number is None or number == FORMAT:
        return
    if number > FORMAT:
        raise WrongFormat(
            f"{home} is of format {number}, and this version of das reads format {FORMAT}: the home was upgraded by a later version. "
            "Nothing was read. Install that version, or restore the backup that was made before the upgrade."
        )
    raise WrongFormat(
        f"{home} is of format {number}, and this version of das reads format {FORMAT}: the home was made by an earlier version. "
        "Nothing was read. Stop Dagster, make a backup (docs/backup.md), then run das upgrade."
    )


def write_format(home: Path, number: int = FORMAT) -> None:
    """Write the number of the format of `home`."""
    replace_file(home / FILE, f"{number}\n".encode("ascii"))
