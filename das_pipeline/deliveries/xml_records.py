"""An XML document as a stream of records: each a JSON object of the texts of its leaves, and whether that is all there is in it."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Iterator

from lxml import etree

from das_pipeline.deliveries.contract import Format
from das_pipeline.deliveries.unpacking import Growth, NotReadable

as_json = json.JSONEncoder(ensure_ascii=False, check_circular=False).encode
_RECORDS_A_BATCH, _BYTES_A_BATCH = 16_384, 1 << 20
_NIL = "{http://www.w3.org/2001/XMLSchema-instance}nil"


def xml_records(
    chunks: Iterable[bytes], format: Format, growth: Growth, only: Collection[int] | None = None
) -> Iterator[tuple[list[str], list[str | None], bool]]:
    """The records of a document in batches: their lines, the rule each breaks (I05 or None), and whether the document is closed so far.

    NotReadable for a document with anything beside its records. Records that are not among `only` are left empty.
    """
    records: list[str] = []
    faults: list[str | None] = []
    size = 0
    source = _Readable(iter(chunks), growth)
    # No entities, no network: a document must not make this reader open anything.
    elements = etree.iterparse(source, events=("end",), tag=f"{{*}}{format.record}", resolve_entities=False, no_network=True)
    is_closed = True
    try:
        for number, (_, element) in enumerate(elements, start=1):
            source.record_ended()
            _require_known(element, format)
            leaves, is_plain = _leaves(element, growth) if only is None or number in only else ({}, True)
            records.append(as_json(leaves))
            faults.append(None if is_plain else "I05")
            size += len(records[-1])
            element.clear(keep_tail=True)
            while element.getprevious() is not None:  # what was read is let go: memory stays flat
                _require_known(element.getprevious(), format, is_read=True)
                del element.getparent()[0]
            if len(records) == _RECORDS_A_BATCH or size > _BYTES_A_BATCH:
                yield records, faults, is_closed
                records, faults, size = [], [], 0
        for element in elements.root if elements.root is not None else ():
            _require_known(element, format, is_read=True)
        if elements.root is not None and format.root not in (None, elements.root.tag.rpartition("}")[2]):
            raise NotReadable("I03", f"is not a document of {format.root}: its outermost element is another. Ask what it is.")
    except etree.XMLSyntaxError as error:
        is_closed = False
        code: int = error.code  # pyright: ignore[reportAttributeAccessIssue]
        if not source.is_cut_off(code):
            raise NotReadable("I05", "is empty. Ask for it again." if source.is_empty else _why_unreadable(code, error.lineno)) from None
    yield records, faults, is_closed


_MALFORMED = {
    etree.ErrorTypes.ERR_NAME_REQUIRED: "there is a & or < in a text that is not written as &amp; or &lt;",
    etree.ErrorTypes.ERR_ENTITYREF_SEMICOL_MISSING: "there is a & in a text that is not written as &amp;",
    etree.ErrorTypes.ERR_TAG_NAME_MISMATCH: "an element is closed under another name than that with which it was opened",
    etree.ErrorTypes.ERR_INVALID_CHAR: "there is a character that XML does not allow",
    etree.ErrorTypes.ERR_INVALID_ENCODING: "there are bytes that are not in its character set",
    etree.ErrorTypes.ERR_DOCUMENT_END: "something comes after its end, as when two documents are in one file",
    etree.ErrorTypes.ERR_RESERVED_XML_NAME: "the declaration <?xml …?> is not what it begins with",
}


def _why_unreadable(code: int, line: int | None) -> str:
    """What is wrong with a document that is no XML; the library's own text may quote it."""
    why = _MALFORMED.get(code, "its marks do not fit together")
    return f"is not XML that can be read: on line {line or 1:,} {why}. Ask for it again."


def _require_known(element: etree._Element, format: Format, *, is_read: bool = False) -> None:
    """Raise NotReadable for what would be lost: an element beside the records, a record elsewhere, text between them once `is_read`."""
    above = element.getparent()
    is_record = isinstance(element.tag, str) and element.tag.rpartition("}")[2] == format.record
    if (isinstance(element.tag, str) and not is_record) or (is_record and (above is None or above.getparent() is not None)):
        raise NotReadable("I03", f"has other elements than {format.record} directly under its outermost one. Ask for the records alone.")
    if is_read and (element.tail or "").strip():
        raise NotReadable("I03", "has text between its records. Ask for the records alone.")


def _leaves(record: etree._Element, growth: Growth) -> tuple[dict[str, object], bool]:
    """The text of every leaf of a record by its path below the record, and whether it is plain.

    In a plain record each leaf is one text: no path twice, no attribute, and no entity, comment or text beside other elements. An element
    around others is kept as an empty object, so that it is not taken for a leaf that is missing.
    """
    leaves: dict[str, object] = {}
    longest, size = growth.longest, 0
    is_plain = not record.keys() and not (record.text or "").strip()
    waiting = [("", child) for child in reversed(record)]
    while waiting:
        above, element = waiting.pop()
        tag, text, tail = element.tag, element.text or "", element.tail
        if tail is not None and tail.strip():
            is_plain = False
        if not isinstance(tag, str):  # a comment, or an entity that is not opened
            is_plain = is_plain and tag is not etree.Entity
            continue
        path = above + tag.rpartition("}")[2]
        if path in leaves or (element.keys() and not _says_only_that_it_is_empty(element, text)):
            is_plain = False
        if not len(element):
            leaves[path] = text
        else:
            # A comment alone inside an element cuts a leaf in two.
            is_plain = is_plain and not text.strip() and any(isinstance(child.tag, str) for child in element)
            leaves[path] = {}
            waiting.extend((f"{path}/", child) for child in reversed(element))
        size += len(path) + len(text)
        if size > longest:
            growth.require_line(size)
    return leaves, is_plain


def _says_only_that_it_is_empty(element: etree._Element, text: str) -> bool:
    """Whether nothing is said in attributes but that an empty element is empty."""
    return dict(element.attrib) == {_NIL: "true"} and not text and not len(element)


class _Readable:
    """An iterator of chunks as a file, which raises NotReadable when no record ends for too long."""

    def __init__(self, chunks: Iterator[bytes], growth: Growth) -> None:
        self._chunks = chunks
        self._growth = growth
        self._rest = b""
        self._end = b""
        self._since_record = 0

    @property
    def is_empty(self) -> bool:
        return not self._end.strip()

    def is_cut_off(self, code: int) -> bool:
        """Whether the document, in which everything up to the error `code` was read, ends too early."""
        end = self._end.replace(b"\0", b"").rstrip()
        return bool(end) and (code == etree.ErrorTypes.ERR_TAG_NOT_FINISHED or not end.endswith(b">"))

    def record_ended(self) -> None:
        self._since_record = 0

    def read(self, size: int = -1) -> bytes:
        self._growth.require_line(self._since_record)
        while size < 0 or len(self._rest) < size:
            chunk = next(self._chunks, None)
            if chunk is None:
                break
            self._rest += chunk
        size = len(self._rest) if size < 0 else size
        content, self._rest = self._rest[:size], self._rest[size:]
        self._since_record += len(content)
        self._end = content[-64:] if content.strip() else self._end
        return content
