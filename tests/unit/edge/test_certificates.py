"""The box's own certificates and the check of an uploaded one."""

from __future__ import annotations

import stat
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization

from appliance.errors import ValidationErrors
from appliance.settings import Home, Settings
from appliance.telephony.edge import certificates

pytestmark = pytest.mark.unit


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Home:
    home = Home(tmp_path_factory.mktemp("box"))
    certificates.ensure_certificates(home, Settings())
    return home


@pytest.fixture(scope="module")
def other(tmp_path_factory: pytest.TempPathFactory) -> Home:
    """Another box: a certificate that is good in itself, from a CA of its own."""
    home = Home(tmp_path_factory.mktemp("other"))
    certificates.ensure_certificates(home, Settings.model_validate({"web": {"host_name": "calls.example.net"}}))
    return home


def pair(home: Home) -> tuple[bytes, bytes]:
    return (home.front / "server.crt").read_bytes(), (home.front / "server.key").read_bytes()


def test_names_and_modes(home: Home) -> None:
    info = certificates.certificate_info(home)
    assert {"127.0.0.1", "127.0.2.2", "localhost"} <= set(info.names)
    assert not info.own
    for name in ("ca.key", "server.key"):
        assert stat.S_IMODE((home.front / name).stat().st_mode) == 0o600


def test_nothing_is_made_twice_but_new_names_make_a_new_one(tmp_path: Path) -> None:
    home = Home(tmp_path)
    certificates.ensure_certificates(home, Settings())
    before, authority = pair(home), (home.front / "ca.crt").read_bytes()
    certificates.ensure_certificates(home, Settings())
    assert pair(home) == before
    certificates.ensure_certificates(home, Settings.model_validate({"web": {"host_name": "box.example.net"}}))
    assert pair(home) != before
    assert "box.example.net" in certificates.certificate_info(home).names
    assert (home.front / "ca.crt").read_bytes() == authority


def test_an_own_certificate_stays(tmp_path: Path, other: Home) -> None:
    home = Home(tmp_path)
    certificates.ensure_certificates(home, Settings())
    certificates.upload_certificate(home, *pair(other))
    certificates.ensure_certificates(home, Settings())
    info = certificates.certificate_info(home)
    assert info.own
    assert "calls.example.net" in info.names
    certificates.remove_uploaded_certificate(home, Settings())
    assert not certificates.certificate_info(home).own


def problems(certificate: bytes, key: bytes, now: datetime | None = None) -> set[str]:
    found, _ = certificates.check_certificate(certificate, key, now=now or datetime.now(UTC))
    return {error_id for _, error_id, _ in found}


def test_a_good_one_has_no_problems(other: Home) -> None:
    assert problems(*pair(other)) == set()


def test_what_can_be_wrong(home: Home, other: Home) -> None:
    chain, key = pair(other)
    leaf = x509.load_pem_x509_certificates(chain)[0].public_bytes(serialization.Encoding.PEM)
    foreign_authority = (home.front / "ca.crt").read_bytes()
    assert problems(chain, pair(home)[1]) == {"certificate.key_mismatch"}
    assert problems(leaf + foreign_authority, key) == {"certificate.chain_broken"}
    assert problems(b"not PEM", b"nor this") == {"certificate.unreadable", "certificate.key_unreadable"}
    assert "certificate.expired" in problems(chain, key, datetime.now(UTC) + timedelta(days=4000))
    assert "certificate.not_yet_valid" in problems(chain, key, datetime.now(UTC) - timedelta(days=10))
    loaded = serialization.load_pem_private_key(key, password=None)
    locked = loaded.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.BestAvailableEncryption(b"x")
    )
    assert problems(chain, locked) == {"certificate.key_encrypted"}


def test_a_wrong_upload_changes_nothing(home: Home, other: Home) -> None:
    before = pair(home)
    with pytest.raises(ValidationErrors):
        certificates.upload_certificate(home, pair(other)[0], before[1])
    assert pair(home) == before
