"""The tables of the first version."""

from __future__ import annotations

from alembic import op

from appliance.store.models import Base

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    Base.metadata.create_all(op.get_bind())
