"""The administrator's slices: seats, trunks, users, retention, settings, audit log, alerts."""

from webui.admin.alerts import blueprint as alerts
from webui.admin.audit import blueprint as audit
from webui.admin.retention import blueprint as retention
from webui.admin.seats import blueprint as seats
from webui.admin.settings import blueprint as settings
from webui.admin.trunks import blueprint as trunks
from webui.admin.users import blueprint as users

BLUEPRINTS = (seats, trunks, users, retention, settings, audit, alerts)
