"""Provisioning: seats and their phones' passwords, trunks, campaigns, do-not-call entries, settings. Synchronous."""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
from datetime import datetime, timedelta
from typing import Any

from appliance import commands
from appliance.commands import Done
from appliance.domain.campaign import parse_config
from appliance.domain.compliance_own import rules_of
from appliance.errors import CallerError, NotAllowedError, ValidationErrors
from appliance.ids import new_id
from appliance.jobs import audit
from appliance.jobs.campaign_texts import note_standing
from appliance.jobs.context import Context
from appliance.settings import load_settings, save_settings
from appliance.store import versions
from appliance.store.models import Campaign, Job, Seat, Trunk
from appliance.store.repositories import agents, configuration, jobs_queue, users
from appliance.types import CampaignMode, CampaignState, Permission, RecordingPolicy

SEAT_EXPIRY = "seat_expiry"
"""Kind of the job that takes a browser phone's password away again."""

PACE = ("abandoned_limit", "max_lines", "weight", "priority_order")
"""What of a campaign's configuration says how it dials, to be changed while it runs."""

_ID = re.compile(r"[a-z0-9][a-z0-9_-]{0,31}")
_KEYPAD_ALPHABET = "abcdefghijkmnpqrstuvwxyz23456789"  # what is typed on a phone's keypad without doubt
_SEAT_PASSWORD = re.compile(r"[\x21-\x7e]{8,64}")
_PHONES = ("desk", "browser")


def new_seat_password() -> str:
    """16 characters, 80 bits, none of them mistaken for another."""
    return "".join(secrets.choice(_KEYPAD_ALPHABET) for _ in range(16))


def _expiry_job_id(seat_id: str) -> str:
    return f"seat-{seat_id}"


def _id_faults(given: str) -> list[tuple[str, str, str]]:
    if _ID.fullmatch(given):
        return []
    return [("id", "config.bad_id", "Use 1 to 32 of a-z, 0-9, dash and underscore, a letter or digit first.")]

_SECRET = re.compile(r"password|secret|token|community|_key$")


class Provisioning:
    """The commands about what the box works with. Every change and its audit line are one transaction."""

    def __init__(self, context: Context) -> None:
        self._context = context

    def _allow(self, command: commands.UserCommand, *any_of: Permission) -> None:
        with self._context.store.read() as session:
            users.require(session, command.actor_id, *any_of)

    # ---- seats --------------------------------------------------------------------------------------------

    def save_seat(self, command: commands.SaveSeat) -> Done:
        """Make or change a seat; a password that the box made is in the reply's data, this once only."""
        self._allow(command, Permission.SEATS_WRITE)
        faults = _id_faults(command.id)
        if command.phone not in _PHONES:
            faults.append(("phone", "seat.unknown_phone", f"Use one of {', '.join(_PHONES)}."))
        if command.recording and command.recording not in set(RecordingPolicy):
            faults.append(("recording", "seat.unknown_recording", f"Use one of {', '.join(RecordingPolicy)}."))
        if command.password is not None and not _SEAT_PASSWORD.fullmatch(command.password):
            faults.append(("password", "seat.bad_password", "Use 8 to 64 printable ASCII characters without blanks."))
        if faults:
            raise ValidationErrors(faults)
        with self._context.store.read() as session:
            known = session.get(Seat, command.id)
        needs_password = command.enabled and (known is None or not known.enabled)
        made = new_seat_password() if needs_password and command.password is None else None
        password = command.password or made
        # the edge first: a seat that the database knows can always register
        if not command.enabled:
            self._context.doors.seats.remove(command.id)
        elif password is not None:
            self._context.doors.seats.set_password(command.id, password)
        with self._context.store.write() as session:
            seat = session.get(Seat, command.id)
            versions.check(session, command, f"seat:{command.id}", seat)
            seat = seat or Seat(id=command.id)
            seat.display_name = command.display_name.strip() or command.id
            seat.phone, seat.enabled = command.phone, command.enabled
            if command.recording is not None:
                seat.recording = command.recording
            session.add(seat)
            audit.append(
                session, self._context.clock.now(), actor_id=command.actor_id, actor_address=command.actor_address,
                action="seat.saved" if known else "seat.made", subject=f"seat:{seat.id}",
                detail={"phone": seat.phone, "enabled": seat.enabled, "recording": seat.recording,
                        "password_changed": password is not None},
            )  # fmt: skip
        self._context.changed("seat", command.id)
        return Done(id=command.id, data={"password": made} if made else {})

    def seat_phone_credentials(self, command: commands.SeatPhoneCredentials) -> Done:
        """Hand out the browser phone's password, good for at least half a session's life.

        Asked again (a second tab, a reload) it is the same one, so that a phone that is registered stays so. Raises
        NotAllowedError `seat.in_use` for the seat at which somebody else works: his customers would ring here.
        """
        self._allow(command, Permission.AGENT_WORK)
        life = timedelta(hours=self._context.settings.web.session_hours)
        now = self._context.clock.now()
        job_id = _expiry_job_id(command.seat_id)
        with self._context.store.write() as session:
            seat = configuration.seat(session, command.seat_id)
            if not seat.enabled or seat.phone != "browser":
                raise CallerError("seat.no_browser_phone", f"Seat '{seat.id}' has no browser phone; change its phone.")
            if agents.others_at(session, seat.id, command.actor_id):
                raise NotAllowedError("seat.in_use", f"Somebody else works at seat '{seat.id}'.", seat=seat.id)
            standing = session.get(Job, job_id)
            if standing is not None and standing.state == jobs_queue.WAITING and standing.run_at - now > life / 2:
                expires = standing.run_at
            else:
                expires = now + life
                jobs_queue.put(session, job_id, SEAT_EXPIRY, {"seat_id": seat.id}, now, run_at=expires, again=True)
                audit.append(
                    session, now, actor_id=command.actor_id, actor_address=command.actor_address,
                    action="seat.credentials", subject=f"seat:{seat.id}", detail={"expires_at": expires.isoformat()},
                )  # fmt: skip
        password = self._browser_password(command.seat_id, expires)
        self._context.doors.seats.set_password(command.seat_id, password)
        realm = self._context.settings.sip.realm
        return Done(
            id=command.seat_id,
            data={"user": command.seat_id, "password": password, "realm": realm, "expires_at": expires.isoformat()},
        )

    def _browser_password(self, seat_id: str, expires: datetime) -> str:
        secret = self._context.secrets.seat_secret.get_secret_value().encode()
        message = f"{seat_id}|{expires.timestamp():.6f}".encode()
        return hmac.new(secret, message, hashlib.sha256).hexdigest()[:40]

    def expire_seat_credentials(self, seat_id: str) -> None:
        """The job when a browser phone's password has run out: nobody knows the new one."""
        with self._context.store.read() as session:
            seat, job = session.get(Seat, seat_id), session.get(Job, _expiry_job_id(seat_id))
        if job is not None and job.run_at > self._context.clock.now():
            return  # handed out again in this moment
        if seat is not None and seat.enabled and seat.phone == "browser":
            self._context.doors.seats.set_password(seat_id, new_seat_password())

    # ---- trunks -------------------------------------------------------------------------------------------

    def save_trunk(self, command: commands.SaveTrunk) -> Done:
        """Make or change a trunk; a provider's password that is left out stays as it was."""
        self._allow(command, Permission.TRUNKS_WRITE)
        faults = _id_faults(command.id)
        if faults:
            raise ValidationErrors(faults)
        with self._context.store.read() as session:
            known = session.get(Trunk, command.id)
        config = self._context.doors.check_trunk(_with_password(command.config, known.config if known else {}))
        with self._context.store.write() as session:
            trunk = session.get(Trunk, command.id)
            versions.check(session, command, f"trunk:{command.id}", trunk)
            trunk = trunk or Trunk(id=command.id)
            trunk.display_name = command.display_name.strip() or command.id
            trunk.config, trunk.enabled = config, command.enabled
            trunk.channels = int(config.get("channels", 30))
            session.add(trunk)
            audit.append(
                session, self._context.clock.now(), actor_id=command.actor_id, actor_address=command.actor_address,
                action="trunk.saved" if known else "trunk.made", subject=f"trunk:{trunk.id}",
                detail={"gateways": config.get("gateways", []), "channels": trunk.channels, "enabled": trunk.enabled},
            )  # fmt: skip
        self._context.doors.edge_changed()
        self._context.changed("trunk", command.id)
        return Done(id=command.id)

    def preview_number(self, command: commands.PreviewNumber) -> Done:
        """What a trunk's rules, saved or not, make of a number; raises ValidationErrors for rules that are wrong."""
        self._allow(command, Permission.TRUNKS_WRITE)
        doors = self._context.doors
        return Done(data=doors.preview_number(command.config, command.number, command.direction, command.which))

    # ---- campaigns ----------------------------------------------------------------------------------------

    def save_campaign(self, command: commands.SaveCampaign) -> Done:
        """Make (as a draft) or change a campaign; its state is the engine's."""
        self._allow(command, Permission.CAMPAIGNS_WRITE)
        name = command.name.strip()
        faults = []
        if not 1 <= len(name) <= 120:
            faults.append(("name", "campaign.bad_name", "Give the campaign a name of at most 120 characters."))
        if command.mode not in {str(mode) for mode in CampaignMode}:
            faults.append(("mode", "campaign.unknown_mode", f"Use one of {', '.join(CampaignMode)}."))
        try:
            checked = parse_config(command.config)
            rules_of(checked, "UTC")  # rules that are known, and not loosened
            config: dict[str, Any] = checked.model_dump(mode="json")
        except ValidationErrors as error:
            faults += error.errors
        except CallerError as error:
            faults.append(("rule_profile", error.error_id, error.message))
        if faults:
            raise ValidationErrors(faults)
        now = self._context.clock.now()
        with self._context.store.write() as session:
            other = configuration.campaign_by_name(session, name)
            if other is not None and other.id != command.id:
                raise ValidationErrors([("name", "campaign.name_taken", f"There is already a campaign '{name}'.")])
            if command.id is None:
                campaign = Campaign(id=new_id(), state=CampaignState.DRAFT, created_at=now)
            else:
                campaign = configuration.campaign(session, command.id)
                versions.check(session, command, f"campaign:{campaign.id}", campaign)
                if campaign.state == CampaignState.RUNNING and campaign.mode != command.mode:
                    raise CallerError("campaign.runs", "The mode of a running campaign cannot change; pause it first.")
                note_standing(session, campaign, now)
            campaign.name, campaign.mode, campaign.config = name, command.mode, config
            session.add(campaign)
            session.flush()
            note_standing(session, campaign, now, command.actor_id)
            audit.append(
                session, now, actor_id=command.actor_id, actor_address=command.actor_address,
                action="campaign.saved" if command.id else "campaign.made", subject=f"campaign:{campaign.id}",
                detail={"campaign": name, "mode": command.mode},
            )  # fmt: skip
        self._context.changed("campaign", campaign.id)
        return Done(id=campaign.id)

    def save_pace(self, command: commands.SavePace) -> Done:
        """Change limit, lines, weight, order and mode of a campaign; the audit line holds both values, to undo it."""
        self._allow(command, Permission.CAMPAIGNS_WRITE)
        now = self._context.clock.now()
        with self._context.store.write() as session:
            campaign = configuration.campaign(session, command.campaign_id)
            before = {"mode": campaign.mode, **{name: campaign.config.get(name) for name in PACE}}
            after = {"mode": command.mode or campaign.mode, **{name: getattr(command, name) for name in PACE}}
            wanted = {"mode": after["mode"], "config": {name: after[name] for name in PACE}}
            versions.check(session, command, f"campaign:{campaign.id}", campaign, wanted)
            checked = parse_config({**campaign.config, **wanted["config"]})
            rules_of(checked, "UTC")
            if after["mode"] not in {str(mode) for mode in CampaignMode}:
                raise ValidationErrors([("mode", "campaign.unknown_mode", f"Use one of {', '.join(CampaignMode)}.")])
            if campaign.state == CampaignState.RUNNING and campaign.mode != after["mode"]:
                raise CallerError("campaign.runs", "The mode of a running campaign cannot change; pause it first.")
            campaign.mode, campaign.config = after["mode"], checked.model_dump(mode="json")
            audit.append(
                session, now, actor_id=command.actor_id, actor_address=command.actor_address, action="campaign.paced",
                subject=f"campaign:{campaign.id}", detail={"before": before, "after": after},
            )  # fmt: skip
        self._context.changed("campaign", command.campaign_id)
        return Done(id=command.campaign_id)

    # ---- settings ----------------------------------------------------------------------------

    def save_settings(self, command: commands.SaveSettings) -> Done:
        """Merge changes into the settings file; services read them when they start."""
        self._allow(command, Permission.SETTINGS_WRITE)
        with self._context.store.write() as session:
            present = versions.of_settings(load_settings(self._context.home))
            versions.check(session, command, "settings", present, command.changes)
            save_settings(self._context.home, command.changes)
            audit.append(
                session, self._context.clock.now(), actor_id=command.actor_id, actor_address=command.actor_address,
                action="settings.saved", subject="settings", detail=_without_passwords(command.changes),
            )  # fmt: skip
        self._context.changed("settings", "settings")
        return Done()


def _with_password(config: dict[str, Any], known: dict[str, Any]) -> dict[str, Any]:
    """A provider whose password was left out (it is never shown) keeps the one that is known."""
    provider, before = config.get("provider"), known.get("provider")
    if isinstance(provider, dict) and isinstance(before, dict) and not provider.get("password"):
        return {**config, "provider": {**provider, "password": before.get("password", "")}}
    return config


def _without_passwords(changes: dict[str, Any]) -> dict[str, Any]:
    """For the audit log: what is secret is only said to have changed."""
    return {
        key: _without_passwords(value) if isinstance(value, dict) else ("***" if _SECRET.search(key) else value)
        for key, value in changes.items()
    }
