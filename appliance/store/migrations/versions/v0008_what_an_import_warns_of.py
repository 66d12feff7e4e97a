"""Imports: warnings of rows that were taken, and the figures of a failure's sentence."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("imports", sa.Column("warnings", sa.JSON(), server_default="{}", nullable=False))
    op.add_column("imports", sa.Column("placeholders", sa.JSON(), server_default="{}", nullable=False))
