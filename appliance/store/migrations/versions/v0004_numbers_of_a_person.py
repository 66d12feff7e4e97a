"""Numbers have rows of their own, a person may have several, an attempt knows its person."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "numbers",
        sa.Column("number", sa.String(length=20), nullable=False),
        sa.Column("state", sa.String(length=10), server_default="good", nullable=False),
        sa.Column("state_reason", sa.String(length=60), server_default="", nullable=False),
        sa.Column("state_since", sa.DateTime(timezone=True), nullable=True),
        sa.Column("parked_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("verdicts", sa.JSON(), server_default="[]", nullable=False),
        sa.Column("region", sa.String(length=3), server_default="", nullable=False),
        sa.Column("line_type", sa.String(length=10), server_default="unknown", nullable=False),
        sa.Column("time_zones", sa.JSON(), server_default="[]", nullable=False),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_numbers")),
    )
    op.create_index("ix_numbers_state", "numbers", ["state", "parked_until"])
    op.create_table(
        "contact_numbers",
        sa.Column("contact_id", sa.String(length=40), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("number", sa.String(length=20), nullable=False),
        sa.Column("type", sa.String(length=10), nullable=False),
        sa.ForeignKeyConstraint(
            ["contact_id"], ["contacts.id"], name=op.f("fk_contact_numbers_contact_id_contacts")
        ),
        sa.PrimaryKeyConstraint("contact_id", "position", name=op.f("pk_contact_numbers")),
    )
    op.create_index(op.f("ix_contact_numbers_number"), "contact_numbers", ["number"])
    op.add_column("attempts", sa.Column("contact_id", sa.String(length=40), nullable=True))
    op.create_index("ix_attempts_contact", "attempts", ["contact_id", "created_at"])
    _move()
    op.drop_column("contacts", "number_state")
    op.drop_column("contacts", "number_state_reason")
    # a lead's number may change, its person may not; Alembic cannot read the expression index back, so it is made anew
    op.drop_index("ix_leads_priority", "leads")
    with op.batch_alter_table("leads") as batch_op:
        batch_op.drop_constraint(op.f("uq_leads_campaign_id"), type_="unique")
        batch_op.create_unique_constraint(op.f("uq_leads_campaign_id"), ["campaign_id", "contact_id"])
    op.create_index("ix_leads_number", "leads", ["campaign_id", "number"])
    op.create_index(
        "ix_leads_priority", "leads", ["campaign_id", "state", sa.text("priority DESC"), "next_attempt_at"]
    )


def _move() -> None:
    """What stood with the person goes to his number; a number of before was retired at once, and stays so."""
    op.execute(
        "INSERT INTO numbers (number, state, state_reason)"
        " SELECT number, number_state, number_state_reason FROM contacts"
    )
    op.execute(
        "INSERT INTO contact_numbers (contact_id, position, number, type)"
        " SELECT id, 0, number, 'unknown' FROM contacts"
    )
    op.execute("UPDATE attempts SET contact_id = (SELECT contact_id FROM leads WHERE leads.id = attempts.lead_id)")
