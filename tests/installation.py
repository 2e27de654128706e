"""An installation of its own for an end-to-end test, driven as a person would: through the command line, in processes of their own."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import Any
from unittest.mock import patch

import dagster as dg
import yaml

from das_pipeline.disk import sha256_of
from das_pipeline.lake import Lake, Version
from das_pipeline.privacy import USES, write_demo_keys
from das_pipeline.run import Run
from das_pipeline.settings import PROJECT, Settings
from tests import forked
from tests.content import contents

TOY = Path(__file__).parent / "toy"


@dataclass(frozen=True)
class Installation:
    """The places of one installation under `root`."""

    root: Path
    jurisdiction: str
    threads: int = 2

    @property
    def home(self) -> Path:
        return self.root / "home"

    @property
    def inbox(self) -> Path:
        return self.root / "inbox"

    @property
    def lake(self) -> Lake:
        return Lake(self.home)

    @property
    def environment(self) -> dict[str, str]:
        # Processes of ours keep their bytecode: compiling the project at every start would take a second of each.
        ours = {k: v for k, v in os.environ.items() if not k.startswith(("DAS_", "DAGSTER_HOME", "PYTHONDONTWRITEBYTECODE"))}
        return {
            **ours,
            "DAS_HOME": str(self.home),
            "DAS_INBOX": str(self.inbox),
            "DAS_KEYS": str(self.root / "keys"),
            "DAS_JURISDICTION": self.jurisdiction,
            "DAS_THREADS": str(self.threads),
            "DAGSTER_DISABLE_TELEMETRY": "yes",
            "GX_ANALYTICS_ENABLED": "false",
            "PYTHONPATH": str(PROJECT),
        }

    def das(self, *arguments: str, code: int = 0) -> str:
        """What `das ARGUMENTS` prints; it must end with `code`."""
        ended, printed = forked.run(arguments, self.environment)
        assert ended == code, printed
        return printed

    def python(self, *arguments: str, code: int = 0) -> str:
        """What a fresh `python ARGUMENTS` prints, standard error included; it must end with `code`."""
        done = subprocess.run(
            [sys.executable, *arguments],
            env=self.environment,
            cwd=PROJECT,
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=600,
            check=False,
        )
        assert done.returncode == code, done.stdout
        return done.stdout

    def shell(self, *command: str, code: int = 0) -> str:
        """What a command of README prints in the project; it must end with `code`. A `make` leaves the virtual environment as it is."""
        ours = (*command, "-o", "setup", "-o", ".venv/.installed") if command[0] == "make" else command
        environment = self.environment | {"COLUMNS": "120"}
        done = subprocess.run(ours, env=environment, cwd=PROJECT, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
        assert done.returncode == code, done.stdout
        return done.stdout

    def live(self, table: str) -> Version:
        return self.lake.open(table)

    def settings(self) -> Settings:
        """The settings of its environment."""
        with patch.dict(os.environ, self.environment):
            return Settings.from_environment()

    def run(self) -> Run:
        """A run in this process, with the keys to read what is encrypted."""
        with patch.dict(os.environ, self.environment):
            return Run.start(Settings.from_environment(), date.max)

    def contents(self, table: str) -> dict[str, str]:
        """What the live version of `table` holds: file → SHA-256 of its content, decrypted where it is encrypted."""
        version = self.live(table)
        return contents(self.run(), {name: version.path(name) for name in version.files})

    def releases(self) -> list[Path]:
        return sorted(p.parent for p in (self.home / "releases").glob("[0-9]*/manifest.json"))

    def current(self) -> Path:
        return (self.home / "releases" / "current").resolve()


def installation(root: Path, jurisdiction: str | Path = TOY, *, threads: int = 2) -> Installation:
    """A fresh installation under `root`, with demo keys."""
    made = Installation(root, str(jurisdiction), threads)
    made.inbox.mkdir(parents=True)
    write_demo_keys(root / "keys", seed=7)
    return made


def copy_of(made: Installation, root: Path) -> Installation:
    """Copy the home, inbox and keys of an installation to `root`; return the copy."""
    shutil.copytree(made.root, root, symlinks=True, dirs_exist_ok=True)
    return replace(made, root=root)


def real_installation(root: Path, jurisdiction: Path = TOY) -> Installation:
    """A fresh installation under `root` for real deliveries: with keys that are no demo keys, and two persons who approve."""
    made = Installation(root, str(shutil.copytree(jurisdiction, root / jurisdiction.name)))
    made.inbox.mkdir()
    (root / "keys").mkdir(mode=0o700)
    for use in USES:
        (root / "keys" / use).write_text(hashlib.sha256(use.encode()).hexdigest(), encoding="ascii")
    nobody = {name: {"public_key": name[0] * 64, "roles": ["review", "approve"]} for name in ("anna", "bert")}
    let_sign(made, nobody)
    path = Path(made.jurisdiction) / "policy.yaml"
    policy = yaml.safe_load(path.read_text(encoding="utf-8"))
    policy["disclosure"]["corrections"] = {"leaves": 20, "reason": "a correction that moves one leaf alone stops a real release"}
    path.write_text(yaml.safe_dump(policy), encoding="utf-8")
    texts = Path(made.jurisdiction) / "texts" / "tables.yaml"  # real figures are not published at the address of an example
    texts.write_text(re.sub(r"(address: .*|email: .*)\.example", r"\g<1>.test", texts.read_text(encoding="utf-8")), encoding="utf-8")
    return made


def let_sign(made: Installation, persons: dict[str, Any]) -> None:
    """Write into the policy of a real installation that `persons` sign its releases."""
    path = Path(made.jurisdiction) / "policy.yaml"
    policy = yaml.safe_load(path.read_text(encoding="utf-8"))
    policy["release"] |= {"approval": {"by": "two_persons", "reason": "the figures are real"}, "persons": persons}
    policy["release"]["window"]["days"] = max(policy["release"]["window"]["days"], 28)
    path.write_text(yaml.safe_dump(policy), encoding="utf-8")


@contextmanager
def store_of(made: Installation) -> Iterator[dg.DagsterInstance]:
    """Dagster's instance of an installation, to look at from the test's own process."""
    home = made.home / "dagster"
    with patch.dict(os.environ, {"DAGSTER_HOME": str(home)}), dg.DagsterInstance.from_config(str(home)) as store:
        yield store


def published(release: Path) -> dict[str, str]:
    """What was released: file → SHA-256, without the database file, whose bytes DuckDB does not repeat, and what names its hash."""
    files = (p for p in release.rglob("*") if p.is_file() and not p.name.startswith(("das.duckdb", "manifest.json", "SHA256SUMS")))
    return {"release": release.name} | {p.relative_to(release).as_posix(): sha256_of(p) for p in sorted(files)}
