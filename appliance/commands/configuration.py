"""Commands to the office (served by jobs): seats, trunks, campaigns, queues, rules, recordings, audit."""

from __future__ import annotations

from typing import Any, ClassVar

from appliance.commands.base import EditCommand, UserCommand


class SaveSeat(EditCommand, frozen=True, kw_only=True):
    """Make or change a seat; `password=None` makes one at creation (reply data.password, shown once)."""

    SERVICE: ClassVar[str] = "office"
    id: str
    display_name: str = ""
    phone: str = "desk"  # desk | browser
    password: str | None = None
    enabled: bool = True
    recording: str | None = None  # types.RecordingPolicy, "": as the campaign says; None leaves it


class SeatPhoneCredentials(UserCommand, frozen=True, kw_only=True):
    """Fresh credentials for the browser phone of a seat (reply data: user, password, realm, expires_at)."""

    SERVICE: ClassVar[str] = "office"
    seat_id: str


class SaveTrunk(EditCommand, frozen=True, kw_only=True):
    """Make or change a trunk; `config` as `appliance.store.models.Trunk.config` (see telephony.trunks)."""

    SERVICE: ClassVar[str] = "office"
    id: str
    display_name: str = ""
    config: dict[str, Any]
    enabled: bool = True


class PreviewNumber(UserCommand, frozen=True, kw_only=True):
    """What a trunk's rules make of a number, also before they are saved: reply data {sent, rule}.

    `direction` outbound | inbound, `which` called | calling; `rule` counts from 1, None: no rule applied.
    """

    SERVICE: ClassVar[str] = "office"
    config: dict[str, Any]
    number: str
    direction: str = "outbound"
    which: str = "called"


class SaveCampaign(EditCommand, frozen=True, kw_only=True):
    """Make (id None) or change a campaign; `config` as domain.campaign.CampaignConfig. Reply id."""

    SERVICE: ClassVar[str] = "office"
    id: str | None = None
    name: str
    mode: str
    config: dict[str, Any] = {}


class SavePace(EditCommand, frozen=True, kw_only=True):
    """Change how a campaign dials while it runs; what it was before stands in the audit log (`campaign.paced`).

    `mode` None leaves it; of a running campaign it cannot change. Fails with ValidationErrors by field.
    """

    SERVICE: ClassVar[str] = "office"
    campaign_id: str
    abandoned_limit: float
    max_lines: int | None = None
    weight: int = 1
    priority_order: str = "due"  # domain.campaign.PriorityOrder
    mode: str | None = None


class SaveQueue(EditCommand, frozen=True, kw_only=True):
    """Make (id None) or change a queue of callers; `config` as domain.inbound_config.QueueConfig. Reply id.

    Fails with ValidationErrors by field; a called number belongs to one queue only.
    """

    SERVICE: ClassVar[str] = "office"
    id: str | None = None
    name: str
    config: dict[str, Any] = {}
    enabled: bool = True


class RemoveQueue(UserCommand, frozen=True, kw_only=True):
    """Take a queue away; who waits in it goes on waiting."""

    SERVICE: ClassVar[str] = "office"
    id: str


class SaveDoNotCall(UserCommand, frozen=True, kw_only=True):
    """Bar a number or take that back (`remove`); any spelling, region as in lists. Reply id: E.164.

    `level`: box (no campaign dials it), campaign (`campaign_id` does not) or person (whoever has it is not dialled at
    any of his numbers).
    """

    SERVICE: ClassVar[str] = "office"
    number: str
    reason: str = ""
    remove: bool = False
    level: str = "box"
    campaign_id: str | None = None


class ImportDoNotCall(UserCommand, frozen=True, kw_only=True):
    """Bar every number of an uploaded table (`path` in the upload folder), for the box or for one campaign.

    Reply data {rows, added, known, rejected: [{row, cell, problem}], rejected_count}.
    """

    SERVICE: ClassVar[str] = "office"
    path: str
    file_name: str
    reason: str = ""
    campaign_id: str | None = None


class SavePerson(EditCommand, frozen=True, kw_only=True):
    """What the rules must know of a person (store.models.PersonFacts); fails with ValidationErrors by field.

    `consents` names the kinds that hold from now on: what is new is dated now, what is gone is revoked now.
    """

    SERVICE: ClassVar[str] = "office"
    contact_id: str
    time_zone: str = ""
    contact_revoked: bool = False
    third_party: bool = False
    third_party_refused: bool = False
    debtor_number: str = ""
    consents: list[str] = []


class SaveRetention(EditCommand, frozen=True, kw_only=True):
    """Retention rule of a campaign or a seat (scope 'campaign:<id>', 'seat:<id>' or 'default')."""

    SERVICE: ClassVar[str] = "office"
    scope: str
    keep_days: int


class LegalHold(UserCommand, frozen=True, kw_only=True):
    SERVICE: ClassVar[str] = "office"
    recording_id: str
    hold: bool
    reason: str = ""


class SaveSettings(EditCommand, frozen=True, kw_only=True):
    """Merge `changes` (nested by section, as `settings.save_settings`) into the settings file; audited."""

    SERVICE: ClassVar[str] = "office"
    changes: dict[str, Any]


class SaveLineCard(EditCommand, frozen=True, kw_only=True):
    """Add (`new`) or change an entry of `hardware.cards`; an empty secret leaves the one that is known. Reply id.

    Fails with ValidationErrors by field. `watch` reads the cards anew when it hears `ConfigChanged` of settings.
    """

    SERVICE: ClassVar[str] = "office"
    card: dict[str, Any]  # as settings.LineCardSettings
    new: bool = False


class RemoveLineCard(UserCommand, frozen=True, kw_only=True):
    """Take an entry out of `hardware.cards`: its lines are watched no more."""

    SERVICE: ClassVar[str] = "office"
    id: str
    source: str


class Audit(UserCommand, frozen=True, kw_only=True):
    """Append one line to the hash-chained audit log (listen, export, download of rejects...)."""

    SERVICE: ClassVar[str] = "office"
    action: str
    subject: str
    detail: dict[str, Any] = {}


class OpenRecording(UserCommand, frozen=True, kw_only=True):
    """Audit a listen or export and hand out a read ticket: reply data {path, key_b64, size_bytes, content_type}.

    The one way to a recording's key: no audit line, no sound.
    """

    SERVICE: ClassVar[str] = "office"
    recording_id: str
    purpose: str = "listen"  # listen | export
