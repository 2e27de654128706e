"""docs/new-jurisdiction.md, performed by its own words: from the template to a release, by files alone."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import duckdb
import pytest

from das_pipeline.settings import PROJECT
from tests.installation import Installation

PAGE = PROJECT / "docs" / "new-jurisdiction.md"
STEP = re.compile(r"(?:(?P<what>Append to|Create) `(?P<path>[^`]+)`:\n\n)?```(?P<kind>\w+)\n(?P<text>.*?)```", re.DOTALL)


def perform(page: str, made: Installation) -> str:
    """Do what the page says, in its order and in one shell; return what the commands printed."""
    script = [f'das() {{ "{sys.executable}" -m cli.main "$@"; }}']
    for step in STEP.finditer(page):
        if step["what"]:
            sign = ">>" if step["what"] == "Append to" else ">"
            script.append(f"cat {sign} {step['path']} <<'END'\n{step['text']}END")
        else:
            assert step["kind"] == "bash", step["text"]
            script.append(step["text"])
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", "\n".join(script)],
        env={k: v for k, v in made.environment.items() if not k.startswith("DAS_")},
        cwd=PROJECT,
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        timeout=600,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    return done.stdout


@pytest.mark.slow
def test_the_page_leads_from_the_template_to_a_release(tmp_path: Path) -> None:
    made = Installation(tmp_path / "place", "county")
    printed = perform(PAGE.read_text(encoding="utf-8").replace("/tmp/ours", str(tmp_path)), made)
    assert printed.count("No mistakes in the") == 2
    assert "Every file is what the signed manifest says." in printed
    release = made.current()
    assert release.name == "2024-03-31.1"
    table = duckdb.execute(f"SELECT n FROM '{release}/tables/reports.parquet' WHERE offence = 'all' AND period = '2024'")
    assert table.fetchall()[0][0] in {10, 15}  # twelve reports
    pages = [path.read_text(encoding="utf-8") for path in (release / "site").rglob("*.html")]
    assert len(pages) == 9
    assert all('<html lang="en">' in page and "March 31, 2024" in page for page in pages)
