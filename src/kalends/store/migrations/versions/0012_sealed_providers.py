"""Secrets of installed providers: the key of a service account, say."""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the column."""
    op.add_column(
        "providers",
        sa.Column(
            "secrets", sa.LargeBinary(), nullable=True, comment="sealed; null where there are none, and once removed"
        ),
    )
