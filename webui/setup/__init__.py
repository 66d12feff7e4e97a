"""First run: language, the administrator's password (nothing has a default), the steps to the hand-over; line test."""

from webui.setup.line_test import blueprint as line_test
from webui.setup.steps import blueprint as box_set_up
from webui.setup.views import blueprint

BLUEPRINTS = (blueprint, box_set_up, line_test)
