"""Ed25519 signatures: the installation's own on a release's manifest, and the keys with which persons sign."""

from __future__ import annotations

import os
from pathlib import Path

from nacl.exceptions import BadSignatureError
from nacl.signing import SigningKey, VerifyKey

from das_pipeline.errors import DasError, KeyMissing
from das_pipeline.privacy import Keys
from das_pipeline.settings import Settings

SIGNATURE = "manifest.json.sig"
PUBLIC_KEY = "manifest.json.pub"


def sign_manifest(keys: Keys, folder: Path, content: bytes) -> None:
    """Write the installation's signature of the manifest `content` into `folder`, with the public key beside it."""
    (folder / SIGNATURE).write_text(SigningKey(keys.signing).sign(content).signature.hex(), encoding="ascii")
    (folder / PUBLIC_KEY).write_text(installation_key(keys), encoding="ascii")


def installation_key(keys: Keys) -> str:
    """Return the public key of the installation, in hexadecimal digits."""
    return bytes(SigningKey(keys.signing).verify_key).hex()


def is_signed(content: bytes, signature: str, public_key: str) -> bool:
    """Return whether `signature` is that of `content` by the owner of `public_key`, both in hexadecimal digits."""
    try:
        VerifyKey(bytes.fromhex(public_key)).verify(content, bytes.fromhex(signature))
    except (BadSignatureError, ValueError):
        return False
    return True


def new_person_key(settings: Settings, path: Path) -> str:
    """Write a new private key to `path`, readable by its owner alone, and return the public key; an existing file is left alone."""
    if path.resolve().is_relative_to(settings.home.resolve()):
        raise DasError(
            f"{path} lies inside the home {settings.home}: a person's key is theirs alone. Choose a place of their own with --out."
        )
    key = SigningKey.generate()
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        raise DasError(f"{path} exists already: a key is never replaced. Choose another place with --out.") from None
    except OSError as error:
        raise DasError(f"{path} cannot be written ({error.strerror}). Choose another place with --out.") from None
    with os.fdopen(descriptor, "w", encoding="ascii") as file:
        file.write(bytes(key).hex() + "\n")
    return bytes(key.verify_key).hex()


def read_person_key(path: Path) -> SigningKey:
    """Return the private key in `path`; KeyMissing when there is none."""
    try:
        return SigningKey(bytes.fromhex(path.read_text(encoding="ascii").strip()))
    except (OSError, ValueError):
        raise KeyMissing(f"{path} is no private key: make one with `das keys new-person NAME`, or give its file with --key.") from None
