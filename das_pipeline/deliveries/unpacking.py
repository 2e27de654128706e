"""What is wrapped around the lines of a file: gzip and zip, opened in memory, with a limit to what may come out.

Nothing is unpacked to disk. A gzip file is unpacked as it is read; the directory of a zip file is at its end, so that its packed
bytes are held in memory.
"""

from __future__ import annotations

import io
import zipfile
import zlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from das_pipeline.policy import FileSize

_CHUNK = 1 << 20
_IS_ENCRYPTED = 0x1  # a bit of the flags of a member of a zip file
# What the standard library raises for a packed file that is torn or foreign; the reader turns it into NotReadable, with its rule.
_DAMAGE = (zipfile.BadZipFile, zlib.error, EOFError, OSError, NotImplementedError)


class NotReadable(Exception):
    """A file that does not have its declared form. `rule` is the gate rule that it breaks; the text follows the name of the file."""

    def __init__(self, rule: Literal["I03", "I05"], text: str) -> None:
        super().__init__(text)
        self.rule = rule


@dataclass
class Growth:
    """How many bytes of a file came in, and how many may come out. `require` and `require_line` raise NotReadable above that."""

    limit: FileSize
    came: int = 0  # bytes, as the file was sent
    cells: int = 0  # bytes of text in the cells that were read, of Parquet and Excel

    def counted(self, chunks: Iterable[bytes]) -> Iterator[bytes]:
        """The chunks of the file as it was sent."""
        for chunk in chunks:
            self.came += len(chunk)
            yield chunk

    @property
    def most(self) -> int:
        """How many bytes may come out of the bytes received so far."""
        return max(self.limit.always_mib << 20, self.came * self.limit.times)

    @property
    def longest(self) -> int:
        """How many bytes a line or record may have."""
        return self.limit.line_kib << 10

    def require(self, unpacked: int) -> None:
        if unpacked > self.most:
            most = f"{self.limit.times} times its size (and {self.limit.always_mib} MiB)"
            raise NotReadable("I03", f"unpacks to more than {most}, which no register does. Ask the sender what it is.")

    def require_line(self, size: int) -> None:
        if size > self.longest:
            raise NotReadable("I03", f"has a line or record of more than {self.limit.line_kib:,} KiB. Ask the sender what it is.")


# What files of other forms begin with. None of it can be the start of a text of this form.
_BEGINNINGS = (
    (b"\x1f\x8b", "gzip"),
    (b"PK\x03\x04", "zip"),
    (b"\xd0\xcf\x11\xe0", "Excel before 2007 (.xls)"),
    (b"PAR1", "Parquet"),
    (b"%PDF-", "PDF"),
    (b"7z\xbc\xaf", "7-Zip"),
    (b"<?xml ", "XML"),
    (b"<!DOCTYPE html", "a web page"),
    (b"<html", "a web page"),
    (b"\xff\xfe", "utf-16"),
    (b"\xfe\xff", "utf-16"),
)


def of_text(chunks: Iterable[bytes], *, is_utf_16: bool) -> Iterator[bytes]:
    """The chunks of a text; NotReadable when the first one begins as a file of another form does."""
    for number, chunk in enumerate(chunks):
        for beginning, what in _BEGINNINGS if not number else ():
            if chunk.startswith(beginning) and not (is_utf_16 and what == "utf-16"):
                too = ", which an Excel file (.xlsx) is too" if what == "zip" else ""
                raise NotReadable("I03", f"begins as {what} does{too}: it does not have the form of its contract. Ask for it in that form.")
        yield chunk


def require_distinct(names: Sequence[str]) -> None:
    """Raise NotReadable when two columns have one name: whichever were read, the other would be lost."""
    named = [name for name in names if name]
    if len(set(named)) < len(named):
        raise NotReadable("I03", "has two columns of one name. Ask which of them is meant.")


def unpacked(chunks: Iterable[bytes], compression: Literal["gzip", "zip"] | None, growth: Growth) -> Iterator[bytes]:
    """The bytes in the packed `chunks`; NotReadable when they are damaged, more files than one, or far more than was sent."""
    match compression:
        case None:
            yield from growth.counted(chunks)
        case "gzip":
            yield from _gunzipped(chunks, growth)
        case "zip":
            yield from _unzipped(gathered(growth.counted(chunks)), growth)


def gathered(chunks: Iterable[bytes]) -> io.BytesIO:
    """Return all chunks as one file, to be read in any order."""
    whole = io.BytesIO()
    for chunk in chunks:
        whole.write(chunk)
    whole.seek(0)
    return whole


def _gunzipped(chunks: Iterable[bytes], growth: Growth) -> Iterator[bytes]:
    """The content of all members of a gzip file one after the other, as its standard says."""
    went = 0
    member = zlib.decompressobj(wbits=zlib.MAX_WBITS | 16)
    is_open = False
    for chunk in growth.counted(chunks):
        rest = chunk
        while rest:
            is_open = True
            try:
                content = member.decompress(rest, _CHUNK)
            except zlib.error:
                raise NotReadable("I03", "is not a gzip file, or is damaged. Ask for it again.") from None
            went += len(content)
            growth.require(went)
            yield content
            rest = member.unconsumed_tail
            if member.eof:
                rest = member.unused_data
                member = zlib.decompressobj(wbits=zlib.MAX_WBITS | 16)
                is_open = False
    if is_open:
        raise NotReadable("I05", "is cut off: its gzip stream does not end. Ask for it again.")


def _unzipped(packed: io.BytesIO, growth: Growth) -> Iterator[bytes]:
    """The content of the one file in a zip file."""
    with open_zip(packed, "a zip file") as archive:
        members = [m for m in archive.infolist() if not m.is_dir()]
        if len(members) != 1:
            raise NotReadable("I03", f"holds {len(members)} files: a zip file holds one. Ask for one zip file for each file.")
        yield from member_content(archive, members[0], growth)


def open_zip(packed: io.BytesIO, what: str) -> zipfile.ZipFile:
    """Open a zip file; NotReadable when it is not one."""
    try:
        return zipfile.ZipFile(packed)
    except _DAMAGE:
        raise NotReadable("I03", f"is not {what}, or is damaged. Ask for it again.") from None


def member_content(archive: zipfile.ZipFile, member: zipfile.ZipInfo, growth: Growth) -> Iterator[bytes]:
    """The content of one member of a zip file; the library unpacks no more of it than its declared size."""
    if member.flag_bits & _IS_ENCRYPTED:
        raise NotReadable("I03", "is protected with a password. Ask for it without: the way it travels protects it.")
    growth.require(member.file_size)
    try:
        with archive.open(member) as content:
            while chunk := content.read(_CHUNK):
                yield chunk
    except _DAMAGE:
        raise NotReadable("I03", "is a damaged zip file and cannot be unpacked. Ask for it again.") from None
