"""Bytes of a text file into lines: cut at line ends and decoded, with the rule that a line breaks when it is not text."""

from __future__ import annotations

import codecs
from collections.abc import Iterable, Iterator
from typing import cast

import numpy as np
import pyarrow as pa

from das_pipeline.deliveries.cells import compute
from das_pipeline.deliveries.unpacking import Growth, NotReadable


def blocks(chunks: Iterable[bytes], growth: Growth) -> Iterator[tuple[bytes, bool]]:
    """The bytes cut at line ends, and whether the last line of each block ends in one."""
    rest = b""
    for chunk in chunks:
        block = rest + chunk
        cut = block.rfind(b"\n")
        rest = block[cut + 1 :]
        growth.require_line(len(rest))
        if cut >= 0:
            yield block[:cut].replace(b"\r\n", b"\n").removesuffix(b"\r"), True
    if rest:
        yield rest.replace(b"\r\n", b"\n"), False


codecs.register_error("as_invalid_utf_8", lambda error: ("\udcff", cast("UnicodeDecodeError", error).end))


def from_utf_16(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """UTF-16 as UTF-8. What is not valid becomes a byte that is not valid either, so that its line gets a fault."""
    decoder = codecs.getincrementaldecoder("utf-16")("as_invalid_utf_8")
    start = b""
    for chunk in chunks:
        if len(start) < 2:  # without a mark the decoder would guess the order of the bytes
            start += chunk
            if len(start) < 2:
                continue
            if start[:2] not in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE):
                raise NotReadable("I03", "has no byte order mark: it is not utf-16. Ask the sender in which character set it was written.")
            chunk = start
        yield decoder.decode(chunk).encode(errors="surrogateescape")
    yield decoder.decode(b"", final=True).encode(errors="surrogateescape")


def decoded(block: bytes, encoding: str) -> tuple[pa.Array, pa.Array]:
    """The lines of a block and, for each, I03 when it is not text in `encoding`, else null.

    A line of a one-byte character set that is valid UTF-8 beyond ASCII was written as UTF-8: it would read as `Ã©`.
    """
    try:
        text = block.decode(encoding)
    except UnicodeDecodeError:
        text = None
    if text is None or "\0" in text:
        return _decoded_one_by_one(block, encoding)
    lines = compute.split_pattern(pa.array([text], pa.string()), "\n").flatten()
    if encoding == "utf-8" or block.isascii():
        return lines, pa.nulls(len(lines), pa.string())
    places = np.flatnonzero(compute.not_equal(compute.binary_length(lines), compute.utf8_length(lines)).to_numpy(zero_copy_only=False))
    written = lines.take(pa.array(places)).to_pylist()  # the lines beyond ASCII
    faults = np.full(len(lines), None, dtype=object)
    faults[[place for place, line in zip(places, written, strict=True) if _is_utf8(line.encode(encoding))]] = "I03"
    return lines, pa.array(faults, pa.string())


def _decoded_one_by_one(block: bytes, encoding: str) -> tuple[pa.Array, pa.Array]:
    """The same of a block with a line that is not text."""
    lines, faults = [], []
    for raw in block.split(b"\n"):
        try:
            text, fault = raw.decode(encoding), None
            if b"\0" in raw or (encoding != "utf-8" and not raw.isascii() and _is_utf8(raw)):
                fault = "I03"
        except UnicodeDecodeError:
            text, fault = raw.decode(encoding, errors="replace"), "I03"
        lines.append(text)
        faults.append(fault)
    return pa.array(lines, pa.string()), pa.array(faults, pa.string())


def _is_utf8(raw: bytes) -> bool:
    try:
        raw.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True
