"""Copies elsewhere: signed as Amazon's own example, checked after they arrived, never half there."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from pydantic import SecretStr, ValidationError

from appliance import texts
from appliance.errors import BoxError
from appliance.jobs.backup import copies
from appliance.outside import s3, smb
from appliance.settings import BackupSettings

pytestmark = pytest.mark.unit


def test_a_request_is_signed_as_in_the_storages_own_example() -> None:
    """AWS, "Signature Calculations for the Authorization Header", example GET Object."""
    bucket = s3.Bucket("examplebucket", "us-east-1", "AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY")
    assert bucket.base == "https://examplebucket.s3.amazonaws.com"
    said = s3.authorization(
        bucket, "GET", "examplebucket.s3.amazonaws.com", "/test.txt", {"range": "bytes=0-9"},
        hashlib.sha256(b"").hexdigest(), datetime(2013, 5, 24, tzinfo=UTC),
    )  # fmt: skip
    assert said.endswith("Signature=f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41")


class Bucket(ThreadingHTTPServer):
    """An S3 storage that looks at signatures and digests."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Answers)
        self.files: dict[str, tuple[bytes, str]] = {}
        self.loses = 0  # so many bytes of what comes are lost
        self.bucket = s3.Bucket("box", "eu", "AK", "secret", f"http://127.0.0.1:{self.server_port}")


class _Answers(BaseHTTPRequestHandler):
    server: Bucket

    def _signed(self) -> bool:
        given = self.headers["authorization"]
        names = given.partition("SignedHeaders=")[2].partition(",")[0].split(";")
        inner = {n: self.headers[n] for n in names if n not in ("host", "x-amz-content-sha256", "x-amz-date")}
        at = datetime.strptime(self.headers["x-amz-date"], "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
        wanted = s3.authorization(
            self.server.bucket, self.command, self.headers["host"], self.path, inner,
            self.headers["x-amz-content-sha256"], at,
        )  # fmt: skip
        return bool(given == wanted)

    def do_PUT(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        good = self._signed() and hashlib.sha256(body).hexdigest() == self.headers["x-amz-content-sha256"]
        if good:
            kept = body[: len(body) - self.server.loses]
            self.server.files[self.path] = (kept, self.headers["x-amz-meta-sha256"])
        self.send_response(200 if good else 403)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def do_HEAD(self) -> None:
        body, digest = self.server.files[self.path]
        self.send_response(200 if self._signed() else 403)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("x-amz-meta-sha256", digest)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Not into the test's output."""


@pytest.fixture
def storage() -> Iterator[Bucket]:
    with Bucket() as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def _settings(storage: Bucket, secret: str = "secret") -> BackupSettings:
    return BackupSettings(
        copy_to="s3://box/nightly", s3_endpoint=storage.bucket.endpoint, s3_region="eu", s3_access_key="AK",
        s3_secret_key=SecretStr(secret),
    )  # fmt: skip


def test_to_s3(storage: Bucket, tmp_path: Path) -> None:
    (tmp_path / "b").write_bytes(b"sealed" * 1000)
    to = copies.place(_settings(storage))
    assert to is not None
    to.put(tmp_path / "b", "backups/box 1.cbb")
    assert storage.files["/box/nightly/backups/box%201.cbb"][0] == b"sealed" * 1000
    storage.loses = 1
    with pytest.raises(BoxError, match="another length"):
        to.put(tmp_path / "b", "backups/2.cbb")
    wrong = copies.place(_settings(storage, "not the key"))
    assert wrong is not None
    with pytest.raises(BoxError, match="refused"):
        wrong.put(tmp_path / "b", "backups/3.cbb")


def test_to_a_folder_that_is_there_and_full_or_not_mounted(tmp_path: Path) -> None:
    (tmp_path / "b").write_bytes(b"sealed" * 1000)
    share = tmp_path / "share"
    to = copies.place(BackupSettings(copy_to=str(share)))
    assert isinstance(to, copies.Folder)
    with pytest.raises(BoxError, match="mounted"):
        to.put(tmp_path / "b", "backups/1.cbb")
    share.mkdir()
    to.put(tmp_path / "b", "backups/1.cbb")
    assert [path.name for path in (share / "backups").iterdir()] == ["1.cbb"]
    (share / "recordings").write_text("a file where a folder belongs")
    with pytest.raises(BoxError):
        to.put(tmp_path / "b", "recordings/1.cbr")
    assert copies.place(BackupSettings()) is None
    assert isinstance(copies.place(BackupSettings(copy_to="rsync://host/module")), copies.Rsync)


def test_a_share_is_named_without_its_password() -> None:
    assert isinstance(copies.place(BackupSettings(copy_to="smb://nas.office:4450/备份/office 1/")), copies.Shared)
    share = smb.share_of("smb://nas.office:4450/备份/office 1/boxes/", "OFFICE\\box", "secret")
    assert (share.host, share.port, share.name, share.folder) == ("nas.office", 4450, "备份", "office 1/boxes")
    assert "secret" not in repr(share)
    for wrong in ("smb://nas", "smb://box:secret@nas/share", "smb://nas/a\\b", "smb://nas//share"):
        with pytest.raises(ValidationError):
            BackupSettings(copy_to=wrong)


def test_what_a_server_refuses_is_said_in_the_readers_language() -> None:
    refusals = {error_id for error_id, _ in smb.SAID.values()}
    assert refusals == {"smb.login", "smb.share", "smb.denied", "smb.disk_full"}
    for language in ("zh", "ru"):
        assert all(texts.error_words(one, language, "") for one in refusals)
