"""Sealed files: AES-256-GCM in seekable chunks, so that a recording is encrypted at rest and can still be sought in.

Layout of a `.cbr` file (all figures big-endian)::

    header   8 bytes magic "CBRSEAL1", 4 bytes chunk size, 8 bytes nonce prefix (random per file)
    chunk n  at 20 + n * (chunk size + 16): ciphertext and its 16-byte tag; all full but the last

Nonce of chunk n: prefix and the 4-byte number n (NIST SP 800-38D, 8.2.1: unique under one key, and every file has a
key of its own). Authenticated with each chunk: the header, and whether it is the last. So a changed byte, a chunk
moved, left out, repeated or cut off at the end, or a header of another file is found when it is read
(the STREAM construction of Hoang, Reyhanitabar, Rogaway and Vizar, 2015).
"""

from __future__ import annotations

import base64
import os
import secrets
import struct
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Self

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from appliance.errors import BoxError

CHUNK_BYTES = 65536
KEY_BYTES = 32
_MAGIC = b"CBRSEAL1"
_HEADER = struct.Struct(">8sI8s")
_TAG_BYTES = 16
_NONCE_BYTES = 12
_MAX_CHUNK_BYTES = 1 << 24


class SealBrokenError(BoxError):
    """The file is not what was sealed: damaged, cut, tampered with, or another key's."""

    def __init__(self, path: Path, what: str) -> None:
        super().__init__(
            "sealed.broken", f"{path.name} is damaged or was sealed with another key ({what}). "
            "Restore it from a backup; what it holds cannot be trusted.", path=str(path), what=what,
        )  # fmt: skip


def new_key() -> bytes:
    """Return a fresh 256-bit key for one file."""
    return secrets.token_bytes(KEY_BYTES)


def _wrapping_cipher(box_secret: str) -> AESGCM:
    derived = HKDF(algorithm=hashes.SHA256(), length=KEY_BYTES, salt=None, info=b"callbox archive key 1")
    return AESGCM(derived.derive(box_secret.encode()))


def wrap(box_secret: str, plain: bytes, context: str) -> str:
    """Encrypt a small secret (a key) under the box's own; `context` names whose it is and must be given again."""
    nonce = secrets.token_bytes(_NONCE_BYTES)
    return base64.b64encode(nonce + _wrapping_cipher(box_secret).encrypt(nonce, plain, context.encode())).decode()


def unwrap(box_secret: str, wrapped: str, context: str) -> bytes:
    """Undo `wrap`; raises BoxError `sealed.key_broken` for another box's secret, another context or damage."""
    try:
        data = base64.b64decode(wrapped, validate=True)
        return _wrapping_cipher(box_secret).decrypt(data[:_NONCE_BYTES], data[_NONCE_BYTES:], context.encode())
    except (InvalidTag, ValueError) as error:
        raise BoxError(
            "sealed.key_broken", f"The key of {context} cannot be opened with this box's secret. Restore "
            "secrets.toml that belongs to this database.", context=context,
        ) from error  # fmt: skip


class SealedWriter:
    """Writes one sealed file front to back; complete only after `close()`, which syncs it to the disk."""

    def __init__(self, path: Path, key: bytes, *, chunk_bytes: int = CHUNK_BYTES) -> None:
        self._cipher = AESGCM(key)
        self._chunk_bytes = chunk_bytes
        self._prefix = secrets.token_bytes(8)
        self._header = _HEADER.pack(_MAGIC, chunk_bytes, self._prefix)
        self._pending = bytearray()
        self._count = 0
        self.plain_bytes = 0
        self._file: BinaryIO = os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb")
        self._file.write(self._header)

    def write(self, data: bytes | bytearray | memoryview) -> int:
        """Append plain bytes; returns how many. Raises OSError as the disk does."""
        self._pending += data
        # one byte more than a chunk must be there before it is known not to be the last
        while len(self._pending) > self._chunk_bytes:
            self._seal(bytes(self._pending[: self._chunk_bytes]), last=False)
            del self._pending[: self._chunk_bytes]
        self.plain_bytes += len(data)
        return len(data)

    def _seal(self, plain: bytes, *, last: bool) -> None:
        nonce = self._prefix + struct.pack(">I", self._count)
        self._file.write(self._cipher.encrypt(nonce, plain, self._header + (b"\1" if last else b"\0")))
        self._count += 1

    def close(self) -> None:
        """Seal the last chunk (there is always one, maybe empty) and sync the file."""
        self._seal(bytes(self._pending), last=True)
        self._file.flush()
        os.fsync(self._file.fileno())
        self._file.close()

    def abandon(self) -> None:
        """Close without finishing: the file is no sealed file and should be deleted. Never raises."""
        try:
            self._file.close()
        except OSError:  # the disk is full: what was buffered is not wanted any more
            return

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None,
                 trace: TracebackType | None) -> None:  # fmt: skip
        if kind is None:
            self.close()
        else:
            self.abandon()


class SealedReader:
    """Random access to the plain bytes of a sealed file; every byte returned has been authenticated.

    Not for several threads at once. Raises FileNotFoundError, or SealBrokenError here and at each read.
    """

    def __init__(self, path: Path, key: bytes) -> None:
        self._path = path
        self._cipher = AESGCM(key)
        self._file: BinaryIO = path.open("rb")
        try:
            self._read_header()
        except BaseException:
            self._file.close()
            raise
        self._cached: tuple[int, bytes] = (-1, b"")

    def _read_header(self) -> None:
        self._header = self._file.read(_HEADER.size)
        if len(self._header) != _HEADER.size:
            raise SealBrokenError(self._path, "no header")
        magic, self._chunk_bytes, self._prefix = _HEADER.unpack(self._header)
        if magic != _MAGIC or not 0 < self._chunk_bytes <= _MAX_CHUNK_BYTES:
            raise SealBrokenError(self._path, "not a sealed file")
        sealed_bytes = os.fstat(self._file.fileno()).st_size - _HEADER.size
        step = self._chunk_bytes + _TAG_BYTES
        self._count = -(-sealed_bytes // step)
        self.size = sealed_bytes - self._count * _TAG_BYTES
        if self._count < 1 or sealed_bytes - (self._count - 1) * step < _TAG_BYTES:
            raise SealBrokenError(self._path, "cut off")

    def _chunk(self, number: int) -> bytes:
        if self._cached[0] != number:
            self._file.seek(_HEADER.size + number * (self._chunk_bytes + _TAG_BYTES))
            sealed = self._file.read(self._chunk_bytes + _TAG_BYTES)
            last = b"\1" if number == self._count - 1 else b"\0"
            try:
                plain = self._cipher.decrypt(self._prefix + struct.pack(">I", number), sealed, self._header + last)
            except InvalidTag as error:
                raise SealBrokenError(self._path, f"chunk {number}") from error
            self._cached = (number, plain)
        return self._cached[1]

    def read(self, offset: int, size: int) -> bytes:
        """Return the plain bytes from `offset`, at most `size`; fewer only at the end. Both must not be negative."""
        if offset < 0 or size < 0:
            raise ValueError("offset and size must not be negative")
        end = min(offset + size, self.size)
        parts = []
        while offset < end:
            number, within = divmod(offset, self._chunk_bytes)
            part = self._chunk(number)[within : within + end - offset]
            parts.append(part)
            offset += len(part)
        return b"".join(parts)

    def chunks(self) -> Iterator[bytes]:
        """All plain bytes in order, chunk by chunk (never more than one in memory)."""
        for number in range(self._count):
            yield self._chunk(number)

    def close(self) -> None:
        self._file.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None,
                 trace: TracebackType | None) -> None:  # fmt: skip
        self.close()
