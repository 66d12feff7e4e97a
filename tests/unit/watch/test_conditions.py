"""What each condition finds, and that it says so with a key of its own."""

from __future__ import annotations

import shutil
import socket
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from appliance.errors import BoxError
from appliance.settings import Home, RecordingSettings, Settings
from appliance.types import Severity
from appliance.watch.conditions import all_conditions
from appliance.watch.conditions import services as services_condition
from appliance.watch.conditions.certificate import CertificateValid
from appliance.watch.conditions.database import DatabaseReadable
from appliance.watch.conditions.disk_space import DiskSpace
from appliance.watch.conditions.doors import DoorsOpen
from appliance.watch.conditions.gateways import GatewaysAnswer
from appliance.watch.conditions.services import ServicesRun
from appliance.watch.supervision import ServiceStatus

pytestmark = pytest.mark.unit


@pytest.fixture
def home(tmp_path: Path) -> Home:
    made = Home(tmp_path)
    made.make()
    return made


def _service(name: str, state: str = "RUNNING", since_s: int = 1000) -> ServiceStatus:
    return ServiceStatus(name, state, 1, since_s, "")


@pytest.mark.parametrize(
    ("services", "alerts"),
    [
        ([_service("bus"), _service("web")], {}),
        ([_service("bus"), _service("web", "BACKOFF", 0)], {"service.web": "service.down"}),
        ([_service("bus"), _service("web", since_s=3)], {"service.web": "service.restarted"}),
        ([_service("bus", since_s=3), _service("web", since_s=4)], {}),  # the whole box has just started
        ([_service("bus"), _service("web", "STARTING")], {}),
    ],
)
def test_services(
    home: Home, monkeypatch: pytest.MonkeyPatch, services: list[ServiceStatus], alerts: dict[str, str]
) -> None:
    monkeypatch.setattr(services_condition, "status", lambda _home: services)
    found = ServicesRun(home).check()
    assert {finding.key: finding.alert for finding in found} == alerts
    assert all(finding.caused_by == "service.bus" for finding in found)


def test_no_supervisor_is_one_alert(home: Home) -> None:
    (finding,) = ServicesRun(home).check()
    assert (finding.key, finding.severity) == ("services.supervisor", Severity.CRITICAL)


def test_disk_space(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = Settings(recording=RecordingSettings(reserve_mb=1024))
    for free_mb, keys in ((2047, ["disk.low"]), (2048, [])):
        usage = shutil._ntuple_diskusage(10**12, 0, free_mb * 2**20)
        monkeypatch.setattr(shutil, "disk_usage", lambda _path, usage=usage: usage)
        assert [finding.key for finding in DiskSpace(home, settings).check()] == keys
    usage = shutil._ntuple_diskusage(10**12, 0, 420 * 2**20)
    monkeypatch.setattr(shutil, "disk_usage", lambda _path: usage)
    (finding,) = DiskSpace(home, settings).check()
    assert finding.title == "0.4 GB free on the recordings disk"


@pytest.mark.parametrize(
    ("days", "severity"), [(60, None), (20, Severity.WARNING), (2, Severity.CRITICAL), (-5, Severity.CRITICAL)]
)
def test_certificate(home: Home, days: int, severity: Severity | None) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "box")])
    until = datetime.now(UTC) + timedelta(days=days, hours=1)
    made = (
        x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key()).serial_number(1)
        .not_valid_before(until - timedelta(days=365)).not_valid_after(until).sign(key, hashes.SHA256())
    )  # fmt: skip
    (home.front / "server.crt").write_bytes(made.public_bytes(serialization.Encoding.PEM))
    found = CertificateValid(home).check()
    assert [finding.severity for finding in found] == ([severity] if severity else [])


def test_a_broken_certificate_and_none(home: Home) -> None:
    assert CertificateValid(home).check() == []
    (home.front / "server.crt").write_text("rubbish", "ascii")
    assert CertificateValid(home).check()[0].alert == "certificate.unreadable"


def test_database(home: Home) -> None:
    condition = DatabaseReadable(home, Settings())
    assert condition.check() == []
    home.database.write_bytes(b"no database" * 1000)
    assert condition.check()[0].key == "database.away"


def test_doors_are_told_after_three_looks(home: Home) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # bound, not listening: refused, and nobody else can take it
        port = taken.getsockname()[1]
        settings = Settings.model_validate({"bus": {"port": port}, "web": {"app_port": port, "port": port}})
        condition = DoorsOpen(home, settings)
        assert [len(condition.check()) for _ in range(3)] == [0, 0, 3]
        taken.listen()
        assert condition.check() == []


def test_gateways_blame_the_edge_and_are_unknown_without_it() -> None:
    (finding,) = GatewaysAnswer(lambda: ["10.0.0.5:5060"]).check()
    assert (finding.key, finding.caused_by) == ("gateway.10.0.0.5:5060", "service.edge")

    def away() -> list[str]:
        raise BoxError("edge.away", "away")

    with pytest.raises(BoxError):
        GatewaysAnswer(away).check()


def test_nobody_raises_or_clears_anothers_keys(home: Home) -> None:
    keys = [key for condition in all_conditions(home, Settings(), list) for key in condition.keys]
    clashes = [(one, other) for one in keys for other in keys if one is not other and one.startswith(other)]
    assert clashes == []
