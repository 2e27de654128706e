"""The small-file rule that the stages share."""

from __future__ import annotations

import pytest

from das_pipeline.gate import share_exceeds


@pytest.mark.parametrize(
    ("failed", "total", "exceeds"),
    [
        (1, 11, False),  # 9 %, but one row of a healthy daily file
        (19, 100, False),  # fewer than twenty rows
        (20, 100, True),
        (20, 2_000, False),  # exactly the limit: chance may do that
        (24, 2_000, False),
        (40, 2_000, True),
        (100, 100, True),
        (0, 0, False),
    ],
)
def test_a_share_exceeds_its_limit_only_beyond_chance(failed: int, total: int, exceeds: bool) -> None:
    assert share_exceeds(failed, total, limit=0.01, min_rows=20) is exceeds
