"""Benchmarks run by hand, and their imports go stale unseen: every one of them must at least load."""

from __future__ import annotations

import importlib
from pathlib import Path

import pytest

import benchmarks

MODULES = sorted(path.stem for path in Path(benchmarks.__path__[0]).glob("*.py"))


@pytest.mark.parametrize("name", MODULES)
def test_benchmark_loads(name):
    importlib.import_module(f"benchmarks.{name}")
