"""Excel as rows of cells. Its directory is at the end, so the packed bytes are held in memory; the library holds a sheet as a whole."""

from __future__ import annotations

import io
import re
import unicodedata
import zipfile
from array import array
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time
from itertools import islice
from typing import Any

import pyarrow as pa
from lxml import etree
from python_calamine import CalamineError, SheetTypeEnum, SheetVisibleEnum, load_workbook

from das_pipeline.deliveries.cells import BYTES_A_VALUE, ROWS_A_BATCH, Cells, pieces
from das_pipeline.deliveries.unpacking import Growth, NotReadable, gathered, member_content, open_zip, require_distinct

_DAMAGE = (CalamineError, OSError, ValueError)  # what the library raises; its texts may hold values
# A formatted cell far below a table makes a sheet of millions of empty rows: of these, and some that are always allowed, so many a cell.
_PLACES_A_CELL, _PLACES_ALLOWED = 20, 10_000_000
_BYTES_A_PLACE = 250  # what the place of a cell takes in memory
_NO_DAY = (1900, 2, 28)  # and of 29 February 1900, which Excel has and no calendar, the library makes the day before
_EXACT = 10**15  # Excel keeps fifteen digits of a number: of a longer one the last are lost
# Tags alone, never an element to its end: a pattern that looks for an end that is not there takes for ever.
_CELL = re.compile(
    rb"<(?:\w+:)?(?:c(?P<cell>(?:[\s/][^<>]*)?)>|v(?:\s[^<>]*)?>(?P<value>[^<]+)<|(?P<formula>f)(?:[\s/][^<>]*)?>|mergeCell\s(?P<merge>[^<>]*)>)"
)
_STRING = re.compile(rb"<(?:\w+:)?si(?:[\s/][^<>]*)?>")
_SHARED = re.compile(rb"\bt\s*=\s*[\"']s[\"']")
_PLACE = re.compile(rb"\br\s*=\s*[\"']([A-Z]{1,3})([0-9]{1,7})[\"']")
_IS_ERROR = re.compile(rb"\bt\s*=\s*[\"']e[\"']")
_IS_TEXT = re.compile(rb"\bt\s*=\s*[\"']str[\"']")  # of a formula: its text, which may be none
_RANGE = re.compile(rb"\bref\s*=\s*[\"']([A-Z]{1,3})([0-9]{1,7}):([A-Z]{1,3})([0-9]{1,7})[\"']")
_RELATION = re.compile(rb"<(?:\w+:)?Relationship\s[^<>]*>")
_TARGET = re.compile(rb"\bTarget\s*=\s*[\"']([^\"'<>]*)[\"']")
_TYPE = re.compile(rb"\bType\s*=\s*[\"'][^\"'<>]*/(worksheet|sharedStrings|styles)[\"']")
_STYLE = re.compile(rb"\bs\s*=\s*[\"']([0-9]{1,9})[\"']")
_IS_INLINE = b"inlineStr"
# In a cell with a day, a moment so close to midnight that the library makes the next day of it.
_LAST_MOMENT = b".9999999"
_DAYS = {*range(14, 23), *range(27, 37), *range(45, 48), *range(50, 59)}  # the formats of days and times that have a number and no code
_IS_NUMBER = re.compile(rb"\bt\s*=\s*[\"']n[\"']|^(?!.*\bt\s*=)", re.DOTALL)
# A format that shows a number in so many digits, as 00000 or 000-00-0000: zeros, and signs that stand for themselves.
_DIGITS = re.compile(r"(?:0|[- ()]|\\.|\"[^\"]*\"|_.)+")
_TEXTS = "xl/sharedstrings.xml"


@dataclass(frozen=True)
class _Looks:
    """What the library does not tell of a sheet."""

    broken: set[int] = field(default_factory=set)  # rows that it would read as empty although they are not
    digits: dict[int, dict[int, int]] = field(default_factory=dict)  # in how many digits a shorter number is shown, by row and column

    def note(self, row: int) -> None:
        self.broken.add(_placed(row))


def excel_cells(chunks: Iterable[bytes], growth: Growth, texts: Collection[str] = ()) -> tuple[tuple[str, ...], Iterator[Cells]]:
    """The names in the first row of an Excel file that has something in it, and the rows below, numbered as the sheet numbers them.

    A number that is shown with zeros before it has them. `texts` are the columns of text: a day, truth or fraction in one is what Excel
    made of something else, as of 12-17, WAAR or 1.10, and the row is not understood (I05).
    """
    packed = gathered(growth.counted(chunks))
    looks = _look_through(packed, growth)
    try:
        with load_workbook(packed) as book:
            sheets = book.sheets_metadata
            shown = [s.name for s in sheets if s.visible == SheetVisibleEnum.Visible and s.typ == SheetTypeEnum.WorkSheet]
            filled = [sheet for sheet in map(book.get_sheet_by_name, shown) if sheet.start is not None]
    except _DAMAGE:
        raise NotReadable("I03", "is not an Excel file (.xlsx), or is damaged. Ask for it again.") from None
    if len(filled) > 1:
        raise NotReadable("I03", f"has {len(filled)} sheets with something in them: one is the table. Ask for a file with that sheet only.")
    if not filled:
        raise NotReadable("I05", "has no sheet with something in it that is shown: hidden sheets are not read. Ask for it again.")
    sheet = filled[0]
    top = (sheet.start or (0, 0))[0]
    rows = (row[-sheet.width :] for row in islice(sheet.iter_rows(), top, None))  # the library gives the empty rows above the table
    names = tuple((cell_text(value) or "").strip() for value in next(rows))
    require_distinct(names)
    of_text = [n for n, name in enumerate(names) if unicodedata.normalize("NFC", name) in texts]
    left = (sheet.start or (0, 0))[1]
    return names, _excel_rows(rows, (top + 2, left + 1), looks, names, of_text, growth)


def _excel_rows(
    rows: Iterator[list[Any]], first_cell: tuple[int, int], looks: _Looks, names: Sequence[str], of_text: Sequence[int], growth: Growth
) -> Iterator[Cells]:
    start, left = first_cell
    while batch := list(islice(rows, ROWS_A_BATCH)):
        faults = ["I05" if start + n in looks.broken or not _is_understood(row, of_text) else None for n, row in enumerate(batch)]
        columns = [[cell_text(value) for value in column] for column in zip(*batch, strict=True)]
        for n in range(len(batch)) if looks.digits else ():
            for column, shown in looks.digits.get(start + n, {}).items():
                columns[column - left][n] = (columns[column - left][n] or "").zfill(shown)
        texts = [pa.array(column, pa.string()) for column in columns]
        for first, length in pieces(names, texts, growth):
            yield Cells(start + first, [text.slice(first, length) for text in texts], faults[first : first + length])
        start += len(batch)


def _is_understood(row: Sequence[Any], of_text: Sequence[int]) -> bool:
    """Whether a row has something, each of its numbers and days as it was entered, and nothing that Excel made of a text."""
    if not any(value != "" for value in row) or any(isinstance(value, int | float) and abs(value) >= _EXACT for value in row):
        return False
    if any(isinstance(value, date) and (value.year, value.month, value.day) == _NO_DAY for value in row):
        return False
    return not any(isinstance(row[n], bool | date) or (isinstance(row[n], float) and not row[n].is_integer()) for n in of_text)


def cell_text(value: Any) -> str | None:
    """Return a value of a cell as text; None for an empty one."""
    match value:
        case "":
            return None
        case str():
            return value
        case bool():
            return "true" if value else "false"
        case int() | float():
            return f"{value:.15g}"
        case datetime():
            return str(value.date()) if value.time() == time() else value.strftime("%Y-%m-%d %H:%M:%S")
        case date():
            return value.isoformat()
    return str(value)


def _look_through(packed: io.BytesIO, growth: Growth) -> _Looks:
    """The rows that the library would read as empty although they are not (errors, formulas without a value, cells below a merge), and
    the numbers that are shown with zeros before them.

    NotReadable when a part is not what it says, or when the library, which holds a sheet as a whole, would need far more memory than the
    file's size accounts for.
    """
    looks = _Looks()
    with open_zip(packed, "an Excel file (.xlsx), or is protected with a password") as book:
        members = {member.filename: member for member in book.infolist()}
        if "xl/workbook.xml" not in members or {"xl/workbook.bin", "content.xml"} & {*members}:  # the library would read other forms too
            raise NotReadable("I03", "is not an Excel file (.xlsx). Ask for that form.")
        growth.require(sum(member.file_size for member in book.infolist()))
        directory = members.get("xl/_rels/workbook.xml.rels")
        parts = _parts(b"".join(member_content(book, directory, growth)) if directory else b"")
        if any(name.lower() != _TEXTS for name in parts["sharedStrings"]):
            raise NotReadable("I03", "keeps its texts in a part of an unusual name. Open it in Excel, save it, and send that.")
        shared = array("Q")
        for member in (m for name, m in members.items() if name.lower() == _TEXTS):
            shared.extend(_string_sizes(member_content(book, member, growth), growth))
        styles = [digits for name in parts["styles"] & {*members} for digits in _digits_shown(book, members[name], growth)]
        sheets = [member for name, member in members.items() if name in parts["worksheet"]]
        for member in (m for name, m in members.items() if name.lower() != _TEXTS and m not in sheets):
            for _ in member_content(book, member, growth):  # reading it to its end checks it
                pass
        for member in sheets:
            _look_at_sheet(looks, member_content(book, member, growth), shared, styles, growth)
    if (looks.broken or looks.digits) and len(sheets) > 1:
        raise NotReadable(
            "I03",
            "has errors, formulas or merged cells without a value, or numbers shown with zeros before them, and more than one sheet."
            " Ask for one sheet.",
        )
    packed.seek(0)
    return looks


def _digits_shown(book: zipfile.ZipFile, styles: zipfile.ZipInfo, growth: Growth) -> Iterator[int]:
    """In how many digits at least each style of a workbook shows a whole number, in their order: 1 of most, 0 of a day or time."""
    try:
        root = etree.fromstring(b"".join(member_content(book, styles, growth)), etree.XMLParser(resolve_entities=False, no_network=True))
    except etree.XMLSyntaxError:
        raise NotReadable("I03", "is a damaged Excel file: its styles cannot be read. Ask for it again.") from None
    codes = {of.get("numFmtId"): of.get("formatCode", "") for of in root.iterfind("{*}numFmts/{*}numFmt")}
    for style in root.iterfind("{*}cellXfs/{*}xf"):
        code = re.sub(r"\[[^\]]*\]", "", codes.get(style.get("numFmtId"), "").split(";")[0])
        zeros = re.sub(r"\\.|\"[^\"]*\"|_.", "", code).count("0")
        letters = re.sub(r"\\.|\"[^\"]*\"|_.", "", code).lower()
        if int(style.get("numFmtId") or 0) in _DAYS or (letters != "general" and set(letters) & set("ymdhs")):
            yield 0
        else:
            yield zeros if _DIGITS.fullmatch(code) and zeros > 1 else 1


def _parts(directory: bytes) -> dict[str, set[str]]:
    """The names of the sheets, of the shared texts and of the styles, as the workbook's relationships give them."""
    parts: dict[str, set[str]] = {"worksheet": set(), "sharedStrings": set(), "styles": set()}
    for relation in _RELATION.findall(directory):
        kind, target = _TYPE.search(relation), _TARGET.search(relation)
        if kind and target:
            name = target.group(1).decode("utf-8", errors="replace")
            parts[kind.group(1).decode()].add(name.removeprefix("/") if name.startswith("/") else f"xl/{name.removeprefix('./')}")
    return parts


def _string_sizes(content: Iterable[bytes], growth: Growth) -> Iterator[int]:
    """How much memory each of the shared strings takes, at most."""
    start = end = None
    for number, (end, _) in enumerate(_tags(_STRING, content, growth)):
        growth.require(number * BYTES_A_VALUE)
        if start is not None:
            yield end - start + BYTES_A_VALUE
        start = end
    if start is not None:
        yield growth.longest  # the last one: no longer than any text may be


def _look_at_sheet(looks: _Looks, content: Iterable[bytes], shared: Sequence[int], styles: Sequence[int], growth: Growth) -> None:
    """Add to `looks` what is not read of a sheet; NotReadable when it swells, or when cells lie far outside its table."""
    cells = size = bottom = right = row = column = 0
    is_shared = is_text = False
    is_any_padded, digits = any(shown > 1 for shown in styles), 1
    waiting: int | None = None  # the row of a formula whose value did not come yet
    attributes, last = b"", (0, 0)
    for _, tag in _tags(_CELL, _in_utf_8(content), growth):
        if (index := tag["value"]) is not None:
            waiting = None
            if is_shared and not index.strip().isdigit():
                raise NotReadable("I03", "is a damaged Excel file: a cell names a text that is not there. Ask for it again.")
            if _IS_INLINE in attributes or (_LAST_MOMENT in index and _shown(attributes, styles) == 0):
                looks.note(row)
            size += shared[int(index)] if is_shared and int(index) < len(shared) else 0
            if digits > 1 and len(index := index.split(b".")[0]) < digits and index.isdigit():
                size += _BYTES_A_PLACE
                looks.digits.setdefault(_placed(row), {})[column] = digits
            growth.require(size)
        elif tag["formula"] is not None:
            waiting = None if is_text else row
        elif (merge := tag["merge"]) is not None:
            looks.broken.update(_below(merge, bottom))
        else:
            if waiting is not None:
                looks.note(waiting)
            attributes, waiting = tag["cell"], None
            cells += 1
            size += BYTES_A_VALUE
            growth.require(size)
            is_shared, is_text = _SHARED.search(attributes) is not None, _IS_TEXT.search(attributes) is not None
            place = _PLACE.search(attributes)
            row, column = (int(place[2]), _column_number(place[1])) if place else (0, 0)
            if place and (row, column) <= last:
                raise NotReadable(
                    "I03", f"has cells twice, or not in their order, in row {row:,}. Open it in Excel, save it, and send that."
                )
            bottom, right, last = max(bottom, row), max(right, column), (row, column)
            if _IS_ERROR.search(attributes):
                looks.note(row)
            if is_any_padded:
                digits = _shown(attributes, styles)
    if waiting is not None:
        looks.note(waiting)
    if bottom * right > max(_PLACES_ALLOWED, cells * _PLACES_A_CELL):
        raise NotReadable("I03", "has cells far outside its table. Ask for a sheet with the table only.")


def _shown(attributes: bytes, styles: Sequence[int]) -> int:
    """In how many digits a cell shows its number, which is 0 of a day or time."""
    style = _STYLE.search(attributes)
    number = int(style[1]) if style and _IS_NUMBER.search(attributes) else 0
    return styles[number] if number < len(styles) else 1


def _placed(row: int) -> int:
    """The row of a cell that is not read as it is shown; NotReadable when it is not known."""
    if not row:
        raise NotReadable(
            "I03",
            "has errors, formulas without a value, or numbers shown with zeros before them in cells that do not say where they are."
            " Ask for it without them.",
        )
    return row


def _below(merge: bytes, bottom: int) -> set[int]:
    """The rows of a merged range in which a cell is empty only because the one at its top left has the value."""
    if (place := _RANGE.search(merge)) is None:
        return set()
    left, top, right, last = place.groups()
    return set(range(int(top) + (left == right), min(int(last), bottom) + 1))


def _in_utf_8(content: Iterable[bytes]) -> Iterator[bytes]:
    """The chunks of a part, whose tags can be seen only in UTF-8."""
    for number, chunk in enumerate(content):
        if not number and (b"\0" in chunk[:4] or chunk[:2] in (b"\xff\xfe", b"\xfe\xff")):
            raise NotReadable("I03", "has a sheet in UTF-16. Open it in Excel, save it, and send that.")
        yield chunk


def _tags(pattern: re.Pattern[bytes], content: Iterable[bytes], growth: Growth) -> Iterator[tuple[int, re.Match[bytes]]]:
    """Every match of `pattern`, which begins and may end with a `<`, in a stream, and where it begins."""
    rest, before = b"", 0
    for chunk in content:
        rest += chunk
        last = max(rest.rfind(b"<"), 0)
        for match in pattern.finditer(rest, 0, last + 1):
            yield before + match.start(), match
        rest, before = rest[last:], before + last
        growth.require_line(len(rest))
    for match in pattern.finditer(rest):
        yield before + match.start(), match


def _column_number(letters: bytes) -> int:
    """1 for A, 26 for Z, 27 for AA."""
    number = 0
    for letter in letters:
        number = number * 26 + letter - 64
    return number
