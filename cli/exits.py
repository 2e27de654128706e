"""How `das` ends: the exit codes that a script or scheduler may rely on."""

from __future__ import annotations

from enum import IntEnum


class Exit(IntEnum):
    """An exit code; `meaning` is what the help and docs/command-line.md say of it."""

    meaning: str

    DONE = 0, "Done, or stopped because you asked for it."
    FAILED = 1, "It failed, or a check found something wrong. The message says what and how to fix it."
    MISUSED = 2, "The command line is wrong: an unknown verb or option, or an argument that is missing."
    REFUSED = 3, "`das run`: at least one delivery was not taken in; the chain ran on the others."

    def __new__(cls, code: int, meaning: str) -> Exit:
        member = int.__new__(cls, code)
        member._value_ = code
        member.meaning = meaning
        return member


def table() -> str:
    """Return the exit codes as text, a paragraph for each."""
    return "\n\n".join(f"{code.value}  {code.meaning}" for code in Exit)
