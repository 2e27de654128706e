"""The published tables as the site reads them: from the files that a reader downloads.

A cell's status is part of its table; publication/tables.py decides it.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from das_pipeline.periods import KINDS
from das_pipeline.terminology import ALL


@dataclass(frozen=True)
class Cell:
    """One count of a release: its key in the table, its value and its status."""

    table: str
    key: tuple[str, ...]  # codes of the dimensions, kind of period, period
    n: int
    status: str

    @property
    def may_change(self) -> bool:
        """Whether more is still expected of its period."""
        return self.status == "provisional" or not self.is_whole

    @property
    def is_whole(self) -> bool:
        """Whether every source has delivered for all of its period: else it is not compared with other periods."""
        return self.status not in {"incomplete", "not_known"}

    @property
    def has_value(self) -> bool:
        """Whether it has a number: else none can be given."""
        return self.status not in {"not_known", "not_shown", "not_applicable"}

    @property
    def name(self) -> str:
        """The cell's key as text: what `data-cell` holds on a page."""
        return "|".join(self.key)

    @property
    def period(self) -> str:
        return self.key[-1]


class PublishedTable:
    """A published table: its cells by key, and its metadata."""

    def __init__(self, path: Path) -> None:
        file = pq.read_table(path)
        self.name = path.stem
        self.facts: dict[str, Any] = json.loads(file.schema.metadata[b"das"])
        self.dims: list[str] = list(self.facts["dims"])
        self.labels: dict[str, dict[str, dict[str, str]]] = {
            field.name: {o["code"]: o for o in json.loads(field.metadata.get(b"codes", b"[]"))} for field in file.schema
        }
        self.descriptions = {
            f.name: {k.removeprefix(b"description_").decode(): v.decode() for k, v in f.metadata.items() if k.startswith(b"description_")}
            for f in file.schema
        }
        keys = zip(*(file.column(name).to_pylist() for name in [*self.dims, "period_kind", "period"]), strict=True)
        counts = zip(file.column("n").to_pylist(), file.column("status").to_pylist(), strict=True)
        self.cells = {key: Cell(self.name, key, n, status) for key, (n, status) in zip(keys, counts, strict=True)}

    @property
    def is_nested(self) -> bool:
        """Whether its dimensions are levels of one scheme: groups and their members."""
        schemes = [d["scheme"] for d in self.facts["dims"].values()]
        return len(schemes) > 1 and len(set(schemes)) == 1 and schemes[0] is not None

    @property
    def is_stack(self) -> bool:
        """Whether its rows are counted in different units."""
        return any(d["scheme"] is None and name not in self.facts["shown"] for name, d in self.facts["dims"].items())

    @property
    def is_balance(self) -> bool:
        """Whether its lines are an opening stock, what came and went, and a closing stock."""
        return self.facts["is_balance"]

    @property
    def is_derived(self) -> bool:
        """Whether its figures are weeks or percentages, computed from counts."""
        return self.facts["kind"] == "derived"

    def has_total(self, dim: str) -> bool:
        """Whether the codes of a dimension add up."""
        return self.facts["dims"][dim]["scheme"] is not None

    @cached_property
    def kinds(self) -> list[str]:
        """Its kinds of period, from fine to coarse."""
        return [kind for kind in KINDS if any(key[-2] == kind for key in self.cells)]

    @cached_property
    def provisional(self) -> set[str]:
        """The periods in which corrections are still expected."""
        return {key[-1] for key, cell in self.cells.items() if cell.status == "provisional"}

    @cached_property
    def incomplete(self) -> set[str]:
        """The periods for which not every source has delivered yet."""
        return {key[-1] for key, cell in self.cells.items() if not cell.is_whole}

    def periods(self, kind: str) -> list[str]:
        """Its periods of one kind, oldest first."""
        return sorted({key[-1] for key in self.cells if key[-2] == kind})

    def codes(self, dim: str) -> list[str]:
        """The codes of a dimension without the total, in the order of their scheme."""
        return [code for code in self.labels[dim] if code != ALL]

    def cell(self, kind: str, period: str, select: dict[str, str] | None = None) -> Cell | None:
        """One cell; a dimension that `select` does not name is at its total, or at the code that its table shows first."""
        return self.cells.get((*((select or {}).get(dim, self.facts["shown"].get(dim, ALL)) for dim in self.dims), kind, period))

    def series(self, kind: str, periods: Iterable[str], select: dict[str, str] | None = None) -> list[Cell]:
        """The cells of one line through time, without those that are not known."""
        return [cell for period in periods if (cell := self.cell(kind, period, select)) and cell.status not in {"not_known", "not_shown"}]
