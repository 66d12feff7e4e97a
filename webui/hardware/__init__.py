"""The technician's slices: lines with their tests, disks with the replacement of one."""

from webui.hardware.cards import blueprint as line_cards
from webui.hardware.disks import blueprint as disks
from webui.hardware.lines import blueprint as lines
from webui.hardware.profiles import blueprint as line_profiles

BLUEPRINTS = (lines, line_cards, line_profiles, disks)
