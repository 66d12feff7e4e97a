"""The passphrase of backups: scrypt makes a key of it, and the box keeps that key so that backups need nobody.

The key file stands in the box's home beside its other secrets, mode 0600: who can read it can read the database too.
A backup that has left the box opens with the passphrase alone.
"""

from __future__ import annotations

import base64
import json
import secrets
from dataclasses import dataclass, replace
from typing import Any

from cryptography.hazmat.primitives import hashes, hmac
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

from appliance.errors import BoxError, CallerError
from appliance.settings import Home, write_private

SHORTEST = 12
_SALT_BYTES, _KEY_BYTES = 16, 32
_COST, _BLOCK, _LANES = 2**16, 8, 1  # 64 MB and about 0.2 s a guess (RFC 7914, section 2)
_COST_MAX, _BLOCK_MAX, _LANES_MAX = 2**18, 8, 4  # what a file may ask of us: 256 MB
_CHECK = b"callbox backup key check 1"


@dataclass(frozen=True)
class BackupKey:
    """A key and how it is made of its passphrase."""

    key: bytes
    salt: bytes
    cost: int = _COST
    block: int = _BLOCK
    lanes: int = _LANES

    @property
    def recipe(self) -> dict[str, Any]:
        """How the key is made again; nothing secret."""
        salt = base64.b64encode(self.salt).decode()
        return {"name": "scrypt", "salt": salt, "n": self.cost, "r": self.block, "p": self.lanes}

    def part(self, salt: bytes, purpose: str) -> bytes:
        """A key of one purpose in one file (HKDF, RFC 5869)."""
        return HKDF(algorithm=hashes.SHA256(), length=_KEY_BYTES, salt=salt, info=purpose.encode()).derive(self.key)

    def check(self, salt: bytes) -> str:
        """Tells a wrong passphrase from a damaged file."""
        return self.mac(salt, _CHECK)

    def mac(self, salt: bytes, data: bytes) -> str:
        """HMAC-SHA-256 over data, in hexadecimal."""
        code = hmac.HMAC(self.part(salt, "mac"), hashes.SHA256())
        code.update(data)
        return code.finalize().hex()


def new_key(passphrase: str, *, cost: int = _COST) -> BackupKey:
    """A key with a fresh salt. Raises CallerError `backup.short_passphrase`."""
    if len(passphrase) < SHORTEST:
        raise CallerError(
            "backup.short_passphrase", f"Choose a passphrase of at least {SHORTEST} characters: it guards all "
            "secrets of the box.", shortest=SHORTEST,
        )  # fmt: skip
    return _derive(passphrase, BackupKey(b"", secrets.token_bytes(_SALT_BYTES), cost))


def key_of(passphrase: str, recipe: Any) -> BackupKey:
    """The key that a file's recipe makes of a passphrase. Raises CallerError `backup.damaged` for a strange recipe."""
    try:
        made = BackupKey(
            b"", base64.b64decode(recipe["salt"], validate=True), int(recipe["n"]), int(recipe["r"]), int(recipe["p"])
        )
        sound = (
            recipe["name"] == "scrypt" and len(made.salt) == _SALT_BYTES and 0 < made.block <= _BLOCK_MAX
            and 0 < made.lanes <= _LANES_MAX and 1 < made.cost <= _COST_MAX and made.cost & (made.cost - 1) == 0
        )  # fmt: skip
    except (KeyError, TypeError, ValueError) as error:
        raise _strange() from error
    if not sound:
        raise _strange()
    return _derive(passphrase, made)


def _strange() -> CallerError:
    return CallerError("backup.damaged", "The backup is damaged: it does not say how its key is made.")


def _derive(passphrase: str, made: BackupKey) -> BackupKey:
    derived = Scrypt(salt=made.salt, length=_KEY_BYTES, n=made.cost, r=made.block, p=made.lanes)
    return replace(made, key=derived.derive(passphrase.encode()))


def keep(home: Home, key: BackupKey) -> None:
    """Use this key for backups from now on."""
    kept = {**key.recipe, "key": base64.b64encode(key.key).decode()}
    write_private(home.backup_key, json.dumps(kept).encode())


def kept(home: Home) -> BackupKey | None:
    """The key that is in use; None before a passphrase was set. Raises BoxError `backup.key_broken`."""
    try:
        told = json.loads(home.backup_key.read_bytes())
        return BackupKey(
            base64.b64decode(told["key"], validate=True), base64.b64decode(told["salt"], validate=True),
            int(told["n"]), int(told["r"]), int(told["p"]),
        )  # fmt: skip
    except FileNotFoundError:
        return None
    except (OSError, KeyError, TypeError, ValueError) as error:
        raise BoxError(
            "backup.key_broken", f"{home.backup_key} cannot be read. Set the passphrase of backups anew."
        ) from error


def needed(home: Home) -> BackupKey:
    """The key that is in use. Raises CallerError `backup.no_passphrase`."""
    found = kept(home)
    if found is None:
        raise CallerError(
            "backup.no_passphrase", "No passphrase was set. Set one first (System, Backup, or 'callbox backup "
            "passphrase'), and keep it where the box is not.",
        )  # fmt: skip
    return found
