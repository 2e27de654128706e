"""The kinds of fault that a whole file or delivery can have. All blocks of a file must agree on them, so they depend only on the contract
and the day.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from das_pipeline.deliveries import Column, Contract
from simulation.deliveries.layout import Layout, first_line
from simulation.draws import compute
from simulation.faults.page import Outcome, Page, Phase

REPEATED_ROWS = 20  # a file with this many changes cannot be a coincidental repeat; a smaller one can
NAMED = {"csv", "parquet", "xlsx"}  # forms whose columns are found by a name in the header
TAIL = 1 << 20  # bytes at the end of a file in which its last lines are sought
MONTHS = (2, 20)  # a missing period lies this many months before the reference date


@dataclass(frozen=True)
class InFile:
    """One fault of one file: its kind, and the drawn column and extent."""

    kind: str
    column: str | None
    share: float  # between 0 and 1, drawn


@dataclass(frozen=True)
class FileKind:
    """A kind of fault of a file. `columns` selects the columns that can have it; without such a column the file cannot."""

    phase: Phase
    rule: str | None
    outcome: Outcome
    fits: Callable[[Contract, bool], bool]  # contract, whether it is the whole history
    columns: Callable[[Contract, Column], bool] | None = None
    layout: Callable[[Layout, InFile], Layout] | None = None  # changes the columns of the file
    page: Callable[[Page, InFile], int] | None = None  # changes the rows before they are written; returns how many lost a value
    bytes: Callable[[Contract, Path, InFile], None] | None = None  # changes the file after it is written
    needs_rows: bool = True  # of `bytes`: whether a file with only a header cannot have it
    least: int = 1  # rows that must lose a value for a rule to notice


FILE_KINDS: dict[str, FileKind] = {}


# -- the columns of a file


def _without(form: Layout, fault: InFile) -> Layout:
    return replace(form, columns=tuple(c for c in form.columns if c[0] != fault.column))


def _renamed(form: Layout, fault: InFile) -> Layout:
    return replace(form, columns=tuple((name, f"{head}_2" if name == fault.column else head) for name, head in form.columns))


def _with_more(form: Layout, fault: InFile) -> Layout:
    head = next(head for name, head in form.columns if name == fault.column)
    return replace(form, columns=(*form.columns, (fault.column or "", f"{head}_2")))


def _reordered(form: Layout, fault: InFile) -> Layout:
    order = np.random.default_rng(int(fault.share * 2**32)).permutation(len(form.columns))
    return replace(form, columns=tuple(form.columns[n] for n in order))


def _has_head(contract: Contract, _is_history: bool) -> bool:
    return contract.format.kind in NAMED


def _any(_contract: Contract, _column: Column) -> bool:
    return True


FILE_KINDS["missing_column"] = FileKind("rendering", "I04", "refused", _has_head, _any, layout=_without)
FILE_KINDS["renamed_column"] = FileKind("rendering", "I04", "refused", _has_head, _any, layout=_renamed)
FILE_KINDS["renamed_leaf"] = FileKind(
    "rendering",
    "I13",
    "refused",
    lambda contract, is_history: not is_history and contract.format.kind in ("jsonl", "xml"),
    lambda contract, c: c.required and c.name not in (*contract.unit_key, *contract.sub_key),
    layout=_renamed,
)
FILE_KINDS["extra_column"] = FileKind(
    "rendering",
    "I04",
    "accepted",
    lambda contract, _: contract.format.kind != "fixed",
    lambda _, c: not c.is_direct and c.required,  # an XML record or JSON object has no empty ones: there would be nothing to notice
    layout=_with_more,
)
FILE_KINDS["reordered_columns"] = FileKind("rendering", None, "accepted", _has_head, layout=_reordered)
FILE_KINDS["byte_order_mark"] = FileKind(
    "rendering",
    None,
    "accepted",
    lambda contract, _: contract.format.encoding == "utf-8" and contract.format.kind in ("csv", "jsonl"),
    layout=lambda form, _: replace(form, has_mark=True),
)


# -- the rows of a file


def _gone_null(page: Page, fault: InFile) -> int:
    assert fault.column is not None
    filled = page.rows - page.columns[fault.column].null_count
    page.columns = {**page.columns, fault.column: pa.nulls(page.rows, pa.string())}
    return filled


def _left_out(page: Page, fault: InFile) -> int:
    """Leave out more than half of the rows: those that entered the register first."""
    return page.leave_out(np.arange(page.rows) < (0.6 + 0.3 * fault.share) * page.rows)


def _month_left_out(page: Page, fault: InFile) -> int:
    """Leave out the rows that entered the register in one month."""
    low, high = MONTHS
    month = np.datetime64(page.reference_on, "M") - int(low + fault.share * (high - low))
    return page.leave_out(page.known_on.astype("datetime64[M]") == month)


def _heaped(page: Page, fault: InFile) -> int:
    """Write 1 January of its year for every fifth date of a column."""
    assert fault.column is not None
    text, form = page.columns[fault.column], page.contract.by_name[fault.column].formats[0]
    first = text
    for part in ("mm", "dd"):
        first = compute.utf8_replace_slice(first, form.index(part), form.index(part) + 2, "01")
    is_known = compute.equal(compute.fill_null(compute.utf8_length(text), 0), len(form)).to_numpy(zero_copy_only=False)
    chosen = is_known & (np.arange(page.rows) % 5 == 0)
    page.columns = {**page.columns, fault.column: compute.if_else(pa.array(chosen), first, text)}
    return int(chosen.sum())


def _can_be_null(contract: Contract, column: Column) -> bool:
    keys = {*contract.unit_key, *contract.sub_key, *(c for r in contract.relations for c in r.columns)}
    return not column.required and column.name not in keys and column.identity is None


def _is_whole(contract: Contract) -> bool:
    return contract.delivery.complete_for == "all"


FILE_KINDS["column_gone_null"] = FileKind(
    "source", "I13", "refused", lambda _, is_history: not is_history, _can_be_null, page=_gone_null, least=40
)
FILE_KINDS["rows_left_out"] = FileKind(
    "source", "I06", "left_out", lambda contract, is_history: not is_history and not _is_whole(contract), page=_left_out, least=40
)
FILE_KINDS["half_a_register"] = FileKind(
    "source", "I08", "refused", lambda contract, is_history: not is_history and _is_whole(contract), page=_left_out, least=20
)
FILE_KINDS["dates_heaped"] = FileKind(
    "source",
    "K09",
    "accepted",
    lambda _, is_history: is_history,
    lambda contract, c: c.type == "date" and c.identity is None and c.name not in (*contract.unit_key, *contract.sub_key),
    page=_heaped,
    least=100,
)
FILE_KINDS["period_missing"] = FileKind("source", "I14", "left_out", lambda _, is_history: is_history, page=_month_left_out, least=40)


# -- the bytes of a file


def _of_plain_lines(contract: Contract, _is_history: bool) -> bool:
    form = contract.format
    return form.kind in ("csv", "fixed", "jsonl") and form.compression is None and form.encoding != "utf-16"


def _end_torn(contract: Contract, path: Path, _fault: InFile) -> None:
    """Remove the last field of the last line, and its line ending."""
    content, size = _tail(path), path.stat().st_size
    last = content.rstrip(b"\r\n").rpartition(b"\n")[2]
    keep = last.rpartition(contract.format.delimiter.encode())[0] if contract.format.kind == "csv" else last[:-6]
    ends = len(content) - len(content.rstrip(b"\r\n"))
    os.truncate(path, size - ends - (len(last) - len(keep)))


def _rows_lost(_contract: Contract, path: Path, fault: InFile) -> None:
    """Remove the last lines, up to a third of those at the end of the file; the other lines stay complete."""
    lines = _tail(path).splitlines(keepends=True)
    gone = lines[-max(1, int(len(lines) * fault.share / 3)) :]
    os.truncate(path, path.stat().st_size - sum(map(len, gone)))


def _cut_short(_contract: Contract, path: Path, _fault: InFile) -> None:
    """Cut the file off after two thirds of its bytes."""
    os.truncate(path, max(path.stat().st_size * 2 // 3, 1))


def _tail(path: Path) -> bytes:
    with path.open("rb") as file:
        file.seek(max(0, path.stat().st_size - TAIL))
        return file.read()


def _with_plain_head(contract: Contract, is_history: bool) -> bool:
    return _of_plain_lines(contract, is_history) and contract.format.kind == "csv"


def _emptied(_contract: Contract, path: Path, _fault: InFile) -> None:
    """Empty the file."""
    os.truncate(path, 0)


def _foreign(_contract: Contract, path: Path, fault: InFile) -> None:
    """Replace the content with random bytes."""
    path.write_bytes(np.random.default_rng(int(fault.share * 2**32)).bytes(max(path.stat().st_size, 64)))


def _recharset(contract: Contract, path: Path, _fault: InFile) -> None:
    """Write the text in a character set that was not agreed."""
    path.write_bytes(path.read_bytes().decode(contract.format.encoding, errors="replace").encode("utf-16"))


FILE_KINDS["truncated_last_line"] = FileKind("rendering", "I05", "refused", _of_plain_lines, bytes=_end_torn)
FILE_KINDS["rows_dropped"] = FileKind("rendering", "I01", "refused", _of_plain_lines, bytes=_rows_lost)
FILE_KINDS["truncated_file"] = FileKind("transport", "I01", "refused", lambda _, __: True, bytes=_cut_short)
FILE_KINDS["empty_file"] = FileKind("transport", "I01", "refused", lambda _, __: True, bytes=_emptied)
FILE_KINDS["foreign_bytes"] = FileKind("rendering", "I03", "refused", _with_plain_head, bytes=_foreign, needs_rows=False)
FILE_KINDS["other_charset"] = FileKind("rendering", "I03", "refused", _with_plain_head, bytes=_recharset, needs_rows=False)


def damage(contract: Contract, path: Path, entry: dict[str, Any], fault: InFile) -> bool:
    """Apply a fault to the written file; return whether it was applied, as the file may be too small for it.

    A fault before the manifest also changes its `entry`, except for the lines and sums, which the sender's own system counts.
    """
    kind = FILE_KINDS[fault.kind]
    least = first_line(contract) if kind.needs_rows else 1
    if kind.bytes is None or (entry["lines"] < least if kind.phase != "transport" else not entry["bytes"]):
        return False
    kind.bytes(contract, path, fault)
    if kind.phase != "transport":
        entry["bytes"] = path.stat().st_size
        with path.open("rb") as file:
            entry["sha256"] = hashlib.file_digest(file, "sha256").hexdigest()
    return True


# -- a whole delivery


@dataclass(frozen=True)
class DeliveryKind:
    """A kind of fault of a whole delivery: its rule and outcome for a delta, which later deliveries build on, and for a snapshot."""

    of_delta: tuple[str | None, Outcome]
    of_snapshot: tuple[str | None, Outcome]


DELIVERY_KINDS: Mapping[str, DeliveryKind] = {
    "late": DeliveryKind(("I10", "late"), ("I10", "late")),
    "never_delivered": DeliveryKind(("I09", "waits"), ("I10", "late")),
    "delivered_twice": DeliveryKind((None, "duplicate"), (None, "duplicate")),
    "corrected_again": DeliveryKind(("I15", "accepted"), ("I15", "accepted")),
    "earlier_period_again": DeliveryKind(("I07", "refused"), (None, "accepted")),  # of each of its files
}
