"""Evidence: snapshots and clips of incidents; and when rows were stored, by which old ones go."""

import time

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """A table and two columns more. What is there already counts as stored now."""
    for table in ("steps", "incidents"):
        op.add_column(table, sa.Column("stored_at", sa.Double(), nullable=False, server_default="0"))
        op.execute(sa.text(f"UPDATE {table} SET stored_at = :now").bindparams(now=time.time()))
    op.create_table(
        "evidence",
        sa.Column("incident_id", sa.String(length=16), nullable=False),
        sa.Column("kind", sa.String(length=8), nullable=False),
        sa.Column("camera", sa.String(length=63), nullable=False),
        sa.Column("path", sa.String(length=255), nullable=True),
        sa.Column("bytes", sa.BigInteger(), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=True),
        sa.Column("first_at", sa.Double(), nullable=True),
        sa.Column("last_at", sa.Double(), nullable=True),
        sa.Column("made_at", sa.Double(), nullable=False),
        sa.Column("note", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("incident_id", "kind", name="pk_evidence"),
    )
