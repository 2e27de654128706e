"""CSV for people: a file per table and language, with labels instead of codes, which a spreadsheet of that language opens in columns.

A spreadsheet expects a semicolon between columns where its language writes decimals with a comma, and knows UTF-8 by the byte order mark.
It would take a period such as 2024-03 for a date: here its label stands beside its first and its last day.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute
import pyarrow.csv

from das_pipeline.jurisdiction import Text
from das_pipeline.periods import first_day, last_day
from das_pipeline.publication.metadata import DESCRIPTION, ENDS, NOT_SHOWN, STARTS
from das_pipeline.publication.texts import Words

BYTE_ORDER_MARK = "\ufeff".encode()
pc: Any = pyarrow.compute  # its functions are made as it is imported, so that no type checker knows them


def separator(words: Words, language: str) -> str:
    """Return what a spreadsheet of `language` expects between two columns."""
    return ";" if words.languages[language].decimal == "," else ","


def write(cells: pa.Table, path: Path, language: str, words: Words, columns: Mapping[str, Text]) -> None:
    """Write the cells of a published table to `path` in `language`. `columns` has the texts of the first and last day."""
    options = pyarrow.csv.WriteOptions(delimiter=separator(words, language), eol="\r\n", quoting_style="needed", quoting_header="needed")
    with path.open("wb") as file:
        file.write(BYTE_ORDER_MARK)
        pyarrow.csv.write_csv(labelled(cells, language, words, columns), file, options)


def labelled(cells: pa.Table, language: str, words: Words, columns: Mapping[str, Text]) -> pa.Table:
    """Return the cells with labels for codes and periods; a figure that is not shown is empty."""
    shown: list[tuple[str, pa.ChunkedArray]] = []
    for field in cells.schema:
        column, title = cells[field.name], field.metadata[f"{DESCRIPTION}{language}".encode()].decode()
        if field.name == "period":
            periods = column.unique().to_pylist()
            place = pc.index_in(column, pa.array(periods))
            shown.append((title, pa.array([words.period(p, language) for p in periods]).take(place)))
            shown.append((columns[STARTS][language], pa.array([first_day(p) for p in periods]).take(place)))
            shown.append((columns[ENDS][language], pa.array([last_day(p) for p in periods]).take(place)))
        elif b"codes" in field.metadata:
            shown.append((title, _labels(column, json.loads(field.metadata[b"codes"]), language)))
        else:
            shown.append((title, pc.if_else(pc.equal(cells["status"], NOT_SHOWN), None, column)))
    return pa.table([column for _, column in shown], names=[title for title, _ in shown])


def titles(path: Path, delimiter: str) -> list[str]:
    """Return the titles of the columns of a file that `write` wrote."""
    options = pyarrow.csv.ParseOptions(delimiter=delimiter)
    return pyarrow.csv.open_csv(path, parse_options=options).schema.names


def _labels(column: pa.ChunkedArray, codes: Sequence[dict[str, str]], language: str) -> pa.ChunkedArray:
    known = pa.array([option["code"] for option in codes], pa.string())
    labels = pa.array([option[language] for option in codes], pa.string())
    return labels.take(pc.index_in(column.cast(pa.string()), known))
