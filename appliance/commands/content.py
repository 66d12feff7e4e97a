"""Commands to the office (served by jobs): what agents read - the knowledge base, scripts and forms."""

from __future__ import annotations

from typing import Any, ClassVar

from appliance.commands.base import EditCommand, UserCommand


class SaveArticle(EditCommand, frozen=True, kw_only=True):
    """Write a new version of an article (no id: the first one). Reply id, data {number}.

    `publish`: agents read it from now on; otherwise it is a draft, and they go on reading what was published.
    `step`: headings of steps of a script, one a line.
    """

    SERVICE: ClassVar[str] = "office"
    id: str | None = None
    title: str
    body: str = ""
    tags: str = ""
    category: str = ""
    dispositions: list[str] = []
    step: str = ""
    publish: bool = False


class WithdrawArticle(UserCommand, frozen=True, kw_only=True):
    """Agents do not find it any more; publishing any version brings it back."""

    SERVICE: ClassVar[str] = "office"
    id: str


class SaveScript(EditCommand, frozen=True, kw_only=True):
    """Write a new version of a campaign's script; `live`: it holds from the next record on. Reply data {number}.

    Raises ValidationErrors for what may not go live (domain.script.problems); a draft may have faults.
    """

    SERVICE: ClassVar[str] = "office"
    campaign_id: str
    text: str
    live: bool = False


class SaveForm(EditCommand, frozen=True, kw_only=True):
    """Write a new version of a campaign's form; `questions` as domain.survey.FormField. As SaveScript."""

    SERVICE: ClassVar[str] = "office"
    campaign_id: str
    questions: list[dict[str, Any]] = []
    live: bool = False
