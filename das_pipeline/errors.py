"""Errors that say what is wrong, where, and how to fix it, and never carry a value of a person."""

from __future__ import annotations

import difflib
from collections.abc import Generator, Iterable
from contextlib import contextmanager
from dataclasses import dataclass


class DasError(Exception):
    """The base of every error that this project raises on purpose; its text is safe to log."""


@dataclass(frozen=True, order=True)
class Fault:
    """A mistake in a file of a jurisdiction: its line (0: the file as a whole), the key, what is wrong and how to mend it."""

    file: str
    line: int
    key: str
    sentence: str

    def __str__(self) -> str:
        return f"{self.file}{f':{self.line}' if self.line else ''}: {f'{self.key}: ' if self.key else ''}{self.sentence}"


class ConfigurationError(DasError):
    """A setting or a file of the jurisdiction is wrong. Of a file, `faults` has every mistake that was found."""

    def __init__(self, text: str = "", faults: Iterable[Fault] = ()) -> None:
        self.faults = tuple(dict.fromkeys(faults))
        super().__init__(text or "\n".join(map(str, self.faults)))


class Faults:
    """Mistakes that are gathered, so that all are told at once."""

    def __init__(self) -> None:
        self._found: list[Fault] = []

    @contextmanager
    def gathered(self) -> Generator[None]:
        """Keep the faults of a ConfigurationError that the block raises, and go on after it."""
        try:
            yield
        except ConfigurationError as error:
            self._found += error.faults or [Fault("", 0, "", str(error))]

    def add(self, *faults: Fault) -> None:
        self._found += faults

    @property
    def found(self) -> list[Fault]:
        """The faults, each once, by file and line."""
        return sorted(set(self._found))

    def raise_any(self) -> None:
        """Raise ConfigurationError when there are any."""
        if self._found:
            raise ConfigurationError(faults=self.found)


class LakeError(DasError):
    """A table of the lake is missing, torn, or not what its manifest says."""


class NoRoom(DasError):
    """The disk is full. Nothing that was live has changed; with room made, the same work succeeds."""


class DeliveryRefused(DasError):
    """A delivery cannot be taken in; the receipt says why. The live version stays."""


class WrongFormat(DasError):
    """A home was made by another version of das, whose files this one does not read."""


class KeyMissing(DasError):
    """A key is absent, malformed, readable by others, or a demo key where real data arrives."""


class KeyReplaced(DasError):
    """A key is not the one that this home was made with."""


def unknown_name(kind: str, name: str, known: Iterable[str]) -> DasError:
    """Return the error for a `kind` of thing that does not exist, with the nearest name that does. Not for values of persons."""
    return DasError(f"There is no {kind} {name}. {nearest(name, known)}")


def nearest(name: str, known: Iterable[str]) -> str:
    """Return sentences that help who wrote `name`: the nearest of the words that exist, and all of them."""
    names = sorted(known)
    listed = ", ".join(names[:20]) + (f" and {len(names) - 20} more" if len(names) > 20 else "")
    choice = f"There are: {listed}." if names else "There are none yet."
    return f"{did_you_mean(name, names)} {choice}".strip()


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """Return the sentence that asks for the nearest of the words that exist; nothing when none is near."""
    close = difflib.get_close_matches(name, list(known), n=1)
    return f"Did you mean {close[0]}?" if close else ""
