"""A line of a file into its fields, as SQL: where each value is, and whether the line and its letters are what they should be."""

from __future__ import annotations

import difflib
import re
import unicodedata
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from das_pipeline.deliveries import letters
from das_pipeline.deliveries.column import Column
from das_pipeline.deliveries.contract import Contract

_NAME = re.compile(r"[\w/.-]{1,64}")
_UNSEEN = dict.fromkeys(map(ord, letters.BLANKS))
NAMED_VALUES = {"jsonl", "xml"}  # records that name their values themselves, each as it likes


@dataclass(frozen=True)
class Header:
    """The columns of a contract found in a file (rule I04): where each one is, which are missing, how many the contract does not have."""

    positions: Mapping[str, int]  # column name -> 1-based position
    fields: int
    missing: tuple[str, ...]  # names of columns that must be there and are not
    unknown: int  # how many more; their names come from the partner and are not repeated, but for those in `renamed`
    absent: tuple[str, ...] = ()  # names of columns that are not in the file, whether or not they must be
    renamed: Mapping[str, str] = field(default_factory=dict)  # of those, the probable new name in the file


def probable_names(absent: Sequence[str], unknown: Collection[str]) -> dict[str, str]:
    """Return the `unknown` name that probably stands for each `absent` column: the nearest, or the only one for the only one.

    What could be a text rather than a name is never repeated. One that looks the same, and has a sign that nobody sees, stands for itself.
    """
    names = sorted(name for name in unknown if _NAME.fullmatch(name))
    unseen = {column: column for column in absent if any(column == name.translate(_UNSEEN) for name in unknown)}
    if unseen:
        return unseen
    close = {column: difflib.get_close_matches(column, names, n=1) for column in absent}
    if len(absent) == 1 and len(unknown) == len(names) == 1:
        return {absent[0]: names[0]}
    return {column: nearest[0] for column, nearest in close.items() if nearest}


def literal(text: str) -> str:
    """A text of a contract as an SQL literal. Contracts are part of the reviewed jurisdiction; values of partners are never in SQL."""
    return "'" + text.replace("'", "''") + "'"


def is_in(expression: str, values: Sequence[object], type: Literal["text", "integer", "decimal", "date", "boolean"] = "text") -> str:
    """`expression IN (…)`, of text, or of typed literals when the expression is of another type."""
    if type == "text":
        listed = ", ".join(literal(str(v)) for v in values)
    else:
        sql_type = {"integer": "BIGINT", "decimal": "DECIMAL(14,2)", "date": "DATE", "boolean": "BOOLEAN"}[type]
        listed = ", ".join(f"CAST({literal(str(v))} AS {sql_type})" for v in values)
    return f"{expression} IN ({listed})"


def normal_form(expression: str) -> str:
    """A code as it is compared: an accented letter one sign, without the blanks and signs without width at its edges."""
    return f"trim(nfc_normalize({expression}), {literal(letters.BLANKS)})"


def as_code(expression: str, codes: Sequence[object]) -> str:
    """A text as the one of the `codes` that it is in normal form. Most texts are one as they are, and cost nothing more."""
    return f"CASE WHEN {is_in(expression, codes)} THEN {expression} ELSE {normal_form(expression)} END"


def fault_of_line(contract: Contract, columns: Sequence[Column]) -> str:
    """The reader's fault of a line; else I03 where its letters are not right, I05 where it has a value instead of names below one."""
    wrong = letters.IN_PLAIN_LINE if contract.format.kind in {"csv", "fixed"} else letters.IN_LINE
    cases = ["WHEN fault IS NOT NULL THEN fault", f"WHEN is_odd AND regexp_matches(line, {literal(wrong)}) THEN 'I03'"]
    if above := _conditions_above(contract, columns):
        cases.append(f"WHEN {_is_object('line')} AND ({' OR '.join(above)}) THEN 'I05'")
    return f"CASE {' '.join(cases)} END"


def fault_of_values(contract: Contract, columns: Sequence[Column]) -> str:
    """The fault of a line; else, where a record names its values, I03 of their letters and I05 of their names.

    Letters can be written in another form, as `\\u200b`. Of names, one may occur twice, or be almost one of the contract.
    """
    kind = contract.format.kind
    if kind not in NAMED_VALUES and not contract.format.has_cells:
        return "fault"
    letter = f"WHEN is_escaped AND regexp_matches(array_to_string(f, ' '), {literal(letters.IN_VALUE)}) THEN 'I03'"
    if kind not in NAMED_VALUES:
        return f"CASE WHEN fault IS NOT NULL THEN fault {letter} END"
    tops = sorted({c.source if kind == "xml" else c.source.split("/")[0] for c in columns})
    # As many names as values: then they are the contract's, each once, and need no closer look.
    name = f"WHEN len(names) <> list_count(f) AND (len(names) <> list_unique(names) OR {_has_almost('names', tops)}) THEN 'I05'"
    return f"CASE WHEN fault IS NOT NULL THEN fault {letter} {name} END"


def _has_almost(names: str, expected: Collection[str]) -> str:
    """Whether a list of names has one that is not among the `expected`, but would be with other capitals or without blanks around it."""
    alike = is_in(f"lower({normal_form('k')})", sorted({unicodedata.normalize("NFC", name).lower() for name in expected}))
    return f"len(list_filter({names}, lambda k: NOT ({is_in('k', sorted(expected))}) AND {alike})) > 0"


def has_escapes(contract: Contract) -> str:
    """Whether a line may have letters in another form than their own."""
    return "contains(line, '\\')" if contract.format.kind in NAMED_VALUES or contract.format.has_cells else "FALSE"


def is_odd(contract: Contract) -> str:
    """Whether a line has anything but the usual signs of ASCII. No other line needs a look at its letters, or has a normal form."""
    return f"regexp_matches(line, {literal(letters.ODD)}) OR {has_escapes(contract)}"


def unless_plain(in_general: str, of_plain: str) -> str:
    """An expression on a value of a line, with a cheaper one that says the same of a line that is not odd."""
    return f"CASE WHEN is_odd THEN {in_general} ELSE {of_plain} END"


def names_of_values(contract: Contract) -> str:
    """The names of the values of a record, NULL where they are not named in it."""
    return "CASE WHEN json_valid(line) THEN json_keys(line) END" if contract.format.kind in NAMED_VALUES else "NULL"


def _conditions_above(contract: Contract, columns: Sequence[Column]) -> list[str]:
    """When a record has a value where the contract has names below it, or one of those names twice, or almost."""
    conditions = []
    sources = [c.source for c in columns] if contract.format.kind in NAMED_VALUES else []
    for above in sorted({source.rsplit("/", n)[0] for source in sources for n in range(1, source.count("/") + 1)}):
        if contract.format.kind == "xml":
            conditions.append(f"""COALESCE(json_extract_string(line, {literal(f'$."{above}"')}), '') NOT IN ('', '{{}}')""")
        else:
            place = literal(_pointer(above))
            conditions.append(f"COALESCE(json_type(line, {place}), 'NULL') NOT IN ('OBJECT', 'NULL')")
            names = f"json_keys(line, {place})"
            below = {source.split("/")[above.count("/") + 1] for source in sources if source.startswith(f"{above}/")}
            conditions.append(f"COALESCE(len({names}) <> list_unique({names}) OR {_has_almost(names, below)}, FALSE)")
    return conditions


def types_of_values(contract: Contract, columns: Sequence[Column]) -> str:
    """The types of the values of the columns of text, in records that have any that is not plainly a text, a whole number or null."""
    texts = [c.source for c in columns if c.type == "text"]
    if contract.format.kind not in NAMED_VALUES or not texts:
        return "NULL"
    odd = '"\\s*:\\s*([^\\s"0-9n-]|n[^u]|-?[0-9]+[.eE])'
    paths = ", ".join(_place(contract, source) for source in texts)
    return f"CASE WHEN regexp_matches(line, {literal(odd)}) AND {_is_object('line')} THEN json_type(line, [{paths}]) END"


def _is_object(line: str) -> str:
    return f"json_valid({line}) AND json_type({line}) = 'OBJECT'"


def _place(contract: Contract, source: str) -> str:
    """Where a value is: a JSON pointer walks down the object; a record of XML was flattened and cells are flat: their path is one name."""
    return literal(_pointer(source) if contract.format.kind == "jsonl" else f'$."{source}"')


def _pointer(path: str) -> str:
    """A path as a JSON pointer, in which a `~` stands for the start of another sign."""
    return "/" + path.replace("~", "~0")


def fields(contract: Contract, header: Header) -> str:
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
    paths = ", ".join(_place(contract, c.source) for c in ordered)
    return f"CASE WHEN {_is_object('line')} THEN json_extract_string(line, [{paths}]) END"


def _csv_fields(delimiter: str, quote: str) -> str:
    """A quote only counts at the start of a field; a line with an unclosed quote has no fields."""
    d, q, double = re.escape(delimiter), re.escape(quote), literal(quote * 2)
    # Blanks before a quote are no part of a field: a reader that takes them for one takes the quotes for letters.
    blanks = "" if delimiter == " " else " *"
    field = f"{d}({q}(?:[^{q}]|{q}{q})*{q}|{blanks}(?:[^{q}{d} ][^{d}]*)?)"
    return f"""CASE WHEN strpos(line, {literal(quote)}) = 0 THEN string_split(line, {literal(delimiter)})
        WHEN regexp_full_match({literal(delimiter)} || line, {literal(f"(?:{field})*")})
        THEN list_transform(regexp_extract_all({literal(delimiter)} || line, {literal(field)}, 1), lambda x:
            CASE WHEN starts_with(x, {literal(quote)}) THEN replace(substr(x, 2, length(x) - 2), {double}, {literal(quote)}) ELSE x END)
        END"""
