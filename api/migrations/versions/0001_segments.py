"""Segments, their calculations, and keys."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
MOMENT = sa.DateTime().with_variant(sa.DateTime(timezone=True), "postgresql")


def upgrade() -> None:
    """Makes the tables."""
    op.create_table(
        "keys",
        sa.Column("id", TEXT, primary_key=True),
        sa.Column("name", TEXT, nullable=False),
        sa.Column("digest", TEXT, nullable=False, unique=True),
        sa.Column("organization_id", TEXT),
        sa.Column("scopes", sa.JSON(), nullable=False),
        sa.Column("created", MOMENT, nullable=False),
        sa.Column("revoked", MOMENT),
    )
    op.create_table(
        "scans",
        sa.Column("id", TEXT, primary_key=True),
        sa.Column("worker", TEXT, nullable=False),
        sa.Column("claimed", MOMENT, nullable=False),
        sa.Column("lease_until", MOMENT, nullable=False),
        sa.Column("segments", sa.Integer(), nullable=False),
        sa.Column("finished", MOMENT),
        sa.Column("snapshot", TEXT),
        sa.Column("fingerprint", TEXT),
        sa.Column("now", MOMENT),
        sa.Column("rows", sa.BigInteger()),
        sa.Column("duration", sa.Double()),
    )
    op.create_index("scans_finished", "scans", ["finished", "lease_until"])
    op.create_table(
        "scheduled",
        sa.Column("moment", MOMENT, primary_key=True),
    )
    op.create_table(
        "segments",
        sa.Column("id", TEXT, primary_key=True),
        sa.Column("organization_id", TEXT, nullable=False),
        sa.Column("edition_id", TEXT),
        sa.Column("consent_id", TEXT),
        sa.Column("name", TEXT, nullable=False),
        sa.Column("name_folded", TEXT, nullable=False),
        sa.Column("description", TEXT, nullable=False),
        sa.Column("communication_type", TEXT, nullable=False),
        sa.Column("communication_channel", TEXT, nullable=False),
        sa.Column("condition", TEXT, nullable=False),
        sa.Column("created", MOMENT, nullable=False),
        sa.Column("modified", MOMENT, nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("status", TEXT, nullable=False),
        sa.Column("user_count", sa.BigInteger()),
        sa.Column("error_count", sa.BigInteger()),
        sa.Column("last_calculated", MOMENT),
        sa.Column("calculation_duration", sa.Double()),
        sa.Column("error_message", TEXT),
        sa.Column("mode", TEXT),
        sa.Column("snapshot", TEXT),
        sa.Column("warnings", sa.JSON(), nullable=False),
        sa.Column("calculation_id", TEXT),
        sa.Column("requested", MOMENT),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("scan_id", TEXT),
        sa.Column("fence", sa.BigInteger(), nullable=False),
    )
    op.create_index("segments_created", "segments", ["created", "id"])
    op.create_index("segments_last_calculated", "segments", ["last_calculated", "id"])
    op.create_index("segments_modified", "segments", ["modified", "id"])
    op.create_index("segments_name", "segments", ["name", "id"])
    op.create_index("segments_organization", "segments", ["organization_id", "created", "id"])
    op.create_index("segments_scan", "segments", ["scan_id"])
    op.create_index("segments_status", "segments", ["status", "attempts", "id"])
    op.create_index("segments_user_count", "segments", ["user_count", "id"])
    op.create_table(
        "snapshots",
        sa.Column("id", TEXT, primary_key=True),
        sa.Column("name", TEXT, nullable=False),
        sa.Column("fingerprint", TEXT),
        sa.Column("rows", sa.BigInteger(), nullable=False),
        sa.Column("seen", MOMENT, nullable=False),
        sa.Column("published", sa.Boolean(), nullable=False),
    )
    op.create_index("snapshots_seen", "snapshots", ["seen"])
    op.create_table(
        "calculations",
        sa.Column("id", TEXT, primary_key=True),
        sa.Column("segment_id", TEXT, sa.ForeignKey("segments.id", ondelete="CASCADE"), nullable=False),
        sa.Column("scan_id", TEXT, sa.ForeignKey("scans.id"), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("finished", MOMENT, nullable=False),
        sa.Column("status", TEXT, nullable=False),
        sa.Column("held", sa.Boolean(), nullable=False),
        sa.Column("user_count", sa.BigInteger()),
        sa.Column("error_count", sa.BigInteger()),
        sa.Column("mode", TEXT),
        sa.Column("duration", sa.Double()),
        sa.Column("reasons", sa.JSON()),
        sa.Column("warnings", sa.JSON(), nullable=False),
        sa.Column("error_message", TEXT),
    )
    op.create_index("calculations_finished", "calculations", ["finished"])
    op.create_index("calculations_scan", "calculations", ["scan_id"])
    op.create_index("calculations_segment", "calculations", ["segment_id", "finished", "id"])
