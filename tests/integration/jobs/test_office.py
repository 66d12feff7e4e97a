"""The office over the real bus: first run, log-in, lock-out, permissions, configuration, the audit log."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from datetime import UTC, datetime

import pyotp
import pytest

from appliance import commands
from appliance.errors import CallerError, NotAllowedError, ValidationErrors
from appliance.jobs import audit
from appliance.jobs.accounts import token_hash
from appliance.store import models
from appliance.thread_bus import ThreadBus
from tests.integration.jobs.service import PASSWORD, SeatFile, Service, ask, connected, new_service, until

pytestmark = pytest.mark.integration


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    one = new_service(tmp_path_factory.mktemp("box"))
    one.start_bus()
    one.start()
    yield one
    one.close()


@pytest.fixture(scope="module")
def bus(service: Service) -> Iterator[ThreadBus]:
    one = connected(service)
    yield one
    one.close()


@pytest.fixture(scope="module")
def admin(service: Service, bus: ThreadBus) -> str:
    """The administrator's id: the box is set up on first use."""
    token = service.home.set_up_token.read_text()
    reply = ask(bus, commands.SetUpAdministrator(token=token, login="Boss", password=PASSWORD))
    assert reply.id
    return reply.id


def _log_in(bus: ThreadBus, login: str, password: str = PASSWORD, totp: str = "") -> commands.Done:
    return ask(bus, commands.LogIn(login=login, password=password, totp=totp, actor_address="192.0.2.7"))


def _new_user(bus: ThreadBus, admin: str, login: str, role: str) -> str:
    reply = ask(bus, commands.SaveUser(actor_id=admin, login=login, role=role, password=PASSWORD))
    assert reply.id
    return reply.id


def _error_id(bus: ThreadBus, command: commands.Command) -> str:
    with pytest.raises(CallerError) as caught:
        ask(bus, command)
    return caught.value.error_id


def test_first_run_needs_the_token_and_happens_once(service: Service, bus: ThreadBus, admin: str) -> None:
    assert not service.home.set_up_token.exists()
    again = commands.SetUpAdministrator(token="whatever", login="second", password=PASSWORD)
    assert _error_id(bus, again) == "set_up.done"


def test_log_in_gives_a_session_of_which_only_the_hash_is_kept(service: Service, bus: ThreadBus, admin: str) -> None:
    reply = _log_in(bus, " boss ")
    token = reply.data["session_token"]
    assert (reply.data["user_id"], reply.data["role"]) == (admin, "administrator")
    with service.store().read() as session:
        row = session.get(models.Session, token_hash(token))
        assert row is not None
        assert row.address == "192.0.2.7"
    assert token.encode() not in service.home.database.read_bytes()
    ask(bus, commands.LogOut(session_token=token))
    with service.store().read() as session:
        assert session.get(models.Session, token_hash(token)) is None


def test_unknown_user_and_wrong_password_sound_the_same_and_lock_alike(bus: ThreadBus, admin: str) -> None:
    victim = _new_user(bus, admin, "victim", "agent")
    for login in ("victim", "nobody"):
        texts = []
        for _ in range(6):
            with pytest.raises(NotAllowedError) as caught:
                _log_in(bus, login, "wrong password")
            texts.append((caught.value.error_id, caught.value.message.split(":")[0]))
        assert texts[:5] == [("login.wrong", "Login or password is wrong.")] * 5
        assert texts[5] == ("login.locked", "Too many wrong passwords")
    assert _error_id(bus, commands.LogIn(login="victim", password=PASSWORD)) == "login.locked"
    reset = commands.SaveUser(actor_id=admin, id=victim, login="victim", role="agent", password="another one 77")
    ask(bus, reset)
    assert _log_in(bus, "victim", "another one 77").data["role"] == "agent"


def test_second_factor_is_asked_for_and_each_code_is_good_once(bus: ThreadBus, admin: str) -> None:
    user = _new_user(bus, admin, "careful", "supervisor")
    enrolled = ask(bus, commands.EnrolTotp(actor_id=user)).data
    totp = pyotp.TOTP(enrolled["secret"])
    assert _error_id(bus, commands.ConfirmTotp(actor_id=user, code="000000")) == "request.invalid"
    code = totp.now()
    ask(bus, commands.ConfirmTotp(actor_id=user, code=code))
    assert _error_id(bus, commands.LogIn(login="careful", password=PASSWORD)) == "login.totp_required"
    assert _error_id(bus, commands.LogIn(login="careful", password=PASSWORD, totp=code)) == "login.wrong"
    assert _error_id(bus, commands.DisableTotp(actor_id=user, password="wrong")) == "request.invalid"
    ask(bus, commands.DisableTotp(actor_id=user, password=PASSWORD))
    assert _log_in(bus, "careful").data["user_id"] == user


def test_an_agent_may_not_configure(bus: ThreadBus, admin: str) -> None:
    agent = _new_user(bus, admin, "agent1", "agent")
    refused: list[commands.Command] = [
        commands.SaveUser(actor_id=agent, login="friend", role="administrator", password=PASSWORD),
        commands.SaveSeat(actor_id=agent, id="101"),
        commands.SaveTrunk(actor_id=agent, id="main", config={"gateways": ["192.0.2.1"]}),
        commands.SaveCampaign(actor_id=agent, name="mine", mode="progressive"),
        commands.SaveRetention(actor_id=agent, scope="default", keep_days=1),
        commands.SaveSettings(actor_id=agent, changes={"language": "ru"}),
        commands.SaveDoNotCall(actor_id=agent, number="+8613800138000"),
        commands.LegalHold(actor_id=agent, recording_id="x", hold=True),
        commands.RunRetention(actor_id=agent),
        commands.SaveSeat(actor_id="nobody", id="101"),
    ]
    for command in refused:
        assert _error_id(bus, command) == "user.not_allowed", type(command).__name__
    own = commands.SaveUser(actor_id=agent, id=agent, login="agent1", role="administrator", password="my own new 1",
                            own_password=True, current_password=PASSWORD, language="ru")  # fmt: skip
    ask(bus, own)
    assert _log_in(bus, "agent1", "my own new 1").data["role"] == "agent"


def test_the_last_administrator_stays(bus: ThreadBus, admin: str) -> None:
    down = commands.SaveUser(actor_id=admin, id=admin, login="boss", role="agent")
    assert _error_id(bus, down) == "user.last_administrator"


def test_all_mistakes_of_a_user_are_told_together(bus: ThreadBus, admin: str) -> None:
    with pytest.raises(ValidationErrors) as caught:
        ask(bus, commands.SaveUser(actor_id=admin, login="a b", role="king", password="1234567"))
    ids = {error_id for _, error_id, _ in caught.value.errors}
    assert ids == {"user.bad_login", "user.unknown_role", "password.too_short"}


def test_seats_get_passwords_at_the_edge(service: Service, bus: ThreadBus, admin: str) -> None:
    seats = SeatFile(service.home.root / "seats.json")
    made = ask(bus, commands.SaveSeat(actor_id=admin, id="101")).data["password"]
    assert seats.known()["101"] == made
    assert ask(bus, commands.SaveSeat(actor_id=admin, id="101", display_name="Window")).data == {}
    assert seats.known()["101"] == made
    ask(bus, commands.SaveSeat(actor_id=admin, id="101", enabled=False))
    assert "101" not in seats.known()
    ask(bus, commands.SaveSeat(actor_id=admin, id="102", phone="browser"))
    first = ask(bus, commands.SeatPhoneCredentials(actor_id=admin, seat_id="102")).data
    assert seats.known()["102"] == first["password"]
    assert ask(bus, commands.SeatPhoneCredentials(actor_id=admin, seat_id="102")).data == first
    assert _error_id(bus, commands.SeatPhoneCredentials(actor_id=admin, seat_id="101")) == "seat.no_browser_phone"
    assert _error_id(bus, commands.SaveSeat(actor_id=admin, id="../x")) == "request.invalid"


def test_nobody_gets_the_phone_of_a_seat_at_which_another_works(service: Service, bus: ThreadBus, admin: str) -> None:
    ask(bus, commands.SaveSeat(actor_id=admin, id="103", phone="browser"))
    works, listens = (_new_user(bus, admin, login, "agent") for login in ("works", "listens"))
    now = datetime.now(UTC)
    with service.store().write() as session:
        session.add(
            models.AgentSession(id="s", agent_id=works, seat_id="103", started_at=now, state="ready", state_since=now)
        )
    assert ask(bus, commands.SeatPhoneCredentials(actor_id=works, seat_id="103")).data["password"]
    assert _error_id(bus, commands.SeatPhoneCredentials(actor_id=listens, seat_id="103")) == "seat.in_use"


def test_trunks_campaigns_and_do_not_call(service: Service, bus: ThreadBus, admin: str) -> None:
    with pytest.raises(ValidationErrors):
        ask(bus, commands.SaveTrunk(actor_id=admin, id="main", config={}))
    ask(bus, commands.SaveTrunk(actor_id=admin, id="main", config={"gateways": ["192.0.2.1"]}))
    until((service.home.root / "edge-changed").exists)
    campaign = ask(bus, commands.SaveCampaign(actor_id=admin, name="Spring", mode="progressive")).id
    twice = commands.SaveCampaign(actor_id=admin, name="Spring", mode="preview")
    assert _error_id(bus, twice) == "request.invalid"
    wrong = commands.SaveCampaign(actor_id=admin, name="x", mode="magic", config={"attempts_per_day_max": 0})
    with pytest.raises(ValidationErrors) as caught:
        ask(bus, wrong)
    assert {field for field, _, _ in caught.value.errors} == {"mode", "attempts_per_day_max"}
    ask(bus, commands.SaveDoNotCall(actor_id=admin, number="138 0013 8000"))
    with service.store().read() as session:
        assert session.get(models.DoNotCall, "+8613800138000") is not None
        row = session.get(models.Campaign, campaign)
        assert row is not None
        assert row.config["attempts_per_day_max"] == 3
    ask(bus, commands.SaveDoNotCall(actor_id=admin, number="+8613800138000", remove=True))
    assert _error_id(bus, commands.SaveDoNotCall(actor_id=admin, number="hello")) == "request.invalid"


def test_the_audit_log_holds_all_this_and_shows_tampering(service: Service, bus: ThreadBus, admin: str) -> None:
    ask(bus, commands.Audit(actor_id=admin, action="report.exported", subject="campaign:1"))
    store = service.store()
    whole = audit.verify(store)
    assert whole.broken_at is None
    with store.read() as session:
        actions = {entry.action for entry in session.query(models.AuditEntry)}
        details = str([(entry.subject, entry.detail) for entry in session.query(models.AuditEntry)])
    expected = {"set_up.done", "login", "login.failed", "user.made", "seat.made", "trunk.made", "report.exported"}
    assert expected <= actions
    assert "13800138000" not in details
    with sqlite3.connect(service.home.database) as raw:
        raw.execute("UPDATE audit_log SET actor_id = 'somebody else' WHERE id = 3")
    broken = audit.verify(store)
    assert (broken.broken_at, broken.reason) == (3, "line 3 was changed after it was written")
    with sqlite3.connect(service.home.database) as raw:
        raw.execute("DELETE FROM audit_log WHERE id = 2")
    assert audit.verify(store).reason == "line 2 is missing"


def test_it_ends_cleanly(service: Service, bus: ThreadBus) -> None:
    assert service.stop() == 0
