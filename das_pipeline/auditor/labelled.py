"""D18 in files for people: a table in one language has the labels of its codes, the days of its periods, its figures, and nothing else."""

from __future__ import annotations

import csv
import io
import json

import pyarrow as pa
import pyarrow.csv

from das_pipeline.auditor.database import days_of
from das_pipeline.auditor.declared import Forms
from das_pipeline.auditor.release import Table
from das_pipeline.auditor.texts import Vocabulary

MARK = "\ufeff".encode()  # by which a spreadsheet knows UTF-8


def differs(table: Table, language: str, forms: Forms, words: Vocabulary) -> bool:
    """Whether the file of `table` in `language` has other bytes than its cells and labels give."""
    path = table.path.with_suffix(f".{language}.csv")
    if not path.is_file():
        return True
    content, separator = path.read_bytes(), ";" if forms.decimal == "," else ","
    heads = next(csv.reader([content.removeprefix(MARK).partition(b"\r\n")[0].decode("utf-8", "replace")], delimiter=separator), [])
    at = table.rows.schema.get_field_index("period")
    of_days = heads[at + 1 : at + 3]  # their texts are not in the table
    if len(of_days) != 2 or not all(map(words.explains, of_days)):
        return True
    return content != _written(_labelled(table, language, forms, of_days), separator)


def _labelled(table: Table, language: str, forms: Forms, of_days: list[str]) -> list[tuple[str, list[object]]]:
    """The columns of the file, with their titles."""
    columns: list[tuple[str, list[object]]] = []
    hidden = [status == "not_shown" for status in table.rows["status"].to_pylist()]
    for field in table.rows.schema:
        metadata = field.metadata or {}
        title, values = metadata.get(f"description_{language}".encode(), b"").decode(), table.rows[field.name].to_pylist()
        labels = {option["code"]: option.get(language) for option in json.loads(metadata.get(b"codes", b"[]"))}
        if field.name == "period":
            days = {period: days_of(period) for period in set(values)}
            names = {period: forms.period(period) for period in days}
            columns.append((title, [names[p] for p in values]))
            columns += [(head, [days[p][key] for p in values]) for head, key in zip(of_days, ("starts_on", "ends_on"), strict=True)]
        elif field.name == "n":
            columns.append((title, [None if is_hidden else n for n, is_hidden in zip(values, hidden, strict=True)]))
        else:
            columns.append((title, [labels.get(str(v).lower() if isinstance(v, bool) else v) for v in values]))
    return columns


def _written(columns: list[tuple[str, list[object]]], separator: str) -> bytes:
    rows, file = pa.table([pa.array(values) for _, values in columns], names=[title for title, _ in columns]), io.BytesIO()
    pyarrow.csv.write_csv(rows, file, pyarrow.csv.WriteOptions(delimiter=separator, eol="\r\n", quoting_style="needed"))
    return MARK + file.getvalue()
