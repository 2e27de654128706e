"""Bytes become numbered lines, whatever the chunks; what is not text in the declared character set says so."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from das_pipeline.deliveries.contract import Format
from das_pipeline.deliveries.reading import Lines
from tests.deliveries.conftest import LIMIT

CSV = Format(kind="csv", encoding="windows-1252", delimiter=";", header=True)
XML = Format(kind="xml", record="case", root="cases")
JSON = Format(kind="jsonl")


def read(content: bytes, format: Format, size: int = 1 << 20) -> tuple[list[tuple[int, str, str | None]], Lines]:
    lines = Lines((content[n : n + size] for n in range(0, len(content), size)), format, LIMIT)
    rows = [tuple(row.values()) for batch in lines.reader() for row in batch.to_pylist()]
    return rows, lines


def test_lines_are_numbered_as_the_sender_sees_them() -> None:
    rows, lines = read("naam;plaats\r\nJosé;Gouda\r\n\r\nAnn;Zwolle\r\n".encode("windows-1252"), CSV)
    assert rows == [(2, "José;Gouda", None), (3, "", None), (4, "Ann;Zwolle", None)]
    assert (lines.names, lines.count, lines.rows, lines.is_whole) == (("naam", "plaats"), 4, 3, True)


@given(lines=st.lists(st.text('aé;"\u2028\x1c ', max_size=8), min_size=1, max_size=6), size=st.integers(1, 9), ends=st.booleans())
def test_chunks_do_not_change_what_is_read(lines: list[str], size: int, ends: bool) -> None:
    content = ("\n".join(["h", *lines]) + "\n" * ends).encode()
    rows, _ = read(content, Format(kind="csv", header=True), size)
    expected = ["h", *lines] if ends or lines[-1] else ["h", *lines[:-1]]
    assert [row[:2] for row in rows] == list(enumerate(expected[1:], start=2))
    assert rows == read(content, Format(kind="csv", header=True))[0]  # a quote that is closed on a later line is a fault of that line


@pytest.mark.parametrize(
    ("raw", "format", "fault"),
    [
        ("é".encode("windows-1252"), CSV, None),
        ("é".encode(), CSV, "I03"),  # UTF-8 where windows-1252 was agreed reads as Ã©
        (b"\x81", CSV, "I03"),  # no character of windows-1252
        ("é".encode("latin-1"), JSON, "I03"),
        (b"a\0b", JSON, "I03"),  # UTF-16, or a torn file
        ("é".encode(), JSON, None),
    ],
)
def test_a_line_in_another_character_set_says_so(raw: bytes, format: Format, fault: str | None) -> None:
    rows, _ = read(b"first\n" + raw + b"\n", format)
    assert rows[-1][2] == fault


def test_a_byte_order_mark_is_no_part_of_the_first_name() -> None:
    _, lines = read("\ufeffname,ward\n".encode(), Format(kind="csv", header=True, delimiter=","))
    assert lines.names == ("name", "ward")


@given(text=st.text("aé;€\u0a0a\u2028𝔸\n", max_size=30), size=st.integers(1, 9), order=st.sampled_from(["utf-16-le", "utf-16-be"]))
def test_utf_16_is_read_in_the_order_that_its_mark_says(text: str, size: int, order: str) -> None:
    form = Format(kind="csv", encoding="utf-16", delimiter="\t", header=True)
    rows, lines = read(("\ufeffno\tname\n" + text + "\n").encode(order), form, size)
    assert rows == [(n, line, None) for n, line in enumerate(text.split("\n"), start=2)]
    assert (lines.names, lines.is_whole, lines.problem) == (("no", "name"), True, None)


@pytest.mark.parametrize(
    ("raw", "faults"),
    [
        ("a\n".encode("utf-16-le") + b"\x00\xd8" + "b\nc\n".encode("utf-16-le"), [None, "I03", None]),  # half a character
        ("a\nb".encode("utf-16-le") + b"\x0a", [None, "I03"]),  # half a letter at the end
        ("a\n\0b\n".encode("utf-16-le"), [None, "I03"]),
    ],
)
def test_a_line_that_is_not_utf_16_says_so(raw: bytes, faults: list[str | None]) -> None:
    rows, _ = read("\ufeffh\n".encode("utf-16-le") + raw, Format(kind="csv", encoding="utf-16", header=True), 5)
    assert [fault for _, _, fault in rows] == faults


def test_utf_16_without_a_mark_is_refused() -> None:
    rows, lines = read("h\na\n".encode("utf-16-le"), Format(kind="csv", encoding="utf-16", header=True), 1)
    assert (rows, str(lines.problem).startswith("has no byte order mark")) == ([], True)


def test_a_mark_is_no_part_of_a_name_however_the_file_is_cut() -> None:
    for encoding in ("utf-8", "utf-8-sig"):
        _, lines = read("\ufeffname;é\n".encode(), Format(kind="csv", encoding=encoding, header=True), 1)
        assert lines.names == ("name", "é")


@pytest.mark.parametrize("content", ["a;b\r\n1;2\r\n".encode("utf-16"), bytes(range(256)) + b"\n"])
def test_a_header_that_is_no_text_is_refused(content: bytes) -> None:
    lines = Lines([content], Format(kind="csv", header=True, encoding="windows-1252"), LIMIT)
    assert lines.problem is not None
    assert lines.problem.rule == "I03"


def test_an_empty_file_has_no_header_and_no_lines() -> None:
    rows, lines = read(b"", CSV)
    assert (rows, lines.names, lines.count) == ([], None, 0)


def test_records_of_xml_become_json_and_their_paths_names() -> None:
    content = "<cases><case><no>1</no><who><name>José &amp; Co</name></who></case><!-- x --><case><no/></case></cases>"
    rows, lines = read(content.encode(), XML, 7)
    assert [(n, json.loads(line), fault) for n, line, fault in rows] == [
        (1, {"no": "1", "who": {}, "who/name": "José & Co"}, None),
        (2, {"no": ""}, None),
    ]
    assert (lines.names, lines.count, lines.is_whole) == (("no", "who/name"), 2, True)


def test_a_leaf_that_occurs_twice_makes_the_record_unreadable() -> None:
    rows, _ = read(b"<cases><case><no>1</no><no>2</no></case></cases>", XML)
    assert rows[0][2] == "I05"


def test_xml_that_breaks_off_is_not_whole_and_keeps_what_came() -> None:
    rows, lines = read(b"<cases><case><no>1</no></case><case><no>2</n", XML)
    assert (len(rows), lines.is_whole) == (1, False)


def test_entities_of_xml_open_nothing() -> None:
    bomb = b'<!DOCTYPE c [<!ENTITY x SYSTEM "file:///etc/hostname">]><cases><case><no>&x;</no></case></cases>'
    rows, _ = read(bomb, XML)
    assert [(json.loads(line), fault) for _, line, fault in rows] == [({"no": {}}, "I05")]


def test_names_of_json_are_those_of_its_records() -> None:
    _, lines = read(b'{"no": 1, "who": {"name": "A"}}\nnot json\n{"ward": "n"}\n', JSON)
    assert lines.names == ("no", "ward", "who/name")


def test_an_error_of_the_source_is_kept_for_whoever_reads() -> None:
    def chunks() -> Any:
        yield b"h\n" * 2
        raise OSError("no disk")

    lines = Lines(chunks(), CSV, LIMIT)
    with pytest.raises(OSError, match="no disk"):
        list(lines.reader())
    assert isinstance(lines.error, OSError)
