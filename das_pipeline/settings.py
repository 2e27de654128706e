"""Where this installation keeps its data, keys and jurisdiction. Everything comes from the environment, nothing from code."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from das_pipeline.errors import ConfigurationError

PROJECT = Path(__file__).resolve().parents[1]


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
    alerts: Path = PROJECT / "deploy" / "alerts.yaml"  # who hears of what a person must act on

    def __post_init__(self) -> None:
        if self.keys.resolve().is_relative_to(self.home.resolve()):
            raise ConfigurationError(f"The key directory {self.keys} lies inside DAS_HOME {self.home}: move it out, or set DAS_KEYS.")

    @classmethod
    def from_environment(cls) -> Settings:
        """The settings of `DAS_HOME`, `DAS_INBOX`, `DAS_KEYS`, `DAS_JURISDICTION`, `DAS_MEMORY_LIMIT`, `DAS_THREADS`, `DAS_ALERTS`."""
        home = Path(os.environ.get("DAS_HOME", PROJECT / "data" / "home")).resolve()
        jurisdiction = os.environ.get("DAS_JURISDICTION") or "nl"
        threads = os.environ.get("DAS_THREADS", "2")
        if not threads.isdigit() or threads == "0":
            raise ConfigurationError(f"DAS_THREADS is {threads!r}: give a number of threads, such as 2.")
        folder = Path(jurisdiction) if os.sep in jurisdiction else PROJECT / "jurisdictions" / jurisdiction
        return cls(
            home=home,
            inbox=Path(os.environ.get("DAS_INBOX", home.parent / "inbox")).resolve(),
            keys=Path(os.environ.get("DAS_KEYS", home.parent / "keys")).resolve(),
            jurisdiction=folder.resolve(),
            memory_limit=os.environ.get("DAS_MEMORY_LIMIT", "2GB"),
            threads=int(threads),
            alerts=Path(os.environ.get("DAS_ALERTS", PROJECT / "deploy" / "alerts.yaml")).resolve(),
        )
