"""Small files that swell when they are read are refused before they fill the memory, in every form: in 5 seconds and 300 MiB.

The files are harmless: nothing but repetition, made here.
"""

from __future__ import annotations

import gzip
import io
import json
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Callable
from typing import Any

import openpyxl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml

from das_pipeline.settings import PROJECT
from tests.conftest import TOY
from tests.deliveries.conftest import Desk, report
from tests.toy_deliveries import WATCH_HEADER

SECONDS, MIB = 5, 300
SHEETS = b"http://schemas.openxmlformats.org/spreadsheetml/2006/main"
NAMES = WATCH_HEADER.split(",")
HEADER = WATCH_HEADER.encode() + b"\n"


def zipped(content: bytes, name: str = "reports.csv") -> bytes:
    whole = io.BytesIO()
    with zipfile.ZipFile(whole, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(name, content)
    return whole.getvalue()


def parquet(columns: dict[str, pa.Array], **how: Any) -> bytes:
    """A Parquet file with all columns of the contract, of which these are not empty."""
    rows = len(next(iter(columns.values())))
    table = pa.table({name: pa.nulls(rows, pa.string()) for name in NAMES} | columns)
    whole = io.BytesIO()
    pq.write_table(table, whole, compression="zstd", **how)
    return whole.getvalue()


def excel(strings: bytes, cells: bytes) -> bytes:
    """A workbook with these shared strings, and these rows in its one sheet."""
    book = openpyxl.Workbook()
    book.worksheets[0].append(NAMES)
    plain, whole = io.BytesIO(), io.BytesIO()
    book.save(plain)
    with zipfile.ZipFile(plain) as source, zipfile.ZipFile(whole, "w", zipfile.ZIP_DEFLATED) as archive:
        for member in source.namelist():
            content = source.read(member)
            if member == "xl/worksheets/sheet1.xml":
                content = content.replace(b"</sheetData>", cells + b"</sheetData>")
            if member != "xl/sharedStrings.xml":
                archive.writestr(member, content)
        archive.writestr("xl/sharedStrings.xml", b'<sst xmlns="%s">' % SHEETS + strings + b"</sst>")
    return whole.getvalue()


def repeated(text: str, times: int) -> pa.Array:
    """One text many times, which is little while it is in a dictionary."""
    return pa.DictionaryArray.from_arrays(pa.array([0] * times, pa.int32()), pa.array([text]))


CSV = {"kind": "csv", "delimiter": ",", "header": True}
XML = {"kind": "xml", "record": "report", "root": "reports", "compression": "gzip"}
LONG, SWELLS = "has a line or record of more than 1,024 KiB", "unpacks to more than 200 times its size (and 24 MiB)"
FILES: dict[str, tuple[dict[str, Any], Callable[[], bytes], str]] = {
    "one line of 150 MB in gzip": ({**CSV, "compression": "gzip"}, lambda: gzip.compress(HEADER + b"x" * 150_000_000), LONG),
    "one line of 20 MB in zip": ({**CSV, "compression": "zip"}, lambda: zipped(HEADER + b"x" * 20_000_000), LONG),
    "one line of a TSV that is not packed": (
        {**CSV, "delimiter": "\t"},
        lambda: HEADER.replace(b",", b"\t") + b"x\t" * 5_000_000,
        LONG,
    ),
    "a header of 50 MB": ({**CSV, "compression": "gzip"}, lambda: gzip.compress(b"x," * 25_000_000), LONG),
    "a line of UTF-16": (
        {**CSV, "compression": "gzip", "encoding": "utf-16"},
        lambda: gzip.compress((WATCH_HEADER + "\n" + "x" * 25_000_000).encode("utf-16")),
        LONG,
    ),
    "50 million empty lines": ({**CSV, "compression": "gzip"}, lambda: gzip.compress(HEADER + b"\n" * 50_000_000), SWELLS),
    "150 MB of short lines": ({**CSV, "compression": "gzip"}, lambda: gzip.compress(HEADER + (b"x" * 99 + b"\n") * 1_500_000), SWELLS),
    "one line of JSON": (
        {"kind": "jsonl", "compression": "gzip"},
        lambda: gzip.compress(b'{"report_no": "' + b"x" * 150_000_000 + b'"}\n'),
        LONG,
    ),
    "one record of XML": (XML, lambda: gzip.compress(b"<reports><report>" + b"<a>x</a>" * 8_000_000), LONG),
    "XML without a record": (XML, lambda: gzip.compress(b"<reports>" + b"<other/>" * 8_000_000), LONG),
    "XML whose paths are long": (
        XML,
        lambda: gzip.compress(
            b"<reports><report>"
            + b"".join(b"<" + b"a" * 4000 + b">" for _ in range(100))
            + b"".join(b"<b%d/>" % n for n in range(50_000))
            + b"".join(b"</" + b"a" * 4000 + b">" for _ in range(100))
            + b"</report></reports>"
        ),
        LONG,
    ),
    "Parquet of one long text, repeated": (
        {"kind": "parquet"},
        lambda: parquet({"surname": repeated("x" * 100_000, 36_000)}),
        SWELLS,
    ),
    "Parquet of one text of 20 MB": (
        {"kind": "parquet"},
        lambda: parquet({"surname": pa.array(["x" * 20_000_000])}, use_dictionary=False),
        LONG,
    ),
    "Parquet without a dictionary": (
        {"kind": "parquet"},
        lambda: parquet({"surname": repeated("x" * 100_000, 3000)}, use_dictionary=False),
        SWELLS,
    ),
    "Parquet of prefixes": (
        {"kind": "parquet"},
        lambda: parquet({"surname": repeated("x" * 100_000, 3000)}, use_dictionary=False, column_encoding={"surname": "DELTA_BYTE_ARRAY"}),
        "DELTA_BYTE_ARRAY",
    ),
    "Parquet of nothing, 3 million times": (
        {"kind": "parquet"},
        lambda: parquet({"surname": pa.nulls(3_000_000, pa.string())}),
        SWELLS,
    ),
    "Parquet with a long name": (
        {"kind": "parquet"},
        lambda: parquet({"x" * 500_000: pa.nulls(20_000, pa.int32())}),
        SWELLS,
    ),
    "Excel of one shared text, repeated": (
        {"kind": "xlsx"},
        lambda: excel(
            b"<si><t>" + b"x" * 30_000 + b"</t></si>",
            b"".join(b'<row r="%d"><c r="A%d" t="s"><v>0</v></c></row>' % (n, n) for n in range(2, 100_000)),
        ),
        SWELLS,
    ),
    "Excel of one text of 20 MB": (
        {"kind": "xlsx"},
        lambda: excel(b"<si><t>" + b"x" * 20_000_000 + b"</t></si>", b'<row r="2"><c r="A2" t="s"><v>0</v></c></row>'),
        LONG,
    ),
    "Excel of 8 million shared texts": ({"kind": "xlsx"}, lambda: excel(b"<si/>" * 8_000_000, b""), SWELLS),
    "Excel of 12 million cells": ({"kind": "xlsx"}, lambda: excel(b"", b'<row r="2">' + b"<c/>" * 12_000_000 + b"</row>"), SWELLS),
}


@pytest.mark.slow
@pytest.mark.parametrize(("form", "content", "reason"), FILES.values(), ids=FILES)
def test_a_file_that_swells_is_refused_in_time_and_memory(
    desk: Desk, form: dict[str, Any], content: Callable[[], bytes], reason: str
) -> None:
    root = desk.settings.home.parent
    shutil.copytree(TOY, root / "toy")
    path = root / "toy" / "contracts" / "watch" / "reports.yaml"
    contract = yaml.safe_load(path.read_text(encoding="utf-8")) | {"format": form}
    path.write_text(yaml.safe_dump(contract, allow_unicode=True), encoding="utf-8")
    packed = content()
    desk.send(packed)
    command = [sys.executable, "-m", "tests.deliveries.measured_intake", str(root)]
    done = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr
    cost = json.loads(done.stdout)
    sys.stdout.write(f"{len(packed):,} bytes: {cost}\n")  # shown with -rP
    assert reason in cost["sentence"]
    # The time of the processor: how long the clock runs is up to whatever else this machine does.
    assert (cost["cpu_seconds"] <= SECONDS, cost["peak_mib"] <= MIB) == (True, True), cost


def test_a_register_of_ordinary_size_does_not_swell(desk: Desk) -> None:
    desk.send([report(f"R{n:04}") for n in range(9000)])
    assert desk.take_in().rows > 9000
