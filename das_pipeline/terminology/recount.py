"""The second implementation of looking up, for rule T08: plain Python over the counts of distinct values, without the joins of `lookup`."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import date
from functools import cache

import duckdb

from das_pipeline.deliveries.letters import BLANKS
from das_pipeline.jurisdiction import Jurisdiction
from das_pipeline.terminology.columns import ConceptColumn
from das_pipeline.terminology.lookup import CANONICAL
from das_pipeline.terminology.schemes import NOT_APPLICABLE, UNKNOWN
from das_pipeline.terminology.tables import read_tables


def recount(
    connection: duckdb.DuckDBPyConnection, jurisdiction: Jurisdiction, columns: Sequence[ConceptColumn]
) -> dict[str, Mapping[str, int]]:
    """Return how many rows of each column have each concept, from the values as delivered and the mappings. Call `look_up` first.

    The rows are those of the table `seen`: a value and a day (the first of the month stands for a month in which its list does not change).
    """
    meanings: dict[tuple[str, str], list[tuple[date, date, str]]] = {}
    for name, code, concept, valid_from, valid_until in connection.execute(
        "SELECT list, code, concept, valid_from, valid_until FROM mappings"
    ).fetchall():
        meanings.setdefault((name, code), []).append((valid_from, valid_until, concept))
    counts: dict[str, Mapping[str, int]] = {}
    for column in columns:
        rules = _rules(jurisdiction, column.canonical)
        spelled = cache(lambda raw, rules=rules: _spelled(raw, rules))
        of_column: Counter[str] = Counter()
        for raw, day, rows in connection.execute("SELECT raw, day, rows FROM seen WHERE field = ?", [column.place]).fetchall():
            code = spelled(raw or "")
            concept = next((c for start, end, c in meanings.get((column.list, code), []) if start <= day <= end), UNKNOWN)
            of_column[concept if code else NOT_APPLICABLE] += rows
        counts[column.place] = of_column
    return counts


Rules = tuple[tuple[str, str], ...]


def _rules(jurisdiction: Jurisdiction, canonical: str | None) -> Rules:
    if canonical is None:
        return ()
    return tuple(
        (rule["pattern"], rule["replacement"]) for rule in read_tables(jurisdiction, [f"terminology/canonical/{canonical}.csv"], CANONICAL)
    )


def _spelled(raw: str, rules: Rules) -> str:
    """Return a value as it is looked up; "" when it has blanks only."""
    code = unicodedata.normalize("NFC", raw).strip(BLANKS)
    for pattern, replacement in rules:
        code = re.sub(pattern, replacement, code, flags=re.ASCII).strip(" ") or code
    return code
