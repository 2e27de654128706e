"""What is wrapped around the lines of a file: gzip and zip, opened in memory, with a limit to what may come out.

Nothing is unpacked to disk. A gzip file is unpacked as it is read; the directory of a zip file stands at its end, so that its packed
bytes are held in memory.
"""

from __future__ import annotations

import io
import zipfile
import zlib
from collections.abc import Iterable, Iterator
from typing import Literal

# Registers pack to a fifth or a tenth. Deflate can reach 1:1,032 with nothing but repetition: such a file was not made by a register.
MOST_TIMES, ALWAYS_ALLOWED = 200, 64 << 20
_CHUNK = 1 << 20
_IS_ENCRYPTED = 0x1  # a bit of the flags of a member of a zip file
# What the standard library raises for a packed file that is torn or foreign; the reader turns it into NotReadable, with its rule.
_DAMAGE = (zipfile.BadZipFile, zlib.error, EOFError, OSError, NotImplementedError)


class NotReadable(Exception):
    """A file that is not what its format says. `rule` is the gate rule it breaks; the text goes on after the name of the file."""

    def __init__(self, rule: Literal["I03", "I05"], text: str) -> None:
        super().__init__(text)
        self.rule = rule


def unpacked(chunks: Iterable[bytes], compression: Literal["gzip", "zip"] | None) -> Iterator[bytes]:
    """The bytes in the packed `chunks`; NotReadable when they are damaged, more files than one, or far more than was sent."""
    match compression:
        case None:
            yield from chunks
        case "gzip":
            yield from _gunzipped(chunks)
        case "zip":
            yield from _unzipped(gathered(chunks))


def gathered(chunks: Iterable[bytes]) -> io.BytesIO:
    """All chunks, to be read in any order."""
    whole = io.BytesIO()
    for chunk in chunks:
        whole.write(chunk)
    whole.seek(0)
    return whole


def require_within_limit(packed: int, unpacked: int) -> None:
    """Nothing, or NotReadable when `unpacked` bytes are too many to have been packed into `packed`."""
    if unpacked > max(ALWAYS_ALLOWED, packed * MOST_TIMES):
        raise NotReadable("I03", f"unpacks to more than {MOST_TIMES} times its size, which no register does. Ask the sender what it is.")


def _gunzipped(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """The content of all members of a gzip file one after the other, as its standard says."""
    came = went = 0
    member = zlib.decompressobj(wbits=zlib.MAX_WBITS | 16)
    is_open = False
    for chunk in chunks:
        came += len(chunk)
        rest = chunk
        while rest:
            is_open = True
            try:
                content = member.decompress(rest, _CHUNK)
            except zlib.error:
                raise NotReadable("I03", "is no gzip file, or a damaged one. Ask for it again.") from None
            went += len(content)
            require_within_limit(came, went)
            yield content
            rest = member.unconsumed_tail
            if member.eof:
                rest = member.unused_data
                member = zlib.decompressobj(wbits=zlib.MAX_WBITS | 16)
                is_open = False
    if is_open:
        raise NotReadable("I05", "is cut off: its gzip stream does not end. Ask for it again.")


def _unzipped(packed: io.BytesIO) -> Iterator[bytes]:
    """The content of the one file in a zip file."""
    with open_zip(packed, "zip file") as archive:
        members = [m for m in archive.infolist() if not m.is_dir()]
        if len(members) != 1:
            raise NotReadable("I03", f"holds {len(members)} files: a zip file holds one. Ask for one zip file for each file.")
        yield from member_content(archive, members[0], packed.getbuffer().nbytes)


def open_zip(packed: io.BytesIO, what: str) -> zipfile.ZipFile:
    """The directory of a zip file, read."""
    try:
        return zipfile.ZipFile(packed)
    except _DAMAGE:
        raise NotReadable("I03", f"is no {what}, or a damaged one. Ask for it again.") from None


def member_content(archive: zipfile.ZipFile, member: zipfile.ZipInfo, packed: int) -> Iterator[bytes]:
    """The content of one member of a zip file of `packed` bytes; its own statement of its size is not believed before it is checked."""
    if member.flag_bits & _IS_ENCRYPTED:
        raise NotReadable("I03", "is protected with a password. Ask for it without: the way it travels protects it.")
    require_within_limit(packed, member.file_size)
    try:
        with archive.open(member) as content:
            while chunk := content.read(_CHUNK):
                yield chunk
    except _DAMAGE:
        raise NotReadable("I03", "is a damaged zip file: what is in it cannot be unpacked. Ask for it again.") from None
