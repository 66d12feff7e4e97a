"""The tables: what the box knows. One row, one fact; instants are stored as UTC, money in minor units.

Who writes: `engine` live state (lead, attempt, ear_verdict, agent_session, callbacks); `jobs` everything else
(office: users, seats, trunks, campaigns, audit; imports: contacts, leads; archive: recordings). Nobody updates an
attempt's identity; an outcome is written once.

One module for each noun; a table is declared there once and found here (star imports, so that a new one needs no
second list).
"""

from __future__ import annotations

from appliance.store.models.base import *  # noqa: F403
from appliance.store.models.calls import *  # noqa: F403
from appliance.store.models.customers import *  # noqa: F403
from appliance.store.models.integration import *  # noqa: F403
from appliance.store.models.lines import *  # noqa: F403
from appliance.store.models.lists import *  # noqa: F403
from appliance.store.models.people import *  # noqa: F403
from appliance.store.models.quality import *  # noqa: F403
from appliance.store.models.recordings import *  # noqa: F403
from appliance.store.models.search import *  # noqa: F403
from appliance.store.models.work import *  # noqa: F403
