"""Alerts: snoozed, acknowledged when, explained by another alert, how far they were told."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("alerts", schema=None) as batch_op:
        batch_op.add_column(sa.Column("acknowledged_at", sa.DateTime(timezone=True), nullable=True))
        batch_op.add_column(sa.Column("snoozed_until", sa.DateTime(timezone=True), nullable=True))
        batch_op.add_column(sa.Column("caused_by", sa.String(length=120), server_default="", nullable=False))
        batch_op.add_column(sa.Column("told_step", sa.Integer(), server_default="-1", nullable=False))
        batch_op.add_column(sa.Column("told_at", sa.DateTime(timezone=True), nullable=True))
