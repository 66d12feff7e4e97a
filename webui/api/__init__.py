"""The programming interface, by version; figures for monitoring."""

from webui.api.metrics import blueprint as figures
from webui.api.v1.views import blueprint as version_1

BLUEPRINTS = (version_1, figures)
