"""The programming interface, by version; figures for monitoring."""

from webui.api.metrics import blueprint as metrics
from webui.api.v1.views import blueprint as v1

BLUEPRINTS = (v1, metrics)
