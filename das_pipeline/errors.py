"""Errors that say what is wrong, where, and how to fix it, and never carry a value of a person."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class DasError(Exception):
    """The base of every error that this project raises on purpose; its text is safe to log."""


class ConfigurationError(DasError):
    """A file of the jurisdiction or a setting is wrong: the text names the file and the place in it."""


class LakeError(DasError):
    """A table of the lake is missing, torn, or not what its manifest says."""


class NoRoom(DasError):
    """The disk is full. Nothing that was live has changed; with room made, the same work succeeds."""


class DeliveryRefused(DasError):
    """A delivery cannot be taken in; the receipt says why. The live version stays."""


class KeyMissing(DasError):
    """A key is absent, malformed, readable by others, or a demo key where real data arrives."""


class KeyReplaced(DasError):
    """A key is not the one that this home was made with."""


def unknown_name(kind: str, name: str, known: Iterable[str]) -> DasError:
    """Return the error for a `kind` of thing that does not exist, with the nearest name that does. Not for values of persons."""
    names = sorted(known)
    nearest = difflib.get_close_matches(name, names, n=1)
    suggestion = f" Did you mean {nearest[0]}?" if nearest else ""
    listed = ", ".join(names[:20]) + (f" and {len(names) - 20} more" if len(names) > 20 else "")
    choice = f"There are: {listed}." if names else "There are none yet."
    return DasError(f"There is no {kind} {name}.{suggestion} {choice}")
