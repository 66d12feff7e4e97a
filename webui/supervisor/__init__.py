"""The supervisor's slices: live board, campaigns, imports, do-not-call list, recordings, the ear, reports."""

from webui.supervisor.announcements import blueprint as announcements
from webui.supervisor.board import blueprint as board
from webui.supervisor.campaigns import blueprint as campaigns
from webui.supervisor.do_not_call import blueprint as do_not_call
from webui.supervisor.exports import blueprint as exports
from webui.supervisor.forms import blueprint as forms
from webui.supervisor.heard import blueprint as heard
from webui.supervisor.imports import blueprint as imports
from webui.supervisor.knowledge import blueprint as knowledge
from webui.supervisor.missed import blueprint as missed
from webui.supervisor.numbers import blueprint as numbers
from webui.supervisor.pace import blueprint as pace
from webui.supervisor.people_edit import blueprint as people
from webui.supervisor.people_fields import blueprint as people_fields
from webui.supervisor.queues import blueprint as queues
from webui.supervisor.recording_packs import blueprint as recording_packs
from webui.supervisor.recordings import blueprint as recordings
from webui.supervisor.reports import blueprint as reports
from webui.supervisor.rules import blueprint as rules
from webui.supervisor.saved_reports import blueprint as saved_reports
from webui.supervisor.scripts import blueprint as scripts
from webui.supervisor.wall import blueprint as wall

BLUEPRINTS = (
    board, wall, pace, campaigns, imports, numbers, do_not_call, people, people_fields, knowledge, scripts, forms,
    rules, queues, missed, recordings, recording_packs, heard, announcements, reports, saved_reports, exports,
)  # fmt: skip
