"""Commands to jobs: imports, lists, retention, reports."""

from __future__ import annotations

from typing import ClassVar

from appliance.commands.base import EditCommand, UserCommand


class ImportList(UserCommand, frozen=True, kw_only=True):
    """Import a file that the web laid in the upload folder. Progress on `evt.live.job.<id>`; reply id = import id.

    `dry_run` writes nothing but the import's own row and its row-by-row verdicts. `duplicates`: skip | warn | merge,
    for people who are there already by any of their numbers; `across_campaigns`: also in another campaign.
    """

    SERVICE: ClassVar[str] = "jobs"
    path: str
    file_name: str
    campaign_id: str | None = None
    campaign_name: str | None = None
    region: str | None = None
    mapping: dict[str, str] | None = None
    dry_run: bool = True
    duplicates: str = "skip"
    across_campaigns: bool = False


class MakeList(UserCommand, frozen=True, kw_only=True):
    """Lay a list made of the box's own rows into the upload folder; reply data {path, file_name, rows}.

    `source`: missed | history | callbacks | rejects. `outcomes`, `campaign_id` (of the calls) and the days
    `from_day`..`to_day` (YYYY-MM-DD, in the box's zone, both included) choose from the history; `import_id` says
    whose rejects. The file is then inspected and imported as any other.
    """

    SERVICE: ClassVar[str] = "jobs"
    source: str
    campaign_id: str | None = None
    outcomes: list[str] = []
    from_day: str = ""
    to_day: str = ""
    import_id: str | None = None


class SetNumberState(UserCommand, frozen=True, kw_only=True):
    """A person's decision about a number: `good` lets it dial again, `retired` takes it out. Leads follow. Audited."""

    SERVICE: ClassVar[str] = "office"
    number: str
    state: str
    reason: str = ""


class InspectList(UserCommand, frozen=True, kw_only=True):
    """Look at the head of an uploaded list: reply data {columns, mapping, sample (rows of text cells), remembered}.

    The mapping is the one by which a list with the same header was last taken (first of `campaign_id`, then any:
    `remembered`), or guessed.

    `columns` are headers (or letters of columns without one), `mapping` {role: column} as `ImportList.mapping`,
    `sample` at most 5 rows below the header.
    """

    SERVICE: ClassVar[str] = "jobs"
    path: str
    file_name: str
    campaign_id: str | None = None


class RunRetention(UserCommand, frozen=True, kw_only=True):
    """Reply data: what would be (dry_run) or was deleted."""

    SERVICE: ClassVar[str] = "jobs"
    dry_run: bool = True


class ExportReport(UserCommand, frozen=True, kw_only=True):
    """Write a report or list to a table file; reply id = job id, `LiveJob.result` = {path, file_name, rows}.

    `report`: campaign | figures | attempts | recordings | rejects | contacts | answers (of a campaign's form);
    `file_format`: csv | xlsx. `choice` holds the fields of a report's address (store.read.report_scope, and `by`) for
    figures, attempts and answers, `q` (what is searched) for contacts, those of the search (store.read.call_filter) for
    recordings: of these only what the actor may hear. The file stands in the upload folder for a day.
    """

    SERVICE: ClassVar[str] = "jobs"
    report: str
    campaign_id: str | None = None
    import_id: str | None = None
    file_format: str = "csv"
    language: str = "en"  # of the reasons in a file of rejects, of the headings of figures
    choice: dict[str, str] = {}


class SaveReport(EditCommand, frozen=True, kw_only=True):
    """Keep a report, new (no id) or changed; reply id. It is written and sent by the box when it is due.

    `choice` as in ExportReport; `every` day | week | month, or empty: only by hand; `at_time` HH:MM of the box's
    clock, `on_day` of the week (1 Monday) or of the month; `recipients` separated by commas.
    """

    SERVICE: ClassVar[str] = "jobs"
    report_id: str | None = None
    name: str
    choice: dict[str, str] = {}
    file_format: str = "xlsx"
    every: str = ""
    at_time: str = "08:00"
    on_day: int = 1
    recipients: str = ""
    language: str = "en"


class DeleteReport(UserCommand, frozen=True, kw_only=True):
    """Forget a saved report."""

    SERVICE: ClassVar[str] = "jobs"
    report_id: str


class RunReport(UserCommand, frozen=True, kw_only=True):
    """Make (and send) a saved report now; reply id = job id."""

    SERVICE: ClassVar[str] = "jobs"
    report_id: str
