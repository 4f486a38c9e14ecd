"""Verdicts and incidents: the first tables."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

_ROW_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """From nothing."""
    op.create_table(
        "cursors",
        sa.Column("stream", sa.String(length=16), nullable=False),
        sa.Column("camera", sa.String(length=63), nullable=False),
        sa.Column("generation", sa.String(length=16), nullable=False),
        sa.Column("milliseconds", sa.BigInteger(), nullable=False),
        sa.Column("sequence", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("stream", "camera", "generation", name="pk_cursors"),
    )
    op.create_table(
        "incident_changes",
        sa.Column("id", _ROW_ID, nullable=False),
        sa.Column("camera", sa.String(length=63), nullable=False),
        sa.Column("generation", sa.String(length=16), nullable=False),
        sa.Column("milliseconds", sa.BigInteger(), nullable=False),
        sa.Column("sequence", sa.BigInteger(), nullable=False),
        sa.Column("incident_id", sa.String(length=16), nullable=False),
        sa.Column("change", sa.String(length=6), nullable=False),
        sa.Column("at", sa.Double(), nullable=False),
        sa.Column("captured_at", sa.Double(), nullable=False),
        sa.Column("told", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_incident_changes"),
    )
    op.create_index("ix_incident_changes_incident_id", "incident_changes", ["incident_id"], unique=False)
    op.create_index(
        "ix_incident_changes_once",
        "incident_changes",
        ["camera", "generation", "milliseconds", "sequence", "incident_id"],
        unique=True,
    )

    op.create_table(
        "incidents",
        sa.Column("camera", sa.String(length=63), nullable=False),
        sa.Column("generation", sa.String(length=16), nullable=False),
        sa.Column("incident_id", sa.String(length=16), nullable=False),
        sa.Column("state", sa.String(length=6), nullable=False),
        sa.Column("began_at", sa.Double(), nullable=False),
        sa.Column("began_captured_at", sa.Double(), nullable=False),
        sa.Column("confirmed_at", sa.Double(), nullable=False),
        sa.Column("last_at", sa.Double(), nullable=False),
        sa.Column("ended_at", sa.Double(), nullable=True),
        sa.Column("end_reason", sa.String(length=16), nullable=True),
        sa.Column("merged_into", sa.String(length=16), nullable=True),
        sa.Column("width", sa.Integer(), nullable=False),
        sa.Column("height", sa.Integer(), nullable=False),
        sa.Column("box", sa.JSON(), nullable=False),
        sa.Column("track_ids", sa.JSON(), nullable=False),
        sa.Column("numbers", sa.JSON(), nullable=False),
        sa.Column("peak_score", sa.Double(), nullable=False),
        sa.Column("peak_at", sa.Double(), nullable=False),
        sa.Column("peak_scene_score", sa.Double(), nullable=False),
        sa.Column("violent", sa.BigInteger(), nullable=False),
        sa.Column("vetoed", sa.BigInteger(), nullable=False),
        sa.Column("acknowledged_at", sa.Double(), nullable=True),
        sa.Column("acknowledged_by", sa.String(length=64), nullable=True),
        sa.Column("label", sa.String(length=16), nullable=True),
        sa.Column("note", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("incident_id", name="pk_incidents"),
    )
    op.create_index("ix_incidents_began_captured_at", "incidents", ["began_captured_at"], unique=False)
    op.create_index(
        "ix_incidents_camera_began_captured_at", "incidents", ["camera", "began_captured_at"], unique=False
    )

    op.create_table(
        "panels",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("experts", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_panels"),
        sa.UniqueConstraint("digest", name="uq_panels_digest"),
    )
    op.create_table(
        "steps",
        sa.Column("id", _ROW_ID, nullable=False),
        sa.Column("camera", sa.String(length=63), nullable=False),
        sa.Column("generation", sa.String(length=16), nullable=False),
        sa.Column("milliseconds", sa.BigInteger(), nullable=False),
        sa.Column("sequence", sa.BigInteger(), nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.Column("at", sa.Double(), nullable=False),
        sa.Column("captured_at", sa.Double(), nullable=False),
        sa.Column("width", sa.Integer(), nullable=False),
        sa.Column("height", sa.Integer(), nullable=False),
        sa.Column("panel", sa.Integer(), nullable=False),
        sa.Column("result", sa.String(length=8), nullable=False),
        sa.Column("score", sa.Double(), nullable=False),
        sa.Column("threshold", sa.Double(), nullable=False),
        sa.Column("people", sa.Integer(), nullable=False),
        sa.Column("quality", sa.Double(), nullable=False),
        sa.Column("track_ids", sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(["panel"], ["panels.id"], name="fk_steps_panel"),
        sa.PrimaryKeyConstraint("id", name="pk_steps"),
    )
    op.create_index("ix_steps_camera_captured_at", "steps", ["camera", "captured_at"], unique=False)
    op.create_index("ix_steps_captured_at", "steps", ["captured_at"], unique=False)
    op.create_index(
        "ix_steps_once", "steps", ["camera", "generation", "milliseconds", "sequence"], unique=True
    )

    op.create_table(
        "verdicts",
        sa.Column("step", _ROW_ID, nullable=False),
        sa.Column("track_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("partner_id", sa.BigInteger(), nullable=True),
        sa.Column("result", sa.String(length=8), nullable=False),
        sa.Column("score", sa.Double(), nullable=False),
        sa.Column("scores", sa.JSON(), nullable=False),
        sa.Column("unsure", sa.JSON(), nullable=False),
        sa.Column("weight", sa.Double(), nullable=False),
        sa.Column("body_height_px", sa.Double(), nullable=False),
        sa.Column("quality", sa.Double(), nullable=False),
        sa.Column("observed_frames", sa.Integer(), nullable=False),
        sa.Column("padded_frames", sa.Integer(), nullable=False),
        sa.Column("first_at", sa.Double(), nullable=False),
        sa.Column("last_at", sa.Double(), nullable=False),
        sa.Column("box", sa.JSON(), nullable=False),
        sa.Column("explanation", sa.JSON(), nullable=True),
        sa.ForeignKeyConstraint(["step"], ["steps.id"], name="fk_verdicts_step", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("step", "track_id", name="pk_verdicts"),
    )
