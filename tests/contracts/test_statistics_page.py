"""docs/statistics.md is true: it follows from the declarations, and its lines read the tables that it is about."""

from __future__ import annotations

import csv
import io
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from das_pipeline.contracts.statistics_page import PAGE, RELEASE, page
from das_pipeline.jurisdiction import Jurisdiction
from das_pipeline.lake import Version
from das_pipeline.publication import table_kinds
from das_pipeline.settings import PROJECT
from tests.conftest import TOY
from tests.publication.conftest import candidate

__all__ = ["candidate"]
DUTCH = Jurisdiction(PROJECT / "jurisdictions" / "nl")


def test_the_page_is_as_the_declarations_make_it() -> None:
    assert PAGE.read_text(encoding="utf-8") == page(DUTCH), "run python -m das_pipeline.contracts.statistics_page"


def test_every_published_table_says_its_unit_rule_period_and_limits() -> None:
    sections = {re.findall(r"^`(\w+)`", part, re.MULTILINE)[0]: part for part in page(DUTCH).split("\n### ")[1:]}
    assert sections.keys() == table_kinds(DUTCH).keys()
    for kind, facts in (("external", ("Published by",)), ("protected", ("What is counted",)), ("derived", ("Computed from",))):
        for name in (table for table, of in table_kinds(DUTCH).items() if of == kind):
            said = dict(re.findall(r"^\| ([A-Z][\w ,]+) \| (.+) \|$", sections[name], re.MULTILINE))
            assert {"What 1 is", "Period", "By", "Notes, and what it cannot say", *facts} <= said.keys(), name


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "rule"),
    [
        ("reports", "each event `reported`"),
        ("flow", "each event `reported`; each event `ruled`, without outcome referred_back"),
        ("reports_persons", "each event `reported`"),
    ],
)
def test_its_lines_read_the_same_total_with_every_tool(candidate: Version, name: str, rule: str) -> None:
    written = page(Jurisdiction(TOY))
    section = written[written.index(f"\n`{name}`") :].partition("\n### ")[0]
    assert f"| What is counted | {rule} |" in section
    blocks = re.findall(r"```python\n(.*?)```", section, re.DOTALL)
    tools = [lines.replace(str(RELEASE), (candidate.folder / "tables").as_posix()) for lines in blocks]
    assert [len(lines.split("\n\n")[1].splitlines()) + 1 for lines in tools] == [3, 3, 3]
    counts = [_counts(lines) for lines in tools]
    assert counts[0]
    assert counts[0] == counts[1] == counts[2]
    (lines,) = re.findall(r"```r\n(.*?)```", section, re.DOTALL)
    if shutil.which("Rscript"):
        told = lines.replace(str(RELEASE), (candidate.folder / "tables").as_posix()) + "write.csv(totals, row.names = FALSE)"
        written = subprocess.run(["Rscript", "--vanilla", "-e", told], capture_output=True, text=True, check=True).stdout
        assert {row["period"]: int(row["n"]) for row in csv.DictReader(io.StringIO(written))} == counts[0]
    else:
        assert re.fullmatch(r"cells <- read\.csv\(.*\)\ntotals <- subset\(.*\)\n", lines)


def _counts(lines: str) -> dict[str, int]:
    names: dict[str, Any] = {}
    exec(lines, names)
    totals = names["totals"]
    if hasattr(totals, "fetchall"):
        columns = totals.columns
        return {row[columns.index("period")]: row[columns.index("n")] for row in totals.fetchall()}
    return dict(zip(totals["period"], totals["n"], strict=True))


def test_the_page_leads_somewhere() -> None:
    for target in re.findall(r"\]\((?!http)([^)#]+)", page(DUTCH)):
        assert (Path(PAGE).parent / target).exists(), target
