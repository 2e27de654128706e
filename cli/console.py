"""Where every verb prints: tables and sentences for people, JSON for programs."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

console = Console(width=min(max(Console().width, 120), 140))

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON, for programs, instead of tables.")]


def print_json(value: Any) -> None:
    """Print `value` as JSON; dates and paths as text."""
    sys.stdout.write(json.dumps(value, indent=1, ensure_ascii=False, default=str) + "\n")


def shown(path: Path) -> str:
    """Return a path as short as it can be given: relative to the working directory when it lies there."""
    return str(path.relative_to(Path.cwd())) if path.is_relative_to(Path.cwd()) else str(path)
