"""Packed files are opened a chunk at a time; what is damaged, holds other files than one, or swells without end is refused."""

from __future__ import annotations

import gzip
import io
import zipfile
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from das_pipeline.deliveries.contract import Format
from das_pipeline.deliveries.reading import Lines
from das_pipeline.deliveries.unpacking import Growth, NotReadable, unpacked
from tests.deliveries.conftest import LIMIT

TEXT = b"no;name\n" + b"".join(b"%d;Ada %d\n" % (n, n * 7919) for n in range(2000))


def in_chunks(content: bytes, size: int) -> list[bytes]:
    return [content[n : n + size] for n in range(0, len(content), size)]


def zipped(members: dict[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    whole = io.BytesIO()
    with zipfile.ZipFile(whole, "w", method) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return whole.getvalue()


@given(size=st.integers(1, 5000), parts=st.integers(1, 3))
def test_all_members_of_a_gzip_file_are_its_content(size: int, parts: int) -> None:
    packed = b"".join(gzip.compress(part) for part in in_chunks(TEXT, len(TEXT) // parts + 1))
    assert b"".join(unpacked(in_chunks(packed, size), "gzip", Growth(LIMIT))) == TEXT


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_the_one_file_in_a_zip_file_is_its_content(method: int) -> None:
    packed = zipped({"folder/": b"", "folder/reports.csv": TEXT}, method)
    assert b"".join(unpacked(in_chunks(packed, 1000), "zip", Growth(LIMIT))) == TEXT


def protected() -> bytes:
    packed = bytearray(zipped({"a.csv": TEXT}))
    for signature, flags in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        packed[packed.index(signature) + flags] |= 1
    return bytes(packed)


def with_a_false_size() -> bytes:
    """A member that says it is small."""
    packed = zipped({"a.csv": b"0" * 300_000})
    return packed.replace((300_000).to_bytes(4, "little"), (10).to_bytes(4, "little"))


def with_a_torn_member() -> bytes:
    packed = bytearray(zipped({"a.csv": TEXT}))
    packed[200:220] = bytes(20)
    return bytes(packed)


DAMAGE = {
    "two files": ("zip", zipped({"a.csv": b"a", "b.csv": b"b"}), "I03", "holds 2 files"),
    "no file": ("zip", zipped({"folder/": b""}), "I03", "holds 0 files"),
    "no zip": ("zip", TEXT, "I03", "is not a zip file"),
    "empty zip": ("zip", b"", "I03", "is not a zip file"),
    "cut-off zip": ("zip", zipped({"a.csv": TEXT})[:-30], "I03", "is not a zip file"),
    "password": ("zip", protected(), "I03", "password"),
    "torn zip": ("zip", with_a_torn_member(), "I03", "damaged"),
    "false size": ("zip", with_a_false_size(), "I03", "damaged"),
    "no gzip": ("gzip", TEXT, "I03", "is not a gzip file"),
    "cut-off gzip": ("gzip", gzip.compress(TEXT)[:-9], "I05", "cut off"),
    "cut-off mark of gzip": ("gzip", gzip.compress(TEXT)[:-2], "I05", "cut off"),
    "gzip and more": ("gzip", gzip.compress(TEXT) + b"more", "I03", "is not a gzip file"),
    "changed gzip": ("gzip", gzip.compress(TEXT)[:-8] + b"12345678", "I03", "is not a gzip file"),
}


@pytest.mark.parametrize(("compression", "packed", "rule", "said"), DAMAGE.values(), ids=DAMAGE)
def test_a_damaged_file_is_refused_and_says_why(compression: str, packed: bytes, rule: str, said: str) -> None:
    lines = Lines(in_chunks(packed, 1000), Format.model_validate({"kind": "csv", "header": True, "compression": compression}), LIMIT)
    for _ in lines.reader():
        pass
    assert lines.problem is not None
    assert (lines.problem.rule, said in str(lines.problem)) == (rule, True)


@pytest.mark.parametrize("compression", ["gzip", "zip"])
def test_a_file_that_swells_beyond_reason_is_refused_before_it_has(compression: Any) -> None:
    bomb = bytes(40 << 20)
    packed = gzip.compress(bomb) if compression == "gzip" else zipped({"a.csv": bomb})
    growth = Growth(LIMIT.model_copy(update={"always_mib": 1}))
    came: list[int] = []
    with pytest.raises(NotReadable, match="unpacks to more than 200 times its size"):
        came.extend(len(chunk) for chunk in unpacked(in_chunks(packed, 1 << 16), compression, growth))
    assert sum(came) <= 200 * len(packed) + (1 << 20)


def test_a_small_file_may_be_as_repetitive_as_it_likes() -> None:
    assert len(b"".join(unpacked([gzip.compress(bytes(10 << 20))], "gzip", Growth(LIMIT)))) == 10 << 20


def test_packed_xml_that_is_damaged_is_refused() -> None:
    form = Format.model_validate({"kind": "xml", "record": "case", "root": "cases", "compression": "gzip"})
    lines = Lines([gzip.compress(b"<cases><case><no>1</no></case></cases>") + b"?"], form, LIMIT)
    for _ in lines.reader():
        pass
    assert lines.problem is not None
