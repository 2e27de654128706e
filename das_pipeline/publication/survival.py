"""How long something takes, from counts by week of what ended and of what is still open: the Kaplan-Meier estimate.

What is open is censored: it takes at least as long as it has so far, and one that is censored in a week counts as at risk in all of that
week. No library that estimates this works on counts, and a row for each case would be expanded from rounded counts for nothing; the tests
hold these functions against lifelines and statsmodels.

Convention: a quantile is the first week by which at least that share has ended. It is a week in which something ended, and stays whole.
For 1, 2, 3, 4 the median is 2, as in lifelines; statsmodels says 3, since it waits until more than half has ended, and R 2.5, the middle
of the stretch on which exactly half has. The plain median of what ended, without what is open, follows the same convention.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Counts = NDArray[np.int64]
Shares = NDArray[np.floating]
NEVER = -1
_NEAR = 1e-9  # shares that differ less are equal: a product of fractions is not exact


def still_open(ended: Counts, censored: Counts) -> Shares:
    """Return the estimated share that takes longer than each week. Both arrays are (..., weeks); 1 where nothing is at risk."""
    at_risk = np.flip(np.cumsum(np.flip(ended + censored, -1), -1), -1)
    return np.cumprod(1 - ended / np.maximum(at_risk, 1), axis=-1)


def is_known(ended: Counts, censored: Counts) -> NDArray[np.bool_]:
    """Return whether anything was followed for each week, or all had ended before; after that the estimate only repeats itself."""
    at_risk = np.flip(np.cumsum(np.flip(ended + censored, -1), -1), -1)
    return (at_risk > 0) | (still_open(ended, censored) <= _NEAR)


def ended_by(ended: Counts) -> Shares:
    """Return the share of what ended that still was open after each week, as if nothing else existed."""
    total = ended.sum(-1, keepdims=True)
    return 1 - np.cumsum(ended, -1) / np.maximum(total, 1)


def quantile(open_share: Shares, share: float) -> Counts:
    """Return the first week by which at least `share` has ended; NEVER where that is beyond the last week but one.

    The last week stands for all longer ones, so a quantile in it is not known.
    """
    reached = open_share[..., :-1] <= 1 - share + _NEAR
    return np.where(reached.any(-1), reached.argmax(-1), NEVER)
