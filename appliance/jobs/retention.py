"""How long recordings are kept: rules by campaign and seat, legal hold, and deletion by deleting the key.

Which rule holds: those of the recording's campaign and seat, the longest of them; else the rule 'default'; else the
setting. Expiry is always computed from the rules as they are now; `Recording.expires_at` only shows it.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from appliance import commands
from appliance.commands import Done
from appliance.errors import ValidationErrors
from appliance.jobs import audit
from appliance.jobs.context import Context
from appliance.logs import get_logger
from appliance.store import versions
from appliance.store.models import Recording, RetentionRule
from appliance.store.repositories import recordings, users
from appliance.types import Permission

_PAGE = 200
_LISTED = 100
_LONGEST_DAYS = 36500

log = get_logger()


def keep_days(rules: dict[str, int], campaign_id: str | None, seat_id: str | None, default_days: int) -> int:
    """Return for how many days a recording of this campaign and seat is kept: never shorter than the law asks."""
    own = [rules[scope] for scope in (f"campaign:{campaign_id}", f"seat:{seat_id}") if scope in rules]
    wanted = max(own) if own else rules.get("default", default_days)
    return max(wanted, rules.get(f"law:{campaign_id}", 0))


class Retention:
    """Rules, legal holds, and the daily deletion."""

    def __init__(self, context: Context) -> None:
        self._context = context

    def save_rule(self, command: commands.SaveRetention) -> Done:
        """Set a rule; `keep_days` 0 takes the rule of a campaign or seat away."""
        kind, _, name = command.scope.partition(":")
        known_scope = command.scope == "default" or (kind in ("campaign", "seat") and name)
        faults = []
        if not known_scope:
            faults.append(("scope", "retention.bad_scope", "Use default, campaign:<id> or seat:<id>."))
        if not 0 <= command.keep_days <= _LONGEST_DAYS:
            faults.append(("keep_days", "retention.bad_days", f"Use 1 to {_LONGEST_DAYS} days (0: no rule)."))
        with self._context.store.write() as session:
            users.require(session, command.actor_id, Permission.RECORDINGS_RETAIN)
            if faults:
                raise ValidationErrors(faults)
            rule = session.get(RetentionRule, command.scope)
            versions.check(session, command, command.scope, rule)
            before = rule.keep_days if rule else None
            if command.keep_days == 0 and rule is not None:
                session.delete(rule)
            elif command.keep_days:
                rule = rule or RetentionRule(scope=command.scope)
                rule.keep_days = command.keep_days
                session.add(rule)
            audit.append(
                session, self._context.clock.now(), actor_id=command.actor_id, actor_address=command.actor_address,
                action="retention.saved", subject=command.scope, detail={"days": command.keep_days, "before": before},
            )  # fmt: skip
        self.show_expiry()
        self._context.changed("retention", command.scope)
        return Done(id=command.scope)

    def legal_hold(self, command: commands.LegalHold) -> Done:
        """Keep a recording whatever the rules say, or no longer."""
        with self._context.store.write() as session:
            users.require(session, command.actor_id, Permission.RECORDINGS_RETAIN)
            recording = recordings.get(session, command.recording_id)
            recording.legal_hold = command.hold
            recording.legal_hold_reason = command.reason.strip() if command.hold else ""
            audit.append(
                session, self._context.clock.now(), actor_id=command.actor_id, actor_address=command.actor_address,
                action="legal_hold.on" if command.hold else "legal_hold.off", subject=f"recording:{recording.id}",
                detail={"reason": command.reason},
            )  # fmt: skip
        return Done(id=command.recording_id)

    def run(self, actor_id: str, actor_address: str, *, dry_run: bool,
            go_on: Callable[[], None] = lambda: None) -> dict[str, Any]:  # fmt: skip
        """Delete what has expired; a dry run only says what would be.

        Returns {dry_run, expired, deleted, on_hold, kept, recordings (the first 100 expired)}. `go_on` may raise
        to stop between two recordings.
        """
        now = self._context.clock.now()
        found: dict[str, Any] = {"dry_run": dry_run, "expired": 0, "deleted": 0, "on_hold": 0, "kept": 0}
        listed: list[dict[str, Any]] = []
        for recording, expires_at in self._archived():
            go_on()
            if expires_at > now:
                found["kept"] += 1
            elif recording.legal_hold:
                found["on_hold"] += 1
            else:
                found["expired"] += 1
                if len(listed) < _LISTED:
                    listed.append(
                        {"id": recording.id, "campaign_id": recording.campaign_id, "seat_id": recording.seat_id,
                         "started_at": recording.started_at.isoformat(), "expires_at": expires_at.isoformat()}
                    )  # fmt: skip
                if not dry_run:
                    found["deleted"] += self._delete(recording.id, actor_id, actor_address)
        if found["deleted"]:
            self._context.store.scrub()
            log.info("recordings deleted", count=found["deleted"], on_hold=found["on_hold"])
        return {**found, "recordings": listed}

    def _archived(self) -> Any:
        """Pairs (recording, expires at) of all archived recordings, a page at a time."""
        default_days = self._context.settings.recording.keep_days
        after = ""
        while True:
            with self._context.store.read() as session:
                rules = recordings.rules(session)
                page = recordings.page(session, recordings.ARCHIVED, after, _PAGE)
            for recording in page:
                days = keep_days(rules, recording.campaign_id, recording.seat_id, default_days)
                yield recording, recording.started_at + timedelta(days=days)
            if len(page) < _PAGE:
                return
            after = page[-1].id

    def _delete(self, recording_id: str, actor_id: str, actor_address: str) -> int:
        """Key, state and audit line in one transaction; then the file, which is noise by then."""
        now = self._context.clock.now()
        with self._context.store.write() as session:
            recording = recordings.get(session, recording_id)
            if recording.legal_hold or recording.state != recordings.ARCHIVED:
                return 0  # somebody was quicker
            recordings.delete_key(session, recording_id)
            recording.state, recording.deleted_at, recording.peaks = recordings.DELETED, now, {}
            audit.append(
                session, now, actor_id=actor_id, actor_address=actor_address, action="recording.deleted",
                subject=f"recording:{recording_id}",
                detail={"conversation": recording.conversation_id, "campaign": recording.campaign_id},
            )  # fmt: skip
        self._remove_file(recording)
        return 1

    def _remove_file(self, recording: Recording) -> None:
        (self._context.home.archive / recording.archive_path).unlink(missing_ok=True)
        with self._context.store.write() as session:
            recordings.get(session, recording.id).archive_path = ""

    def sweep_files(self) -> int:
        """Remove files whose key is gone but which a crash left behind; returns how many."""
        with self._context.store.read() as session:
            left = [r for r in recordings.in_state(session, recordings.DELETED) if r.archive_path]
        for recording in left:
            self._remove_file(recording)
        return len(left)

    def show_expiry(self) -> None:
        """Write the expiry that follows from the present rules into the rows, for the screens."""
        changed = [(r.id, expires_at) for r, expires_at in self._archived() if r.expires_at != expires_at]
        for start in range(0, len(changed), _PAGE):
            with self._context.store.write() as session:
                for recording_id, expires_at in changed[start : start + _PAGE]:
                    recordings.set_expiry(session, recording_id, expires_at)
