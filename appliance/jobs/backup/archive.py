"""The backup file: a manifest in the clear and sealed members; every byte of it is checked before it is believed.

Layout (figures big-endian)::

    head      8 bytes "CBBACKUP", 2 bytes format, 4 bytes length of the manifest
    manifest  JSON: who made it and when, how the key is made, each member with its sizes and SHA-256, rows per table
    seal      32 bytes HMAC-SHA-256 over head and manifest
    members   one after the other as the manifest lists them: plain -> zlib -> store.sealed (AES-256-GCM)

The lengths in the manifest must add up to the file's: half a file is told at once. A member is unpacked no further than
the size that the (authenticated) manifest names, so a bomb stops there.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import os
import secrets
import shutil
import struct
import zlib
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, BinaryIO

from appliance.domain.backups import safe_member
from appliance.errors import BoxError, CallboxError, CallerError
from appliance.jobs.backup.keys import BackupKey, key_of
from appliance.store.sealed import SealBrokenError, SealedReader, SealedWriter

FORMAT = 1
SUFFIX = ".cbb"
ROOTS = (
    "callbox.sqlite", "callbox.pgdump", "settings.toml", "secrets.toml", "box-key.pem", "backup-key.json",
    "line-quality.jsonl", "line-tests.jsonl", "edge/kamailio.sqlite", "front/", "prompts/", "announcements/",
    "line-profiles/", "instrument-profiles/",
)  # fmt: skip
"""What may stand in a backup; a folder ends with a slash."""

_MAGIC = b"CBBACKUP"
_HEAD = struct.Struct(">8sHI")
_SEAL_BYTES = 32
_PIECE = 1 << 20
_MANIFEST_MAX, _MEMBERS_MAX = 8 * 2**20, 20_000
_SALT_BYTES = 32

Step = Callable[[int, int], None]
"""Told how many bytes of how many are done; may raise to stop."""


@dataclass(frozen=True)
class Member:
    """One file of the box. `stored_bytes` is its sealed length in the backup; digests are of the plain and sealed."""

    name: str
    plain_bytes: int
    sha256: str
    stored_bytes: int
    stored_sha256: str


@dataclass(frozen=True)
class Manifest:
    """What a backup says of itself. `counts`: rows of each table of the database when it was made."""

    made_at: str
    product: str
    schema: str
    box: str
    store: str  # sqlite | postgresql
    key: dict[str, Any]
    salt: str
    key_check: str
    members: tuple[Member, ...] = ()
    counts: dict[str, int] = field(default_factory=dict)

    @property
    def plain_bytes(self) -> int:
        return sum(member.plain_bytes for member in self.members)

    @property
    def rows(self) -> int:
        return sum(self.counts.values())


def damaged(what: str) -> CallerError:
    return CallerError("backup.damaged", f"The backup is damaged ({what}). Nothing was changed; use another one.")


def no_room(folder: Path, wanted: int) -> BoxError:
    return BoxError(
        "backup.no_room", f"There is no room in {folder}: {wanted / 1e6:.0f} MB are needed. Delete old backups or "
        "recordings, or enlarge the disk.", wanted_mb=round(wanted / 1e6), folder=str(folder),
    )  # fmt: skip


def full(folder: Path, error: OSError) -> BoxError:
    """What to say when the disk refuses to take more."""
    return BoxError(
        "backup.not_written", f"Writing to {folder} failed: {error.strerror}. What was begun was taken away again.",
        folder=str(folder), cause=str(error.strerror),
    )  # fmt: skip


# ---- writing -----------------------------------------------------------------------------------------------------


def write(
    target: Path, parts: list[tuple[str, Path]], key: BackupKey, about: dict[str, Any], step: Step = lambda *_: None
) -> Manifest:
    """Write `parts` (name, file) to `target` at once or not at all; `about`: the manifest's fields of the box itself.

    Raises BoxError `backup.not_written` (a full disk); what was begun is removed in any case.
    """
    salt = secrets.token_bytes(_SALT_BYTES)
    work = target.with_name(target.name + ".members")
    begun = target.with_name(target.name + ".part")
    total, done = sum(path.stat().st_size for _, path in parts), 0
    try:
        shutil.rmtree(work, ignore_errors=True)
        work.mkdir(mode=0o700)
        members = []
        for number, (name, path) in enumerate(parts):
            members.append(_seal(name, path, work / f"{number}", key.part(salt, f"member {name}")))
            done += members[-1].plain_bytes
            step(done, total)
        manifest = Manifest(
            **about, key=key.recipe, salt=base64.b64encode(salt).decode(), key_check=key.check(salt),
            members=tuple(members),
        )  # fmt: skip
        text = json.dumps(asdict(manifest), ensure_ascii=False, separators=(",", ":")).encode()
        head = _HEAD.pack(_MAGIC, FORMAT, len(text)) + text
        with os.fdopen(os.open(begun, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as out:
            out.write(head + bytes.fromhex(key.mac(salt, head)))
            for number in range(len(members)):
                with (work / f"{number}").open("rb") as sealed:
                    shutil.copyfileobj(sealed, out, _PIECE)
                (work / f"{number}").unlink()
            out.flush()
            os.fsync(out.fileno())
        begun.replace(target)
        sync_folder(target.parent)
    except OSError as error:
        raise full(target.parent, error) from error
    finally:
        begun.unlink(missing_ok=True)
        shutil.rmtree(work, ignore_errors=True)
    return manifest


def sync_folder(folder: Path) -> None:
    """Have the names in a folder stand on the disk."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _seal(name: str, path: Path, target: Path, key: bytes) -> Member:
    packer, digest = zlib.compressobj(6), hashlib.sha256()
    size = 0
    with path.open("rb") as plain, SealedWriter(target, key) as sealed:
        while piece := plain.read(_PIECE):
            digest.update(piece)
            size += len(piece)
            sealed.write(packer.compress(piece))
        sealed.write(packer.flush())
    with target.open("rb") as written:
        stored = hashlib.file_digest(written, "sha256").hexdigest()
    return Member(name, size, digest.hexdigest(), target.stat().st_size, stored)


# ---- reading -----------------------------------------------------------------------------------------------------


class Archive:
    """A backup file that was opened: its manifest holds, its length fits. Close it, or use it as a context."""

    def __init__(self, path: Path, passphrase: str = "", *, key: BackupKey | None = None) -> None:
        """Open with a passphrase, or with the key that the box keeps (`key`; the passphrase when that is another's).

        Raises CallerError `backup.not_a_backup`, `.newer`, `.incomplete`, `.wrong_passphrase`, `.damaged`,
        `.unsafe_name`.
        """
        self.path = path
        try:
            self._file: BinaryIO = path.open("rb")
        except OSError as error:
            raise CallerError("backup.not_a_backup", f"{path} cannot be read: {error.strerror}.") from error
        try:
            self._open(passphrase, key)
        except BaseException:
            self._file.close()
            raise

    def _open(self, passphrase: str, key: BackupKey | None) -> None:
        head, text = _head(self._file)
        seal = self._file.read(_SEAL_BYTES)
        told = _told(text)
        self.key = key if key is not None and key.recipe == told.get("key") else key_of(passphrase, told.get("key"))
        try:
            salt = base64.b64decode(told["salt"], validate=True)
            check = str(told["key_check"])
        except (KeyError, TypeError, ValueError) as error:
            raise damaged("its head") from error
        if not hmac.compare_digest(self.key.check(salt).encode(), check.encode()):
            raise CallerError(
                "backup.wrong_passphrase", "This backup was made with another passphrase. Nothing was changed."
            )
        if not hmac.compare_digest(self.key.mac(salt, head + text), seal.hex()):
            raise damaged("its list of contents")
        self._salt, self._start = salt, _HEAD.size + len(text) + _SEAL_BYTES
        self.manifest = _manifest(told)
        here = os.fstat(self._file.fileno()).st_size
        wanted = self._start + sum(member.stored_bytes for member in self.manifest.members)
        if here < wanted:
            raise CallerError(
                "backup.incomplete", f"The backup is cut off: {here} of {wanted} bytes are there. Copy it again."
            )
        if here > wanted:
            raise damaged("there is more in it than it says")

    def unpack(self, folder: Path, step: Step = lambda *_: None) -> None:
        """Write all members into a folder (0700) and check each. Raises CallerError or BoxError; a rest may be left."""
        wanted = self.manifest.plain_bytes
        if shutil.disk_usage(folder).free < wanted + 2**20:
            raise no_room(folder, wanted)
        done = 0
        try:
            for member, offset in self._places():
                target = folder / member.name
                target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
                with os.fdopen(os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as out:
                    for piece in self._plain(member, offset, folder):
                        out.write(piece)
                    out.flush()
                    os.fsync(out.fileno())
                done += member.plain_bytes
                step(done, wanted)
        except OSError as error:
            raise full(folder, error) from error

    def _places(self) -> Iterator[tuple[Member, int]]:
        offset = self._start
        for member in self.manifest.members:
            yield member, offset
            offset += member.stored_bytes

    def _plain(self, member: Member, offset: int, folder: Path) -> Iterator[bytes]:
        """The plain bytes of a member, never more than the manifest says."""
        sealed = folder / ".sealed"
        try:
            self._copy_out(member, offset, sealed)
            digest, size, unpacker = hashlib.sha256(), 0, zlib.decompressobj()
            with SealedReader(sealed, self.key.part(self._salt, f"member {member.name}")) as reader:
                for chunk in reader.chunks():
                    rest = chunk
                    while rest:
                        piece = unpacker.decompress(rest, _PIECE)
                        rest = unpacker.unconsumed_tail
                        size += len(piece)
                        if size > member.plain_bytes:
                            raise damaged(f"{member.name} is larger than it says")
                        digest.update(piece)
                        yield piece
                        if not piece and not rest:
                            break
            if not unpacker.eof or unpacker.unused_data or size != member.plain_bytes:
                raise damaged(f"{member.name} has another length")
            if digest.hexdigest() != member.sha256:
                raise damaged(f"{member.name} has another digest")
        except (SealBrokenError, zlib.error) as error:
            raise damaged(member.name) from error
        finally:
            with suppress(OSError):
                sealed.unlink(missing_ok=True)

    def _copy_out(self, member: Member, offset: int, target: Path) -> None:
        digest, left = hashlib.sha256(), member.stored_bytes
        self._file.seek(offset)
        with os.fdopen(os.open(target, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as out:
            while left:
                piece = self._file.read(min(left, _PIECE))
                if not piece:
                    raise damaged(f"{member.name} is cut off")
                digest.update(piece)
                out.write(piece)
                left -= len(piece)
        if digest.hexdigest() != member.stored_sha256:
            raise damaged(member.name)

    def close(self) -> None:
        self._file.close()

    def __enter__(self) -> Archive:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _head(file: BinaryIO) -> tuple[bytes, bytes]:
    """Head and manifest as bytes."""
    head = file.read(_HEAD.size)
    if len(head) < _HEAD.size or not head.startswith(_MAGIC):
        raise CallerError("backup.not_a_backup", "This is no backup of a Callbox.")
    _, number, length = _HEAD.unpack(head)
    if number > FORMAT:
        raise newer(f"format {number}")
    if number != FORMAT or not 0 < length <= _MANIFEST_MAX:
        raise damaged("its head")
    text = file.read(length)
    if len(text) < length:
        raise CallerError("backup.incomplete", "The backup is cut off in its first part. Copy it again.")
    return head, text


def newer(what: str) -> CallerError:
    return CallerError(
        "backup.newer", f"A newer Callbox made this backup ({what}). Update this box first, then restore.", made_by=what
    )


def _told(text: bytes) -> dict[str, Any]:
    try:
        told = json.loads(text)
    except ValueError as error:
        raise damaged("its list of contents") from error
    if not isinstance(told, dict):
        raise damaged("its list of contents")
    return told


def _manifest(told: dict[str, Any]) -> Manifest:
    """From what was authenticated; it is still looked at as if a stranger had written it."""
    try:
        members = tuple(Member(**one) for one in told["members"])
        manifest = Manifest(**{**told, "members": members})
        figures = [number for one in members for number in (one.plain_bytes, one.stored_bytes)]
        sound = all(isinstance(number, int) and number >= 0 for number in (*figures, *manifest.counts.values()))
    except (KeyError, TypeError, AttributeError) as error:
        raise damaged("its list of contents") from error
    if not sound or len(members) > _MEMBERS_MAX or len({one.name for one in members}) != len(members):
        raise damaged("its list of contents")
    for one in members:
        if not safe_member(one.name, ROOTS):
            raise CallerError(
                "backup.unsafe_name", f"The backup names a file that is none of a box's ({one.name[:80]!r}). It was "
                "not made by a Callbox; nothing was changed.",
            )  # fmt: skip
    return manifest


def peek(path: Path) -> dict[str, Any]:
    """What a backup says of itself before the passphrase is known (not authenticated). Raises CallboxError."""
    with path.open("rb") as file:
        _, text = _head(file)
    return _told(text)


def is_backup(path: Path) -> bool:
    """Whether a file begins like one."""
    try:
        peek(path)
    except (OSError, CallboxError):
        return False
    return True
