"""Where this installation keeps its data, keys and jurisdiction. Everything comes from the environment, nothing from code."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path

from das_pipeline.errors import ConfigurationError, unknown_name

PROJECT = Path(__file__).resolve().parents[1]
DEFAULT = PROJECT / "jurisdictions" / "default"  # names the jurisdiction that is used when DAS_JURISDICTION is not set


@dataclass(frozen=True)
class Settings:
    """The places and limits of one installation.

    `home` is the lake; `inbox` is where partners put deliveries; `keys` is the key directory, which must lie outside `home`
    so that a copy of the lake is worth nothing without it.
    """

    home: Path
    inbox: Path
    keys: Path
    jurisdiction: Path
    memory_limit: str = "2GB"
    threads: int = 2
    engine: str = "duckdb"  # or "spark", for the queries that both understand
    alerts: Path = PROJECT / "deploy" / "alerts.yaml"  # who hears of what a person must act on

    def __post_init__(self) -> None:
        if self.keys.resolve().is_relative_to(self.home.resolve()):
            raise ConfigurationError(f"The key directory {self.keys} lies inside DAS_HOME {self.home}: move it out, or set DAS_KEYS.")

    @classmethod
    def from_environment(cls) -> Settings:
        """The settings of `DAS_HOME`, `DAS_INBOX`, `DAS_KEYS`, `DAS_JURISDICTION`, `DAS_MEMORY_LIMIT`, `DAS_THREADS`, `DAS_ENGINE`,
        `DAS_ALERTS`.
        """
        home = Path(os.environ.get("DAS_HOME", PROJECT / "data" / "home")).resolve()
        jurisdiction = os.environ.get("DAS_JURISDICTION") or DEFAULT.read_text(encoding="utf-8").strip()
        threads = os.environ.get("DAS_THREADS", "2")
        if not threads.isdigit() or threads == "0":
            raise ConfigurationError(f"DAS_THREADS is {threads!r}: give a number of threads, such as 2.")
        memory = os.environ.get("DAS_MEMORY_LIMIT", "2GB")
        if not re.fullmatch(r"\d+(\.\d+)? ?[KMGT]i?B", memory):
            raise ConfigurationError(f"DAS_MEMORY_LIMIT is {memory!r}: give a size with its unit, such as 2GB.")
        engine = os.environ.get("DAS_ENGINE", "duckdb")
        if engine not in {"duckdb", "spark"}:
            raise ConfigurationError(f"DAS_ENGINE is {engine!r}: give duckdb or spark, or leave it out.")
        folder = Path(jurisdiction) if os.sep in jurisdiction else DEFAULT.parent / jurisdiction
        if not folder.is_dir():
            raise unknown_name("jurisdiction", jurisdiction, (path.name for path in DEFAULT.parent.iterdir() if path.is_dir()))
        return cls(
            home=home,
            inbox=Path(os.environ.get("DAS_INBOX", home.parent / "inbox")).resolve(),
            keys=Path(os.environ.get("DAS_KEYS", home.parent / "keys")).resolve(),
            jurisdiction=folder.resolve(),
            memory_limit=memory,
            threads=int(threads),
            engine=engine,
            alerts=Path(os.environ.get("DAS_ALERTS", PROJECT / "deploy" / "alerts.yaml")).resolve(),
        )
