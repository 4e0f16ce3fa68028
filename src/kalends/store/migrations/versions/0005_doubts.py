"""Doubts about a calendar that is suddenly empty; when connections changed, and when somebody looked at them."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the columns; nothing is doubted, and nobody has looked yet."""
    op.add_column(
        "readings",
        sa.Column(
            "doubted_at",
            sa.DateTime(timezone=True),
            nullable=True,
            comment="since when most of it is missing, and not believed to be",
        ),
    )
    op.add_column(
        "readings",
        sa.Column("doubted_items", sa.Integer(), nullable=True, comment="with doubted_at: how many items are missing"),
    )
    for name, comment in (
        ("changed_at", "when a sync last found that something had changed"),
        ("looked_at", "about when its events were last asked for"),
    ):
        op.add_column("connections", sa.Column(name, sa.DateTime(timezone=True), nullable=True, comment=comment))
