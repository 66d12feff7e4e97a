"""The box's own key (Ed25519): made at the first signature, never leaves the box; signatures can be checked anywhere.

A signed PDF ends with one comment line, which readers skip: `%callbox-signature KEY SHA256 SIGNATURE`, all hexadecimal;
the hash is that of everything before the line.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from pathlib import Path

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from appliance.errors import BoxError, CallerError
from appliance.settings import write_private

_MARK = b"\n%callbox-signature "
_TRAILER = re.compile(rb"([0-9a-f]{64}) ([0-9a-f]{64}) ([0-9a-f]{128})\n")
_PURPOSE = b"callbox report 1\n"
"""Signed before the hash, so that a signature of a report is none of anything else."""


class BoxKey:
    """The key in its file."""

    def __init__(self, path: Path) -> None:
        """Load the key, make it when there is none. Raises BoxError `box_key.broken`."""
        try:
            if path.exists():
                key = serialization.load_pem_private_key(path.read_bytes(), password=None)
            else:
                key = Ed25519PrivateKey.generate()
                pem = key.private_bytes(
                    serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
                )
                write_private(path, pem)
        except (OSError, ValueError) as error:
            raise BoxError("box_key.broken", f"{path.name}: {error}. Restore it from a backup.") from error
        if not isinstance(key, Ed25519PrivateKey):
            raise BoxError("box_key.broken", f"{path.name} holds another kind of key. Restore it from a backup.")
        self._key = key

    @property
    def public(self) -> str:
        """The public half, 64 hexadecimal letters."""
        raw = self._key.public_key().public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw)
        return raw.hex()

    def sign(self, purpose: str, data: bytes) -> str:
        """Signature of data for one purpose, hexadecimal."""
        return self._key.sign(purpose.encode() + b"\n" + data).hex()

    def signed(self, document: bytes) -> bytes:
        """The document with its signature line."""
        digest = hashlib.sha256(document).digest()
        signature = self._key.sign(_PURPOSE + digest).hex()
        return document + _MARK + f"{self.public} {digest.hex()} {signature}\n".encode()


@dataclass(frozen=True, slots=True)
class Signature:
    """Whose signature a document bears, and the hash of the document."""

    key: str
    sha256: str


def verify(public: str, purpose: str, data: bytes, signature: str) -> bool:
    """Whether `signature` is that key's for data and purpose."""
    try:
        key = Ed25519PublicKey.from_public_bytes(bytes.fromhex(public))
        key.verify(bytes.fromhex(signature), purpose.encode() + b"\n" + data)
    except (InvalidSignature, ValueError):
        return False
    return True


def verify_document(document: bytes) -> Signature:
    """Check a signed document. Raises CallerError `signature.none`, `signature.wrong` (it was changed)."""
    body, mark, trailer = document.rpartition(_MARK)
    found = _TRAILER.fullmatch(trailer)
    if not mark or found is None:
        raise CallerError("signature.none", "The file bears no signature of a Callbox, or its end is missing.")
    key, digest, signature = (part.decode() for part in found.groups())
    purpose, _, _ = _PURPOSE.decode().partition("\n")
    right = hashlib.sha256(body).hexdigest() == digest and verify(key, purpose, bytes.fromhex(digest), signature)
    if not right:
        raise CallerError("signature.wrong", "The signature does not fit: the file was changed after it was signed.")
    return Signature(key, digest)
