"""A release as an outsider has it: the files of one folder, read without knowledge of how they were made."""

from __future__ import annotations

import csv
import io
import json
import re
from calendar import monthrange
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

ALL = "all"
FOLLOW_UP = "months"  # the dimension of a cohort table that says after how many months
AFTER = re.compile(r"after_month_(\d+)")


def last_day(period: str) -> str:
    """The last day of a period, as text."""
    return last_day_after(period, 0)


def last_day_after(period: str, months: int) -> str:
    """The last day of the month that lies `months` after the last one of a period, as text."""
    year, _, part = period.partition("-")
    month = 12 if not part else 3 * int(part[1:]) if part[0] == "Q" else int(part)
    later, month = divmod(month - 1 + months, 12)
    return f"{int(year) + later}-{month + 1:02}-{monthrange(int(year) + later, month + 1)[1]}"


@dataclass(frozen=True)
class Dimension:
    """A column of codes at one level of a scheme, with a total. In a stack of different units it has no scheme and does not add up."""

    name: str
    scheme: str | None
    level: str


@dataclass(frozen=True)
class Table:
    """A published table: the rows and the metadata of its Parquet file."""

    name: str
    path: Path
    rows: pa.Table
    facts: dict[str, Any]

    @property
    def is_protected(self) -> bool:
        return self.facts["kind"] == "protected"

    @property
    def method(self) -> str:
        """How a protected table is protected: rounding, suppression or cell_key. Releases of earlier versions know the first one only."""
        return str(self.facts.get("method", "rounding"))

    @property
    def is_rounded(self) -> bool:
        return self.method == "rounding"

    @property
    def is_derived(self) -> bool:
        """Whether its figures are weeks or percentages, computed from counts."""
        return self.facts["kind"] == "derived"

    @property
    def base(self) -> int:
        return int(self.facts["base"])

    @property
    def dimensions(self) -> list[Dimension]:
        return [Dimension(name, d["scheme"], d["level"]) for name, d in self.facts["dims"].items()]

    @property
    def keys(self) -> list[str]:
        """The columns that identify a cell."""
        return [*self.facts["dims"], "period_kind", "period"]

    @property
    def is_cohort(self) -> bool:
        """Whether it follows what began in a period, after so many months. Another publisher may mean something else by that name."""
        codes = self.rows[FOLLOW_UP].unique().to_pylist() if any(d.name == FOLLOW_UP and not d.scheme for d in self.dimensions) else []
        return bool(codes) and all(AFTER.fullmatch(str(code)) for code in codes)

    @property
    def is_balance(self) -> bool:
        """Whether its lines are an opening stock, what came and went, corrections, and a closing stock."""
        return bool(self.facts.get("is_balance"))

    @property
    def measures(self) -> list[str]:
        return list(self.facts["measures"])

    @property
    def kinds(self) -> list[str]:
        """The kinds of period it has, from fine to coarse."""
        present = set(self.rows["period_kind"].unique().to_pylist())
        return [kind for kind in ("month", "quarter", "year") if kind in present]

    @cached_property
    def cells(self) -> dict[str, Any]:
        """Every count by the text of its key, such as "theft|all|month|2024-03"; None where a table by suppression does not show it."""
        return dict(zip(self._names, self.rows["n"].to_pylist(), strict=True))

    @cached_property
    def statuses(self) -> dict[str, str]:
        """Every status by the same text."""
        return dict(zip(self._names, self.rows["status"].to_pylist(), strict=True))

    @cached_property
    def _names(self) -> list[str]:
        return list(map("|".join, zip(*(self.rows[k].to_pylist() for k in self.keys), strict=True)))


@dataclass(frozen=True)
class Published:
    """The tables of a release folder by name, the files that could not be read, and the changes that earlier releases published."""

    folder: Path
    tables: dict[str, Table]
    unreadable: list[str]
    earlier_changes: tuple[dict[str, Any], ...] = ()

    @property
    def protected(self) -> list[Table]:
        return [t for t in self.tables.values() if t.is_protected]

    @cached_property
    def paths(self) -> list[str]:
        """Everything in the folder, folders aside, relative to it."""
        return sorted(p.relative_to(self.folder).as_posix() for p in self.folder.rglob("*") if p.is_symlink() or not p.is_dir())

    @property
    def as_of(self) -> str:
        return str(self.changes.get("as_of", ""))

    @property
    def is_withdrawn(self) -> bool:
        """Whether it was withdrawn: then it lies elsewhere, as it was."""
        return self.folder.parent.name == "withdrawn"

    @cached_property
    def package(self) -> dict[str, Any]:
        return self.json("datapackage.json")

    @cached_property
    def revisions(self) -> dict[tuple[str, str], list[int]]:
        """Every count that this release and earlier ones published of a total, by table and by kind and period.

        Of tables without lines, and of periods that had ended. That the file is right is judged elsewhere.
        """
        counts: dict[tuple[str, str], list[int]] = {}
        path = self.folder / "revisions.csv"
        for row in csv.DictReader(io.StringIO(path.read_text(encoding="utf-8"))) if path.exists() else ():
            if not row["row"] and last_day(row["period"]) <= row["as_of"]:
                counts.setdefault((row["table"], f"{row['period_kind']}|{row['period']}"), []).append(int(row["n"]))
        return counts

    def published_of(self, table: str, cell: str) -> list[int]:
        """What this release and earlier ones published of a cell, if it is the total of a table."""
        *codes, kind, period = cell.split("|")
        return self.revisions.get((table, f"{kind}|{period}"), []) if set(codes) <= {ALL} else []

    @cached_property
    def changes(self) -> dict[str, Any]:
        return self.json("changes.json")

    @cached_property
    def quality(self) -> dict[str, Any]:
        return self.json("quality.json")

    def json(self, name: str) -> Any:
        """The content of a JSON file; nothing when the release has no such file."""
        path = self.folder / name
        return json.loads(path.read_bytes()) if path.exists() else {}


def read(folder: Path) -> Published:
    """Read the release in `folder`."""
    tables: dict[str, Table] = {}
    unreadable: list[str] = []
    for path in sorted((folder / "tables").glob("*.parquet")):
        try:
            rows = pq.read_table(path)
            table = Table(path.stem, path, rows, json.loads(rows.schema.metadata[b"das"]))
            if rows["n"].null_count and table.method != "suppression":
                raise ValueError  # a count that is not there is no count that can be compared
            tables[path.stem] = table
        except (pa.ArrowException, OSError, KeyError, TypeError, ValueError):
            unreadable.append(path.name)
    return Published(folder, tables, unreadable)
