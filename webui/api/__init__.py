"""The programming interface, by version."""

from webui.api.v1.views import blueprint as v1

BLUEPRINTS = (v1,)
