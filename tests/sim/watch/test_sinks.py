"""Every sink against a real other end on loopback; the post retries, keeps and tells of a sink that fails."""

from __future__ import annotations

import base64
import email
import email.policy
import hashlib
import hmac
import json
import re
from pathlib import Path

import pytest
from pydantic import SecretStr

from appliance.errors import BoxError, NotFoundError
from appliance.settings import EmailSettings, LedSettings, SnmpTrapSettings, SyslogSettings, WebhookSettings
from appliance.watch.sinks import snmp_trap
from appliance.watch.sinks.base import Message
from appliance.watch.sinks.boards import Lamps
from appliance.watch.sinks.email import EmailSink
from appliance.watch.sinks.post import Post, Route
from appliance.watch.sinks.sms import SimulatedGateway, SmsSink
from appliance.watch.sinks.syslog import SyslogSink
from appliance.watch.sinks.webhook import WebhookSink
from tests.sim.watch import receivers

pytestmark = pytest.mark.sim
# pysnmp leaves the file of its boot counter to the garbage collector
_PYSNMP = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")


def message(happened: str = "raised", **more: object) -> Message:
    given = {
        "uid": "0b0e", "happened": happened, "key": "gateway.10.0.0.5:5060", "severity": "warning", "title": "silent",
        "text": "look", "data": {"alert": "gateway.silent", "address": '10.0.0.5:5060]"'}, "raised_at_unix_s": 1e9,
        "at_unix_s": 1e9 + 5, **more,
    }  # fmt: skip
    return Message(**given)  # type: ignore[arg-type]


def test_email_goes_by_starttls_with_log_in_in_the_readers_language(tmp_path: Path) -> None:
    server_tls, client_tls = receivers.certificate(tmp_path)
    with receivers.smtp_server(server_tls) as mail:
        settings = EmailSettings(
            host="127.0.0.1", port=mail.port, user="box", password=SecretStr("secret"), sender="box@example.com",
            recipients="one@example.com, two@example.com",
        )  # fmt: skip
        sink = EmailSink(settings, box="desk-7", language="ru", tls=client_tls)
        sink.tell(message())
        sink.tell(message("cleared"))
        (secure, user, text), (_, _, second) = mail.wait(2)
    letter = email.message_from_string(text, policy=email.policy.default)
    assert secure
    assert base64.b64decode(user) == b"\0box\0secret"
    assert letter["Subject"].startswith("[desk-7] WARNING: Шлюз 10.0.0.5:5060")
    assert "Проверьте питание" in letter.get_content()
    assert letter["References"] == email.message_from_string(second)["References"]  # one thread in the mailbox
    assert "OK:" in str(email.message_from_string(second, policy=email.policy.default)["Subject"])


def test_a_mail_server_without_encryption_gets_no_password(tmp_path: Path) -> None:
    server_tls, _ = receivers.certificate(tmp_path)
    with receivers.smtp_server(server_tls) as mail:
        settings = EmailSettings(host="127.0.0.1", port=mail.port, user="box", recipients="one@example.com")
        with pytest.raises(BoxError) as caught:  # a certificate that nobody vouches for
            EmailSink(settings, box="b", language="en").tell(message())
    assert caught.value.error_id == "sink.failed"
    assert not mail.got


def test_webhook_is_signed_and_keeps_its_id_on_retry() -> None:
    secret = "whsec_" + base64.b64encode(b"0123456789abcdef").decode()
    with receivers.http_server() as hook:
        settings = WebhookSettings(url=f"http://127.0.0.1:{hook.port}/in?x=1", secret=SecretStr(secret))
        sink = WebhookSink(settings, box="b", allow_loopback=True)
        hook.failing = True
        with pytest.raises(BoxError, match="503"):
            sink.tell(message())
        hook.failing = False
        sink.tell(message())
        sink.tell(message("cleared"))
        (headers, body), (second, _) = hook.wait(2)
    signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
    wanted = base64.b64encode(hmac.new(b"0123456789abcdef", signed, hashlib.sha256).digest()).decode()
    assert headers["webhook-signature"] == f"v1,{wanted}"
    assert headers["webhook-id"] != second["webhook-id"]
    told = json.loads(body)
    assert told["type"] == "alert.raised"
    assert set(told["data"]["words"]) == {"en", "zh", "ru"}


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "169.254.169.254", "[fd00:ec2::254]", "[::ffff:169.254.169.254]", "224.0.0.1", "0.0.0.0"]
)
def test_webhook_refuses_the_box_itself_and_metadata(host: str) -> None:
    sink = WebhookSink(WebhookSettings(url=f"http://{host}:9/"), box="b")
    with pytest.raises(BoxError, match="may not go"):
        sink.tell(message())


def test_syslog_udp_is_rfc_5424() -> None:
    with receivers.udp_server() as log:
        SyslogSink(SyslogSettings(host="127.0.0.1", port=log.port), box="desk 7", language="en").tell(message())
        line = log.wait(1)[0].decode()
    found = re.fullmatch(
        r'<132>1 2001-09-09T01:46:45\.000Z desk_7 callbox \d+ alert \[alert@32473 (.*)\] \ufeffThe gateway .*', line
    )
    assert found, line
    assert r'address="10.0.0.5:5060\]\""' in found.group(1)
    assert 'uid="0b0e"' in found.group(1)


@pytest.mark.parametrize("secure", [False, True])
def test_syslog_stream_counts_octets_and_connects_again(tmp_path: Path, secure: bool) -> None:
    server_tls, client_tls = receivers.certificate(tmp_path)
    with receivers.counted_server(server_tls if secure else None, messages=2) as log:
        settings = SyslogSettings(host="127.0.0.1", port=log.port, transport="tls" if secure else "tcp")
        sink = SyslogSink(settings, box="b", language="zh", tls=client_tls)
        for number in range(5):
            sink.tell(message(uid=str(number)))
            log.wait(number + 1)
        sink.close()
    assert [re.search(r'uid="(\d)"', line.decode()).group(1) for line in log.got] == list("01234")  # type: ignore[union-attr]


@_PYSNMP
@pytest.mark.parametrize(("version", "confirmed"), [("v2c", True), ("v3", True), ("v3", False)])
def test_snmp_notifications_carry_one_uid_from_raise_to_clear(
    version: str, confirmed: bool, tmp_path: Path
) -> None:
    engine_id = bytes.fromhex("80007ed90501020304")
    with receivers.snmp_manager(engine_id) as manager:
        settings = SnmpTrapSettings(
            host="127.0.0.1", port=manager.port, version=version, community=SecretStr("public"), confirmed=confirmed,
            auth_key=SecretStr("authentic-key"), priv_key=SecretStr("private-key-1"), engine_id=engine_id.hex(),
        )  # fmt: skip
        (tmp_path / "boots").write_text("41")
        sink = snmp_trap.SnmpTrapSink(settings, box="desk-7", language="zh", boots=tmp_path / "boots")
        sink.tell(message())
        sink.tell(message("cleared"))
        raised, cleared = manager.wait(2)[:2]
    kind = "1.3.6.1.6.3.1.1.4.1.0"
    assert (tmp_path / "boots").read_text() == "43"
    assert (raised[kind], cleared[kind]) == (snmp_trap.RAISED, snmp_trap.CLEARED)
    assert raised[snmp_trap.UID] == cleared[snmp_trap.UID] == "0b0e"
    assert raised[snmp_trap.TITLE].startswith("网关 10.0.0.5:5060")


@_PYSNMP
def test_a_wrong_v3_key_is_a_failure_and_not_a_silence(tmp_path: Path) -> None:
    engine_id = bytes.fromhex("80007ed90501020304")
    with receivers.snmp_manager(engine_id) as manager:
        settings = SnmpTrapSettings(
            host="127.0.0.1", port=manager.port, auth_key=SecretStr("another-key"),
            priv_key=SecretStr("private-key-1"), engine_id=engine_id.hex(),
        )  # fmt: skip
        with pytest.raises(BoxError) as caught:
            snmp_trap.SnmpTrapSink(settings, box="b", language="en", boots=tmp_path / "boots").tell(message())
    assert caught.value.error_id == "sink.failed"
    assert not manager.got


def test_sms_fits_one_short_message_and_is_not_sent_twice(tmp_path: Path) -> None:
    gateway = SimulatedGateway(tmp_path / "sms.log")
    sink = SmsSink(gateway, ["+8613800000001", "+8613800000002"], box="b", language="zh")
    sink.tell(message())
    lines = (tmp_path / "sms.log").read_text("utf-8").splitlines()
    assert [line.split()[1] for line in lines] == ["+8613800000001", "+8613800000002"]
    assert all(len(line.split(" ", 2)[2]) <= 70 for line in lines)
    gateway.fail = "no credit"
    with pytest.raises(BoxError, match="no credit"):
        sink.tell(message("cleared"))


def test_lamps_show_the_worst_and_a_missing_lamp_harms_nothing(tmp_path: Path) -> None:
    for lamp in ("green", "red"):
        (tmp_path / lamp).mkdir()
        (tmp_path / lamp / "max_brightness").write_text("255\n")
        (tmp_path / lamp / "brightness").write_text("0\n")
        (tmp_path / lamp / "trigger").write_text("none\n")
    lamps = Lamps(LedSettings(ok="green", fault="red"), tmp_path)

    def shown() -> tuple[str, str, str]:
        return (
            (tmp_path / "green/brightness").read_text(), (tmp_path / "red/brightness").read_text(),
            (tmp_path / "red/trigger").read_text(),
        )  # fmt: skip

    lamps.set("ok")
    assert shown() == ("255", "0", "none")
    lamps.set("warning")
    assert shown() == ("0", "255", "none")
    lamps.set("critical")
    assert shown()[2] == "timer"
    Lamps(LedSettings(ok="gone"), tmp_path).set("ok")


class Flaky:
    """A sink that fails as often as told."""

    def __init__(self, name: str, failures: int) -> None:
        self.name = name
        self.failures = failures
        self.kept = receivers.Kept()

    def tell(self, told: Message) -> None:
        if self.failures:
            self.failures -= 1
            raise BoxError("sink.failed", f"{self.name} is away")
        self.kept.add(told.uid)

    def close(self) -> None:
        """Nothing is open."""


def test_the_post_retries_in_order_and_tells_of_trouble_once(tmp_path: Path) -> None:
    troubles = receivers.Kept()
    flaky, sound = Flaky("email", 3), Flaky("syslog", 0)
    post = Post(
        [Route(flaky, 0), Route(sound, 0)], tmp_path, lambda *said: troubles.add(said), patience_s=0.01, pause_s=0.02
    )
    for uid in "abc":
        post.send(message(uid=uid), first=0, last=0)
    assert flaky.kept.wait(3) == sound.kept.wait(3) == ["a", "b", "c"]
    assert troubles.wait(2) == [("email", "email is away"), ("email", "")]
    # the alert about a sink never goes to that sink
    post.send(message(uid="trouble", data={"alert": "sink.failed", "sink": "email"}), first=0, last=0)
    post.send(message(uid="d"), first=0, last=0)
    assert flaky.kept.wait(4)[3:] == ["d"]
    assert sound.kept.wait(5)[3:] == ["trouble", "d"]
    post.close()
    assert list(tmp_path.iterdir()) == []


def test_what_was_not_sent_waits_for_the_next_start(tmp_path: Path) -> None:
    away = Flaky("email", 10**9)
    post = Post([Route(away, 0)], tmp_path, lambda *_: None, pause_s=0.01)
    post.send(message(uid="late"), first=0, last=0)
    post.send(message(uid="info", severity="info"), first=0, last=0)  # below the least severity
    post.close()
    back = Flaky("email", 0)
    post = Post([Route(back, 0)], tmp_path, lambda *_: None)
    assert back.kept.wait(1) == ["late"]
    post.send(message(uid="step 1 only"), first=1, last=1)
    assert post.test("email") >= 0
    assert [uid for uid in back.kept.got if not uid.startswith("test-")] == ["late"]
    with pytest.raises(NotFoundError):
        post.test("sms")
    post.close()
