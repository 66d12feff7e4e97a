"""The service `watch` as far as the pages need it: sections of the hardware, a mirror, a disk to replace, alerts."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from appliance import commands as cmd
from appliance.card_settings import card_of, shown
from appliance.commands import Command, Done
from appliance.errors import CallboxError, CallerError, NotFoundError
from appliance.events import LiveAlert, LiveHardware
from appliance.settings import Home, load_settings
from appliance.store.db import Store
from appliance.store.models import Alert
from appliance.store.repositories import users
from appliance.types import Permission, Severity
from appliance.watch.line_profiles import from_transcript

GOOD, GONE, NEW, FOREIGN = "WD-WX12A3456789", "WD-WX12A9876543", "WD-WX99B0001111", "ST-FOREIGN22"
DAY = 20_500


def span(line_id: str = "gw1:0", **changes: Any) -> dict[str, Any]:
    """An E1 span with twelve calls on it, as the section `lines` holds it."""
    channels = ["busy"] * 12 + ["idle"] * 3 + ["signalling"] + ["idle"] * 13 + ["blocked", "idle"]
    return {
        "line_id": line_id, "kind": "e1", "name": f"Gateway 1, port {line_id[-1]}", "up": True, "alarms": [],
        "d_channel_l1": True, "d_channel_l2": True, "channels": channels, "in_use": 12, "fxo": None, "source": "snmp",
        "counters": {"es": 2, "ses": 0, "uas": 0, "css": 1, "lcv": 0, "pcv": None, "age_s": 421.0},
        "taken_at_unix_s": time.time(), "stale": False, "error": "",
        "verbs": ["loop_local", "loop_line", "loop_off", "bert_start", "bert_read", "bert_stop", "locate_on",
                  "locate_off", "block_channel", "unblock_channel", "set_crc4", "set_clock", "restart"],
        "trunks": ["north"], **changes,
    }  # fmt: skip


def fxo(line_id: str = "gw2:1", **changes: Any) -> dict[str, Any]:
    """An analogue line on hook."""
    return span(
        line_id, kind="fxo", name="Analogue 1", channels=["idle"], in_use=0, counters=None, source="console",
        d_channel_l1=None, d_channel_l2=None, verbs=["fxo_off_hook", "fxo_on_hook", "fxo_dial", "fxo_flash"], trunks=[],
        fxo={"volts": 48.5, "milliamps": 0.0, "hook": False, "ring": False, "polarity_reversed": False}, **changes,
    )  # fmt: skip


def dark(line_id: str = "gw1:1") -> dict[str, Any]:
    """A span without signal, and all that follows from it."""
    return span(
        line_id, up=False, alarms=["los", "rai"], d_channel_l1=False, d_channel_l2=False, in_use=0,
        channels=["alarm"] * 31,
    )  # fmt: skip


def disk(serial: str, bay: str, name: str, **health: Any) -> dict[str, Any]:
    """A disk that was asked for its health."""
    report = {
        "passed": True, "reallocated": 0, "pending": 0, "uncorrectable": 0, "crc_errors": 0, "temperature_c": 41,
        "power_on_hours": 9000, "wear": 0.31, "spare": 1.0, "spare_threshold": 0.1,
        "self_test": {"running": False, "passed": True},
        "attributes": [
            {"id": 5, "name": "Reallocated_Sector_Ct", "value": 100, "worst": 100, "threshold": 10, "raw": 0,
             "raw_text": "0", "failing": ""},
        ],
    }  # fmt: skip
    report |= health
    return {
        "name": name, "serial": serial, "key": serial, "wwn": "", "model": "WDC WD10EFRX", "size_bytes": 10**12,
        "kind": "ata", "rotational": False, "port": bay, "by_id": f"ata-{serial}", "bay": bay,
        "trend": [[float(DAY + n), 0.2 + n * 0.0036, 38 + n % 5] for n in range(30)],
        "health": {"report": report, "error": "", "at_unix_s": time.time(), "replace_by": None, "reason": "",
                   "wear_per_year": 0.131, "crc_grew": 0},
    }  # fmt: skip


class FakeWatch:
    """Answers the commands of `watch`; what a test changes it tells as the service does."""

    def __init__(self, home: Home, store: Store, emit: Callable[[str, Any], None]) -> None:
        self._home, self._store, self._emit = home, store, emit
        self.lines: list[dict[str, Any]] = []
        self.replacement: dict[str, Any] | None = None
        self.degraded = False
        self.on_device = False
        self.trial_ends: float | None = None
        self.refuse: CallboxError | None = None
        self.show_disks: Callable[[], dict[str, Any]] = lambda: {**self._disks(), "pictures": [self._picture()]}

    # ---- what it tells -----------------------------------------------------------------------------------

    def tell(self, section: str, data: dict[str, Any], error: str = "") -> None:
        """One section as read now."""
        event = LiveHardware(section=section, data=data, taken_at_unix_s=time.time(), error=error)
        self._emit(f"hardware.{section}", event)

    def tell_lines(self, *lines: dict[str, Any]) -> None:
        """The lines as read now."""
        self.lines = list(lines)
        self.tell("lines", {"lines": self.lines})

    def tell_disks(self, *, degraded: bool = False) -> None:
        """Both disks, or one good one and a new one."""
        self.degraded = degraded
        self.tell("disks", self._disks())

    def tell_replacement(self, **at: Any) -> None:
        """How far the replacement is."""
        self.replacement = {
            "array": "md0", "serial": NEW, "step": "wait", "fraction": None, "eta_s": None, "running": True,
            "trouble": "", **at,
        }  # fmt: skip
        self.tell("replacement", self.replacement)

    def raise_alert(self, key: str, severity: Severity = Severity.WARNING, **more: Any) -> None:
        """An alert that stands, as in the database, and its event."""
        fields = {"title": f"Title of {key}", "text": "What to do.", "data": {}, "raised_at": datetime.now(UTC), **more}
        with self._store.write() as session:
            session.add(Alert(key=key, severity=severity, **fields))
        self._emit("alert", LiveAlert(key=key, severity=severity, title=fields["title"], text="", raised=True,
                                      at_unix_s=time.time()))  # fmt: skip

    def clear_alert(self, key: str, severity: Severity = Severity.WARNING) -> None:
        """What it was about is over, if it stands."""
        with self._store.write() as session:
            for row in session.query(Alert).filter_by(key=key, cleared_at=None):
                row.cleared_at = datetime.now(UTC)
        self._emit("alert", LiveAlert(key=key, severity=severity, title="", text="", raised=False,
                                      at_unix_s=time.time()))  # fmt: skip

    def _members(self) -> list[dict[str, Any]]:
        names = ["sda1"] if self.degraded else ["sda1", "sdb1"]
        return [
            {"device": name, "disk": name[:3], "partition": 1, "slot": slot, "state": ["in_sync"], "errors": 0,
             "present": True} for slot, name in enumerate(names)
        ]  # fmt: skip

    def _disks(self) -> dict[str, Any]:
        gone = [{"serial": GONE, "model": "WDC WD10EFRX", "bay": "Bay 2"}] if self.degraded else []
        array = {
            "name": "md0", "level": "raid1", "state": "active", "size_bytes": 10**12, "missing": len(gone),
            "missing_disks": gone, "rebuilding": False, "sync_action": "idle", "progress": None, "eta_s": None,
            "mismatch_count": 0, "members": self._members(),
        }  # fmt: skip
        second = disk(NEW, "Bay 2", "sdc") if self.degraded else disk(GONE, "Bay 2", "sdb", reallocated=12)
        disks = [disk(GOOD, "Bay 1", "sda"), second]
        return {"arrays": [array], "disks": disks, "replacement": self.replacement}

    def _picture(self) -> dict[str, Any]:
        plain = {name: {k: row[k] for k in ("name", "serial", "model", "size_bytes", "port", "wwn")}
                 for name, row in ((d["name"], d) for d in self._disks()["disks"])}  # fmt: skip
        foreign = {**plain["sda"], "name": "sdd", "serial": FOREIGN, "port": "ata4"}
        rest = {"refusal": None, "found": "", "was_member": False}
        rows = [{**rest, "disk": plain["sda"], "role": "good"}]
        if self.degraded:
            rows.append({**rest, "disk": plain["sdc"], "role": "new"})
            rows.append({**rest, "disk": foreign, "role": "refused", "refusal": "foreign", "found": "ntfs"})
        return {"array": "md0", "placed": rows, "missing": int(self.degraded), "ready": self.degraded}

    # ---- what it is asked --------------------------------------------------------------------------------

    def handle(self, command: Command) -> Done:
        """Answer one command."""
        if self.refuse is not None:
            refuse, self.refuse = self.refuse, None
            raise refuse
        match command:
            case cmd.ShowServices():
                names = ("bus", "edge", "engine", "web")
                running = [{"name": name, "state": "RUNNING", "since_s": 4000} for name in names]
                return Done(data={"services": [*running, {"name": "jobs", "state": "FATAL", "since_s": 0}]})
            case cmd.ShowNetwork():
                port = {"name": "eth0", "addresses": ["192.0.2.10/24"], "up": True}
                return Done(data={"ports": [port], "gateway": "192.0.2.1", "can_change": self.on_device,
                                  "trial_ends_unix_s": self.trial_ends})  # fmt: skip
            case cmd.TryNetwork():
                self.trial_ends = time.time() + 60
            case cmd.KeepNetwork():
                self.trial_ends = None
            case cmd.BeginTestCall():
                return Done(id="testcall1")
            case cmd.ShowTestCall():
                return Done(data={
                    "number": "+8613800138000", "trunk_id": "trunk1", "running": False, "outcome": "human",
                    "reason": "speech", "answered": True, "seconds": 6.2, "error_id": "", "error": "",
                    "steps": ["  0.0 s  180", "  2.1 s  answered", "  3.4 s  heard: human"],
                })  # fmt: skip
            case cmd.ShowLineCards():
                cards = load_settings(self._home).hardware.cards
                makes = {"ds1_mib": ["snmp"], "cisco_e1": ["console"], "dahdi": ["dahdi"]}
                profiles = [{"id": k, "make": k, "model": "x", "kind": "e1", "readers": v} for k, v in makes.items()]
                return Done(data={"cards": [shown(card) for card in cards], "profiles": profiles})
            case cmd.TestLineCard():
                return Done(data=self._read_once(command))
            case cmd.ShowDisks():
                return Done(data=self.show_disks())
            case cmd.ShowLineTests():
                return Done(data={"running": None, "results": [], "profiles": []})
            case cmd.LineTestReport():
                raise NotFoundError("line_test.unknown", "This test is over.")
            case cmd.ReplaceDisk():
                if command.confirmation.upper() != command.serial[-4:]:
                    raise CallerError("replace.not_confirmed", "These are not the last four characters.")
                self.tell_replacement(step="remove_failed")
            case cmd.AbandonReplacement():
                self.tell_replacement(running=False, step=None)
            case cmd.ControlLine():
                return Done(data={"before": "off", "after": command.verb, "verified": True})
            case cmd.ProfileFromTranscript():
                return Done(data=self._profile(command))
            case cmd.AcknowledgeAlert() | cmd.SnoozeAlert():
                self._by_hand(command)
            case cmd.TestSink():
                if command.sink != "syslog":
                    raise NotFoundError("sink.not_set_up", "It is not set up.")
                return Done(data={"seconds": 0.2})
        return Done()

    def _read_once(self, command: cmd.TestLineCard) -> dict[str, Any]:
        card = card_of(load_settings(self._home).hardware.cards, command.card)
        lines = [{"line_id": f"{card.id}:1", "name": "Port 1", "up": False, "alarms": ["los"], "error": ""}]
        return {"seconds": 0.4, "lines": lines}

    @staticmethod
    def _profile(command: cmd.ProfileFromTranscript) -> dict[str, Any]:
        return from_transcript(Path("/nowhere"), command) if not command.save else {}

    def _by_hand(self, command: cmd.AcknowledgeAlert | cmd.SnoozeAlert) -> None:
        with self._store.write() as session:
            users.require(session, command.actor_id, Permission.ALERTS_READ)
            row = session.query(Alert).filter_by(key=command.key, cleared_at=None).one_or_none()
            if row is None:
                raise NotFoundError("alert.not_standing", "It does not stand any more.", key=command.key)
            if isinstance(command, cmd.AcknowledgeAlert):
                row.acknowledged_by, row.acknowledged_at = command.actor_id, datetime.now(UTC)
            else:
                row.snoozed_until = datetime.now(UTC) + timedelta(minutes=command.minutes)
