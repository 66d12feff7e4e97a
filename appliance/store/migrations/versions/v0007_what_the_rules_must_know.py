"""Facts of a person and the rules an attempt was written under."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "rule_sets",
        sa.Column("id", sa.String(length=80), nullable=False),
        sa.Column("profile", sa.String(length=40), nullable=False),
        sa.Column("version", sa.String(length=60), nullable=False),
        sa.Column("own", sa.JSON(), nullable=False),
        sa.Column("box_zone", sa.String(length=40), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_rule_sets")),
    )
    op.create_table(
        "campaign_do_not_call",
        sa.Column("campaign_id", sa.String(length=40), nullable=False),
        sa.Column("number", sa.String(length=20), nullable=False),
        sa.Column("reason", sa.String(length=120), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["campaign_id"], ["campaigns.id"], name=op.f("fk_campaign_do_not_call_campaign_id_campaigns")
        ),
        sa.PrimaryKeyConstraint("campaign_id", "number", name=op.f("pk_campaign_do_not_call")),
    )
    op.create_table(
        "person_facts",
        sa.Column("contact_id", sa.String(length=40), nullable=False),
        sa.Column("do_not_call_since", sa.DateTime(timezone=True), nullable=True),
        sa.Column("do_not_call_reason", sa.String(length=120), nullable=False),
        sa.Column("contact_revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("time_zone", sa.String(length=40), nullable=False),
        sa.Column("third_party", sa.Boolean(), nullable=False),
        sa.Column("third_party_refused", sa.Boolean(), nullable=False),
        sa.Column("debtor_id", sa.String(length=40), nullable=True),
        sa.Column("consents", sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(["contact_id"], ["contacts.id"], name=op.f("fk_person_facts_contact_id_contacts")),
        sa.PrimaryKeyConstraint("contact_id", name=op.f("pk_person_facts")),
    )
    with op.batch_alter_table("attempts", schema=None) as batch_op:
        batch_op.add_column(sa.Column("rule_set", sa.String(length=80), server_default="", nullable=False))
        batch_op.add_column(sa.Column("rule_inputs", sa.JSON(), server_default="{}", nullable=False))
