"""README: every command and program in it runs, against a small demo that was made as it says."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys

import pytest

from cli.newcomer import LOOK_NEXT
from das_pipeline.settings import PROJECT
from tests.cli.test_servers import PATIENCE, answer, free_port, processes_of
from tests.installation import Installation

README = (PROJECT / "README.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```(\w*)\n(.*?)^```", README, re.DOTALL | re.MULTILINE)
SHELL = [line.split("#")[0].strip() for kind, block in BLOCKS if kind == "bash" for line in block.splitlines()]
PROGRAMS = [(kind, block) for kind, block in BLOCKS if kind in {"python", "r"}]
NEXT_DAY = ".venv/bin/das simulate --next-day && .venv/bin/das run"  # tests/end_to_end/test_dutch_demo.py runs it
OUTPUT_LINES = 40  # what a newcomer reads

pytestmark = pytest.mark.slow


def test_the_demo_tells_a_newcomer_what_happened_in_less_than_a_screen(demo: tuple[Installation, str]) -> None:
    _, printed = demo
    assert len(printed.splitlines()) <= OUTPUT_LINES
    for words in ("48 deliveries from 11 partners. 47 were taken in", "None is lost.", "dji 2025-12-28.1, as a whole, as the demo plans."):
        assert words in " ".join(printed.split())
    for jargon in ("quarantined", "superseded", "vintage", "I01", "K06", "lake"):
        assert jargon not in printed
    for title in ("Came in", "Set aside", "Refused", "Late", "Published", "Privacy", "Real", "Look next"):
        assert re.search(rf"^{title} ", printed, re.MULTILINE), title
        assert re.search(rf"^{title} ", README, re.MULTILINE), f"README shows the end of the demo: {title}"


def test_a_second_demo_says_what_to_do(demo: tuple[Installation, str]) -> None:
    made, _ = demo
    assert "nothing was done" in made.shell("make", "demo", "SIZE=5000", "SEED=1")
    assert "Start anew after make clean" in " ".join(made.shell("make", "demo", "SIZE=5000", "SEED=2", code=2).split())


@pytest.mark.parametrize("line", [line for line in SHELL if not line.startswith("make") and line != NEXT_DAY])
def test_a_command_runs(demo: tuple[Installation, str], line: str) -> None:
    made, _ = demo
    for command in line.split(" && "):
        words = command.split()
        assert words[0] == ".venv/bin/das"
        assert made.shell(sys.executable, "-m", "cli.main", *words[1:]).strip()


@pytest.mark.parametrize("line", [line for line in SHELL if line.startswith("make")])
def test_a_server_answers(demo: tuple[Installation, str], line: str) -> None:
    made, _ = demo
    port = free_port()
    command = [*line.split(), f"PORT={port}", "-o", "setup", "-o", ".venv/.installed"]
    process = subprocess.Popen(command, env=made.environment, cwd=PROJECT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        assert answer(port, "/site/index.html" if line == "make site" else "/server_info")
    finally:
        for server in processes_of(made.home):
            if server != process.pid:
                os.kill(server, signal.SIGTERM)
        process.wait(timeout=PATIENCE)


@pytest.mark.parametrize(("kind", "program"), PROGRAMS, ids=[program.split("\n")[0] for _, program in PROGRAMS])
def test_a_program_reads_the_tables(demo: tuple[Installation, str], kind: str, program: str) -> None:
    made, _ = demo
    command = [sys.executable, "-W", "error", "-c", program] if kind == "python" else ["Rscript", "-e", program]
    if kind == "r" and shutil.which("Rscript") is None:
        assert 'read.csv("data/home/releases/current/tables/prosecution_decisions.csv")' in program
        assert (made.current() / "tables" / "prosecution_decisions.csv").exists()
        return
    done = subprocess.run(command, cwd=made.root.parent, text=True, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "summons" in done.stdout


def test_the_pictures_are_there_and_light() -> None:
    for picture in re.findall(r"!\[[^]]+\]\(([^)]+)\)", README):
        assert (PROJECT / picture).stat().st_size < 200_000


def test_the_last_lines_of_the_demo_are_commands_of_readme() -> None:
    for line in LOOK_NEXT[:2]:
        assert line.split("  ")[0] in SHELL
