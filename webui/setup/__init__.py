"""First run: language, then the administrator's password (nothing has a default); later: the line test."""

from webui.setup.line_test import blueprint as line_test
from webui.setup.views import blueprint

BLUEPRINTS = (blueprint, line_test)
