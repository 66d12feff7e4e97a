"""Commands to the office (served by jobs): labels for what the ear heard, announcements."""

from __future__ import annotations

from typing import ClassVar

from appliance.commands.base import Command, EditCommand, UserCommand


class LabelCall(UserCommand, frozen=True, kw_only=True):
    """Say what a call really was (`label` as types.Outcome; empty takes the label back).

    `announcement` enrols the sound that was labelled under a new id (reply data.announcement_id).
    """

    SERVICE: ClassVar[str] = "office"
    attempt_id: str
    label: str
    stage: str = "answered"  # early | answered
    announcement: bool = False


class EnrolAnnouncement(UserCommand, frozen=True, kw_only=True):
    """Teach the ear an announcement: from an uploaded file (`path`) or from a recording (`recording_id`).

    `from_s` and `to_s` cut it out (0: to the end). Reply id: the entry's. Workers forked from now on know it.
    """

    SERVICE: ClassVar[str] = "office"
    label: str
    id: str = ""  # empty: one is made
    name: str = ""
    country: str = ""
    language: str = ""
    path: str = ""
    recording_id: str = ""
    from_s: float = 0.0
    to_s: float = 0.0


class SaveAnnouncement(EditCommand, frozen=True, kw_only=True):
    """Change what an enrolled announcement is called and means."""

    SERVICE: ClassVar[str] = "office"
    id: str
    label: str
    name: str = ""
    country: str = ""
    language: str = ""


class RetireAnnouncement(UserCommand, frozen=True, kw_only=True):
    """Listen for an announcement no more, or again (`back`); its sound is kept."""

    SERVICE: ClassVar[str] = "office"
    id: str
    back: bool = False


class NameCluster(UserCommand, frozen=True, kw_only=True):
    """Name an unknown announcement that was heard again and again: enrols its clearest clip. Reply id: the entry's."""

    SERVICE: ClassVar[str] = "office"
    cluster: str
    label: str
    name: str = ""


class EarCurve(Command, frozen=True, kw_only=True):
    """What the trade-off setting costs: reply data {points: [{setting, people_dropped, machines_passed}]}."""

    SERVICE: ClassVar[str] = "office"
