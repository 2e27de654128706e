"""Keys, pseudonyms, encryption of files, and the scan that proves that identifying values stay in their zone.

Four keys, each for one use: `pseudonym` (record keys), `encryption` (everything in the identifying zone), `rounding` (disclosure control)
and `signing` (release manifests). They come from files in the key directory, or from `DAS_KEY_<USE>` as 64 hexadecimal digits.
"""

from __future__ import annotations

import hashlib
import hmac
import os
import stat
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

import duckdb
from nacl import bindings as sodium
from nacl.exceptions import CryptoError

from das_pipeline.disk import make_folder
from das_pipeline.errors import DeliveryRefused, KeyMissing, LakeError
from das_pipeline.settings import Settings

USES = ("pseudonym", "encryption", "rounding", "signing")
DEMO_MARK = "demo"  # a file in the key directory: these keys can be computed by anyone from the seed
_CHUNK = 1 << 20


@dataclass(frozen=True)
class Keys:
    """The key material of one installation. Its repr shows nothing."""

    pseudonym: bytes = field(repr=False)
    encryption: bytes = field(repr=False)
    rounding: bytes = field(repr=False)
    signing: bytes = field(repr=False)
    is_demo: bool = False

    @classmethod
    def load(cls, settings: Settings) -> Keys:
        """The four keys from the environment or the key directory; KeyMissing says which one is absent."""
        found: dict[str, bytes] = {}
        for use in USES:
            text = os.environ.get(f"DAS_KEY_{use.upper()}")
            path = settings.keys / use
            if text is None and path.exists():
                _require_private(path)
                text = path.read_text(encoding="ascii")
            if text is None:
                raise KeyMissing(f"The {use} key is missing: set DAS_KEY_{use.upper()} or put 64 hexadecimal digits in {path}.")
            try:
                key = bytes.fromhex(text.strip())
            except ValueError:
                key = b""
            if len(key) != 32:
                raise KeyMissing(f"The {use} key is not 64 hexadecimal digits: make one with `openssl rand -hex 32`.")
            found[use] = key
        return cls(**found, is_demo=(settings.keys / DEMO_MARK).exists())

    def require_for(self, *, is_simulated: bool) -> None:
        """Nothing, or DeliveryRefused when real data would be protected by keys that anyone can compute."""
        if self.is_demo and not is_simulated:
            raise DeliveryRefused(
                "The keys in use are demo keys, made from a public seed, and this delivery is not simulated. "
                "Put real keys in DAS_KEYS (openssl rand -hex 32, one file per use) and remove the file `demo` there."
            )


def _require_private(path: Path) -> None:
    """Raise KeyMissing when other users of this machine can read the key file: through its folder, and the file itself."""
    passes, reads = path.parent.stat().st_mode << 2, path.stat().st_mode  # a folder's right to pass, in the place of a file's right to read
    if passes & reads & (stat.S_IRGRP | stat.S_IROTH):
        raise KeyMissing(f"Other users of this machine can read {path}, so it is not used: chmod -R go= {path.parent}")


def write_demo_keys(folder: Path, seed: int) -> None:
    """Write four keys derived from `seed` to `folder`, marked as demo keys. Existing keys are left alone."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    if any((folder / use).exists() for use in USES):
        return
    for use in USES:
        write_key(folder / use, hmac.new(f"das demo {seed}".encode(), use.encode(), hashlib.sha256).digest())
    (folder / DEMO_MARK).write_text("These keys follow from a public seed: for simulated data only.\n", encoding="ascii")


def write_key(path: Path, key: bytes) -> None:
    """Write a key to `path`, which nobody but its owner can read at any moment."""
    path.unlink(missing_ok=True)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="ascii") as file:
        file.write(key.hex())
        file.flush()
        os.fsync(file.fileno())


def keyed(key: bytes, *parts: str) -> bytes:
    """HMAC-SHA256 of `parts`, each preceded by its length, so that no two lists of parts give the same message."""
    message = b"".join(len(p.encode()).to_bytes(4, "big") + p.encode() for p in parts)
    return hmac.new(key, message, hashlib.sha256).digest()


def register_keyed_macro(connection: duckdb.DuckDBPyConnection, key: bytes) -> None:
    """A macro `keyed(text) → BLOB` (the first 16 bytes of HMAC-SHA256) on `connection`. The key is a variable: it is in no SQL text.

    A plain hash of a citizen or chain number can be enumerated in seconds, which is why every stored hash is keyed.
    """
    padded = key.ljust(64, b"\0")
    connection.execute("SET VARIABLE hmac_inner = ?::BLOB", [bytes(b ^ 0x36 for b in padded)])
    connection.execute("SET VARIABLE hmac_outer = ?::BLOB", [bytes(b ^ 0x5C for b in padded)])
    connection.execute(
        "CREATE OR REPLACE TEMP MACRO keyed(message) AS unhex(sha256(getvariable('hmac_outer')"
        " || unhex(sha256(getvariable('hmac_inner') || encode(message))))[1:32])"
    )


# -- files in the identifying zone (libsodium secretstream: authenticated, ordered, truncation is noticed)


class Readable(Protocol):
    """What is read a chunk at a time."""

    def read(self, size: int, /) -> bytes: ...


def encrypt_file(source: Readable, target: Path, key: bytes) -> str:
    """The SHA-256 of the plain bytes of `source`, which is written encrypted to `target`. Nothing plain touches the disk."""
    digest = hashlib.sha256()
    state = sodium.crypto_secretstream_xchacha20poly1305_state()
    header = sodium.crypto_secretstream_xchacha20poly1305_init_push(state, key)
    make_folder(target.parent)
    with target.open("wb") as out:
        out.write(header)
        chunk = source.read(_CHUNK)
        while True:
            following = source.read(_CHUNK)
            tag = (
                sodium.crypto_secretstream_xchacha20poly1305_TAG_MESSAGE
                if following
                else sodium.crypto_secretstream_xchacha20poly1305_TAG_FINAL
            )
            digest.update(chunk)
            sealed = sodium.crypto_secretstream_xchacha20poly1305_push(state, chunk, tag=tag)
            out.write(len(sealed).to_bytes(4, "big") + sealed)
            if not following:
                break
            chunk = following
        out.flush()
        os.fsync(out.fileno())
    return digest.hexdigest()


def decrypted(path: Path, key: bytes) -> Iterator[bytes]:
    """The plain bytes of an encrypted file, a chunk at a time; LakeError when it was changed or cut off."""
    state = sodium.crypto_secretstream_xchacha20poly1305_state()
    with path.open("rb") as file:
        sodium.crypto_secretstream_xchacha20poly1305_init_pull(
            state, file.read(sodium.crypto_secretstream_xchacha20poly1305_HEADERBYTES), key
        )
        tag = None
        while size := file.read(4):
            try:
                chunk, tag = sodium.crypto_secretstream_xchacha20poly1305_pull(state, file.read(int.from_bytes(size, "big")))
            except CryptoError:
                raise LakeError(f"The encrypted file {path.name} was changed, or the encryption key is another one.") from None
            yield chunk
        if tag != sodium.crypto_secretstream_xchacha20poly1305_TAG_FINAL:
            raise LakeError(f"The encrypted file {path.name} is cut off.")


# -- the scan


def find_canaries(values: Iterable[str], roots: Iterable[Path]) -> list[tuple[Path, int]]:
    """The files under `roots` in which any of `values` occurs, with the number of values found; empty is the proof.

    Values of six characters and more are looked for as UTF-8 bytes, in files as they lie and in Parquet files unpacked; a number that
    is a piece of a longer one is none of them. What is in several files is looked at once. The values themselves are never returned.
    """
    import ahocorasick

    needles = ahocorasick.Automaton()
    for value in values:
        if len(value) >= 6:
            as_bytes = value.encode().decode("latin-1")  # one character a byte: the automaton reads text
            needles.add_word(as_bytes, as_bytes)
    if not needles:
        return []
    needles.make_automaton()
    hits: list[tuple[Path, int]] = []
    contents: dict[tuple[int, int], tuple[str, bytes]] = {}  # by device and inode: a release, its site and its candidate are the same files
    found_in: dict[tuple[str, bytes], int] = {}  # by ending and hash: a table that did not change is written again on every day
    for path in (p for root in roots for p in sorted(root.rglob("*")) if p.is_file()):
        about = path.stat()
        file = (about.st_dev, about.st_ino)
        if file not in contents:
            as_it_lies = path.read_bytes()
            same = contents[file] = (path.suffix, hashlib.sha256(as_it_lies).digest())
            if same not in found_in:
                content = _plain_content(path, as_it_lies).decode("latin-1")
                found = {value for end, value in needles.iter(content) if _stands_alone(content, end + 1 - len(value), end + 1)}
                found_in[same] = len(found)
        if found_in[contents[file]]:
            hits.append((path, found_in[contents[file]]))
    return hits


def _stands_alone(content: str, start: int, end: int) -> bool:
    """Whether the value at [start, end) is no piece of a longer number: eight digits occur by chance in any long fraction."""
    around = (content[start - 1 : start], content[end : end + 1])
    return not (content[start].isdigit() and around[0].isdigit()) and not (content[end - 1].isdigit() and around[1].isdigit())


def _plain_content(path: Path, content: bytes) -> bytes:
    """What a file with these bytes says: a Parquet file has what it says unpacked after them."""
    if path.suffix == ".parquet" and content[:4] == b"PAR1":
        import pyarrow.parquet as pq

        file = pq.ParquetFile(path)
        texts = [str(file.schema_arrow), str(file.schema_arrow.metadata)]
        for batch in file.iter_batches():
            texts.extend("\n".join(map(str, column.unique().to_pylist())) for column in batch.columns)
        return content + "\n".join(texts).encode()
    return content
