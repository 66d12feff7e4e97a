"""The box's certificates: a CA of its own, a server certificate from it (or an uploaded one) for web and SIP over TLS.

Files in `home.front`: ca.crt (may be downloaded), ca.key, server.crt (leaf first, then the chain), server.key; keys
have mode 0600. RSA 2048, because desk phones of ten years ago must still be able to register over TLS.
"""

from __future__ import annotations

import fcntl
import ipaddress
import itertools
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psutil
from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from appliance.errors import ValidationErrors
from appliance.logs import get_logger
from appliance.settings import Home, Settings, write_private

CA_YEARS = 10
LEAF_DAYS = 397  # browsers take no longer ones from public CAs; phones follow them
RENEW_BEFORE = timedelta(days=30)

log = get_logger()


@dataclass(frozen=True)
class CertificateInfo:
    """What the settings page and health show of the certificate in use."""

    subject: str
    names: tuple[str, ...]
    not_after: datetime
    own: bool  # uploaded, not made by the box


def ensure_certificates(home: Home, settings: Settings) -> None:
    """Make what is missing: the CA once; the server certificate again when names changed or its end is near."""
    with _locked(home):
        ca_key, ca = _ensure_ca(home)
        if _own_marker(home).exists():
            return
        wanted = wanted_names(settings)
        if not _leaf_is_good(home, ca, wanted):
            _issue(home, ca_key, ca, wanted)


def certificate_info(home: Home) -> CertificateInfo:
    """Describe the server certificate that is in use."""
    leaf = x509.load_pem_x509_certificates((home.front / "server.crt").read_bytes())[0]
    return CertificateInfo(
        leaf.subject.rfc4514_string(), tuple(sorted(_names_of(leaf))), leaf.not_valid_after_utc,
        _own_marker(home).exists(),
    )  # fmt: skip


def upload_certificate(home: Home, certificate_pem: bytes, key_pem: bytes, *, now: datetime | None = None) -> None:
    """Use the customer's certificate (leaf first, then its chain) from the next start of front and edge on.

    Raises ValidationErrors with everything that is wrong: unreadable, key does not match, chain broken, dates.
    """
    problems, certificates = check_certificate(certificate_pem, key_pem, now=now or datetime.now(UTC))
    if problems:
        raise ValidationErrors(problems)
    with _locked(home):
        pem = b"".join(certificate.public_bytes(serialization.Encoding.PEM) for certificate in certificates)
        _own_marker(home).touch()
        write_private(home.front / "server.key", key_pem)
        write_private(home.front / "server.crt", pem)


def remove_uploaded_certificate(home: Home, settings: Settings) -> None:
    """Go back to the box's own certificate."""
    with _locked(home):
        _own_marker(home).unlink(missing_ok=True)
        _issue(home, *_ensure_ca(home), wanted_names(settings))


def check_certificate(
    certificate_pem: bytes, key_pem: bytes, *, now: datetime
) -> tuple[list[tuple[str, str, str]], list[x509.Certificate]]:
    """Return all problems as (field, error_id, message), and the certificates read."""
    problems: list[tuple[str, str, str]] = []
    try:
        certificates = x509.load_pem_x509_certificates(certificate_pem)
    except ValueError:
        certificates = []
        problems.append(("certificate", "certificate.unreadable", "this is no PEM file with certificates"))
    try:
        key = load_pem_private_key(key_pem, password=None)
    except TypeError:
        key = None
        problems.append(("key", "certificate.key_encrypted", "the key has a pass phrase; give it without one"))
    except ValueError:
        key = None
        problems.append(("key", "certificate.key_unreadable", "this is no PEM file with a private key"))
    if certificates and key is not None and certificates[0].public_key() != key.public_key():
        problems.append(("key", "certificate.key_mismatch", "the key does not belong to the first certificate"))
    for lower, upper in itertools.pairwise(certificates):
        try:
            lower.verify_directly_issued_by(upper)
        except (ValueError, TypeError, InvalidSignature):
            who, by = lower.subject.rfc4514_string(), upper.subject.rfc4514_string()
            problems.append(("certificate", "certificate.chain_broken", f"'{who}' was not issued by '{by}'"))
    for certificate in certificates:
        who = certificate.subject.rfc4514_string()
        if now > certificate.not_valid_after_utc:
            ended = certificate.not_valid_after_utc.date()
            problems.append(("certificate", "certificate.expired", f"'{who}' ended on {ended}"))
        if now < certificate.not_valid_before_utc:
            begins = certificate.not_valid_before_utc.date()
            problems.append(("certificate", "certificate.not_yet_valid", f"'{who}' begins on {begins}"))
    return problems, certificates


def wanted_names(settings: Settings) -> frozenset[str]:
    """All names and addresses under which this box is reached."""
    names = {"localhost", "127.0.0.1", settings.sip.seat_address, socket.gethostname()}
    names |= {settings.web.host_name} - {""}
    if not ipaddress.ip_address(settings.web.address).is_unspecified:
        names.add(settings.web.address)
    else:
        interfaces = psutil.net_if_addrs().values()
        names |= {a.address for addresses in interfaces for a in addresses if a.family == socket.AF_INET}
    return frozenset(names)


def _own_marker(home: Home) -> Path:
    return home.front / "own-certificate"


@contextmanager
def _locked(home: Home) -> Iterator[None]:
    home.front.mkdir(parents=True, exist_ok=True)
    with (home.front / "certificates.lock").open("w") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)  # front and edge may start at the same moment
        yield


def _new_key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


def _key_pem(key: rsa.RSAPrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def _ensure_ca(home: Home) -> tuple[rsa.RSAPrivateKey, x509.Certificate]:
    key_file, certificate_file = home.front / "ca.key", home.front / "ca.crt"
    if key_file.exists() and certificate_file.exists():
        key = load_pem_private_key(key_file.read_bytes(), password=None)
        if isinstance(key, rsa.RSAPrivateKey):
            return key, x509.load_pem_x509_certificate(certificate_file.read_bytes())
    key = _new_key()
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, f"Callbox CA {socket.gethostname()}"[:64])])
    now = datetime.now(UTC)
    certificate = (
        _builder(name, name, key.public_key(), now, timedelta(days=365 * CA_YEARS))
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_key_usage(signs_certificates=True), critical=True)
        .sign(key, hashes.SHA256())
    )
    write_private(key_file, _key_pem(key))
    write_private(certificate_file, certificate.public_bytes(serialization.Encoding.PEM))
    log.info("certificate authority made", path=str(certificate_file))
    return key, certificate


def _builder(
    subject: x509.Name, issuer: x509.Name, public_key: rsa.RSAPublicKey, now: datetime, life: timedelta
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(public_key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))  # the box's clock may be a little ahead of a phone's
        .not_valid_after(now + life)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(public_key), critical=False)
    )


def _key_usage(*, signs_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=True, key_encipherment=not signs_certificates, key_cert_sign=signs_certificates,
        crl_sign=signs_certificates, content_commitment=False, data_encipherment=False, key_agreement=False,
        encipher_only=False, decipher_only=False,
    )  # fmt: skip


def _issue(home: Home, ca_key: rsa.RSAPrivateKey, ca: x509.Certificate, names: frozenset[str]) -> None:
    key = _new_key()
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Callbox")])
    authority = x509.AuthorityKeyIdentifier.from_issuer_public_key(ca_key.public_key())
    leaf = (
        _builder(subject, ca.subject, key.public_key(), datetime.now(UTC), timedelta(days=LEAF_DAYS))
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_key_usage(signs_certificates=False), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(authority, critical=False)
        .add_extension(x509.SubjectAlternativeName([_general_name(n) for n in sorted(names)]), critical=False)
        .sign(ca_key, hashes.SHA256())
    )
    write_private(home.front / "server.key", _key_pem(key))
    pem = serialization.Encoding.PEM
    write_private(home.front / "server.crt", leaf.public_bytes(pem) + ca.public_bytes(pem))
    log.info("server certificate made", names=",".join(sorted(names)))


def _general_name(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)


def _names_of(leaf: x509.Certificate) -> frozenset[str]:
    try:
        names = leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return frozenset()
    return frozenset(str(name.value) for name in names)


def _leaf_is_good(home: Home, ca: x509.Certificate, wanted: frozenset[str]) -> bool:
    certificate_file, key_file = home.front / "server.crt", home.front / "server.key"
    if not (certificate_file.exists() and key_file.exists()):
        return False
    problems, certificates = check_certificate(
        certificate_file.read_bytes(), key_file.read_bytes(), now=datetime.now(UTC) + RENEW_BEFORE
    )
    return not problems and certificates[-1] == ca and wanted <= _names_of(certificates[0])
