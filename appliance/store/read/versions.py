"""The version of what a form shows (see `store.versions`)."""

from __future__ import annotations

from appliance.store.db import Store
from appliance.store.models import (
    Base,
    Campaign,
    ContactField,
    CustomRole,
    Department,
    PersonFacts,
    Queue,
    RetentionRule,
    SamplingPlan,
    SavedReport,
    Seat,
    Trunk,
    User,
    Webhook,
)  # fmt: skip
from appliance.store.versions import of_announcement as of_announcement
from appliance.store.versions import of_scorecard as of_scorecard
from appliance.store.versions import of_settings as of_settings
from appliance.store.versions import values_of
from appliance.store.versions import version_of as version_of

KINDS: dict[str, type[Base]] = {
    "campaign": Campaign, "queue": Queue, "seat": Seat, "trunk": Trunk, "user": User, "role": CustomRole,
    "department": Department, "person": PersonFacts, "retention": RetentionRule, "saved_report": SavedReport,
    "contact_field": ContactField, "sampling_plan": SamplingPlan, "webhook": Webhook,
}  # fmt: skip


def current(store: Store, kind: str, key: str) -> str:
    """How it is now; also something that is not there has a version."""
    with store.read() as db:
        return version_of(values_of(db.get(KINDS[kind], key)))
