"""Errors that say what is wrong, where, and how to fix it, and never carry a value of a person."""

from __future__ import annotations


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
    """A key is absent, malformed, or a demo key where real data arrives."""
