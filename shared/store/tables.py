"""The tables. `at` is a camera's own clock in seconds, `captured_at` seconds since 1970.

Columns that nobody searches by are JSON, as in the messages (`shared.messages` describes the fields).
"""

from __future__ import annotations

import time

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    Double,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    false,
)

# So that migrations can name what they change, on any database.
metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)

# SQLite counts its rows by itself only where the key is INTEGER, which there has 64 bits.
RowId = BigInteger().with_variant(Integer, "sqlite")


def camera_columns() -> tuple[Column[str], Column[str]]:
    """Which camera, and which of its lives."""
    return Column("camera", String(63), nullable=False), Column("generation", String(16), nullable=False)


def stored_column() -> Column[float]:
    """When the row was made, Unix time: what a recording says of its own time says nothing of that."""
    return Column("stored_at", Double, nullable=False, default=time.time)


# How far each stream is stored, in the transaction that stored it.
cursors = Table(
    "cursors",
    metadata,
    Column("stream", String(16), primary_key=True),
    Column("camera", String(63), primary_key=True),
    Column("generation", String(16), primary_key=True),
    Column("milliseconds", BigInteger, nullable=False),
    Column("sequence", BigInteger, nullable=False),
)

# Who judged: the same experts for months, so that steps only point here.
panels = Table(
    "panels",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("digest", String(64), nullable=False, unique=True),
    Column("experts", JSON, nullable=False),
)

# One judgement of a camera's scene.
steps = Table(
    "steps",
    metadata,
    Column("id", RowId, primary_key=True),
    *camera_columns(),
    Column("milliseconds", BigInteger, nullable=False),
    Column("sequence", BigInteger, nullable=False),
    Column("number", BigInteger, nullable=False),
    Column("at", Double, nullable=False),
    Column("captured_at", Double, nullable=False),
    Column("width", Integer, nullable=False),
    Column("height", Integer, nullable=False),
    Column("panel", Integer, ForeignKey("panels.id"), nullable=False),
    Column("result", String(8), nullable=False),
    Column("score", Double, nullable=False),
    Column("threshold", Double, nullable=False),
    Column("people", Integer, nullable=False),
    Column("quality", Double, nullable=False),
    Column("track_ids", JSON, nullable=False),
    stored_column(),
    Index("ix_steps_once", "camera", "generation", "milliseconds", "sequence", unique=True),
    Index(None, "captured_at"),
    Index(None, "camera", "captured_at"),
)

# One person's verdict in a step.
verdicts = Table(
    "verdicts",
    metadata,
    Column("step", RowId, ForeignKey("steps.id", ondelete="CASCADE"), primary_key=True),
    Column("track_id", BigInteger, primary_key=True, autoincrement=False),
    Column("partner_id", BigInteger),
    Column("result", String(8), nullable=False),
    Column("score", Double, nullable=False),
    Column("scores", JSON, nullable=False),
    Column("unsure", JSON, nullable=False),
    Column("weight", Double, nullable=False),
    Column("body_height_px", Double, nullable=False),
    Column("quality", Double, nullable=False),
    Column("observed_frames", Integer, nullable=False),
    Column("padded_frames", Integer, nullable=False),
    Column("first_at", Double, nullable=False),
    Column("last_at", Double, nullable=False),
    Column("box", JSON, nullable=False),
    Column("explanation", JSON),
)

# As the last change left it, and what people say of it.
incidents = Table(
    "incidents",
    metadata,
    *camera_columns(),
    Column("incident_id", String(16), primary_key=True),
    Column("state", String(6), nullable=False),  # open, ended, merged
    Column("began_at", Double, nullable=False),
    Column("began_captured_at", Double, nullable=False),
    Column("confirmed_at", Double, nullable=False),
    Column("last_at", Double, nullable=False),
    Column("ended_at", Double),
    Column("end_reason", String(16)),
    Column("merged_into", String(16)),
    Column("width", Integer, nullable=False),
    Column("height", Integer, nullable=False),
    Column("box", JSON, nullable=False),
    Column("track_ids", JSON, nullable=False),
    Column("numbers", JSON, nullable=False),
    Column("peak_score", Double, nullable=False),
    Column("peak_at", Double, nullable=False),
    Column("peak_scene_score", Double, nullable=False),
    Column("violent", BigInteger, nullable=False),
    Column("vetoed", BigInteger, nullable=False),
    Column("zones", JSON, nullable=False, server_default="[]"),
    Column("shadow", Boolean, nullable=False, server_default=false()),
    Column("acknowledged_at", Double),
    Column("acknowledged_by", String(64)),
    Column("label", String(16)),  # true, false: what people found it to be
    Column("note", Text),
    stored_column(),
    Index(None, "began_captured_at"),
    Index(None, "camera", "began_captured_at"),
)

# Every change of every incident, as it was told.
changes = Table(
    "incident_changes",
    metadata,
    Column("id", RowId, primary_key=True),
    *camera_columns(),
    Column("milliseconds", BigInteger, nullable=False),
    Column("sequence", BigInteger, nullable=False),
    Column("incident_id", String(16), nullable=False),
    Column("change", String(6), nullable=False),
    Column("at", Double, nullable=False),
    Column("captured_at", Double, nullable=False),
    Column("told", JSON, nullable=False),
    Index(
        "ix_incident_changes_once",
        *("camera", "generation", "milliseconds", "sequence", "incident_id"),
        unique=True,
    ),
    Index(None, "incident_id"),
)

# What people may look at of an incident: one snapshot, one clip.
evidence = Table(
    "evidence",
    metadata,
    Column("incident_id", String(16), primary_key=True),
    Column("kind", String(8), primary_key=True),  # clip, snapshot
    Column("camera", String(63), nullable=False),
    Column("path", String(255)),  # below evidence.directory; null: `note` says why there is no file
    Column("bytes", BigInteger, nullable=False),
    Column("sha256", String(64)),
    Column("first_at", Double),
    Column("last_at", Double),
    Column("made_at", Double, nullable=False),
    Column("note", Text),
)

# What has to be told to a channel, and what became of it (workers/alert).
deliveries = Table(
    "deliveries",
    metadata,
    Column("id", RowId, primary_key=True),
    Column("channel", String(63), nullable=False),
    Column("key", String(80), nullable=False),  # the same for every try: receivers know it again by this
    Column("incident_id", String(16), nullable=False),
    Column("camera", String(63), nullable=False),
    Column("generation", String(16), nullable=False),
    Column("change", String(6), nullable=False),
    Column("event", JSON, nullable=False),
    Column("told_at", Double, nullable=False),
    Column("state", String(7), nullable=False),  # waiting, sent, dead
    Column("tries", Integer, nullable=False),
    Column("due_at", Double, nullable=False),
    Column("done_at", Double),  # when it was sent or given up
    Column("reason", Text),  # why the last try failed
    Index("ix_deliveries_once", "channel", "key", unique=True),
    Index("ix_deliveries_channel_incident_id", "channel", "incident_id"),
    Index("ix_deliveries_state", "state", "channel", "id"),
)

# What was drawn on the page for each camera, as `shared.rulebook.Drawn`; the server has a copy for the fleet.
drawn_rules = Table(
    "drawn_rules",
    metadata,
    Column("camera", String(63), primary_key=True),
    Column("drawn", JSON, nullable=False),
    Column("changed_at", Double, nullable=False),
    Column("changed_by", String(64), nullable=False),
)

# Who may look at the site's page. Passwords and secrets are stored as hashes.
users = Table(
    "users",
    metadata,
    Column("name", String(64), primary_key=True),
    Column("password_hash", String(255), nullable=False),  # argon2id, with its parameters
    Column("role", String(8), nullable=False),  # viewer, operator, admin
    Column("created_at", Double, nullable=False),
    Column("disabled", Boolean, nullable=False),
)

sessions = Table(
    "sessions",
    metadata,
    Column("id_hash", String(64), primary_key=True),
    Column("user_name", String(64), ForeignKey("users.name", ondelete="CASCADE"), nullable=False),
    Column("created_at", Double, nullable=False),
    Column("expires_at", Double, nullable=False),
    Column("csrf", String(64), nullable=False),
    Index(None, "expires_at"),
    Index(None, "user_name"),
)

# For programs.
tokens = Table(
    "tokens",
    metadata,
    Column("name", String(64), primary_key=True),
    Column("token_hash", String(64), nullable=False, unique=True),
    Column("role", String(8), nullable=False),
    Column("created_at", Double, nullable=False),
    Column("expires_at", Double),
    Column("last_used_at", Double),
)
