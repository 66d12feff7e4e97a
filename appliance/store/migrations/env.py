"""Run by Alembic: the connection (and its transaction) comes from the caller, see `appliance.store.db.migrate`."""

from __future__ import annotations

from alembic import context

from appliance.store.migrations import is_comparable, render_item
from appliance.store.models import Base

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=Base.metadata,
    include_object=is_comparable,
    render_as_batch=True,  # SQLite changes a table by making it anew
    render_item=render_item,
)
context.run_migrations()
