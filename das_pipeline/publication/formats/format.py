"""What a format declares: for the writer of candidates, the data package, the pages, the gates and the auditor."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa

Reader = Callable[[Path, pa.Schema], pa.Table]
"""Reads a file of a table with this schema, and returns what the file holds, however many columns that is.

A file that is not in the format raises pa.ArrowException, OSError or ValueError.
"""


@dataclass(frozen=True)
class Format:
    """One format."""

    name: str  # as a reader knows it, "CSV"
    extension: str
    media_type: str
    write: Callable[[pa.Table, Path], None]
    read: Reader
