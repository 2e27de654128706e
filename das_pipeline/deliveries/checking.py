"""A contract compiled to one SELECT over the lines of a file: typed values, the faults of each row, and its keys.

Every predicate is NULL-permissive: a fault is what is known to be wrong. Conversions are tried, never forced, since a failed
conversion would print the value.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import date, timedelta

from das_pipeline.deliveries import letters
from das_pipeline.deliveries.column import CheckDigits, Column
from das_pipeline.deliveries.contract import Contract
from das_pipeline.deliveries.dates import date_sql
from das_pipeline.deliveries.fields import (
    NAMED_VALUES,
    Header,
    as_code,
    fault_of_line,
    fault_of_values,
    fields,
    has_escapes,
    is_in,
    is_odd,
    literal,
    names_of_values,
    normal_form,
    probable_names,
    types_of_values,
    unless_plain,
)

EARLIEST = date(1900, 1, 1)


def header_of(contract: Contract, names: Sequence[str] | None, reference_on: date, shared: Sequence[Contract] = ()) -> Header:
    """Return where the columns of the contract valid on `reference_on` are, given the `names` in the file.

    `shared` are the contracts that read the same file: what one of them knows is not unknown.

    A file with a header, or with columns of its own, must have them all, in any order. Records of JSON and XML leave out what they do not
    know: there, a missing column is judged by row.
    """
    expected = [c for c in contract.columns if c.valid_on(reference_on)]
    absent = tuple(c.source for c in expected if c.source not in (names or ()))
    unknown = set(names or ()) - {c.source for c in expected}
    unknown -= {c.source for other in shared for c in other.columns if c.valid_on(reference_on)}
    renamed = probable_names(absent, unknown) if 2 * len(absent) <= len(expected) else {}  # else the first line may be no header
    must_be_there = contract.format.kind == "csv" or contract.format.has_cells
    found = (absent if must_be_there else (), len(unknown), () if contract.format.kind == "fixed" else absent, renamed)
    if contract.format.kind != "csv":
        return Header({c.name: n for n, c in enumerate(expected, start=1)}, len(expected), *found)
    places = {name: n for n, name in enumerate(names or (), start=1)}
    return Header({c.name: places[c.source] for c in expected if c.source in places}, len(names or ()), *found)


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
        f"\n    {record_key(contract.partner, units[relation.to], [f'k_{c}' for c in relation.columns])} AS parent_{n},"
        for n, relation in enumerate(contract.relations)
    )
    named = dict.fromkeys([*contract.unit_key, *contract.sub_key, *(c for relation in contract.relations for c in relation.columns)])
    keys = ", ".join(f"{_canonical(name)} AS k_{name}" for name in named)
    return f"""
WITH seen AS (
    SELECT line_no, line, fault, {is_odd(contract)} AS is_odd
    FROM {lines}),
split AS (
    SELECT line_no, {fault_of_line(contract, columns)} AS fault, is_odd, {has_escapes(contract)} AS is_escaped,
        {types_of_values(contract, columns)} AS types, {names_of_values(contract)} AS names,
        CASE WHEN line = $header_line THEN NULL ELSE {fields(contract, header)} END AS f
    FROM seen),
whole AS (
    SELECT line_no, {fault_of_values(contract, columns)} AS fault, is_odd, types, CASE WHEN len(f) = {header.fields} THEN f END AS f
    FROM split),
texts AS (
    SELECT line_no, CASE WHEN fault IS NULL AND f IS NULL THEN 'I05' ELSE fault END AS fault, is_odd, types,
    {texts}
    FROM whole),
typed AS (
    SELECT *, {_is_withdrawal(contract)} AS is_withdrawal,
    {values}
    FROM texts),
named AS (
    SELECT *, {keys}
    FROM typed)
SELECT line_no,
    CASE WHEN fault IS NOT NULL THEN [fault || ' '] ELSE {_listed(faults)} END AS faults,
    CASE WHEN fault IS NOT NULL THEN CAST([] AS VARCHAR[]) ELSE {_listed(warned)} END AS warned,
    {record_key(contract.partner, contract.unit, [f"k_{c}" for c in contract.unit_key])} AS record_key,
    {_sub(contract)} AS sub,
    {_content_hash(contract, columns)} AS content_hash,
    is_withdrawal,{parents}
    {final}
FROM named"""


def record_key(partner: str, unit: str, parts: Sequence[str]) -> str:
    """The keyed hash that names a unit of a partner, from SQL expressions of its key: 16 bytes, NULL when a part is missing.

    Each part is preceded by its length, so that no two keys make the same message.
    """
    fixed = "".join(f"{len(text)}:{text}" for text in (partner, unit))
    message = " || ".join(f"length({part}) || ':' || {part}" for part in parts)
    return f"keyed({literal(fixed)} || {message})"


def canonical(expression: str) -> str:
    """A key value as it is compared, without regard to case, spaces, and whether an accent is a sign of its own."""
    return f"upper(regexp_replace(nfc_normalize(CAST({expression} AS VARCHAR)), '[\\s\\pZ\\p{{Cf}}]', '', 'g'))"


def _canonical(name: str) -> str:
    return unless_plain(canonical(f"v_{name}"), f"upper(replace(CAST(v_{name} AS VARCHAR), ' ', ''))")


def _sub(contract: Contract) -> str:
    return " || '/' || ".join(f"k_{name}" for name in contract.sub_key) or "''"


def _content_hash(contract: Contract, columns: Sequence[Column]) -> str:
    """A keyed hash over what makes a version. Missing values are left out, so a new column does not make a new version."""
    names = [c.name for c in columns if c.history]
    # concat leaves out what is NULL; one call of it costs less than a chain of ||.
    parts = ", ".join(
        f"CASE WHEN v_{n} IS NOT NULL THEN '{n}=' END, length(CAST(v_{n} AS VARCHAR)), CASE WHEN v_{n} IS NOT NULL THEN ':' END,"
        f" CAST(v_{n} AS VARCHAR)"
        for n in names
    )
    return f"keyed(concat({literal(contract.file)}, {parts}))"


def _is_withdrawal(contract: Contract) -> str:
    mutation = contract.delivery.mutation
    if mutation is None:
        return "FALSE"
    value = as_code(f"t_{mutation.column}", (*mutation.new, *mutation.change, *mutation.withdraw))
    return f"COALESCE({is_in(value, mutation.withdraw)}, FALSE)"


# -- a field into a value


def _text(column: Column, position: int) -> str:
    """The text of a field, NULL when it stands for nothing, as blanks of every kind do."""
    trimmed = f"trim(f[{position}])"
    if not column.null_tokens:
        return trimmed
    is_nothing = unless_plain(is_in(normal_form(trimmed), column.null_tokens), is_in(trimmed, column.null_tokens))
    return f"CASE WHEN NOT ({is_nothing}) THEN {trimmed} END"


def _value(column: Column, decimal: str) -> str:
    """The typed value of a column's text, NULL when it does not parse."""
    text = f"t_{column.name}"
    match column.type:
        case "text":
            return as_code(text, column.one_of) if column.one_of else text
        case "integer":
            return f"CASE WHEN regexp_full_match({text}, '[+-]?[0-9]{{1,18}}') THEN TRY_CAST({text} AS BIGINT) END"
        case "decimal":
            point = re.escape(decimal)
            number = f"replace({text}, {literal(decimal)}, '.')"
            # Two decimals at most: a third would be rounded away without anyone having said so.
            pattern = f"[+-]?[0-9]{{1,12}}({point}[0-9]{{1,2}})?"
            return f"CASE WHEN regexp_full_match({text}, {literal(pattern)}) THEN TRY_CAST({number} AS DECIMAL(14,2)) END"
        case "boolean":
            code = as_code(text, (*column.true_tokens, *column.false_tokens))
            return f"CASE WHEN {is_in(code, column.true_tokens)} THEN TRUE WHEN {is_in(code, column.false_tokens)} THEN FALSE END"
        case "date":
            return "COALESCE(" + ", ".join(date_sql(text, f) for f in column.formats) + ")"


def _final(column: Column, contract: Contract, reference_on: date) -> str:
    """The value as stored: a sentinel is a missing value, and so is a wrong value of a `warn` column."""
    value = f"v_{column.name}"
    wrong = [f"({is_in(value, column.sentinels, column.type)})"] if column.sentinels else []
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
    if column.type == "text" and contract.format.kind in NAMED_VALUES:
        place = [c.name for c in contract.columns if c.type == "text" and c.valid_on(reference_on)].index(column.name) + 1
        yield "K06", f"types[{place}] IN ('OBJECT', 'ARRAY', 'BOOLEAN', 'DOUBLE')"
    is_key = column.name in (*contract.unit_key, *contract.sub_key)
    unless_sentinel = f" AND NOT COALESCE({is_in(value, column.sentinels, column.type)}, FALSE)" if column.sentinels else ""
    if is_key:
        yield "K01", f"{text} IS NULL"
    elif column.required:
        yield "K06", f"{text} IS NULL AND NOT is_withdrawal"  # a withdrawal needs no more than its key
    elif column.required_with is not None and contract.by_name[column.required_with].valid_on(reference_on):
        yield "K06", f"{text} IS NULL AND {_filled(contract.by_name[column.required_with])} AND NOT is_withdrawal"
    if column.type == "text":
        yield "K06", f"CASE WHEN is_odd THEN regexp_full_match({text}, {literal(letters.NO_VALUE)}) END"
        if column.identity is not None:
            yield "K06", f"CASE WHEN is_odd OR contains({text}, '?') THEN regexp_matches({text}, {literal(letters.IN_NAME)}) END"
    if column.type == "text" and column.mask is None and (is_key or column.reference is not None):
        yield "K02", f"regexp_full_match({text}, {literal(letters.NO_NUMBER)})"
        yield "K02", is_in(f"upper({text})", letters.NO_KEY)
    if column.type != "text":
        yield "K06", f"{text} IS NOT NULL AND {value} IS NULL"
    if column.one_of:
        yield "K06", f"NOT ({is_in(value, column.one_of, column.type)}){unless_sentinel}"
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


def _filled(column: Column) -> str:
    """Whether a row has a value for a column that is in the file."""
    value = f"v_{column.name}"
    return f"{value} IS NOT NULL" + (f" AND NOT ({is_in(value, column.sentinels, column.type)})" if column.sentinels else "")


def mask_pattern(mask: str) -> str:
    """The regular expression of a mask: 9 a digit, A a capital, X either, anything else itself."""
    classes = {"9": "[0-9]", "A": "[A-Z]", "X": "[A-Z0-9]"}
    return "".join(classes.get(letter, re.escape(letter)) for letter in mask)


def passes(check: CheckDigits, text: str) -> str:
    """The condition that the text in an SQL expression passes a test of check digits."""
    terms = (f"{weight} * TRY_CAST(substr({text}, {n}, 1) AS INTEGER)" for n, weight in enumerate(check.weights, start=1))
    return f"regexp_full_match({text}, '[0-9]{{{len(check.weights)}}}') AND COALESCE(({' + '.join(terms)}) % {check.modulo} = 0, FALSE)"


def _listed(faults: Sequence[str]) -> str:
    if not faults:
        return "CAST([] AS VARCHAR[])"
    listed = ",\n        ".join(faults)
    return f"list_filter([{listed}], lambda x: x IS NOT NULL)"
