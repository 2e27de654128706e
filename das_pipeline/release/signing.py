"""The signature of a release, and the check that anyone can make of it."""

from __future__ import annotations

import json
from pathlib import Path

from das_pipeline.disk import sha256_of
from das_pipeline.publication.releases import MANIFEST
from das_pipeline.run import Run

SIGNATURE = "manifest.json.sig"
PUBLIC_KEY = "manifest.json.pub"


def sign(run: Run, folder: Path, content: bytes) -> None:
    """Write the signature of the manifest `content` into `folder`, with the public key beside it."""
    from nacl.signing import SigningKey

    key = SigningKey(run.keys.signing)
    (folder / SIGNATURE).write_text(key.sign(content).signature.hex(), encoding="ascii")
    (folder / PUBLIC_KEY).write_text(bytes(key.verify_key).hex(), encoding="ascii")


def verify_release(folder: Path, public_key: bytes | None = None) -> list[str]:
    """What is wrong with the release in `folder`; empty when every byte is what the signed manifest says.

    With `public_key` (32 bytes, known from elsewhere) the signature is checked against it, else against the key in the folder, which
    proves only that nothing was changed by somebody without that key.
    """
    from nacl.exceptions import BadSignatureError
    from nacl.signing import VerifyKey

    content = (folder / MANIFEST).read_bytes()
    key = public_key or bytes.fromhex((folder / PUBLIC_KEY).read_text(encoding="ascii"))
    try:
        VerifyKey(key).verify(content, bytes.fromhex((folder / SIGNATURE).read_text(encoding="ascii")))
    except BadSignatureError:
        return [f"{MANIFEST}: the signature does not fit."]
    listed = json.loads(content)["files"]
    present = {p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file()} - {MANIFEST, SIGNATURE, PUBLIC_KEY}
    wrong = [f"{name}: not in the manifest." for name in sorted(present - set(listed))]
    wrong += [f"{name}: missing." for name in sorted(set(listed) - present)]
    return wrong + [f"{n}: other bytes." for n in sorted(present & set(listed)) if sha256_of(folder / n) != listed[n]["sha256"]]
