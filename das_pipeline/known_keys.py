"""The keys that a home was made with: check values in `<home>/keys.json`, so that a replaced key is noticed before anything is read."""

from __future__ import annotations

import json
from pathlib import Path

from das_pipeline.disk import locked, make_private, replace_file
from das_pipeline.errors import KeyReplaced
from das_pipeline.home_format import FORMAT, format_of, require_current, write_format
from das_pipeline.privacy import USES, Keys, keyed
from das_pipeline.settings import Settings

FILE = "keys.json"
ROTATION, READY = ".rotation", "ready"  # a folder of the home, and the file in it that says that its files are complete
LOSS = {
    "pseudonym": "With another one every record becomes a new record, and every person gets a new id",
    "encryption": "With another one nothing in the landing zone, the deliveries and the confidential tables can be read",
    "rounding": "With another one counts are rounded anew beside the releases that are out, which can disclose them",
    "signing": "With another one nobody can tell a release of yours from a release of somebody else",
}


def check_value(use: str, key: bytes) -> str:
    """What a home remembers of a key: an HMAC under the key itself, from which the key cannot be computed."""
    return keyed(key, "das check value", use).hex()[:32]


def replaced_keys(home: Path, keys: Keys) -> list[str]:
    """The uses whose key is not the one that `home` was made with; none for a home that remembers no keys yet."""
    known = _known(home)
    return [use for use in USES if use in known and known[use] != check_value(use, getattr(keys, use))]


def is_rotating(home: Path) -> bool:
    """Whether the files of `home` are changing from one encryption key to the next (das_pipeline/rotation.py)."""
    return (home / ROTATION / READY).exists()


def verify_keys(home: Path, keys: Keys) -> None:
    """Raise KeyReplaced when a key is another one than `home` was made with: nothing may be read or written with it."""
    if is_rotating(home):
        raise KeyReplaced(f"The encryption key of {home} is being replaced. Run das keys rotate: it goes on where it stopped.")
    if replaced := replaced_keys(home, keys):
        raise KeyReplaced(
            f"The {' and the '.join(replaced)} key {'is' if len(replaced) == 1 else 'are'} not what {home} was made with."
            f" {'; '.join(LOSS[use] for use in replaced)}. Nothing was read. Put the right key back (the variable DAS_KEY_<USE> or"
            f" the file in the key directory), or restore it from backup; docs/privacy.md says what can be done when it is lost."
        )


def claim_home(settings: Settings, keys: Keys) -> None:
    """Make the home private and let it remember its format and its keys. Call it before the first byte is written with them."""
    home = settings.home
    verify_keys(home, keys)
    if format_of(home) == FORMAT and all(use in _known(home) for use in USES):
        return
    make_private(home)
    with locked(home / ".keys.lock", str(home)):
        require_current(home)
        verify_keys(home, keys)
        write_format(home)
        remember_keys(home, keys)


def remember_keys(home: Path, keys: Keys) -> None:
    """Write the check values of `keys`; those of a use that is known already are replaced."""
    values = {use: check_value(use, getattr(keys, use)) for use in USES}
    replace_file(home / FILE, json.dumps(values, indent=1).encode())


def _known(home: Path) -> dict[str, str]:
    try:
        return json.loads((home / FILE).read_text(encoding="ascii"))
    except FileNotFoundError:
        return {}
    except json.JSONDecodeError:
        raise KeyReplaced(f"{home / FILE} is damaged: restore it from backup. It says which keys belong to this home.") from None
