"""A process that asks for syncs and does none: `python -m tests.jobs.asker URL FOLDER SITE ROUNDS CONNECTION…`.

It asks for every connection in each round, a few in one transaction.
"""

import asyncio
import sys
from pathlib import Path

from kalends.app import assemble
from kalends.model.connection import ConnectionKey
from tests.world import settings_for

IN_ONE_TRANSACTION = 20


async def ask(url: str, folder: str, site_id: str, rounds: int, connection_ids: list[str]) -> None:
    ids = sorted(connection_ids)
    async with assemble(settings_for(url, Path(folder))) as kalends:
        for _ in range(rounds):
            for at in range(0, len(ids), IN_ONE_TRANSACTION):
                async with kalends.database.write() as writer:
                    for one in ids[at : at + IN_ONE_TRANSACTION]:
                        await kalends.wanting.sync(writer, ConnectionKey(site_id, one))


if __name__ == "__main__":
    _, given_url, given_folder, given_site, given_rounds, *given_ids = sys.argv
    asyncio.run(ask(given_url, given_folder, given_site, int(given_rounds), given_ids))
