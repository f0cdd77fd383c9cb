"""Accounts, apps, products, builds, subscriptions, alerts, deliveries, grants, waits, agreements, expiries."""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")  # by code point, as SQLite sorts
MOMENT = sa.DateTime(timezone=True)
SEQUENCE = sa.BigInteger().with_variant(sa.Integer(), "sqlite")

TABLES = (
    "revision",
    "expiry_notices",
    "expiries",
    "agreements",
    "waits",
    "grants",
    "deliveries",
    "alerts",
    "quiet_channels",
    "mutes",
    "subscriptions",
    "builds",
    "apps",
    "products",
    "accounts",
)


def upgrade() -> None:
    create_catalogue()
    create_builds()
    create_subscriptions()
    create_outbox()
    create_grants()
    create_agreements()
    create_expiries()
    create_revision()


def downgrade() -> None:
    for table in TABLES:
        op.drop_table(table)


def required(name: str, type_: sa.types.TypeEngine[Any]) -> sa.Column[Any]:
    return sa.Column(name, type_, nullable=False)


def create_catalogue() -> None:
    op.create_table(
        "accounts",
        required("name", TEXT),
        required("provider", TEXT),
        sa.Column("checked_at", MOMENT),
        sa.Column("ok_at", MOMENT),
        sa.Column("baseline_at", MOMENT),
        sa.Column("failing_since", MOMENT),
        sa.Column("reason", TEXT),
        required("failures", sa.Integer()),
        sa.Column("refused_since", MOMENT),
        sa.Column("next_at", MOMENT),
        sa.Column("full_at", MOMENT),
        sa.PrimaryKeyConstraint("name", name="pk_accounts"),
    )
    op.create_table(
        "products",
        required("id", TEXT),
        required("name", TEXT),
        required("aliases", sa.JSON()),
        sa.PrimaryKeyConstraint("id", name="pk_products"),
    )
    op.create_table(
        "apps",
        required("account", TEXT),
        required("id", TEXT),
        required("name", TEXT),
        sa.Column("bundle_id", TEXT),
        required("product_id", TEXT),
        required("seen_at", MOMENT),
        sa.Column("trouble", TEXT),
        sa.Column("trouble_since", MOMENT),
        sa.PrimaryKeyConstraint("account", "id", name="pk_apps"),
        sa.UniqueConstraint("account", "id", "product_id", name="uq_apps_account_id_product_id"),
        sa.ForeignKeyConstraint(["account"], ["accounts.name"], name="fk_apps_account"),
        sa.ForeignKeyConstraint(["product_id"], ["products.id"], name="fk_apps_product_id"),
    )
    op.create_index("ix_apps_product_id", "apps", ["product_id"])


def create_builds() -> None:
    op.create_table(
        "builds",
        required("key", TEXT),
        required("product_id", TEXT),
        required("line", TEXT),
        required("account", TEXT),
        required("app_id", TEXT),
        required("id", TEXT),
        required("version", TEXT),
        required("platform", TEXT),
        required("track", TEXT),
        required("state", TEXT),
        required("handover", TEXT),
        sa.Column("number", TEXT),
        sa.Column("uploaded_at", MOMENT),
        sa.Column("expires_at", MOMENT),
        sa.Column("size", sa.BigInteger()),
        sa.Column("sha256", TEXT),
        sa.Column("notes", TEXT),
        sa.Column("detail", TEXT),
        sa.Column("file_name", TEXT),
        sa.Column("bundle_id", TEXT),
        sa.Column("min_os", TEXT),
        sa.Column("branch", TEXT),
        sa.Column("commit", TEXT),
        sa.Column("uploader", TEXT),
        required("ordered_at", MOMENT),
        required("version_rank", TEXT),
        required("number_rank", TEXT),
        required("first_seen_at", MOMENT),
        required("updated_at", MOMENT),
        sa.Column("gone_at", MOMENT),
        sa.PrimaryKeyConstraint("key", name="pk_builds"),
        sa.ForeignKeyConstraint(
            ["account", "app_id", "product_id"],
            ["apps.account", "apps.id", "apps.product_id"],
            name="fk_builds_account_app_id_product_id",
            onupdate="CASCADE",
        ),
    )
    newest = ["ordered_at", "version_rank", "number_rank", "key"]
    op.create_index("ix_builds_app", "builds", ["account", "app_id", "product_id", "gone_at"])
    op.create_index("ix_builds_line", "builds", ["product_id", "line", *newest])
    op.create_index("ix_builds_newest", "builds", ["product_id", *newest, "gone_at"])
    op.create_index("ix_builds_number", "builds", ["product_id", "number", *newest])
    op.create_index("ix_builds_version", "builds", ["product_id", "version_rank"])
    op.create_index("ix_builds_track", "builds", ["track"])


def create_subscriptions() -> None:
    op.create_table(
        "subscriptions",
        required("id", TEXT),
        required("channel", TEXT),
        required("scope", TEXT),
        required("kinds", sa.JSON()),
        required("created_by", TEXT),
        required("created_at", MOMENT),
        sa.Column("product_id", TEXT),
        sa.Column("platform", TEXT),
        sa.Column("track", TEXT),
        sa.Column("provider", TEXT),
        sa.Column("digest", TEXT),
        sa.PrimaryKeyConstraint("id", name="pk_subscriptions"),
        sa.UniqueConstraint("channel", "scope", name="uq_subscriptions_channel_scope"),
        sa.ForeignKeyConstraint(["product_id"], ["products.id"], name="fk_subscriptions_product_id"),
    )
    op.create_table(
        "mutes",
        required("channel", TEXT),
        required("product_id", TEXT),
        required("muted_by", TEXT),
        required("muted_at", MOMENT),
        sa.PrimaryKeyConstraint("channel", "product_id", name="pk_mutes"),
        sa.ForeignKeyConstraint(["product_id"], ["products.id"], name="fk_mutes_product_id"),
    )
    op.create_table(
        "quiet_channels",
        required("channel", TEXT),
        required("reason", TEXT),
        required("since", MOMENT),
        required("probe_at", MOMENT),
        sa.PrimaryKeyConstraint("channel", name="pk_quiet_channels"),
    )


def create_outbox() -> None:
    op.create_table(
        "alerts",
        required("id", TEXT),
        required("fingerprint", TEXT),
        required("kind", TEXT),
        required("account", TEXT),
        required("created_at", MOMENT),
        sa.Column("product_id", TEXT),
        sa.Column("build_key", TEXT),
        required("facts", sa.JSON()),
        sa.Column("origin", TEXT),
        sa.PrimaryKeyConstraint("id", name="pk_alerts"),
        sa.UniqueConstraint("fingerprint", name="uq_alerts_fingerprint"),
    )
    op.create_index("ix_alerts_build", "alerts", ["build_key"])
    op.create_table(
        "deliveries",
        required("sequence", SEQUENCE),
        required("id", TEXT),
        required("alert_id", TEXT),
        required("channel", TEXT),
        required("state", TEXT),
        required("due_at", MOMENT),
        required("attempts", sa.Integer()),
        sa.Column("ts", TEXT),
        sa.Column("reason", TEXT),
        sa.Column("thread", TEXT),
        sa.Column("batch", TEXT),
        required("is_digest", sa.Boolean()),
        sa.Column("sent_at", MOMENT),
        sa.Column("claim", TEXT),
        sa.Column("tried_at", MOMENT),
        sa.Column("drawn", TEXT),
        sa.PrimaryKeyConstraint("sequence", name="pk_deliveries"),
        sa.UniqueConstraint("id", name="uq_deliveries_id"),
        sa.UniqueConstraint("alert_id", "channel", name="uq_deliveries_alert_id_channel"),
        sa.ForeignKeyConstraint(["alert_id"], ["alerts.id"], name="fk_deliveries_alert_id"),
    )
    op.create_index("ix_deliveries_due", "deliveries", ["state", "due_at"])
    op.create_index("ix_deliveries_channel", "deliveries", ["channel", "state", "sequence"])
    op.create_index("ix_deliveries_batch", "deliveries", ["batch"])


def create_grants() -> None:
    op.create_table(
        "grants",
        required("id", TEXT),
        required("build_key", TEXT),
        required("user_id", TEXT),
        required("channel", TEXT),
        required("created_at", MOMENT),
        required("expires_at", MOMENT),
        required("opened", sa.Integer()),
        sa.Column("outcome", TEXT),
        required("given", sa.Boolean()),
        sa.Column("revoked_at", MOMENT),
        sa.Column("revoked_by", TEXT),
        sa.Column("sent_at", MOMENT),
        required("asked", sa.Integer()),
        sa.PrimaryKeyConstraint("id", name="pk_grants"),
    )
    op.create_index("ix_grants_person", "grants", ["user_id", "created_at"])
    op.create_index("ix_grants_created_at", "grants", ["created_at"])
    op.create_index("ix_grants_build", "grants", ["build_key"])
    op.create_table(
        "waits",
        required("build_key", TEXT),
        required("user_id", TEXT),
        required("channel", TEXT),
        required("created_at", MOMENT),
        sa.PrimaryKeyConstraint("build_key", "user_id", name="pk_waits"),
    )


def create_agreements() -> None:
    op.create_table(
        "agreements",
        required("sequence", SEQUENCE),
        required("account", TEXT),
        required("state", TEXT),
        required("since", MOMENT),
        required("checked_at", MOMENT),
        sa.Column("until", MOMENT),
        sa.Column("code", TEXT),
        required("blocked", sa.JSON()),
        required("strikes", sa.Integer()),
        sa.Column("taken_by", TEXT),
        sa.Column("taken_at", MOMENT),
        sa.Column("snoozed_by", TEXT),
        sa.Column("snoozed_until", MOMENT),
        sa.Column("reminded_at", MOMENT),
        sa.PrimaryKeyConstraint("sequence", name="pk_agreements"),
        sa.ForeignKeyConstraint(["account"], ["accounts.name"], name="fk_agreements_account"),
    )
    current = sa.text("until IS NULL")
    op.create_index(
        "ix_agreements_current", "agreements", ["account"], unique=True, sqlite_where=current, postgresql_where=current
    )


def create_expiries() -> None:
    op.create_table(
        "expiries",
        required("account", TEXT),
        required("kind", TEXT),
        required("id", TEXT),
        required("name", TEXT),
        required("expires_at", MOMENT),
        required("seen_at", MOMENT),
        sa.PrimaryKeyConstraint("account", "kind", "id", name="pk_expiries"),
        sa.ForeignKeyConstraint(["account"], ["accounts.name"], name="fk_expiries_account"),
    )
    op.create_table(
        "expiry_notices",
        required("account", TEXT),
        required("kind", TEXT),
        required("id", TEXT),
        required("expires_at", MOMENT),
        required("days", sa.Integer()),
        required("told_at", MOMENT),
        sa.PrimaryKeyConstraint("account", "kind", "id", name="pk_expiry_notices"),
    )


def create_revision() -> None:
    """One row, so that counting up is one UPDATE."""
    table = op.create_table(
        "revision",
        required("id", sa.Integer()),
        required("value", sa.BigInteger()),
        sa.PrimaryKeyConstraint("id", name="pk_revision"),
    )
    op.bulk_insert(table, [{"id": 1, "value": 1}])
