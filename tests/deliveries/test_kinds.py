"""What real systems write and nobody may lose: every kind of fault in every form that can have it, judged as in an intake.

`files` writes the same two rows in any form, so that a pair of form and kind is one line of a table.
"""

from __future__ import annotations

import io
import json
import re
import unicodedata
import zipfile
from collections.abc import Callable, Iterator
from datetime import datetime, time
from functools import cache
from typing import Any
from xml.sax.saxutils import escape

import duckdb
import openpyxl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from das_pipeline.deliveries.checking import header_of, rows_query
from das_pipeline.deliveries.contract import Contract
from das_pipeline.deliveries.reading import Lines
from das_pipeline.run import Run
from tests.conftest import toy_settings
from tests.deliveries.conftest import DAY, LIMIT

FORMS: dict[str, dict[str, Any]] = {
    "csv": {"kind": "csv", "delimiter": ",", "header": True},
    "tsv": {"kind": "csv", "delimiter": "\t", "header": True, "encoding": "windows-1252"},
    "fixed": {"kind": "fixed"},
    "jsonl": {"kind": "jsonl"},
    "xml": {"kind": "xml", "record": "case", "root": "cases"},
    "parquet": {"kind": "parquet"},
    "xlsx": {"kind": "xlsx"},
}
WIDTH = 24
Judged = tuple[list[list[str]], str | None, list[dict[str, Any]]]  # the faults of each row, why the file is refused, the rows


def contract(form: str, **verdict: Any) -> Contract:
    text = {"nl": "x", "en": "x"}
    columns: list[dict[str, Any]] = [
        {"name": "no", "type": "text", "privacy": "direct"},
        {"name": "name", "type": "text"},
        {"name": "verdict", "type": "text", "required_with": "ruled_on", **verdict},
        {"name": "ruled_on", "type": "date", "formats": ["yyyy-mm-dd"], "sentinels": ["9999-12-31"]},
    ]
    for n, column in enumerate(columns):
        column |= {"description": text} | ({"at": [1 + WIDTH * n, WIDTH]} if form == "fixed" else {})
    return Contract.model_validate(
        {
            **dict.fromkeys(("partner", "file", "owner", "purpose", "unit"), "x"),
            "version": "1.0.0",
            "title": text,
            "description": text,
            "unit_key": ["no"],
            "temporality": "flow",
            "delivery": {"mode": "snapshot"},
            "format": FORMS[form],
            "columns": columns,
        }
    )


def files(form: str, rows: list[dict[str, Any]]) -> bytes:
    """The rows as a file of a form."""
    names = list(rows[0])
    whole = io.BytesIO()
    match form:
        case "csv" | "tsv":
            mark, encoding = FORMS[form]["delimiter"], FORMS[form].get("encoding", "utf-8")
            return "".join(mark.join(map(str, line)) + "\n" for line in [names, *(row.values() for row in rows)]).encode(encoding)
        case "fixed":
            return "".join("".join(str(v).ljust(WIDTH) for v in row.values()) + "\n" for row in rows).encode()
        case "jsonl":
            return "".join(json.dumps(row) + "\n" for row in rows).encode()
        case "xml":
            leaves = ("".join(f"<{n}>{escape(str(v), {chr(13): '&#13;'})}</{n}>" for n, v in row.items()) for row in rows)
            return f"<cases>{''.join(f'<case>{record}</case>' for record in leaves)}</cases>".encode()
        case "parquet":
            pq.write_table(pa.table({n: [row[n] for row in rows] for n in names}), whole)
        case _:
            book = openpyxl.Workbook()
            for line in [names, *(list(row.values()) for row in rows)]:
                book.worksheets[0].append(line)
            book.save(whole)
    return whole.getvalue()


def row(no: Any = "A1", **values: Any) -> dict[str, Any]:
    return {"no": no, "name": "Ada", "verdict": "GU", "ruled_on": "2024-01-30"} | values


@pytest.fixture(scope="module")
def judge(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[str, bytes], Judged]]:
    """What the intake finds in a file of a form."""
    with Run.start(toy_settings(tmp_path_factory.mktemp("kinds")), DAY).connect(identifying=True) as connection:
        yield lambda form, content, **verdict: _judged(connection, form, content, **verdict)


def _judged(connection: duckdb.DuckDBPyConnection, form: str, content: bytes, **verdict: Any) -> Judged:
    agreed = contract(form, **verdict)
    lines = Lines([content], agreed.format, LIMIT, texts=agreed.texts)
    if lines.problem:
        return [], str(lines.problem), []
    header = header_of(agreed, lines.names, DAY)
    connection.register("lines", lines.reader())
    query = rows_query(agreed, header, {"x": "x"}, DAY, "lines")
    found = connection.execute(query, {"header_line": lines.header_line}).to_arrow_table().to_pylist()
    connection.unregister("lines")
    return [r["faults"] for r in found], str(lines.problem) if lines.problem else None, found


@pytest.mark.parametrize("form", FORMS)
def test_a_good_file_has_no_fault(form: str, judge: Callable[[str, bytes], Judged]) -> None:
    accented = row("A2", name="Zoë 't Hart–de Bruijn", verdict="", ruled_on="")
    faults, refused, rows = judge(form, files(form, [row(), accented]))
    assert (faults, refused) == ([[], []], None)
    assert [(r["name"], r["verdict"], str(r["ruled_on"])) for r in rows] == [
        ("Ada", "GU", "2024-01-30"),
        ("Zoë 't Hart–de Bruijn", None, "None"),
    ]


# Each sign is in a name; windows-1252 has no U+FFFD and no sign without width, and no form has them all.
WRONG_LETTERS = {
    "code page 850": "Ren‚",
    "a sign inside a word": "J”rg",
    "a cent in a word": "Sim¢n",
    "decoded twice": "JosÃ©",
    "a sign of replacement": "Ren\ufffd",
    "a zero-width space": "A\u200bda",
    "a mark of byte order": "\ufeffAda",
    "a control character": "A\x07da",
    "one of the second range": "A\x85da",
    "a carriage return alone": "A\rda",
    "a letter as HTML names it": "Ren&eacute;",
    "a letter as HTML numbers it": "Ren&#233;",
    "a letter of a web address": "Ren%C3%A9",
    "a letter of an e-mail": "Ren=C3=A9",
    "a letter in the source of a program": "Ren\\u00e9",
    "a byte in the source of a program": "Ren\\xe9",
    "a capital of code page 850": "€elik",
    "another capital of it": "¥andu",
    "a letter of old Apple computers": "RenŽ",
    "one between others": "MŸller",
}
CANNOT_HOLD = {
    "tsv": {"a sign of replacement", "a zero-width space", "a mark of byte order", "one of the second range"},
    "xml": {"a control character"},
    "xlsx": {"a control character"},
}
LETTERS = [(form, kind) for form in FORMS for kind in WRONG_LETTERS if kind not in CANNOT_HOLD.get(form, ())]


@pytest.fixture(scope="module")
def letters(judge: Callable[[str, bytes], Judged]) -> Callable[[str], dict[str, list[str]]]:
    """The faults of each row of a file of a form that has all wrong letters which the form can hold, and a good row."""

    @cache
    def judged(form: str) -> dict[str, list[str]]:
        kinds = ["none", *(kind for of, kind in LETTERS if of == form)]
        faults, refused, _ = judge(form, files(form, [row(f"A{n}", name=WRONG_LETTERS.get(kind, "Ada")) for n, kind in enumerate(kinds)]))
        assert refused is None
        return dict(zip(kinds, faults, strict=True))

    return judged


@pytest.mark.parametrize(("form", "kind"), LETTERS, ids=[f"{form}-{kind}" for form, kind in LETTERS])
def test_letters_that_are_not_right_are_noticed(form: str, kind: str, letters: Callable[[str], dict[str, list[str]]]) -> None:
    assert letters(form)[kind] == ["I03 "]
    assert letters(form)["none"] == []


@pytest.mark.parametrize("form", FORMS)
def test_an_accent_of_its_own_makes_no_other_key(form: str, judge: Callable[[str, bytes], Judged]) -> None:
    apart = "é1" if form == "tsv" else unicodedata.normalize("NFD", "é1")  # windows-1252 has one form only
    _, _, rows = judge(form, files(form, [row("É1"), row(f" {apart}\u00a0")]) if form != "fixed" else files(form, [row("É1"), row(apart)]))
    assert rows[0]["record_key"] == rows[1]["record_key"]


@pytest.mark.parametrize("form", FORMS)
def test_codes_are_compared_in_one_normal_form(form: str, judge: Callable[..., Judged]) -> None:
    apart = "Gé" if form == "tsv" else unicodedata.normalize("NFD", "Gé")  # windows-1252 has one form only
    spellings = ["Gé", f"\u00a0{apart}\u00a0", "\u00a0", "Ge"]
    content = files(form, [row(f"A{n}", verdict=spelling, ruled_on="") for n, spelling in enumerate(spellings)])
    faults, _, rows = judge(form, content, one_of=["Gé"])
    assert [r["verdict"] for r in rows] == ["Gé", "Gé", None, "Ge"]
    assert faults == [[], [], [], ["K06 verdict"]]


@pytest.mark.parametrize("form", FORMS)
def test_a_value_that_comes_with_another_is_missed(form: str, judge: Callable[[str, bytes], Judged]) -> None:
    faults, _, _ = judge(
        form, files(form, [row(verdict=""), row("A2", verdict="", ruled_on=""), row("A3", verdict="", ruled_on="9999-12-31")])
    )
    assert faults == [["K06 verdict"], [], []]


@pytest.mark.parametrize("form", FORMS)
def test_signs_of_daily_use_are_right(form: str, judge: Callable[[str, bytes], Judged]) -> None:
    names = ["Smit & Zn", "R&D; 100%", "50%CO2 = 1", "# 3 <2 kg", "C:\\users", "a=b&c=d", "N/A van Dam"]
    faults, _, rows = judge(form, files(form, [row(f"A{n}", name=name) for n, name in enumerate(names)]))
    assert (faults, [r["name"] for r in rows]) == ([[]] * len(names), names)


@pytest.mark.parametrize("text", ["#N/B", "#DIV/0!", "#WERT!", "#¿NOMBRE?", "#NV", "########", "\\N", "<NA>"])
@pytest.mark.parametrize("form", FORMS)
def test_what_a_program_writes_for_nothing_is_no_text(form: str, text: str, judge: Callable[[str, bytes], Judged]) -> None:
    faults, _, _ = judge(form, files(form, [row(), row("A2", name=text)]))
    assert faults in ([[], ["K06 name"]], [[], ["I05 "]])  # Excel has a type for its errors


@pytest.mark.parametrize("key", ["NULL", "n/a", "'0017", '="0017"'])
@pytest.mark.parametrize("form", [form for form in FORMS if form != "xlsx"])
def test_what_a_program_writes_for_nothing_is_no_key(form: str, key: str, judge: Callable[[str, bytes], Judged]) -> None:
    (fault,), _, _ = judge(form, files(form, [row(key)]))
    assert fault == ["K06 no" if key.startswith("=") else "K02 no"]


@pytest.mark.parametrize("key", ["1.23457E+17", "1E+17", "123.0", "123,00", "-", "??"])
@pytest.mark.parametrize("form", ["csv", "tsv", "fixed", "xml"])
def test_a_number_in_the_form_of_a_spreadsheet_is_no_key(form: str, key: str, judge: Callable[[str, bytes], Judged]) -> None:
    if form == "csv" and "," in key:
        key = f'"{key}"'
    assert judge(form, files(form, [row(key)]))[0] == [["K02 no"]]


@pytest.mark.parametrize("name", ["Ren?e", "?elik", "£ukasz", "O\\'Brien"])
@pytest.mark.parametrize("form", FORMS)
def test_a_name_that_lost_a_letter_is_noticed(form: str, name: str, judge: Callable[..., Judged]) -> None:
    content = files(form, [row("A1", verdict=name), row("A2", verdict="Jansen?"), row("A3", name="Where?there")])
    assert judge(form, content, identity="surname", privacy="direct")[0] == [["K06 verdict"], [], []]


@pytest.mark.parametrize("blank", ["\u00a0", " \u00a0 ", "\n  \n"])
@pytest.mark.parametrize("form", FORMS)
def test_blanks_of_every_kind_stand_for_nothing(form: str, blank: str, judge: Callable[[str, bytes], Judged]) -> None:
    if "\n" in blank and form in {"csv", "tsv", "fixed"}:
        return  # a line ends there
    faults, _, rows = judge(form, files(form, [row(name=blank)]))
    assert (faults, rows[0]["name"]) == ([[]], None)


def test_no_part_of_a_value_with_a_line_end_is_taken_for_the_whole(judge: Callable[[str, bytes], Judged]) -> None:
    lines = ["name,no,verdict,ruled_on", '"first', 'second",A1,GU,', '5" pipe,A2,GU,', '"a ""b""",A3,GU,', "x,A4,GU,"]
    faults, _, rows = judge("csv", "\n".join([*lines, ""]).encode())
    assert faults == [["I05 "], ["I05 "], [], [], []]
    assert [r["name"] for r in rows][2:] == ['5" pipe', 'a "b"', "x"]


def test_names_below_a_name_are_compared_as_those_above(judge: Callable[..., Judged]) -> None:
    records = ['{"Verdict": "GU"}', '{"verdict ": "GU"}', '{"verdict": "GU"}', '{"date": ""}']
    content = "".join(f'{{"no": "A{n}", "what": {record}}}\n' for n, record in enumerate(records)).encode()
    assert judge("jsonl", content, path="what/verdict")[0] == [["I05 "], ["I05 "], [], []]


def test_a_name_may_have_any_sign(judge: Callable[..., Judged]) -> None:
    assert [r["verdict"] for r in judge("jsonl", b'{"no": "A1", "a~b": {"c~d": "GU"}}\n', path="a~b/c~d")[2]] == ["GU"]


HEADER = b"no,name,verdict,ruled_on\n"
WHY = {
    "nothing": ("csv", b"", "is empty: not even its header is there"),
    "another delimiter": ("csv", HEADER.replace(b",", b";"), "has semicolons between its columns, and the contract says ','"),
    "a line of Excel": ("csv", b"sep=,\n" + HEADER, "begins with the line sep="),
    "lines of another system": ("csv", HEADER.replace(b"\n", b"\r") * 2, "ends its lines with a carriage return alone"),
    "gzip": ("csv", b"\x1f\x8b\x08\x00\n", "begins as gzip does"),
    "a workbook": ("fixed", b"PK\x03\x04\n", "begins as zip does, which an Excel file (.xlsx) is too"),
    "UTF-16": ("jsonl", '{"no": "A1"}\n'.encode("utf-16"), "begins as utf-16 does"),
    "a list": ("jsonl", b'[{"no": "A1"}]\n', "is one JSON document"),
    "an object over several lines": ("jsonl", b'\n{\n "no": "A1"\n}\n', "is one JSON document"),
    "no document": ("xml", b"\n", "is empty"),
    "a sign of XML": ("xml", b"<cases>\n<case><no>A & B</no></case></cases>", "on line 2 there is a & or <"),
    "two documents": ("xml", b"<cases/>\n<cases/>\n", "on line 2 something comes after its end"),
    "another character set": ("xml", b"<cases>\n<case><no>\xe9</no></case></cases>", "on line 2 there are bytes that are not in its"),
    "crossed elements": ("xml", b"<cases>\n\n<case><no>A1</case></no></cases>", "on line 3 an element is closed under another name"),
}


@pytest.mark.parametrize(("form", "content", "said"), WHY.values(), ids=WHY)
def test_a_file_that_cannot_be_read_is_refused_for_its_true_reason(
    form: str, content: bytes, said: str, judge: Callable[[str, bytes], Judged]
) -> None:
    assert said in (judge(form, content)[1] or "")


def test_a_document_that_is_cut_off_is_so_wherever_it_is_cut() -> None:
    document = b"<cases><case><no>A1</no></case><case><no>A2</no></case></cases>"
    for size in range(1, len(document)):
        lines = Lines([document[:size]], contract("xml").format, LIMIT)
        list(lines.reader())
        assert (lines.is_whole, lines.problem) == (False, None), document[:size]


def test_a_sign_that_nobody_sees_in_a_name_of_a_column_is_told() -> None:
    header = header_of(contract("csv"), ("no", "name", "ver\u200bdict", "ruled_on"), DAY)
    assert (header.missing, header.renamed) == (("verdict",), {"verdict": "verdict"})


def two_of_one_name(form: str) -> bytes:
    match form:
        case "csv" | "tsv":
            return files(form, [row()]).replace(b"ruled_on", b"verdict")
        case "jsonl":
            return files(form, [row()]).replace(b'"verdict": "GU"', b'"verdict": "GU", "verdict": "NG"')
        case "xml":
            return files(form, [row()]).replace(b"</case>", b"<verdict>NG</verdict></case>")
        case "parquet":
            whole = io.BytesIO()
            pq.write_table(pa.table([["A1"], ["x"], ["x"]], ["no", "verdict", "verdict"]), whole)
            return whole.getvalue()
        case _:
            book = openpyxl.Workbook()
            book.worksheets[0].append(["no", "verdict", "verdict"])
            whole = io.BytesIO()
            book.save(whole)
            return whole.getvalue()


@pytest.mark.parametrize("form", [form for form in FORMS if form != "fixed"])  # its columns have no names
def test_two_of_one_name_are_refused(form: str, judge: Callable[[str, bytes], Judged]) -> None:
    faults, refused, _ = judge(form, two_of_one_name(form))
    if form in {"jsonl", "xml"}:
        assert faults == [["I05 "]]
    else:
        assert refused == "has two columns of one name. Ask which of them is meant."


NOT_ONE_TEXT = {
    "a list": ("jsonl", '{"no": "A1", "name": ["Ada", "Ben"]}', ["K06 name"]),
    "an object": ("jsonl", '{"no": "A1", "name": {"first": "Ada"}}', ["K06 name"]),
    "true": ("jsonl", '{"no": "A1", "name": true}', ["K06 name"]),
    "no number": ("jsonl", '{"no": "A1", "name": NaN}', ["K06 name"]),
    "a number that loses digits": ("jsonl", '{"no": 1.2e17}', ["K06 no", "K02 no"]),
    "a number that does not": ("jsonl", '{"no": 123456789012345678}', []),
    "a zero byte": ("jsonl", '{"no": "A1", "name": "A\\u0000da"}', ["I03 "]),
    "a name in capitals": ("jsonl", '{"no": "A1", "Name": "Ada"}', ["I05 "]),
    "a list for a date": ("jsonl", '{"no": "A1", "verdict": "GU", "ruled_on": ["2024-01-30"]}', ["K06 ruled_on"]),
    "a comment": ("xml", "<no>A1</no><name>A<!-- was E -->da</name>", ["I05 "]),
    "an instruction": ("xml", "<no>A1</no><name><?oracle x?>Ada</name>", ["I05 "]),
    "a child": ("xml", "<no>A1</no><name><first>Ada</first></name>", ["K06 name"]),
    "text around a child": ("xml", "<no>A1</no><name>A<i>d</i>a</name>", ["I05 "]),
    "text between leaves": ("xml", "<no>A1</no>Ada", ["I05 "]),
    "an attribute": ("xml", '<no>A1</no><name first="Ada"/>', ["I05 "]),
    "a leaf in capitals": ("xml", "<no>A1</no><Name>Ada</Name>", ["I05 "]),
    "an empty leaf that says so": (
        "xml",
        '<no>A1</no><name xmlns:i="http://www.w3.org/2001/XMLSchema-instance" i:nil="true"/>',
        [],
    ),
    "a comment between leaves": ("xml", "<no>A1</no><!-- x --><name>Ada</name>", []),
    "parts of a text": ("xml", "<no>A1</no><name>A<![CDATA[d]]>a</name>", []),
}


@pytest.mark.parametrize(("form", "record", "expected"), NOT_ONE_TEXT.values(), ids=NOT_ONE_TEXT)
def test_a_leaf_is_exactly_one_text(form: str, record: str, expected: list[str], judge: Callable[[str, bytes], Judged]) -> None:
    content = record + "\n" if form == "jsonl" else f"<cases><case>{record}</case></cases>"
    assert judge(form, content.encode())[:2] == ([expected], None)


NO_RECORDS = {
    "another outermost element": "<archive><case><no>A1</no></case></archive>",
    "another name of a record": "<cases><Case><no>A1</no></Case></cases>",
    "one record of another name": "<cases><case><no>A1</no></case><zaak><no>A2</no></zaak></cases>",
    "records further down": "<cases><group><case><no>A1</no></case></group></cases>",
    "a record in a record": "<cases><case><case>A1</case></case></cases>",
    "text between records": "<cases><case><no>A1</no></case>A2<case><no>A3</no></case></cases>",
}


@pytest.mark.parametrize("content", NO_RECORDS.values(), ids=NO_RECORDS)
def test_a_document_with_other_records_is_refused(content: str, judge: Callable[[str, bytes], Judged]) -> None:
    refused = judge("xml", content.encode())[1]
    assert refused is not None
    assert any(said in refused for said in ("outermost", "text between its records"))


def parquet(**columns: pa.Array) -> bytes:
    whole = io.BytesIO()
    pq.write_table(pa.table(columns), whole, use_deprecated_int96_timestamps="ruled_on" in columns)
    return whole.getvalue()


def read_parquet(judge: Callable[[str, bytes], Judged], **columns: pa.Array) -> Judged:
    filled = {name: pa.nulls(len(next(iter(columns.values()))), pa.string()) for name in row()}
    return judge("parquet", parquet(**filled | columns))


def test_numbers_of_parquet_are_exact_or_set_aside(judge: Callable[[str, bytes], Judged]) -> None:
    numbers = [123456789012345678.0, float(2**53 - 1), 1e15, 12.5, float("nan"), float("inf"), None]
    faults, _, rows = read_parquet(judge, name=pa.array(numbers), no=pa.array(list("1234567")))
    assert faults == [["I05 "], [], [], ["I05 "], ["I05 "], ["I05 "], []]  # 12.5 may have been 12.50
    assert [r["name"] for r in rows][1:4] == ["9007199254740991", "1000000000000000", "12.5"]


def test_truth_is_no_text_of_parquet(judge: Callable[[str, bytes], Judged]) -> None:
    assert read_parquet(judge, no=pa.array(["A1", "A2"]), name=pa.array([True, None]))[0] == [["I05 "], []]


def test_half_a_float_is_read(judge: Callable[[str, bytes], Judged]) -> None:
    halves = pa.array([17.0, 1.5, None], pa.float32()).cast(pa.float16())
    faults, refused, rows = read_parquet(judge, no=pa.array(["A1", "A2", "A3"]), name=halves)
    assert (faults, refused, rows[0]["name"]) == ([[], ["I05 "], []], None, "17")


def test_the_last_day_of_parquet_is_itself(judge: Callable[[str, bytes], Judged]) -> None:
    moments = pa.array([datetime(9999, 12, 31), datetime(2024, 1, 30)], pa.timestamp("us"))
    faults, _, rows = read_parquet(judge, no=pa.array(["A1", "A2"]), verdict=pa.array(["GU", "GU"]), ruled_on=moments)
    assert (faults, [str(r["ruled_on"]) for r in rows]) == ([[], []], ["None", "2024-01-30"])  # the first is the sentinel


def test_the_end_of_the_day_is_a_time(judge: Callable[[str, bytes], Judged]) -> None:
    ticks = pa.array([86_400_000_000, 25_380_000_000, None, 99_000_000_000], pa.int64()).view(pa.time64("us"))
    faults, _, rows = read_parquet(judge, no=pa.array(["A1", "A2", "A3", "A4"]), name=ticks)
    assert [r["name"] for r in rows][:3] == ["24:00:00", "07:03:00.000000", None]
    assert faults == [[], [], [], ["I05 "]]


def test_a_uuid_of_parquet_is_read(judge: Callable[[str, bytes], Judged]) -> None:
    ids = pa.ExtensionArray.from_storage(pa.uuid(), pa.array([bytes(range(16)), None], pa.binary(16)))
    _, refused, rows = read_parquet(judge, no=pa.array(["A1", "A2"]), name=ids)
    assert (refused, [r["name"] for r in rows]) == (None, ["00010203-0405-0607-0809-0a0b0c0d0e0f", None])


def test_a_type_that_is_not_read_is_named(judge: Callable[[str, bytes], Judged]) -> None:
    refused = read_parquet(judge, no=pa.array([1], pa.duration("s")))[1]
    assert refused == "has columns of a type that is not read here: duration[s]. Ask for them as text."


def excel(change: Callable[[Any], None], edit: Callable[[str, str], str] = lambda name, text: text) -> bytes:
    """Three rows below a header, changed in the sheet and then in the XML of its parts; a part may be given another name with ▸."""
    book = openpyxl.Workbook()
    for line in [list(row()), *(list(row(f"A{n}").values()) for n in range(1, 4))]:
        book.worksheets[0].append(line)
    change(book.worksheets[0])
    saved, whole = io.BytesIO(), io.BytesIO()
    book.save(saved)
    with zipfile.ZipFile(saved) as before, zipfile.ZipFile(whole, "w") as after:
        for name in before.namelist():
            text = edit(name, before.read(name).decode())
            after.writestr("xl/data/rows.xml" if name.endswith("sheet1.xml") and "rows.xml" in edit("rels", "") else name, text)
    return whole.getvalue()


def in_other_words(name: str, text: str) -> str:
    """The sheet with a prefix, single quotes and another name of its part, all of them valid."""
    if name == "rels":
        return "rows.xml"
    if name.endswith("sheet1.xml"):
        for tag in ("worksheet", "sheetData", "row", "c", "v", "f", "is", "t", "mergeCells", "mergeCell"):
            for end in (" ", ">", "/"):
                text = text.replace(f"<{tag}{end}", f"<x:{tag}{end}").replace(f"</{tag}{end}", f"</x:{tag}{end}")
        return text.replace('xmlns="', 'xmlns:x="').replace('"', "'")
    return text.replace("worksheets/sheet1.xml", "data/rows.xml")


def formula(sheet: Any) -> None:
    sheet["C3"] = "=UPPER(B3)"


def error(sheet: Any) -> None:
    sheet["C3"] = "#REF!"


def merge(sheet: Any) -> None:
    sheet.merge_cells("C2:C3")


def number(sheet: Any) -> None:
    sheet["A3"] = 123456789012345678


def a_time(sheet: Any) -> None:
    sheet["B3"] = time(7, 3)


def a_day(sheet: Any) -> None:
    sheet["B3"] = datetime(2024, 12, 17)  # Excel makes it of 12-17


def truth(sheet: Any) -> None:
    sheet["B3"] = True


def fraction(sheet: Any) -> None:
    sheet["B3"] = 1.1  # Excel makes it of 1.10


EXCEL = {
    "a formula": (formula, 2),
    "an error": (error, 2),
    "a merge": (merge, 2),
    "a long number": (number, 2),
    "a time": (a_time, None),
    "a day for a text": (a_day, 2),
    "truth for a text": (truth, 2),
    "a fraction for a text": (fraction, 2),
}


@pytest.mark.parametrize("edit", [lambda name, text: text, in_other_words], ids=["as written", "in other words"])
@pytest.mark.parametrize(("change", "wrong"), EXCEL.values(), ids=EXCEL)
def test_a_cell_that_is_not_understood_is_not_empty(
    change: Callable[[Any], None], wrong: int | None, edit: Callable[[str, str], str], judge: Callable[[str, bytes], Judged]
) -> None:
    faults, refused, rows = judge("xlsx", excel(change, edit))
    assert (faults, refused) == ([["I05 "] if n == wrong else [] for n in (1, 2, 3)], None)
    assert len(rows) == 3


@pytest.mark.parametrize(
    ("number", "expected"),
    [(45293.999999999988, ["I05 "]), (45293.9999, ["K06 ruled_on"]), (60, ["I05 "]), (61, [])],  # Excel has a 29 February 1900: day 60
)
def test_a_day_of_excel_is_itself_or_set_aside(number: float, expected: list[str], judge: Callable[[str, bytes], Judged]) -> None:
    def day(sheet: Any) -> None:
        sheet["D3"] = number
        sheet["D3"].number_format = "yyyy-mm-dd"

    faults, refused, rows = judge("xlsx", excel(day))
    assert (faults, refused) == ([[], expected, []], None)
    assert str(rows[1]["ruled_on"]) == "1900-03-01" or expected


def test_a_text_in_the_place_of_another_is_not_empty(judge: Callable[[str, bytes], Judged]) -> None:
    content = excel(lambda sheet: None, lambda name, text: text.replace("<is><t>Ada</t></is>", "<v>Ada</v>", 1))
    assert judge("xlsx", content)[:2] == ([["I05 "], [], []], None)


@pytest.mark.parametrize("row_of", ["3", "2"], ids=["a row twice", "rows in another order"])
def test_cells_are_each_there_once_and_in_order(row_of: str, judge: Callable[[str, bytes], Judged]) -> None:
    def numbered(name: str, text: str) -> str:  # the last row as another one
        return re.sub(r'r="([A-D]?)4"', rf'r="\g<1>{row_of}"', text) if name.endswith("sheet1.xml") else text

    assert "has cells twice, or not in their order" in (judge("xlsx", excel(lambda sheet: None, numbered))[1] or "")


@pytest.mark.parametrize(
    ("form", "number", "read"),
    [
        ("00000", 17, "00017"),
        ("000-00-0000", 12345678, "012345678"),
        ('"NL"0000;[Red]-0000', 17, "0017"),
        ("[$-413]0000 000 00", 17, "000000017"),
        ("00000", 123456, "123456"),
        ("0", 17, "17"),
        ("0.00", 17, "17"),
        ("#,##0", 17, "17"),
        ("yyyy", 17, None),  # a day
    ],
)
def test_a_number_of_excel_has_the_zeros_that_are_shown(
    form: str, number: int, read: str | None, judge: Callable[[str, bytes], Judged]
) -> None:
    def shown(sheet: Any) -> None:
        sheet["A3"] = number
        sheet["A3"].number_format = form

    faults, refused, rows = judge("xlsx", excel(shown))
    assert refused is None
    assert (faults[1], rows[1]["no"]) == (([], read) if read else (["I05 "], "1900-01-17"))
    assert (rows[0]["no"], rows[2]["no"]) == ("A1", "A3")


@pytest.mark.parametrize("line", ['A1, "Ada",GU,2024-01-30', 'A1, "Ada, Lady",GU,2024-01-30', 'A1,"Ada" ,GU,2024-01-30'])
def test_blanks_beside_quotes_make_no_other_text(line: str, judge: Callable[[str, bytes], Judged]) -> None:
    faults, _, _ = judge("csv", f"no,name,verdict,ruled_on\n{line}\nA2, Ben,GU,2024-01-30\n".encode())
    assert faults == [["I05 "], []]
