"""The agent's desk: seat, state bar, phone, record, disposition."""

from webui.agent.cti import blueprint as cti
from webui.agent.views import blueprint

BLUEPRINTS = (blueprint, cti)
