"""The published tables as the site reads them: from the files that a reader downloads.

A cell's status is part of its table; publication/tables.py decides it.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from das_pipeline.periods import KINDS
from das_pipeline.terminology import ALL

NOT_WHOLE = frozenset({"incomplete", "not_known"})
NO_VALUE = frozenset({"not_known", "not_shown", "not_applicable", "confidential"})


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
        return self.status not in NOT_WHOLE

    @property
    def has_value(self) -> bool:
        """Whether it has a number: else none can be given."""
        return self.status not in NO_VALUE

    @property
    def name(self) -> str:
        """The cell's key as text: what `data-cell` holds on a page."""
        return "|".join(self.key)

    @property
    def period(self) -> str:
        return self.key[-1]


class Cells(Mapping[tuple[str, ...], Cell]):
    """The cells of a table by key. A cell is made when it is asked for: a page shows a few hundred of half a million."""

    def __init__(self, table: str, keys: Iterable[tuple[str, ...]], counts: Sequence[int], statuses: Sequence[str]) -> None:
        self._table, self._counts, self._statuses = table, counts, statuses
        self._places = {key: place for place, key in enumerate(keys)}

    def __getitem__(self, key: tuple[str, ...]) -> Cell:
        place = self._places[key]
        return Cell(self._table, key, self._counts[place], self._statuses[place])

    def __iter__(self) -> Iterator[tuple[str, ...]]:
        return iter(self._places)

    def __len__(self) -> int:
        return len(self._places)


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
        keys = zip(*(_texts(file.column(name)) for name in [*self.dims, "period_kind", "period"]), strict=True)
        counts = file.column("n").fill_null(0).to_numpy().tolist()  # 0 is never shown of a cell that has no value
        self.cells = Cells(self.name, keys, counts, _texts(file.column("status")))
        periods = file.group_by(["period_kind", "period", "status"], use_threads=False).aggregate([])
        self._periods: list[dict[str, str]] = periods.to_pylist()  # each with the statuses that its cells have

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
    def is_rounded(self) -> bool:
        """Whether its counts are rounded, not hidden or changed one by one: only these may be compared and added up."""
        return self.facts["method"] == "rounding"

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
        return [kind for kind in KINDS if any(p["period_kind"] == kind for p in self._periods)]

    @cached_property
    def provisional(self) -> set[str]:
        """The periods in which corrections are still expected."""
        return {p["period"] for p in self._periods if p["status"] == "provisional"}

    @cached_property
    def incomplete(self) -> set[str]:
        """The periods for which not every source has delivered yet."""
        return {p["period"] for p in self._periods if p["status"] in NOT_WHOLE}

    @cached_property
    def late(self) -> set[str]:
        """Those periods, and the ones that no cell has a value of: part of a period, or nothing of it, is not told as the last one."""
        has_value = {p["period"] for p in self._periods if p["status"] not in NO_VALUE}
        return self.incomplete | {p["period"] for p in self._periods} - has_value

    def periods(self, kind: str) -> list[str]:
        """Its periods of one kind, oldest first."""
        return sorted({p["period"] for p in self._periods if p["period_kind"] == kind})

    def codes(self, dim: str) -> list[str]:
        """The codes of a dimension without the total, in the order of their scheme."""
        return [code for code in self.labels[dim] if code != ALL]

    def cell(self, kind: str, period: str, select: dict[str, str] | None = None) -> Cell | None:
        """One cell; a dimension that `select` does not name is at its total, or at the code that its table shows first."""
        chosen: dict[str, str] = self.facts["shown"] | (select or {})
        return self.cells.get((*(chosen.get(dim, ALL) for dim in self.dims), kind, period))

    def series(self, kind: str, periods: Iterable[str], select: dict[str, str] | None = None) -> list[Cell]:
        """The cells of one line through time, without those that are not known."""
        cells = (self.cell(kind, period, select) for period in periods)
        return [cell for cell in cells if cell and (cell.has_value or cell.status == "not_applicable")]


def _texts(column: pa.ChunkedArray) -> list[str]:
    """Return the texts of a column, of which the same ones are one object: there are few, and many rows."""
    encoded = column.combine_chunks().dictionary_encode()
    return np.array(encoded.dictionary.to_pylist(), dtype=object)[encoded.indices.to_numpy()].tolist()
