"""Takes in everything that waits, without running the chain: the first half of a replay."""

from __future__ import annotations

from assets.operate import Report, intake, waiting

if __name__ == "__main__":
    while ready := [d for d in waiting() if d.state == "ready"]:
        for delivery in ready:
            intake(delivery, Report())
