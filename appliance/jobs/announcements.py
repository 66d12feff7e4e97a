"""Teaching the ear: enrol, rename, retire announcements. The folder `announcements` is changed here and by hand only.

Every change is audited and told as `ConfigChanged("announcements")`; the switch loads the library anew and the workers
it forks from then on know it.
"""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import Any

from sqlalchemy import update

from appliance import commands
from appliance.commands import Done, UserCommand
from appliance.errors import CallerError, NotAllowedError, NotFoundError, ValidationErrors
from appliance.jobs import audit
from appliance.jobs.context import Context
from appliance.jobs.ear_clusters import clearest
from appliance.jobs.ear_sounds import Samples, customer_side, cut, spoken_part
from appliance.store import versions
from appliance.store.announcements import Announcement, alone, in_use, retired, write
from appliance.store.models import ClipCodes
from appliance.store.repositories import users
from appliance.types import Permission
from audio import enrolment, wavio
from audio.fingerprint import LibraryError
from audio.labels import announcement_label

_ID = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}")
_COUNTRY = re.compile(r"([A-Z]{2})?")
_LANGUAGE = re.compile(r"([a-z]{2,3})?")


class Announcements:
    """Answers the commands about the library; safe to call from several threads."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._folder = context.home.announcements

    def enrol(self, command: commands.EnrolAnnouncement) -> Done:
        """Add an announcement; raises ValidationErrors, or CallerError `announcement.bad_sound`."""
        self._allow(command)
        _check(command.label, command.country, command.language, command.id)
        if command.recording_id:
            _, samples = customer_side(self._context, command.recording_id)
        else:
            samples = self._uploaded(command.path)
        given = command.from_s > 0 or command.to_s > 0
        samples = cut(samples, command.from_s, command.to_s)
        entry = Announcement(
            ann_id=command.id, label=command.label, file="", name=command.name.strip()[:120], country=command.country,
            language=command.language,
        )  # fmt: skip
        return self.add(command, entry, samples if given else spoken_part(samples), source=command.recording_id)

    def add(self, command: UserCommand, entry: Announcement, samples: Samples, *, source: str) -> Done:
        """Write a new entry with its sound; an entry without id gets one made of its label."""
        taken = {known.ann_id for known in (*in_use(self._folder), *retired(self._folder))}
        ann_id = entry.ann_id or _free_id(entry, taken)
        if ann_id in taken:
            text = f"There is already an announcement '{ann_id}'."
            raise ValidationErrors([("id", "announcement.id_taken", text)])
        try:
            enrolment.add(self._folder, samples, ann_id, announcement_label(entry.label))
        except LibraryError as error:
            raise CallerError(
                "announcement.bad_sound", "The ear could not recognise this: it needs some seconds of clear speech. "
                "Choose another call, or another part of it.", problem=str(error),
            ) from error  # fmt: skip
        with alone(self._folder):  # what is known beside label and sound
            used, gone = in_use(self._folder), retired(self._folder)
            position, row = _find(used, ann_id)
            entry = used[position] = replace(
                entry, ann_id=ann_id, file=row.file, seconds=round(samples.size / wavio.RATE_HZ, 1),
                added_at=self._context.clock.now().isoformat(timespec="seconds"), added_by=command.actor_id,
            )  # fmt: skip
            write(self._folder, used, gone)
        self._note(command, "announcement.enrolled", entry, recording=source)
        return Done(id=entry.ann_id)

    def save(self, command: commands.SaveAnnouncement) -> Done:
        """Give an entry another name or meaning; raises NotFoundError `announcement.unknown`."""
        self._allow(command)
        _check(command.label, command.country, command.language, command.id)
        with alone(self._folder):
            used, gone = in_use(self._folder), retired(self._folder)
            position, before = _find(used, command.id)
            with self._context.store.read() as session:
                versions.check(session, command, f"announcement:{command.id}", versions.of_announcement(before))
            used[position] = replace(
                before, label=command.label, name=command.name.strip()[:120], country=command.country,
                language=command.language,
            )  # fmt: skip
            write(self._folder, used, gone)
        self._note(command, "announcement.saved", used[position], before=before.label)
        return Done(id=command.id)

    def retire(self, command: commands.RetireAnnouncement) -> Done:
        """Take an entry out of the ear's library, or put it back."""
        self._allow(command)
        now = self._context.clock.now().isoformat(timespec="seconds")
        with alone(self._folder):
            used, gone = in_use(self._folder), retired(self._folder)
            source, target = (gone, used) if command.back else (used, gone)
            position, entry = _find(source, command.id)
            source.pop(position)
            target.append(replace(entry, retired_at="" if command.back else now))
            write(self._folder, used, gone)
        self._note(command, "announcement.back" if command.back else "announcement.retired", entry)
        return Done(id=command.id)

    def name_cluster(self, command: commands.NameCluster) -> Done:
        """Enrol the clearest clip of an unknown announcement that came again and again."""
        self._allow(command)
        _check(command.label, "", "", "")
        with self._context.store.read() as session:
            recording_id = clearest(session, command.cluster)
        if recording_id is None:
            raise NotFoundError("announcement.no_clip", "None of its clips is kept any more; enrol it from a new call.")
        _, samples = customer_side(self._context, recording_id)
        entry = Announcement(ann_id="", label=command.label, file="", name=command.name.strip()[:120])
        done = self.add(command, entry, spoken_part(samples), source=recording_id)
        with self._context.store.write() as session:
            session.execute(
                update(ClipCodes).where(ClipCodes.cluster == command.cluster).values(announcement_id=done.id)
            )
        return done

    # ---- helpers ------------------------------------------------------------------------------------------

    def _allow(self, command: UserCommand) -> None:
        with self._context.store.read() as session:
            users.require(session, command.actor_id, Permission.EAR_TEACH)

    def _uploaded(self, given: str) -> Samples:
        path = Path(given).resolve()
        if not path.is_relative_to(self._context.home.uploads) or not path.is_file():
            raise NotAllowedError("import.no_upload", "This is not a file that was uploaded here; send it again.")
        try:
            return wavio.read(path)
        except wavio.AudioFileError as error:
            raise CallerError(
                "announcement.no_audio", "This file holds no sound that can be read. Send a WAV file.",
                problem=str(error),
            ) from error  # fmt: skip

    def _note(self, command: UserCommand, action: str, entry: Announcement, **detail: Any) -> None:
        with self._context.store.write() as session:
            audit.append(
                session, self._context.clock.now(), actor_id=command.actor_id, actor_address=command.actor_address,
                action=action, subject=f"announcement:{entry.ann_id}", detail={"label": entry.label, **detail},
            )  # fmt: skip
        self._context.changed("announcements", entry.ann_id)


def _find(entries: list[Announcement], ann_id: str) -> tuple[int, Announcement]:
    for position, entry in enumerate(entries):
        if entry.ann_id == ann_id:
            return position, entry
    raise NotFoundError("announcement.unknown", f"There is no announcement '{ann_id}'.", announcement=ann_id)


def _free_id(entry: Announcement, taken: set[str]) -> str:
    stem = "-".join(part for part in (entry.country.lower(), entry.label) if part)
    return next(name for number in range(1, len(taken) + 2) if (name := f"{stem}-{number}") not in taken)


def _check(label: str, country: str, language: str, ann_id: str) -> None:
    """Raise ValidationErrors with all that is wrong with an entry."""
    faults = []
    try:
        announcement_label(label)
    except ValueError:
        faults.append(("label", "announcement.bad_label", f"'{label}' is nothing that an announcement says."))
    if not _COUNTRY.fullmatch(country):
        faults.append(("country", "announcement.bad_country", "Write the country as two capital letters, like CN."))
    if not _LANGUAGE.fullmatch(language):
        faults.append(("language", "announcement.bad_language", "Write the language as two small letters, like zh."))
    if ann_id and not _ID.fullmatch(ann_id):
        faults.append(("id", "config.bad_id", "Use 1 to 64 of a-z, 0-9, dash and underscore."))
    if faults:
        raise ValidationErrors(faults)
