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
    except etree.XMLSyntaxError:
        is_closed = False
    yield records, faults, is_closed


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
        self._since_record = 0

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
        return content
