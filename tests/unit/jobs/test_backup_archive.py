"""The backup file: each byte counts, wrong words are told apart from damage, nothing is written outside its folder."""

from __future__ import annotations

import base64
import hashlib
import json
import shutil
import struct
import zlib
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import pytest

from appliance.errors import BoxError, CallerError
from appliance.jobs.backup import archive
from appliance.jobs.backup.archive import Archive, Manifest, Member
from appliance.jobs.backup.keys import BackupKey, key_of, new_key
from appliance.store.sealed import SealedWriter

pytestmark = pytest.mark.unit

WORDS = "correct horse battery"
CHEAP = 2**4  # scrypt's cost: the format is what is tested
ABOUT: dict[str, Any] = {
    "made_at": "2026-11-25T03:30:00+00:00", "product": "0.1.0", "schema": "0001", "box": "box", "store": "sqlite",
    "counts": {"users": 3},
}  # fmt: skip


@pytest.fixture
def made(tmp_path: Path) -> Path:
    """A small backup of two files."""
    one, two = tmp_path / "one", tmp_path / "two"
    one.write_bytes(bytes(range(256)) * 300)
    two.write_text("[dialling]\n", "utf-8")
    target = tmp_path / "made.cbb"
    key = new_key(WORDS, cost=CHEAP)
    archive.write(target, [("callbox.sqlite", one), ("settings.toml", two)], key, ABOUT)
    return target


def _unpacked(path: Path, passphrase: str = WORDS, *, key: BackupKey | None = None) -> Path:
    folder = path.parent / "out"
    folder.mkdir(exist_ok=True)
    with Archive(path, passphrase, key=key) as opened:
        opened.unpack(folder)
    return folder


def _refused(path: Path, passphrase: str = WORDS) -> str:
    folder = path.parent / "refused"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    with pytest.raises((CallerError, BoxError)) as refused, Archive(path, passphrase) as opened:
        opened.unpack(folder)
    return refused.value.error_id


def test_what_went_in_comes_out(made: Path) -> None:
    folder = _unpacked(made)
    assert (folder / "callbox.sqlite").read_bytes() == bytes(range(256)) * 300
    assert (folder / "settings.toml").read_text("utf-8") == "[dialling]\n"
    assert sorted(path.name for path in folder.iterdir()) == ["callbox.sqlite", "settings.toml"]
    assert sorted(path.suffix for path in made.parent.glob("made*")) == [".cbb"]
    assert made.stat().st_mode & 0o777 == 0o600


def test_the_kept_key_opens_without_the_passphrase_and_another_does_not(made: Path) -> None:
    key = key_of(WORDS, archive.peek(made)["key"])
    assert (_unpacked(made, "", key=key) / "settings.toml").exists()
    with pytest.raises(CallerError) as refused:
        Archive(made, "", key=new_key(WORDS, cost=CHEAP))
    assert refused.value.error_id == "backup.wrong_passphrase"


def test_nothing_of_the_box_can_be_read_in_it(made: Path) -> None:
    assert b"dialling" not in made.read_bytes()


def test_a_wrong_passphrase_is_told_as_one(made: Path) -> None:
    assert _refused(made, "correct horse batterx") == "backup.wrong_passphrase"
    with pytest.raises(CallerError, match="at least 12"):
        new_key("too short")


def test_each_flipped_byte_is_found(made: Path) -> None:
    whole = made.read_bytes()
    places = {*range(40), *range(40, len(whole), 37), *range(len(whole) - 40, len(whole))}
    for place in sorted(places):
        made.write_bytes(whole[:place] + bytes([whole[place] ^ 0x20]) + whole[place + 1 :])
        assert _refused(made) in {
            "backup.damaged", "backup.not_a_backup", "backup.newer", "backup.incomplete", "backup.wrong_passphrase"
        }, place  # fmt: skip


@pytest.mark.parametrize("part", [0.0, 0.01, 0.5, 0.999])
def test_half_a_file_is_told_as_one(made: Path, part: float) -> None:
    whole = made.read_bytes()
    made.write_bytes(whole[: int(len(whole) * part)])
    assert _refused(made) == ("backup.not_a_backup" if part == 0.0 else "backup.incomplete")
    assert not list((made.parent / "refused").iterdir())


def test_more_than_it_says_is_damage_and_a_newer_format_is_said(made: Path) -> None:
    whole = made.read_bytes()
    made.write_bytes(whole + b"x")
    assert _refused(made) == "backup.damaged"
    made.write_bytes(whole[:8] + struct.pack(">H", 2) + whole[10:])
    assert _refused(made) == "backup.newer"
    made.write_bytes(b"PK\3\4" + whole)
    assert _refused(made) == "backup.not_a_backup"


def _forged(path: Path, contents: list[tuple[Member, bytes]], **changes: Any) -> None:
    """A file that was made with the right key, and not by us. Each member comes with its compressed bytes."""
    key, salt = new_key(WORDS, cost=CHEAP), b"s" * 32
    stored = []
    for number, (member, packed) in enumerate(contents):
        sealed = path.parent / f"sealed{number}"
        sealed.unlink(missing_ok=True)
        with SealedWriter(sealed, key.part(salt, f"member {member.name}")) as writer:
            writer.write(packed)
        data = sealed.read_bytes()
        stored.append((replace(member, stored_bytes=len(data), stored_sha256=hashlib.sha256(data).hexdigest()), data))
    manifest = Manifest(
        **ABOUT, key=key.recipe, salt=base64.b64encode(salt).decode(), key_check=key.check(salt),
        members=tuple(member for member, _ in stored),
    )  # fmt: skip
    text = json.dumps({**asdict(manifest), **changes}).encode()
    head = struct.pack(">8sHI", b"CBBACKUP", 1, len(text)) + text
    path.write_bytes(head + bytes.fromhex(key.mac(salt, head)) + b"".join(data for _, data in stored))


@pytest.mark.parametrize("name", ["../evil", "/tmp/evil", "prompts/../../evil", "etc/passwd", "prompts/.x"])
def test_a_name_that_leads_out_is_refused(tmp_path: Path, name: str) -> None:
    path = tmp_path / "forged.cbb"
    _forged(path, [(Member(name, 1, "", 0, ""), zlib.compress(b"x"))])
    assert _refused(path) == "backup.unsafe_name"
    assert not list((tmp_path / "refused").iterdir())


def test_a_bomb_goes_no_further_than_it_says(tmp_path: Path) -> None:
    path = tmp_path / "forged.cbb"
    _forged(path, [(Member("callbox.sqlite", 1000, "", 0, ""), zlib.compress(bytes(50_000_000)))])
    assert _refused(path) == "backup.damaged"
    assert sum(one.stat().st_size for one in (tmp_path / "refused").iterdir()) <= 2**20


def test_a_size_that_no_disk_has_is_refused_before_anything_is_written(tmp_path: Path) -> None:
    path = tmp_path / "forged.cbb"
    _forged(path, [(Member("callbox.sqlite", 10**18, "", 0, ""), zlib.compress(b"x"))])
    assert _refused(path) == "backup.no_room"
    assert not list((tmp_path / "refused").iterdir())


@pytest.mark.parametrize(
    "changes",
    [{"members": 7}, {"members": [{"name": "settings.toml"}]}, {"counts": {"users": "many"}}, {"extra": 1},
     {"members": [{"name": "settings.toml", "plain_bytes": -5, "sha256": "", "stored_bytes": 0, "stored_sha256": ""}]}],
)  # fmt: skip
def test_a_strange_list_of_contents_is_damage(tmp_path: Path, changes: dict[str, Any]) -> None:
    path = tmp_path / "forged.cbb"
    _forged(path, [], **changes)
    assert _refused(path) == "backup.damaged"


@pytest.mark.parametrize(
    "recipe",
    [None, {}, {"name": "scrypt", "salt": "AAAAAAAAAAAAAAAAAAAAAA==", "n": 2**40, "r": 8, "p": 1},
     {"name": "scrypt", "salt": "AAAAAAAAAAAAAAAAAAAAAA==", "n": 1000, "r": 8, "p": 1},
     {"name": "none", "salt": "AAAAAAAAAAAAAAAAAAAAAA==", "n": 16, "r": 8, "p": 1}],
)  # fmt: skip
def test_a_file_cannot_have_us_work_for_hours(recipe: Any) -> None:
    with pytest.raises(CallerError) as refused:
        key_of(WORDS, recipe)
    assert refused.value.error_id == "backup.damaged"
