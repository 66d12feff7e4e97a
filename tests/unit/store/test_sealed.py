"""Sealed files: any part can be read, and no byte can be changed, moved or cut off unnoticed."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from appliance.errors import BoxError
from appliance.store import sealed
from appliance.store.sealed import SealBrokenError, SealedReader, SealedWriter

pytestmark = pytest.mark.unit

KEY = bytes(range(32))
CHUNK = 64  # small, so that short texts have many chunks
OVERHEAD = 16
HEADER = 20
_same_folder = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=50)


def _seal(path: Path, plain: bytes, *, pieces: int = 1, key: bytes = KEY) -> None:
    path.unlink(missing_ok=True)
    step = max(1, len(plain) // pieces)
    with SealedWriter(path, key, chunk_bytes=CHUNK) as writer:
        for start in range(0, len(plain), step):
            writer.write(plain[start : start + step])


def _read_all(path: Path, key: bytes = KEY) -> bytes:
    with SealedReader(path, key) as reader:
        return b"".join(reader.chunks())


@_same_folder
@given(plain=st.binary(max_size=5 * CHUNK), pieces=st.integers(1, 9), offset=st.integers(0, 6 * CHUNK),
       size=st.integers(0, 6 * CHUNK))  # fmt: skip
def test_any_part_reads_as_it_was_written(tmp_path: Path, plain: bytes, pieces: int, offset: int, size: int) -> None:
    path = tmp_path / "file"
    _seal(path, plain, pieces=pieces)
    with SealedReader(path, KEY) as reader:
        assert reader.size == len(plain)
        assert reader.read(offset, size) == plain[offset : offset + size]
        assert b"".join(reader.chunks()) == plain


@_same_folder
@given(plain=st.binary(min_size=1, max_size=4 * CHUNK), data=st.data())
def test_a_changed_byte_is_found(tmp_path: Path, plain: bytes, data: st.DataObject) -> None:
    path = tmp_path / "file"
    _seal(path, plain)
    raw = bytearray(path.read_bytes())
    raw[data.draw(st.integers(0, len(raw) - 1))] ^= data.draw(st.integers(1, 255))
    path.write_bytes(raw)
    with pytest.raises(SealBrokenError):
        _read_all(path)


@_same_folder
@given(length=st.integers(0, 3 * CHUNK), data=st.data())
def test_a_cut_file_is_found_also_when_cut_between_chunks(tmp_path: Path, length: int, data: st.DataObject) -> None:
    path = tmp_path / "file"
    _seal(path, bytes(length))
    raw = path.read_bytes()
    path.write_bytes(raw[: data.draw(st.integers(0, len(raw) - 1))])
    with pytest.raises(SealBrokenError):
        _read_all(path)


def test_chunks_cannot_change_places_or_come_from_another_file(tmp_path: Path) -> None:
    first, second = tmp_path / "first", tmp_path / "second"
    _seal(first, bytes(3 * CHUNK))
    _seal(second, bytes(3 * CHUNK))
    step = CHUNK + OVERHEAD
    raw, other = first.read_bytes(), second.read_bytes()
    swapped = raw[:HEADER] + raw[HEADER + step :][:step] + raw[HEADER:][:step] + raw[HEADER + 2 * step :]
    mixed = raw[:HEADER] + other[HEADER:][:step] + raw[HEADER + step :]
    longer = raw + raw[-step:]
    for forged in (swapped, mixed, longer):
        first.write_bytes(forged)
        with pytest.raises(SealBrokenError):
            _read_all(first)


def test_another_key_opens_nothing(tmp_path: Path) -> None:
    _seal(tmp_path / "file", b"secret")
    with pytest.raises(SealBrokenError):
        _read_all(tmp_path / "file", key=bytes(32))


def test_what_was_not_closed_is_no_sealed_file(tmp_path: Path) -> None:
    path = tmp_path / "file"
    writer = SealedWriter(path, KEY, chunk_bytes=CHUNK)
    writer.write(bytes(2 * CHUNK))
    writer.abandon()
    with pytest.raises(SealBrokenError):
        _read_all(path)
    with pytest.raises(FileExistsError):
        SealedWriter(path, KEY)


def test_the_same_text_is_sealed_differently_each_time(tmp_path: Path) -> None:
    _seal(tmp_path / "a", b"same" * 50)
    _seal(tmp_path / "b", b"same" * 50)
    assert (tmp_path / "a").read_bytes()[HEADER:] != (tmp_path / "b").read_bytes()[HEADER:]
    assert b"same" not in (tmp_path / "a").read_bytes()


def test_keys_are_wrapped_for_one_purpose_and_one_box() -> None:
    key = sealed.new_key()
    wrapped = sealed.wrap("box secret", key, "recording:1")
    assert sealed.unwrap("box secret", wrapped, "recording:1") == key
    assert sealed.wrap("box secret", key, "recording:1") != wrapped
    for secret, text, context in (
        ("other", wrapped, "recording:1"), ("box secret", wrapped, "recording:2"),
        ("box secret", wrapped[:-4] + "AAA=", "recording:1"), ("box secret", "no base64", "recording:1"),
        ("box secret", "", "recording:1"),
    ):  # fmt: skip
        with pytest.raises(BoxError) as caught:
            sealed.unwrap(secret, text, context)
        assert caught.value.error_id == "sealed.key_broken"


def test_large_default_chunks_are_read_across_their_border(tmp_path: Path) -> None:
    plain = io.BytesIO(bytes(range(256)) * 600).getvalue()
    with SealedWriter(tmp_path / "file", KEY) as writer:
        writer.write(plain)
    with SealedReader(tmp_path / "file", KEY) as reader:
        border = sealed.CHUNK_BYTES
        assert reader.read(border - 3, 6) == plain[border - 3 : border + 3]
