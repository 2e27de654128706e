"""How the auditor says what it found: names of tables and files with a count, never a cell."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

from das_pipeline.gate import Verdict

SHOWN = 8


def verdict(rule: str, truth: str, looked_at: int, faults: Mapping[str, int], remedy: str) -> Verdict:
    """Passed when `faults` (place → number) is empty. `truth` is a sentence without its full stop."""
    found = Counter({place: n for place, n in faults.items() if n})
    facts: dict[str, int | float | str] = {"looked_at": looked_at, "faults": found.total()}
    if not found:
        return Verdict(rule, passed=True, sentence=f"{truth} ({looked_at} looked at).", facts=facts)
    shown = [f"{place} ({n})" for place, n in found.most_common(SHOWN)] + ([f"{len(found) - SHOWN} more"] if len(found) > SHOWN else [])
    return Verdict(rule, passed=False, sentence=f"Broken in {', '.join(shown)}: {truth[0].lower()}{truth[1:]}. {remedy}", facts=facts)
