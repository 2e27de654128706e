"""Excel files of one sheet. Rows are composed as text, which is much faster than with any library."""

from __future__ import annotations

import shutil
import zipfile
from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import BinaryIO
from xml.sax.saxutils import escape

import numpy as np
import pyarrow as pa

from das_pipeline.deliveries import Contract
from das_pipeline.errors import ConfigurationError
from simulation.deliveries.layout import Layout, Texts
from simulation.draws import compute, joined

_EXCEL_EPOCH = np.datetime64("1899-12-30")
_MOST_ROWS = 1 << 20
_DECLARATION = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'
_OFFICE = "http://schemas.openxmlformats.org"
_PACKAGE = f"{_OFFICE}/package/2006"
_RELATION = f"{_OFFICE}/officeDocument/2006/relationships"
_MAIN = f"{_OFFICE}/spreadsheetml/2006/main"
_MIME = "application/vnd.openxmlformats-officedocument.spreadsheetml"
# The parts of a workbook of one sheet. Style 1 is a date; the title marks the content as simulated.
_WORKBOOK = {
    "[Content_Types].xml": f"""<Types xmlns="{_PACKAGE}/content-types">\
<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>\
<Default Extension="xml" ContentType="application/xml"/>\
<Override PartName="/xl/workbook.xml" ContentType="{_MIME}.sheet.main+xml"/>\
<Override PartName="/xl/worksheets/sheet1.xml" ContentType="{_MIME}.worksheet+xml"/>\
<Override PartName="/xl/styles.xml" ContentType="{_MIME}.styles+xml"/>\
<Override PartName="/docProps/core.xml" ContentType="application/vnd.openxmlformats-package.core-properties+xml"/></Types>""",
    "_rels/.rels": f"""<Relationships xmlns="{_PACKAGE}/relationships">\
<Relationship Id="rId1" Type="{_RELATION}/officeDocument" Target="xl/workbook.xml"/>\
<Relationship Id="rId2" Type="{_PACKAGE}/relationships/metadata/core-properties" Target="docProps/core.xml"/></Relationships>""",
    "docProps/core.xml": f"""<cp:coreProperties xmlns:cp="{_PACKAGE}/metadata/core-properties" \
xmlns:dc="http://purl.org/dc/elements/1.1/"><dc:title>is_simulated</dc:title></cp:coreProperties>""",
    "xl/workbook.xml": f"""<workbook xmlns="{_MAIN}" xmlns:r="{_RELATION}">\
<sheets><sheet name="Sheet1" sheetId="1" r:id="rId1"/></sheets></workbook>""",
    "xl/_rels/workbook.xml.rels": f"""<Relationships xmlns="{_PACKAGE}/relationships">\
<Relationship Id="rId1" Type="{_RELATION}/worksheet" Target="worksheets/sheet1.xml"/>\
<Relationship Id="rId2" Type="{_RELATION}/styles" Target="styles.xml"/></Relationships>""",
    "xl/styles.xml": f"""<styleSheet xmlns="{_MAIN}"><fonts count="1"><font/></fonts>\
<fills count="2"><fill><patternFill patternType="none"/></fill><fill><patternFill patternType="gray125"/></fill></fills>\
<borders count="1"><border/></borders><cellStyleXfs count="1"><xf/></cellStyleXfs>\
<cellXfs count="2"><xf xfId="0"/><xf xfId="0" numFmtId="14" applyNumberFormat="1"/></cellXfs>\
<cellStyles count="1"><cellStyle name="Normal" xfId="0" builtinId="0"/></cellStyles></styleSheet>""",
}


def workbook_rows(contract: Contract, columns: Texts, form: Layout) -> pa.Array:
    """A row element per row; its cells are in order and need no address."""
    return joined(["<row>", *[_cells(contract.by_type(name), columns[name]) for name, _ in form.columns], "</row>"])


def _cells(kind: str | None, text: pa.Array) -> pa.Array:
    """Dates and numbers as such; as text what is neither, whatever type the contract gives."""
    plain = text
    for special in "&<>":
        plain = compute.replace_substring(plain, special, escape(special))
    cell = joined(['<c t="inlineStr"><is><t xml:space="preserve">', plain, "</t></is></c>"])
    if kind in ("integer", "decimal"):
        is_number = compute.match_substring_regex(text, r"^-?(0|[1-9][0-9]{0,13})(\.[0-9]+)?$")
        cell = compute.if_else(is_number, joined(["<c><v>", text, "</v></c>"]), cell)
    if kind == "date":
        serial = _serials(text)
        cell = compute.if_else(compute.is_valid(serial), joined(['<c s="1"><v>', serial, "</v></c>"]), cell)
    is_empty = compute.fill_null(compute.equal(text, ""), True)
    return compute.if_else(is_empty, "<c/>", cell)


def _serials(text: pa.Array) -> pa.Array:
    """Excel's number of a day written as yyyy-mm-dd; null for anything else, and for the first days, which Excel counts wrongly."""
    distinct = text.dictionary_encode()
    numbers = []
    for word in distinct.dictionary.to_pylist():
        try:
            number = (np.datetime64(date.fromisoformat(word)) - _EXCEL_EPOCH).astype(int) if len(word) == 10 else 0
        except ValueError:
            number = 0
        numbers.append(str(number) if number > 60 else None)
    return pa.array(numbers, pa.string()).take(distinct.indices)


def workbook_header(form: Layout) -> str:
    """The row element with the names of the columns."""
    heads = [pa.array([head], pa.string()) for _, head in form.columns]
    return joined(["<row>", *[_cells("text", head) for head in heads], "</row>"])[0].as_py()


def write_workbook(contract: Contract, parts: Sequence[Path], rows: int, out: BinaryIO, form: Layout) -> None:
    """Write a workbook whose one sheet has the `rows` rows of `parts`."""
    if rows >= _MOST_ROWS:
        most = f"an Excel sheet holds {_MOST_ROWS - 1:,}"
        raise ConfigurationError(f"{contract.partner}/{contract.file} has {rows:,} rows and {most}: deliver it in another form.")
    with zipfile.ZipFile(out, "w") as book:
        for name, content in _WORKBOOK.items():
            book.writestr(zip_member(name), _DECLARATION + content)
        with book.open(zip_member("xl/worksheets/sheet1.xml"), "w", force_zip64=True) as sheet:
            sheet.write(f'{_DECLARATION}<worksheet xmlns="{_MAIN}"><sheetData>{workbook_header(form)}'.encode())
            for part in parts:
                with part.open("rb") as source:
                    shutil.copyfileobj(source, sheet, 1 << 20)
            sheet.write(b"</sheetData></worksheet>")


def zip_member(name: str) -> zipfile.ZipInfo:
    """A member of a zip file, dated the first day that zip can represent."""
    member = zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0))
    member.compress_type = zipfile.ZIP_DEFLATED
    return member
