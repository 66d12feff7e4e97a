"""Commands about other programs: repeated requests of the API (office), webhooks (jobs)."""

from __future__ import annotations

from typing import ClassVar

from appliance.commands.base import Command, EditCommand, UserCommand


class BeginApiRequest(Command, frozen=True, kw_only=True):
    """A request with an idempotency key begins. `id`: SHA-256 of token and key, `fingerprint` of what is asked.

    Reply data {known: False}, or {known, fingerprint, status (None: not carried out to its end), sealed_b64, age_s}.
    """

    SERVICE: ClassVar[str] = "office"
    id: str
    fingerprint: str


class EndApiRequest(Command, frozen=True, kw_only=True):
    """Keep its answer for a day, or forget the request when nothing was carried out (`status` None)."""

    SERVICE: ClassVar[str] = "office"
    id: str
    status: int | None
    sealed_b64: str = ""


class NoteTokenUse(Command, frozen=True, kw_only=True):
    """A key opened something just now; the web says so at most once a minute for each key."""

    SERVICE: ClassVar[str] = "office"
    id: str


class SaveWebhook(EditCommand, frozen=True, kw_only=True):
    """Make (id None) or change a webhook; `events` as types.WebhookEvent. Reply id; data.secret of a new one, once.

    `personal`: names, numbers and notes are sent too; `allow_private`: the address may lie in the own network (never
    the box itself, link-local or cloud metadata). Fails with ValidationErrors by field.
    """

    SERVICE: ClassVar[str] = "jobs"
    id: str | None = None
    name: str
    url: str
    events: list[str]
    personal: bool = False
    allow_private: bool = False
    enabled: bool = True


class RemoveWebhook(UserCommand, frozen=True, kw_only=True):
    """Forget a webhook and its log."""

    SERVICE: ClassVar[str] = "jobs"
    id: str


class RotateWebhookSecret(UserCommand, frozen=True, kw_only=True):
    """A new secret (reply data.secret, shown once); the old one signs too for `overlap_hours`."""

    SERVICE: ClassVar[str] = "jobs"
    id: str
    overlap_hours: int = 24


class TestWebhook(UserCommand, frozen=True, kw_only=True):
    """Send a message of the type `webhook.test` now; reply id: the delivery's, where its fate stands."""

    SERVICE: ClassVar[str] = "jobs"
    id: str


class ResendDelivery(UserCommand, frozen=True, kw_only=True):
    """Send a message once more, under the same id."""

    SERVICE: ClassVar[str] = "jobs"
    id: str
