"""Toy jurisdictions with statistics of their own."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path

from tests.conftest import TOY


def write_statistics(folder: Path, cubes: Sequence[str], tables: Sequence[str] = ()) -> Path:
    """A copy of the toy jurisdiction in `folder` with these cubes and tables and no others."""
    jurisdiction = folder / "jurisdiction"
    shutil.copytree(TOY, jurisdiction)
    shutil.rmtree(jurisdiction / "statistics")
    (jurisdiction / "statistics").mkdir()
    (jurisdiction / "statistics" / "cubes.yaml").write_text("cubes:\n" + "".join(f"  - {cube}\n" for cube in cubes), encoding="utf-8")
    words = jurisdiction / "texts" / "tables.yaml"
    words.write_text(words.read_text(encoding="utf-8").partition("\nbreaks:")[0] + "\n", encoding="utf-8")  # what follows names tables
    texts = "".join(f"{text}: {{nl: n, en: e}}\n" for text in ("title", "description", "notes"))
    for number, table in enumerate(tables):
        (jurisdiction / "statistics" / f"table_{number}.yaml").write_text(f"{texts}theme: crime\n{table}\n", encoding="utf-8")
    return jurisdiction
