"""Accounts count their checks; deliveries are found by channel."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

INDEXES = ("ix_deliveries_due", "ix_deliveries_channel", "ix_deliveries_batch")


def upgrade() -> None:
    op.add_column("accounts", sa.Column("checks", sa.Integer(), nullable=False, server_default=sa.text("0")))
    drop_indexes()
    op.create_index("ix_deliveries_due", "deliveries", ["state", "channel", "due_at"])
    op.create_index("ix_deliveries_channel", "deliveries", ["channel", "sequence"])
    in_a_list = sa.text("batch IS NOT NULL")
    op.create_index("ix_deliveries_batch", "deliveries", ["batch"], sqlite_where=in_a_list, postgresql_where=in_a_list)


def downgrade() -> None:
    drop_indexes()
    op.create_index("ix_deliveries_due", "deliveries", ["state", "due_at"])
    op.create_index("ix_deliveries_channel", "deliveries", ["channel", "state", "sequence"])
    op.create_index("ix_deliveries_batch", "deliveries", ["batch"])
    with op.batch_alter_table("accounts") as accounts:
        accounts.drop_column("checks")


def drop_indexes() -> None:
    for index in INDEXES:
        op.drop_index(index, "deliveries")
