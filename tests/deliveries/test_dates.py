"""A contract declares how a partner writes dates; what has not that form, or is no day of the calendar, is no date."""

from __future__ import annotations

from datetime import date

import duckdb
import pytest

from das_pipeline.deliveries.dates import USUAL, date_form, date_sql

NINTH = date(2024, 3, 9)
CASES = [
    ("yyyy-mm-dd", "2024-03-09", NINTH),
    ("yyyy-mm-dd", "2024-3-9", None),
    ("yyyy-mm-dd", "2024-02-30", None),
    ("ddmmyyyy", "09032024", NINTH),
    ("m/d/yyyy", "3/9/2024", NINTH),
    ("m/d/yyyy", "03/09/2024", NINTH),
    ("m/d/yyyy", "13/9/2024", None),
    ("m/d/yyyy", "3/9/24", None),
    ("d.m.yyyy", "9.3.2024", NINTH),
    ("d.m.yyyy", "9x3x2024", None),
    ("m/d/yyyy h:mm:ss AM", "3/9/2024 12:00:00 AM", NINTH),
    ("m/d/yyyy h:mm:ss AM", "03/09/2024 2:45:00 PM", NINTH),
    ("m/d/yyyy h:mm:ss AM", "3/9/2024 13:00:00 PM", None),
    ("m/d/yyyy h:mm:ss AM", "3/9/2024 0:00:00 AM", None),
    ("m/d/yyyy h:mm:ss AM", "3/9/2024", None),
    ("yyyy-mm-dd hh:mm:ss", "2024-03-09 24:00:00", NINTH),
    ("yyyy-mm-dd hh:mm:ss", "2024-03-09 10:75:00", None),
    ("yyyy-mm-dd hh:mm", "2024-03-09 24:00", NINTH),
    ("yyyy-mm-dd hh:mm", "2024-03-09 24:59", None),
    ("d-m-yyyy h:mm:ss", "9-3-2024 24:00:01", None),
    ("yyyy-mm-ddThh:mm", "2024-03-09T10:15", NINTH),
    ("yyyy-mm-ddThh:mm", "2024-03-09 10:15", None),
]


@pytest.mark.parametrize(("format", "text", "expected"), CASES)
def test_a_text_is_a_date_in_its_declared_form_only(format: str, text: str, expected: date | None) -> None:
    assert duckdb.execute(f"SELECT {date_sql('t', format)} FROM (SELECT $text AS t)", {"text": text}).fetchall() == [(expected,)]


@pytest.mark.parametrize(
    "format", ["month", "yyyy-mm", "dd-mm-yy", "dmyyyy", "dd-dd-yyyy", "yyyy-mm/dd", "dd-mm-yyyy AM", "dd-mm-yyyy h", ""]
)
def test_what_is_no_form_of_a_date_is_refused(format: str) -> None:
    with pytest.raises(ValueError, match="is no form of a date"):
        date_form(format)


def test_the_usual_forms_are_forms() -> None:
    assert [date_form(format).pattern for format in USUAL]
