"""A first draft of a contract from a sample file: its structure, types and formats, and never a value that may name a person.

The draft is cautious: a column becomes a code list only when its name says nothing of persons, its values are few, short and each
in several rows. Whatever is doubtful stays a text that names a person (privacy direct) until somebody decides otherwise.
"""

from __future__ import annotations

import csv
import io
import json
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from das_pipeline import engine
from das_pipeline.contracts.samples import Sample, read_sample
from das_pipeline.contracts.schemas import FileKind, first_line, kind_of
from das_pipeline.deliveries.dates import USUAL, date_form
from das_pipeline.errors import ConfigurationError, DasError
from das_pipeline.jurisdiction import Jurisdiction
from das_pipeline.policy import load_policy
from das_pipeline.settings import PROJECT
from das_pipeline.yaml_reader import Document

CODES, IN_ROWS = 30, 10  # a code list has at most so many codes, each in so many rows
TO_DO = "TO DO"


@dataclass(frozen=True)
class Drafted:
    """What a draft says of a column; `codes` are copied only when no person can be meant by them."""

    name: str
    header: str
    type: str
    formats: tuple[str, ...]
    codes: tuple[str, ...]
    is_measure: bool  # a number that is in several rows, or has decimals; true or false
    is_unique: bool  # each row has a value of its own
    at: tuple[int, int] | None


def draft(jurisdiction: Jurisdiction, partner: str, file: str, sample: Path) -> list[Path]:
    """Write the draft of a contract, and code lists and mapping stubs, into the folder of `jurisdiction`; return the new files.

    Nothing that exists is changed: DasError when the contract or a code list is there already.
    """
    for word in (partner, file):
        engine.identifier(word)
    read = read_sample(sample, load_policy(jurisdiction).deliveries.file_size)
    columns = [_column(read, number) for number in range(len(read.names))]
    if len({column.name for column in columns}) < len(columns):
        raise DasError(f"{sample} has two columns whose names become one: rename them in the sample.")
    key = next((column for column in columns if column.is_unique), columns[0])
    files = {f"contracts/{partner}/{file}.yaml": _contract(jurisdiction, partner, file, columns, key, read.form)}
    if f"contracts/{partner}/partner.yaml" not in jurisdiction.files("contracts/*/partner.yaml"):
        files[f"contracts/{partner}/partner.yaml"] = _partner(jurisdiction, partner, file)
    for column in columns:
        if column.codes and column is not key:
            name = f"{partner}_{column.name}"
            days = "1900-01-01,9999-12-31"
            codes = "".join(_csv([code, TO_DO, *days.split(","), "valid"]) for code in column.codes)
            files[f"terminology/codes/{name}.csv"] = f"code,label,valid_from,valid_until,kind\n{codes}"
            files[f"terminology/mappings/{name}.csv"] = "code,concept,valid_from,valid_until,note,reviewed_by\n"
    if there := [path for path in files if (jurisdiction.folder / path).exists()]:
        raise DasError(f"{jurisdiction.folder / there[0]} exists: remove it first, or edit it.")
    for path, text in files.items():
        target = jurisdiction.folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        kind = kind_of(path) if path.endswith(".yaml") else None
        target.write_text((_first(target, kind) if kind else "") + text, encoding="utf-8")
    return [jurisdiction.folder / path for path in files]


def _first(target: Path, kind: FileKind) -> str:
    return first_line(target.resolve(), kind, PROJECT / "schemas") + "\n"


def _column(sample: Sample, number: int) -> Drafted:
    header, cells = sample.names[number], [row[number].strip() for row in sample.rows]
    values = [cell for cell in cells if cell]
    kind, formats = _type(values, sample.decimal)
    if kind == "date" and sample.has_cells and "yyyy-mm-dd" not in formats:
        formats = ("yyyy-mm-dd", *formats)  # a cell that is a day is read so, whatever is typed into others
    repeats = len(set(values)) * 2 <= len(values)  # a whole number that most rows have for themselves may name something
    codes = _codes(values) if kind == "text" else ()
    is_measure = kind in {"decimal", "boolean"} or (kind == "integer" and repeats)
    is_unique = len(set(cells)) == len(cells) and "" not in cells
    return Drafted(_name(header), header, kind, formats, codes, is_measure, is_unique, sample.at[number] if sample.at else None)


def _name(header: str) -> str:
    name = re.sub(r"[^a-z0-9]+", "_", header.strip().lower()).strip("_")
    return name if re.match(r"[a-z]", name) else f"column_{name}".rstrip("_")


def _type(values: Sequence[str], decimal: str) -> tuple[str, tuple[str, ...]]:
    """The type of a column, and the forms of its dates. A number with a leading zero, or a long one, is a text: it names something."""
    moments = ("yyyy-mm-dd", "yyyy-mm-dd hh:mm:ss")  # a moment at midnight is written as its day
    for formats in (*((form,) for form in USUAL), moments):
        if values and all(any(_is_date(value, form) for form in formats) for value in values):
            return "date", formats
    if values and set(values) <= {"true", "false"}:
        return "boolean", ()
    if values and all(re.fullmatch(r"-?(0|[1-9]\d{0,5})", v) for v in values):
        return "integer", ()
    if values and all(re.fullmatch(rf"-?\d+({re.escape(decimal)}\d{{1,2}})?", v) for v in values) and any(decimal in v for v in values):
        return "decimal", ()
    return "text", ()


def _is_date(value: str, format: str) -> bool:
    form = date_form(format)
    match = re.fullmatch(form.pattern, value)
    try:
        return match is not None and bool(date(*(int(match.group(form.group(letter))) for letter in "ymd")))
    except ValueError:
        return False


def _codes(values: Sequence[str]) -> tuple[str, ...]:
    """Return the codes of a column, or none when they may be names, numbers or words of persons.

    A code is one or two capitals, or up to six capitals and digits with fewer than four digits, in ten rows or more: no longer name, number
    or year is.
    """
    counts = Counter(values)
    if not 2 <= len(counts) <= CODES or min(counts.values()) < IN_ROWS:
        return ()
    is_code = re.compile(r"[A-Z]{1,2}|(?=.*\d)(?!(?:\D*\d){4})[A-Z0-9]{1,6}")
    return tuple(sorted(counts)) if all(is_code.fullmatch(code) for code in counts) else ()


def _contract(
    jurisdiction: Jurisdiction, partner: str, file: str, columns: Sequence[Drafted], key: Drafted, form: Mapping[str, Any]
) -> str:
    text = "{" + ", ".join(f"{code}: {TO_DO}" for code in jurisdiction.languages) + "}"
    lines = [
        f"# A draft of das contracts new. Replace every {TO_DO}, decide on each column's privacy, then run das check.",
        *(["# Names and positions of the columns are guesses: look at what each `at` cuts out of a line."] if columns[0].at else []),
        f"partner: {_word(partner)}",
        f"file: {_word(file)}",
        "version: 0.1.0",
        f"title: {text}",
        f"description: {text}",
        f"owner: team:{partner}",
        f"purpose: {TO_DO}",
        f"unit: {_word(file)}                # {TO_DO}: what one record is",
        f"unit_key: [{_word(key.name)}]        # {TO_DO}: the columns that name a record; this is a guess",
        "temporality: flow           # fixed, stock, flow or spell",
        "delivery: {mode: snapshot, complete_for: all}",
        f"format: {{{', '.join(f'{name}: {_form_word(value)}' for name, value in form.items())}}}",
        "columns:",
    ]
    for column in columns:
        parts = [f"name: {_word(column.name)}"]
        if column.header != column.name:
            parts.append(f"path: {json.dumps(column.header, ensure_ascii=False)}")
        parts.append(f"type: {column.type}")
        if column.at:
            parts.append(f"at: [{column.at[0]}, {column.at[1]}]")
        if column.formats:
            parts.append(f"formats: {json.dumps(list(column.formats))}")
        is_open = column.is_measure or column.codes
        if column is key or not is_open:
            parts.append("privacy: direct")
        if column.codes and column is not key:
            parts.append(f"concept: {{scheme: {TO_DO.lower().replace(' ', '_')}, list: {partner}_{column.name}}}")
        lines.append(f"  - {{{', '.join(parts)}, description: {text}}}")
    return "\n".join(lines) + "\n"


def _partner(jurisdiction: Jurisdiction, partner: str, file: str) -> str:
    text = "{" + ", ".join(f"{code}: {TO_DO}" for code in jurisdiction.languages) + "}"
    return (
        f"partner: {_word(partner)}\ntitle: {text}\nowner: team:{partner}\nfiles: [{_word(file)}]\ncadence: monthly\n"
        "completeness: {required: false, late_days: 31}\n"
    )


def _word(word: str) -> str:
    """Return `word` as YAML has it: in quotes where it would be read as another value, as `no` would."""
    try:
        return word if Document.parse("", word).value() == word else json.dumps(word)
    except ConfigurationError:
        return json.dumps(word)


def _form_word(value: Any) -> str:
    return _word(value) if isinstance(value, str) and value.isalnum() else json.dumps(value)


def _csv(cells: Sequence[str]) -> str:
    line = io.StringIO()
    csv.writer(line, lineterminator="\n").writerow(cells)
    return line.getvalue()
