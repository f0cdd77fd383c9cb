"""The tables. What changes here needs a migration in `migrations/versions`, and its number in SCHEMA."""

from datetime import datetime
from functools import cache
from typing import Any

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    Integer,
    MetaData,
    Named,
    Table,
    TypedColumns,
    UniqueConstraint,
    text,
)

from bot.domain.model import AgreementState, AlertKind, BuildState, DeliveryState, ExpiryKind, Handover, Platform
from bot.store.types import CleanText, EnumText, UtcDateTime

SCHEMA = "0002"  # the migration that leads to these tables; `bot.store.migrate` compares it without importing Alembic

metadata = MetaData(
    naming_convention={
        "pk": "pk_%(table_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    }
)

NEWEST = ("ordered_at", "version_rank", "number_rank", "key")  # read backwards: the newest first
SEQUENCE = BigInteger().with_variant(Integer, "sqlite")  # SQLite numbers rows by itself only in an INTEGER column


class AccountColumns(TypedColumns):
    name: Named[str] = Column(CleanText, primary_key=True)
    provider: Named[str] = Column(CleanText)
    checked_at: Named[datetime | None] = Column(UtcDateTime)
    ok_at: Named[datetime | None] = Column(UtcDateTime)
    baseline_at: Named[datetime | None] = Column(UtcDateTime)
    failing_since: Named[datetime | None] = Column(UtcDateTime)
    reason: Named[str | None] = Column(CleanText)
    failures: Named[int] = Column(Integer)
    refused_since: Named[datetime | None] = Column(UtcDateTime)
    next_at: Named[datetime | None] = Column(UtcDateTime)
    full_at: Named[datetime | None] = Column(UtcDateTime)
    checks: Named[int] = Column(Integer, server_default=text("0"))


class ProductColumns(TypedColumns):
    id: Named[str] = Column(CleanText, primary_key=True)
    name: Named[str] = Column(CleanText)
    aliases: Named[list[str]] = Column(JSON)


class AppColumns(TypedColumns):
    account: Named[str] = Column(CleanText, ForeignKey("accounts.name"), primary_key=True)
    id: Named[str] = Column(CleanText, primary_key=True)
    name: Named[str] = Column(CleanText)
    bundle_id: Named[str | None] = Column(CleanText)
    product_id: Named[str] = Column(CleanText, ForeignKey("products.id"), index=True)
    seen_at: Named[datetime] = Column(UtcDateTime)
    trouble: Named[str | None] = Column(CleanText)
    trouble_since: Named[datetime | None] = Column(UtcDateTime)


class BuildColumns(TypedColumns):
    key: Named[str] = Column(CleanText, primary_key=True)
    product_id: Named[str] = Column(CleanText)
    line: Named[str] = Column(CleanText)
    account: Named[str] = Column(CleanText)
    app_id: Named[str] = Column(CleanText)
    id: Named[str] = Column(CleanText)
    version: Named[str] = Column(CleanText)
    platform: Named[Platform] = Column(EnumText(Platform, Platform.OTHER))
    track: Named[str] = Column(CleanText)
    state: Named[BuildState] = Column(EnumText(BuildState, BuildState.OTHER))
    handover: Named[Handover] = Column(EnumText(Handover, Handover.NONE))
    number: Named[str | None] = Column(CleanText)
    uploaded_at: Named[datetime | None] = Column(UtcDateTime)
    expires_at: Named[datetime | None] = Column(UtcDateTime)
    size: Named[int | None] = Column(BigInteger)
    sha256: Named[str | None] = Column(CleanText)
    notes: Named[str | None] = Column(CleanText)
    detail: Named[str | None] = Column(CleanText)
    file_name: Named[str | None] = Column(CleanText)
    bundle_id: Named[str | None] = Column(CleanText)
    min_os: Named[str | None] = Column(CleanText)
    branch: Named[str | None] = Column(CleanText)
    commit: Named[str | None] = Column(CleanText)
    uploader: Named[str | None] = Column(CleanText)
    ordered_at: Named[datetime] = Column(UtcDateTime)
    version_rank: Named[str] = Column(CleanText)
    number_rank: Named[str] = Column(CleanText)
    first_seen_at: Named[datetime] = Column(UtcDateTime)
    updated_at: Named[datetime] = Column(UtcDateTime)
    gone_at: Named[datetime | None] = Column(UtcDateTime)


class SubscriptionColumns(TypedColumns):
    id: Named[str] = Column(CleanText, primary_key=True)
    channel: Named[str] = Column(CleanText)
    scope: Named[str] = Column(CleanText)
    kinds: Named[list[str]] = Column(JSON)
    created_by: Named[str] = Column(CleanText)
    created_at: Named[datetime] = Column(UtcDateTime)
    product_id: Named[str | None] = Column(CleanText, ForeignKey("products.id"))
    platform: Named[Platform | None] = Column(EnumText(Platform, Platform.OTHER))
    track: Named[str | None] = Column(CleanText)
    provider: Named[str | None] = Column(CleanText)
    digest: Named[str | None] = Column(CleanText)


class MuteColumns(TypedColumns):
    channel: Named[str] = Column(CleanText, primary_key=True)
    product_id: Named[str] = Column(CleanText, ForeignKey("products.id"), primary_key=True)
    by: Named[str] = Column("muted_by", CleanText)
    at: Named[datetime] = Column("muted_at", UtcDateTime)


class QuietChannelColumns(TypedColumns):
    channel: Named[str] = Column(CleanText, primary_key=True)
    reason: Named[str] = Column(CleanText)
    since: Named[datetime] = Column(UtcDateTime)
    probe_at: Named[datetime] = Column(UtcDateTime)


class AlertColumns(TypedColumns):
    id: Named[str] = Column(CleanText, primary_key=True)
    fingerprint: Named[str] = Column(CleanText, unique=True)
    kind: Named[AlertKind] = Column(EnumText(AlertKind, AlertKind.NEW_BUILD))
    account: Named[str] = Column(CleanText)
    created_at: Named[datetime] = Column(UtcDateTime)
    product_id: Named[str | None] = Column(CleanText)
    build_key: Named[str | None] = Column(CleanText)
    facts: Named[dict[str, Any]] = Column(JSON)
    origin: Named[str | None] = Column(CleanText)


class DeliveryColumns(TypedColumns):
    sequence: Named[int] = Column(SEQUENCE, primary_key=True)
    id: Named[str] = Column(CleanText, unique=True)
    alert_id: Named[str] = Column(CleanText, ForeignKey("alerts.id"))
    channel: Named[str] = Column(CleanText)
    state: Named[DeliveryState] = Column(EnumText(DeliveryState, DeliveryState.FAILED))
    due_at: Named[datetime] = Column(UtcDateTime)
    attempts: Named[int] = Column(Integer)
    ts: Named[str | None] = Column(CleanText)
    reason: Named[str | None] = Column(CleanText)
    thread: Named[str | None] = Column(CleanText)
    batch: Named[str | None] = Column(CleanText)
    is_digest: Named[bool] = Column(Boolean)
    sent_at: Named[datetime | None] = Column(UtcDateTime)
    claim: Named[str | None] = Column(CleanText)
    tried_at: Named[datetime | None] = Column(UtcDateTime)
    drawn: Named[str | None] = Column(CleanText)


class GrantColumns(TypedColumns):
    id: Named[str] = Column(CleanText, primary_key=True)
    build_key: Named[str] = Column(CleanText)
    user: Named[str] = Column("user_id", CleanText)
    channel: Named[str] = Column(CleanText)
    created_at: Named[datetime] = Column(UtcDateTime)
    expires_at: Named[datetime] = Column(UtcDateTime)
    opened: Named[int] = Column(Integer)
    outcome: Named[str | None] = Column(CleanText)
    given: Named[bool] = Column(Boolean)
    revoked_at: Named[datetime | None] = Column(UtcDateTime)
    revoked_by: Named[str | None] = Column(CleanText)
    sent_at: Named[datetime | None] = Column(UtcDateTime)
    asked: Named[int] = Column(Integer)


class WaitColumns(TypedColumns):
    build_key: Named[str] = Column(CleanText, primary_key=True)
    user: Named[str] = Column("user_id", CleanText, primary_key=True)
    channel: Named[str] = Column(CleanText)
    created_at: Named[datetime] = Column(UtcDateTime)


class AgreementColumns(TypedColumns):
    sequence: Named[int] = Column(SEQUENCE, primary_key=True)
    account: Named[str] = Column(CleanText, ForeignKey("accounts.name"))
    state: Named[AgreementState] = Column(EnumText(AgreementState, AgreementState.UNKNOWN))
    since: Named[datetime] = Column(UtcDateTime)
    checked_at: Named[datetime] = Column(UtcDateTime)
    until: Named[datetime | None] = Column(UtcDateTime)
    code: Named[str | None] = Column(CleanText)
    blocked: Named[list[str]] = Column(JSON)
    strikes: Named[int] = Column(Integer)
    taken_by: Named[str | None] = Column(CleanText)
    taken_at: Named[datetime | None] = Column(UtcDateTime)
    snoozed_by: Named[str | None] = Column(CleanText)
    snoozed_until: Named[datetime | None] = Column(UtcDateTime)
    reminded_at: Named[datetime | None] = Column(UtcDateTime)


class ExpiryColumns(TypedColumns):
    account: Named[str] = Column(CleanText, ForeignKey("accounts.name"), primary_key=True)
    kind: Named[ExpiryKind] = Column(EnumText(ExpiryKind, ExpiryKind.DATE), primary_key=True)
    id: Named[str] = Column(CleanText, primary_key=True)
    name: Named[str] = Column(CleanText)
    expires_at: Named[datetime] = Column(UtcDateTime)
    seen_at: Named[datetime] = Column(UtcDateTime)


class ExpiryNoticeColumns(TypedColumns):
    account: Named[str] = Column(CleanText, primary_key=True)
    kind: Named[ExpiryKind] = Column(EnumText(ExpiryKind, ExpiryKind.DATE), primary_key=True)
    id: Named[str] = Column(CleanText, primary_key=True)
    expires_at: Named[datetime] = Column(UtcDateTime)
    days: Named[int] = Column(Integer)
    told_at: Named[datetime] = Column(UtcDateTime)


class RevisionColumns(TypedColumns):
    id: Named[int] = Column(Integer, primary_key=True, autoincrement=False)
    value: Named[int] = Column(BigInteger)


accounts = Table("accounts", metadata, AccountColumns)
products = Table("products", metadata, ProductColumns)
apps = Table("apps", metadata, AppColumns, UniqueConstraint("account", "id", "product_id"))
builds = Table(
    "builds",
    metadata,
    BuildColumns,
    # A build repeats its app's product so that one index answers for a product; the database keeps the two the same.
    ForeignKeyConstraint(["account", "app_id", "product_id"], ["apps.account", "apps.id", "apps.product_id"], onupdate="CASCADE"),
    Index("ix_builds_app", "account", "app_id", "product_id", "gone_at"),
    Index("ix_builds_line", "product_id", "line", *NEWEST),
    Index("ix_builds_newest", "product_id", *NEWEST, "gone_at"),
    Index("ix_builds_number", "product_id", "number", *NEWEST),
    Index("ix_builds_version", "product_id", "version_rank"),
    Index("ix_builds_track", "track"),
)
subscriptions = Table("subscriptions", metadata, SubscriptionColumns, UniqueConstraint("channel", "scope"))
mutes = Table("mutes", metadata, MuteColumns)
quiet_channels = Table("quiet_channels", metadata, QuietChannelColumns)
alerts = Table("alerts", metadata, AlertColumns, Index("ix_alerts_build", "build_key"))
deliveries = Table(
    "deliveries",
    metadata,
    DeliveryColumns,
    UniqueConstraint("alert_id", "channel"),
    Index("ix_deliveries_due", "state", "channel", "due_at"),
    Index("ix_deliveries_channel", "channel", "sequence"),
)
grants = Table(
    "grants",
    metadata,
    GrantColumns,
    Index("ix_grants_person", "user", "created_at"),
    Index("ix_grants_created_at", "created_at"),
    Index("ix_grants_build", "build_key"),
)
waits = Table("waits", metadata, WaitColumns)
agreements = Table("agreements", metadata, AgreementColumns)
expiries = Table("expiries", metadata, ExpiryColumns)
expiry_notices = Table("expiry_notices", metadata, ExpiryNoticeColumns)
revision = Table("revision", metadata, RevisionColumns)


@cache
def with_partial_indexes() -> MetaData:
    """The tables with their partial indexes, which only a migration asks for: each database's own words say what they hold, and
    PostgreSQL's, which most never speak, would take a twentieth of every start."""
    in_a_list, current = deliveries.c.batch.is_not(None), agreements.c.until.is_(None)
    Index("ix_deliveries_batch", deliveries.c.batch, sqlite_where=in_a_list, postgresql_where=in_a_list)
    Index("ix_agreements_current", agreements.c.account, unique=True, sqlite_where=current, postgresql_where=current)
    return metadata
