"""Places: requests to calendar servers that are under way at once."""

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the table."""
    op.create_table(
        "places",
        sa.Column("key", sa.String(64), nullable=False, comment="a keyed hash of whose it is"),
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("holder", sa.String(16), nullable=False),
        sa.Column(
            "kept_until",
            sa.BigInteger(),
            nullable=False,
            comment="when it is free again, in microseconds since 1970 by the clock of the database",
        ),
        sa.PrimaryKeyConstraint("key", "number", name=op.f("pk_places")),
    )
