"""The administrator's slices: seats, trunks, users, roles, system, retention, settings, audit log, alerts."""

from webui.admin.alerts import blueprint as alerts
from webui.admin.audit import blueprint as audit
from webui.admin.backup import blueprint as backup
from webui.admin.phones import blueprint as phones
from webui.admin.resets import blueprint as resets
from webui.admin.retention import blueprint as retention
from webui.admin.roles import blueprint as roles
from webui.admin.seats import blueprint as seats
from webui.admin.settings import blueprint as settings
from webui.admin.system import blueprint as system
from webui.admin.test_calls import blueprint as test_calls
from webui.admin.tokens import blueprint as tokens
from webui.admin.trunks import blueprint as trunks
from webui.admin.updates import blueprint as updates
from webui.admin.users import blueprint as users
from webui.admin.webhooks import blueprint as webhooks

BLUEPRINTS = (
    phones, seats, trunks, test_calls, users, roles, retention, settings, system, tokens, webhooks, audit, alerts,
    backup, updates, resets,
)  # fmt: skip
