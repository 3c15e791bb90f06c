"""The tables. The migrations make them; a test holds that both say the same."""

from __future__ import annotations

from datetime import UTC, datetime

import sqlalchemy as sa
from sqlalchemy.engine import Dialect
from sqlalchemy.types import TypeDecorator, TypeEngine


class Moment(TypeDecorator[datetime]):
    """A time in UTC, of microseconds. SQLite has no zones: there it is kept without."""

    impl = sa.DateTime
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[datetime]:
        return dialect.type_descriptor(sa.DateTime(timezone=dialect.name != "sqlite"))

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        utc = value.astimezone(UTC)
        return utc.replace(tzinfo=None) if dialect.name == "sqlite" else utc

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


METADATA = sa.MetaData()

# Texts are ordered by code point, wherever they are kept: SQLite does, PostgreSQL is told to.
TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")

SEGMENTS = sa.Table(
    "segments",
    METADATA,
    sa.Column("id", TEXT, primary_key=True),
    sa.Column("organization_id", TEXT, nullable=False),
    sa.Column("edition_id", TEXT),
    sa.Column("consent_id", TEXT),
    sa.Column("name", TEXT, nullable=False),
    sa.Column("name_folded", TEXT, nullable=False),  # What a search looks in, for SQLite folds ASCII only.
    sa.Column("description", TEXT, nullable=False),
    sa.Column("communication_type", TEXT, nullable=False),
    sa.Column("communication_channel", TEXT, nullable=False),
    sa.Column("condition", TEXT, nullable=False),
    sa.Column("created", Moment, nullable=False),
    sa.Column("modified", Moment, nullable=False),
    sa.Column("version", sa.Integer, nullable=False),
    sa.Column("status", TEXT, nullable=False),
    sa.Column("user_count", sa.BigInteger),
    sa.Column("error_count", sa.BigInteger),
    sa.Column("last_calculated", Moment),
    sa.Column("calculation_duration", sa.Double),
    sa.Column("error_message", TEXT),
    sa.Column("mode", TEXT),
    sa.Column("snapshot", TEXT),
    sa.Column("warnings", sa.JSON, nullable=False),
    # The calculation that is asked for, and the scan that has claimed it. Whatever takes it away moves the fence.
    sa.Column("calculation_id", TEXT),
    sa.Column("requested", Moment),
    sa.Column("attempts", sa.Integer, nullable=False),
    sa.Column("scan_id", TEXT),
    sa.Column("fence", sa.BigInteger, nullable=False),
    sa.Index("segments_created", "created", "id"),
    sa.Index("segments_modified", "modified", "id"),
    sa.Index("segments_name", "name", "id"),
    sa.Index("segments_user_count", "user_count", "id"),
    sa.Index("segments_last_calculated", "last_calculated", "id"),
    sa.Index("segments_organization", "organization_id", "created", "id"),
    sa.Index("segments_status", "status", "attempts", "id"),
    sa.Index("segments_scan", "scan_id"),
)

SCANS = sa.Table(
    "scans",
    METADATA,
    sa.Column("id", TEXT, primary_key=True),
    sa.Column("worker", TEXT, nullable=False),
    sa.Column("claimed", Moment, nullable=False),
    sa.Column("lease_until", Moment, nullable=False),
    sa.Column("segments", sa.Integer, nullable=False),
    sa.Column("finished", Moment),
    sa.Column("snapshot", TEXT),
    sa.Column("fingerprint", TEXT),
    sa.Column("now", Moment),
    sa.Column("rows", sa.BigInteger),
    sa.Column("duration", sa.Double),
    sa.Index("scans_finished", "finished", "lease_until"),
)

CALCULATIONS = sa.Table(
    "calculations",
    METADATA,
    sa.Column("id", TEXT, primary_key=True),
    sa.Column("segment_id", TEXT, sa.ForeignKey("segments.id", ondelete="CASCADE"), nullable=False),
    sa.Column("scan_id", TEXT, sa.ForeignKey("scans.id"), nullable=False),
    sa.Column("version", sa.Integer, nullable=False),
    sa.Column("finished", Moment, nullable=False),
    sa.Column("status", TEXT, nullable=False),
    sa.Column("held", sa.Boolean, nullable=False),
    sa.Column("user_count", sa.BigInteger),
    sa.Column("error_count", sa.BigInteger),
    sa.Column("mode", TEXT),
    sa.Column("duration", sa.Double),
    sa.Column("reasons", sa.JSON(none_as_null=True)),
    sa.Column("warnings", sa.JSON, nullable=False),
    sa.Column("error_message", TEXT),
    sa.Index("calculations_segment", "segment_id", "finished", "id"),
    sa.Index("calculations_scan", "scan_id"),
    sa.Index("calculations_finished", "finished"),
)

SNAPSHOTS = sa.Table(
    "snapshots",
    METADATA,
    sa.Column("id", TEXT, primary_key=True),
    sa.Column("name", TEXT, nullable=False),
    sa.Column("fingerprint", TEXT),
    sa.Column("rows", sa.BigInteger, nullable=False),
    sa.Column("seen", Moment, nullable=False),
    sa.Column("published", sa.Boolean, nullable=False),
    sa.Index("snapshots_seen", "seen"),
)

KEYS = sa.Table(
    "keys",
    METADATA,
    sa.Column("id", TEXT, primary_key=True),
    sa.Column("name", TEXT, nullable=False),
    sa.Column("digest", TEXT, nullable=False, unique=True),
    sa.Column("organization_id", TEXT),
    sa.Column("scopes", sa.JSON, nullable=False),
    sa.Column("created", Moment, nullable=False),
    sa.Column("revoked", Moment),
)

SCHEDULED = sa.Table(
    "scheduled",
    METADATA,
    sa.Column("moment", Moment, primary_key=True),
)
