"""Rules: what was drawn on the page, and what incidents say of zones and of shadow mode."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    """A table and two columns more."""
    op.create_table(
        "drawn_rules",
        sa.Column("camera", sa.String(length=63), nullable=False),
        sa.Column("drawn", sa.JSON(), nullable=False),
        sa.Column("changed_at", sa.Double(), nullable=False),
        sa.Column("changed_by", sa.String(length=64), nullable=False),
        sa.PrimaryKeyConstraint("camera", name="pk_drawn_rules"),
    )
    op.add_column("incidents", sa.Column("zones", sa.JSON(), nullable=False, server_default="[]"))
    op.add_column("incidents", sa.Column("shadow", sa.Boolean(), nullable=False, server_default=sa.false()))
