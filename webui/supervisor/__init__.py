"""The supervisor's slices: live board, campaigns, imports, do-not-call list, recordings, the ear, reports."""

from webui.supervisor.announcements import blueprint as announcements
from webui.supervisor.board import blueprint as board
from webui.supervisor.campaigns import blueprint as campaigns
from webui.supervisor.do_not_call import blueprint as do_not_call
from webui.supervisor.exports import blueprint as exports
from webui.supervisor.heard import blueprint as heard
from webui.supervisor.imports import blueprint as imports
from webui.supervisor.missed import blueprint as missed
from webui.supervisor.numbers import blueprint as numbers
from webui.supervisor.people import blueprint as people
from webui.supervisor.queues import blueprint as queues
from webui.supervisor.recordings import blueprint as recordings
from webui.supervisor.reports import blueprint as reports
from webui.supervisor.rules import blueprint as rules
from webui.supervisor.saved_reports import blueprint as saved_reports

BLUEPRINTS = (
    board, campaigns, imports, numbers, do_not_call, people, rules, queues, missed, recordings, heard, announcements,
    reports, saved_reports, exports,
)  # fmt: skip
