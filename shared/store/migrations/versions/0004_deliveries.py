"""Deliveries: what has to be told to people and programs, and what became of it."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """A table more."""
    op.create_table(
        "deliveries",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("channel", sa.String(length=63), nullable=False),
        sa.Column("key", sa.String(length=80), nullable=False),
        sa.Column("incident_id", sa.String(length=16), nullable=False),
        sa.Column("camera", sa.String(length=63), nullable=False),
        sa.Column("generation", sa.String(length=16), nullable=False),
        sa.Column("change", sa.String(length=6), nullable=False),
        sa.Column("event", sa.JSON(), nullable=False),
        sa.Column("told_at", sa.Double(), nullable=False),
        sa.Column("state", sa.String(length=7), nullable=False),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("due_at", sa.Double(), nullable=False),
        sa.Column("done_at", sa.Double(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_deliveries"),
    )
    op.create_index("ix_deliveries_once", "deliveries", ["channel", "key"], unique=True)
    op.create_index(
        "ix_deliveries_channel_incident_id", "deliveries", ["channel", "incident_id"], unique=False
    )
    op.create_index("ix_deliveries_state", "deliveries", ["state", "channel", "id"], unique=False)
