"""A contract compiled to one SELECT over the lines of a file: typed values, the faults of each row, and its keys.

Every predicate is NULL-permissive: a fault is what is known to be wrong. Conversions are tried, never forced, since a failed
conversion would print the value.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Literal

from das_pipeline.deliveries.column import CheckDigits, Column
from das_pipeline.deliveries.contract import Contract
from das_pipeline.deliveries.dates import date_sql

EARLIEST = date(1900, 1, 1)
# UTF-8 that was read as windows-1252 and written as UTF-8 again: the first and second byte of a letter as two letters. Real words that have
# such a pair are not known: an accented capital A does not precede a sign or a capital Z.
MOJIBAKE = "[\u00c2-\u00c5][\u0080-\u00bf€‚ƒ„…†‡ˆ‰Š‹ŒŽ‘’“”•–—˜™š›œžŸ]"


@dataclass(frozen=True)
class Header:
    """The columns of a contract found in a file (rule I04): where each one is, which are missing, how many the contract does not have."""

    positions: Mapping[str, int]  # column name -> 1-based position
    fields: int
    missing: tuple[str, ...]  # names of columns that must be there and are not
    unknown: int  # how many more; their names come from the partner and are not repeated


def header_of(contract: Contract, names: Sequence[str] | None, reference_on: date, shared: Sequence[Contract] = ()) -> Header:
    """Return where the columns of the contract valid on `reference_on` are, given the `names` in the file.

    `shared` are the contracts that read the same file: what one of them knows is not unknown.

    A file with a header, or with columns of its own, must have them all, in any order. Records of JSON and XML leave out what they do not
    know: there, a missing column is judged by row.
    """
    expected = [c for c in contract.columns if c.valid_on(reference_on)]
    sources = {c.source for c in expected}
    unknown = len(set(names or ()) - sources - {c.source for other in shared for c in other.columns if c.valid_on(reference_on)})
    must_be_there = contract.format.kind == "csv" or contract.format.has_cells
    missing = tuple(c.source for c in expected if c.source not in (names or ())) if must_be_there else ()
    if contract.format.kind != "csv":
        return Header({c.name: n for n, c in enumerate(expected, start=1)}, len(expected), missing, unknown)
    places = {name: n for n, name in enumerate(names or (), start=1)}
    positions = {c.name: places[c.source] for c in expected if c.source in places}
    return Header(positions, len(names or ()), missing, unknown)


def literal(text: str) -> str:
    """A text of a contract as an SQL literal. Contracts are part of the reviewed jurisdiction; values of partners are never in SQL."""
    return "'" + text.replace("'", "''") + "'"


def rows_query(contract: Contract, header: Header, units: Mapping[str, str], reference_on: date, lines: str) -> str:
    """The rows of the relation `lines`, parsed and judged; bind `header_line`. `units` has the unit of every file of the partner.

    One row per line: line_no, faults ('<rule> <column>' each), warned (the same, of columns whose faults do not stop a row), record_key,
    sub, content_hash, is_withdrawal, parent_<n> (the key each relation points to), and the contract's columns typed.
    """
    columns = [c for c in contract.columns if c.name in header.positions]
    texts = ",\n    ".join(f"{_text(c, header.positions[c.name])} AS t_{c.name}" for c in columns)
    values = ",\n    ".join(f"{_value(c, contract.format.decimal)} AS v_{c.name}" for c in columns)
    faults = [f for c in columns if c.on_error != "warn" for f in _faults(c, contract, reference_on)]
    warned = [f for c in columns if c.on_error == "warn" for f in _faults(c, contract, reference_on)]
    final = ",\n    ".join(
        f"{_final(c, contract, reference_on) if c.name in header.positions else f'CAST(NULL AS {c.sql_type})'} AS {c.name}"
        for c in contract.columns
    )
    parents = "".join(
        f"\n    {record_key(contract.partner, units[relation.to], [_canonical(c) for c in relation.columns])} AS parent_{n},"
        for n, relation in enumerate(contract.relations)
    )
    return f"""
WITH split AS (
    SELECT line_no, {_undecoded(contract)} AS fault, CASE WHEN line = $header_line THEN NULL ELSE {_fields(contract, header)} END AS f
    FROM {lines}),
whole AS (
    SELECT line_no, fault, CASE WHEN len(f) = {header.fields} THEN f END AS f
    FROM split),
texts AS (
    SELECT line_no, CASE WHEN fault IS NULL AND f IS NULL THEN 'I05' ELSE fault END AS fault,
    {texts}
    FROM whole),
typed AS (
    SELECT *, {_is_withdrawal(contract)} AS is_withdrawal,
    {values}
    FROM texts)
SELECT line_no,
    CASE WHEN fault IS NOT NULL THEN [fault || ' '] ELSE {_listed(faults)} END AS faults,
    CASE WHEN fault IS NOT NULL THEN CAST([] AS VARCHAR[]) ELSE {_listed(warned)} END AS warned,
    {record_key(contract.partner, contract.unit, [_canonical(c) for c in contract.unit_key])} AS record_key,
    {_sub(contract)} AS sub,
    {_content_hash(contract, columns)} AS content_hash,
    is_withdrawal,{parents}
    {final}
FROM typed"""


def record_key(partner: str, unit: str, parts: Sequence[str]) -> str:
    """The keyed hash that names a unit of a partner, from SQL expressions of its key: 16 bytes, NULL when a part is missing.

    Each part is preceded by its length, so that no two keys make the same message.
    """
    fixed = "".join(f"{len(text)}:{text}" for text in (partner, unit))
    message = " || ".join(f"length({part}) || ':' || {part}" for part in parts)
    return f"keyed({literal(fixed)} || {message})[1:16]"


def _canonical(name: str) -> str:
    """A key value as it is compared, without regard to case and spaces."""
    return f"upper(regexp_replace(CAST(v_{name} AS VARCHAR), '\\s', '', 'g'))"


def _sub(contract: Contract) -> str:
    return " || '/' || ".join(_canonical(name) for name in contract.sub_key) or "''"


def _content_hash(contract: Contract, columns: Sequence[Column]) -> str:
    """A keyed hash over what makes a version. Missing values are left out, so a new column does not make a new version."""
    names = [c.name for c in columns if c.history]
    parts = ", ".join(f"'{n}=' || length(CAST(v_{n} AS VARCHAR)) || ':' || CAST(v_{n} AS VARCHAR)" for n in names)
    return f"keyed({literal(contract.file)} || concat({parts}))[1:16]"


def _is_withdrawal(contract: Contract) -> str:
    mutation = contract.delivery.mutation
    return f"COALESCE({_in(f't_{mutation.column}', mutation.withdraw)}, FALSE)" if mutation else "FALSE"


# -- a line into fields


def _undecoded(contract: Contract) -> str:
    """The reader's fault of a line, or I03 where its letters were decoded wrongly before the file was written. Never repaired.

    In a one-byte character set the two letters are the bytes of the right one, and the reader has seen it.
    """
    if not contract.format.encoding.startswith("utf"):
        return "fault"
    return f"CASE WHEN fault IS NULL AND regexp_matches(line, {literal(MOJIBAKE)}) THEN 'I03' ELSE fault END"


def _fields(contract: Contract, header: Header) -> str:
    """The fields of a line as a list of text; NULL when the line has no such form."""
    form = contract.format
    ordered = sorted((c for c in contract.columns if c.name in header.positions), key=lambda c: header.positions[c.name])
    if form.kind == "csv":
        return _csv_fields(form.delimiter, form.quote)
    if form.kind == "fixed":
        places = [c.at for c in ordered if c.at is not None]
        width = max(start + length - 1 for start, length in places)
        parts = ", ".join(f"substr(line, {start}, {length})" for start, length in places)
        return f"CASE WHEN length(line) = {width} THEN [{parts}] END"
    # A JSON pointer walks down the object; a record of XML was flattened and cells are flat: their path is one name.
    paths = ", ".join(literal(f"/{c.source}" if form.kind == "jsonl" else f'$."{c.source}"') for c in ordered)
    return f"CASE WHEN json_valid(line) AND json_type(line) = 'OBJECT' THEN json_extract_string(line, [{paths}]) END"


def _csv_fields(delimiter: str, quote: str) -> str:
    """A quote only counts at the start of a field; a line with an unclosed quote has no fields."""
    d, q, double = re.escape(delimiter), re.escape(quote), literal(quote * 2)
    field = f"{d}({q}(?:[^{q}]|{q}{q})*{q}|(?:[^{q}{d}][^{d}]*)?)"
    return f"""CASE WHEN strpos(line, {literal(quote)}) = 0 THEN string_split(line, {literal(delimiter)})
        WHEN regexp_full_match({literal(delimiter)} || line, {literal(f"(?:{field})*")})
        THEN list_transform(regexp_extract_all({literal(delimiter)} || line, {literal(field)}, 1), lambda x:
            CASE WHEN starts_with(x, {literal(quote)}) THEN replace(substr(x, 2, length(x) - 2), {double}, {literal(quote)}) ELSE x END)
        END"""


# -- a field into a value


def _text(column: Column, position: int) -> str:
    trimmed = f"trim(f[{position}])"
    return f"CASE WHEN NOT ({_in(trimmed, column.null_tokens)}) THEN {trimmed} END" if column.null_tokens else trimmed


def _value(column: Column, decimal: str) -> str:
    """The typed value of a column's text, NULL when it does not parse."""
    text = f"t_{column.name}"
    match column.type:
        case "text":
            return text
        case "integer":
            return f"CASE WHEN regexp_full_match({text}, '[+-]?[0-9]{{1,18}}') THEN TRY_CAST({text} AS BIGINT) END"
        case "decimal":
            point = re.escape(decimal)
            number = f"replace({text}, {literal(decimal)}, '.')"
            # Two decimals at most: a third would be rounded away without anyone having said so.
            pattern = f"[+-]?[0-9]{{1,12}}({point}[0-9]{{1,2}})?"
            return f"CASE WHEN regexp_full_match({text}, {literal(pattern)}) THEN TRY_CAST({number} AS DECIMAL(14,2)) END"
        case "boolean":
            return f"CASE WHEN {_in(text, column.true_tokens)} THEN TRUE WHEN {_in(text, column.false_tokens)} THEN FALSE END"
        case "date":
            return "COALESCE(" + ", ".join(date_sql(text, f) for f in column.formats) + ")"


def _final(column: Column, contract: Contract, reference_on: date) -> str:
    """The value as stored: a sentinel is a missing value, and so is a wrong value of a `warn` column."""
    value = f"v_{column.name}"
    wrong = [f"({_in(value, column.sentinels, column.type)})"] if column.sentinels else []
    if column.on_error == "warn":
        wrong += [f"({condition})" for _, condition in _conditions(column, contract, reference_on)]
    return f"CASE WHEN {' OR '.join(f'COALESCE({w}, FALSE)' for w in wrong)} THEN NULL ELSE {value} END" if wrong else value


# -- faults


def _faults(column: Column, contract: Contract, reference_on: date) -> Iterator[str]:
    for rule, condition in _conditions(column, contract, reference_on):
        yield f"CASE WHEN {condition} THEN '{rule} {column.name}' END"


def _conditions(column: Column, contract: Contract, reference_on: date) -> Iterator[tuple[str, str]]:
    """What is wrong with a value of `column`: the rule, and the SQL condition under which a row breaks it."""
    text, value = f"t_{column.name}", f"v_{column.name}"
    is_key = column.name in (*contract.unit_key, *contract.sub_key)
    unless_sentinel = f" AND NOT COALESCE({_in(value, column.sentinels, column.type)}, FALSE)" if column.sentinels else ""
    if is_key:
        yield "K01", f"{text} IS NULL"
    elif column.required:
        yield "K06", f"{text} IS NULL AND NOT is_withdrawal"  # a withdrawal needs no more than its key
    if column.type != "text":
        yield "K06", f"{text} IS NOT NULL AND {value} IS NULL"
    if column.one_of:
        yield "K06", f"NOT ({_in(value, column.one_of, column.type)}){unless_sentinel}"
    if column.range is not None:
        low, high = column.range
        yield "K06", f"{value} NOT BETWEEN {low!r} AND {high!r}{unless_sentinel}"
    if column.mask is not None:
        yield "K02", f"NOT regexp_full_match({text}, {literal(mask_pattern(column.mask))}){unless_sentinel}"
    if column.length is not None:
        yield "K02", f"length({text}) NOT BETWEEN {column.length[0]} AND {column.length[1]}{unless_sentinel}"
    if column.check is not None:
        yield (
            "K02",
            f"{text} IS NOT NULL AND NOT ({passes(column.check, text)}){unless_sentinel}",
        )  # NULL AND FALSE is FALSE
    if column.type == "date":
        latest = reference_on + timedelta(days=column.horizon_days)
        yield "K08", f"{value} NOT BETWEEN DATE '{EARLIEST}' AND DATE '{latest}'{unless_sentinel}"


def mask_pattern(mask: str) -> str:
    """The regular expression of a mask: 9 a digit, A a capital, X either, anything else itself."""
    classes = {"9": "[0-9]", "A": "[A-Z]", "X": "[A-Z0-9]"}
    return "".join(classes.get(letter, re.escape(letter)) for letter in mask)


def passes(check: CheckDigits, text: str) -> str:
    """The condition that the text in an SQL expression passes a test of check digits."""
    terms = (f"{weight} * TRY_CAST(substr({text}, {n}, 1) AS INTEGER)" for n, weight in enumerate(check.weights, start=1))
    return f"regexp_full_match({text}, '[0-9]{{{len(check.weights)}}}') AND COALESCE(({' + '.join(terms)}) % {check.modulo} = 0, FALSE)"


def _in(expression: str, values: Sequence[object], type: Literal["text", "integer", "decimal", "date", "boolean"] = "text") -> str:
    """`expression IN (…)`, of text, or of typed literals when the expression is of another type."""
    if type == "text":
        listed = ", ".join(literal(str(v)) for v in values)
    else:
        sql_type = {"integer": "BIGINT", "decimal": "DECIMAL(14,2)", "date": "DATE", "boolean": "BOOLEAN"}[type]
        listed = ", ".join(f"CAST({literal(str(v))} AS {sql_type})" for v in values)
    return f"{expression} IN ({listed})"


def _listed(faults: Sequence[str]) -> str:
    if not faults:
        return "CAST([] AS VARCHAR[])"
    listed = ",\n        ".join(faults)
    return f"list_filter([{listed}], lambda x: x IS NOT NULL)"
