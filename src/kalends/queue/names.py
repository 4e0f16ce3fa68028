"""What PgQueuer calls its objects in our database. Migration 0003 makes them by the same names."""

from pgqueuer.domain.settings import DBSettings, Durability
from pgqueuer.domain.types import Channel

PREFIX = "kalends_"
ENTRYPOINT = "sync"

CHANNEL = Channel(f"{PREFIX}ch_pgqueuer")
"""On which PostgreSQL tells workers that jobs came, changed or went."""

# not by its constructor: that would let variables called PGQUEUER_CHANNEL, or just CHANNEL, have a word
NAMES = DBSettings.model_construct(
    prefix=PREFIX,
    db_schema=None,
    channel=CHANNEL,
    function=f"{PREFIX}fn_pgqueuer_changed",
    statistics_table=f"{PREFIX}pgqueuer_statistics",
    queue_status_type=f"{PREFIX}pgqueuer_status",
    queue_table=f"{PREFIX}pgqueuer",
    queue_table_log=f"{PREFIX}pgqueuer_log",
    trigger=f"{PREFIX}tg_pgqueuer_changed",
    schedules_table=f"{PREFIX}pgqueuer_schedules",
    durability=Durability.durable,
    widen_id=True,
)
