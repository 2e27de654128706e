"""Ticks in a process of their own, since what Dagster loads depends on the jurisdiction of the environment (tests.orchestration.ticks)."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from das_pipeline.settings import PROJECT
from tests.installation import Installation


@contextmanager
def ticking(made: Installation, **variables: str) -> Iterator[Callable[..., dict[str, Any]]]:
    """A function that evaluates one tick of what it is given, with `variables` set; options as in tests.orchestration.ticks."""
    command = [sys.executable, "-W", "ignore", "-m", "tests.orchestration.ticks"]
    log = made.root / "ticks.log"
    with (
        log.open("w", encoding="utf-8") as errors,
        subprocess.Popen(
            command, env=made.environment | variables, cwd=PROJECT, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=errors
        ) as process,
    ):
        assert process.stdin is not None
        assert process.stdout is not None

        def tick(name: str, **options: Any) -> dict[str, Any]:
            process.stdin.write(json.dumps({"name": name, **options}) + "\n")
            process.stdin.flush()
            line = process.stdout.readline()
            assert line, log.read_text(encoding="utf-8")
            return json.loads(line)

        yield tick
        process.stdin.close()
