"""The shapes of direct identifiers, from the contracts, as SQL conditions: to trust a number (eleven-test) and to find one that leaked."""

from __future__ import annotations

import re

# The citizen number: nine digits, weighted so, add up to a multiple of eleven. One in eleven random numbers passes.
_WEIGHTS = (9, 8, 7, 6, 5, 4, 3, 2, -1)
_SUM = " + ".join(f"{weight} * TRY_CAST(substr({{0}}, {place}, 1) AS INTEGER)" for place, weight in enumerate(_WEIGHTS, 1))
_CHECKS = {"eleven_test": f"COALESCE(regexp_full_match({{0}}, '[0-9]{{{{9}}}}') AND {{0}} <> '000000000' AND ({_SUM}) % 11 = 0, false)"}
_MASK = {"9": "[0-9]", "A": "[A-Z]", "X": "[0-9A-Z]"}


def passes(check: str, value: str) -> str:
    """A condition: the text expression `value` passes the check digit test `check`."""
    return _CHECKS[check].format(value)


def mask_pattern(mask: str) -> str:
    """The regular expression of a contract's mask: 9 a digit, A a capital, X either, anything else itself."""
    return "".join(_MASK.get(letter, re.escape(letter)) for letter in mask)
