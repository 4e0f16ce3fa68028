"""What was spent of the budgets for requests to calendar servers, shared by all processes."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the table; nothing was spent yet."""
    op.create_table(
        "budgets",
        sa.Column("key", sa.String(length=64), nullable=False, comment="a keyed hash of whose it is, and the limit"),
        sa.Column(
            "spent_until",
            sa.BigInteger(),
            nullable=True,
            comment="the theoretical arrival time, in microseconds since 1970 by the clock of the database",
        ),
        sa.Column(
            "rests_until",
            sa.DateTime(timezone=True),
            nullable=True,
            comment="until when the server wants to be left alone",
        ),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_budgets")),
    )
    op.create_index(op.f("ix_budgets_rests_until"), "budgets", ["rests_until"])
