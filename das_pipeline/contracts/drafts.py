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
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from das_pipeline import engine
from das_pipeline.contracts.schemas import FileKind, first_line, kind_of
from das_pipeline.deliveries.dates import USUAL, date_form
from das_pipeline.errors import ConfigurationError, DasError
from das_pipeline.jurisdiction import Jurisdiction
from das_pipeline.settings import PROJECT
from das_pipeline.yaml_reader import Document

ROWS = 10_000  # of the sample that are looked at
CODES, IN_ROWS = 30, 10  # a code list has at most so many codes, each in so many rows
ENCODINGS = ("utf-8", "windows-1252")
DELIMITERS = ";,\t|"
TO_DO = "TO DO"


@dataclass(frozen=True)
class Drafted:
    """What a draft says of a column; `codes` are copied only when no person can be meant by them."""

    name: str
    header: str
    type: str
    format: str | None
    codes: tuple[str, ...]
    is_measure: bool  # a number that is in several rows, or has decimals


def draft(jurisdiction: Jurisdiction, partner: str, file: str, sample: Path) -> list[Path]:
    """Write the draft of a contract, and code lists and mapping stubs, into the folder of `jurisdiction`; return the new files.

    Nothing that exists is changed: DasError when the contract or a code list is there already.
    """
    for word in (partner, file):
        engine.identifier(word)
    names, rows, form = _read(sample)
    columns = [_column(name, [row[i] for row in rows], form["decimal"]) for i, name in enumerate(names)]
    if len({column.name for column in columns}) < len(columns):
        raise DasError(f"{sample} has two columns whose names become one: rename them in the sample.")
    files = {f"contracts/{partner}/{file}.yaml": _contract(jurisdiction, partner, file, columns, form)}
    if f"contracts/{partner}/partner.yaml" not in jurisdiction.files("contracts/*/partner.yaml"):
        files[f"contracts/{partner}/partner.yaml"] = _partner(jurisdiction, partner, file)
    for column in columns:
        if column.codes and column is not columns[0]:
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


def _read(sample: Path) -> tuple[list[str], list[list[str]], dict[str, str]]:
    """Return the names of the columns, rows of texts, and the form of the file."""
    try:
        raw = sample.read_bytes()
    except OSError:
        raise DasError(f"{sample} cannot be read: give a file with a header and some rows.") from None
    encoding = next((e for e in ENCODINGS if _decodes(raw, e)), None)
    if encoding is None:
        raise DasError(f"{sample} is not in {' or '.join(ENCODINGS)}: save it as UTF-8, and give its own character set in the contract.")
    text = raw.decode(encoding).removeprefix("\ufeff")
    first = text.split("\n", 1)[0]
    if first.lstrip().startswith("{"):
        return _read_json_lines(sample, text, encoding)
    delimiter = max(DELIMITERS, key=first.count)
    table = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    names = next(table, [])
    rows = [row for _, row in zip(range(ROWS), table, strict=False) if len(row) == len(names)]
    if len(names) < 2 or not rows:
        raise DasError(f"{sample} is no table: a draft is made from CSV with a header and rows, or from JSON lines.")
    return names, rows, {"kind": "csv", "encoding": encoding, "delimiter": delimiter, "decimal": _decimal(rows)}


def _read_json_lines(sample: Path, text: str, encoding: str) -> tuple[list[str], list[list[str]], dict[str, str]]:
    try:
        records = [json.loads(line) for line in text.splitlines()[:ROWS] if line.strip()]
        names = list(dict.fromkeys(key for record in records for key in record))
    except (ValueError, AttributeError, TypeError):
        raise DasError(f"{sample} is no JSON lines: each line must be one record {{…}}.") from None
    rows = [["" if record.get(name) is None else str(record[name]) for name in names] for record in records]
    return names, rows, {"kind": "jsonl", "encoding": encoding, "decimal": "."}


def _decodes(raw: bytes, encoding: str) -> bool:
    try:
        raw.decode(encoding)
    except UnicodeDecodeError:
        return False
    return True


def _decimal(rows: Sequence[Sequence[str]]) -> str:
    commas = sum(bool(re.fullmatch(r"-?\d+,\d+", cell)) for row in rows for cell in row)
    points = sum(bool(re.fullmatch(r"-?\d+\.\d+", cell)) for row in rows for cell in row)
    return "," if commas > points else "."


def _column(header: str, cells: Sequence[str], decimal: str) -> Drafted:
    values = [cell.strip() for cell in cells if cell.strip()]
    kind, form = _type(values, decimal)
    repeats = len(set(values)) * 2 <= len(values)  # a whole number that most rows have for themselves may name something
    codes = _codes(values) if kind == "text" else ()
    return Drafted(_name(header), header, kind, form, codes, kind == "decimal" or (kind == "integer" and repeats))


def _name(header: str) -> str:
    name = re.sub(r"[^a-z0-9]+", "_", header.strip().lower()).strip("_")
    return name if re.match(r"[a-z]", name) else f"column_{name}".rstrip("_")


def _type(values: Sequence[str], decimal: str) -> tuple[str, str | None]:
    """The type of a column, and the form of its dates. A number with a leading zero, or a long one, is a text: it names something."""
    if values and (form := next((f for f in USUAL if all(_is_date(v, f) for v in values)), None)):
        return "date", form
    if values and all(re.fullmatch(r"-?(0|[1-9]\d{0,5})", v) for v in values):
        return "integer", None
    if values and all(re.fullmatch(rf"-?\d+({re.escape(decimal)}\d{{1,2}})?", v) for v in values) and any(decimal in v for v in values):
        return "decimal", None
    return "text", None


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


def _contract(jurisdiction: Jurisdiction, partner: str, file: str, columns: Sequence[Drafted], form: dict[str, str]) -> str:
    text = "{" + ", ".join(f"{code}: {TO_DO}" for code in jurisdiction.languages) + "}"
    quoted = "".join(f", {key}: {json.dumps(form[key])}" for key in ("encoding", "delimiter", "decimal") if key in form)
    header = ", header: true" if form["kind"] == "csv" else ""
    lines = [
        f"# A draft of das contracts new. Replace every {TO_DO}, decide on each column's privacy, then run das check.",
        f"partner: {_word(partner)}",
        f"file: {_word(file)}",
        "version: 0.1.0",
        f"title: {text}",
        f"description: {text}",
        f"owner: team:{partner}",
        f"purpose: {TO_DO}",
        f"unit: {_word(file)}                # {TO_DO}: what one record is",
        f"unit_key: [{_word(columns[0].name)}]        # {TO_DO}: the columns that name a record; the first column is a guess",
        "temporality: flow           # fixed, stock, flow or spell",
        "delivery: {mode: snapshot, complete_for: all}",
        f"format: {{kind: {form['kind']}{quoted}{header}}}",
        "columns:",
    ]
    for column in columns:
        parts = [f"name: {_word(column.name)}"]
        if column.header != column.name:
            parts.append(f"path: {json.dumps(column.header, ensure_ascii=False)}")
        parts.append(f"type: {column.type}")
        if column.format:
            parts.append(f'formats: ["{column.format}"]')
        is_open = column.is_measure or column.codes
        if column is columns[0] or not is_open:
            parts.append("privacy: direct")
        if column.codes and column is not columns[0]:
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


def _csv(cells: Sequence[str]) -> str:
    line = io.StringIO()
    csv.writer(line, lineterminator="\n").writerow(cells)
    return line.getvalue()
