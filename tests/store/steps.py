"""How much work SQLite has with a question: the same on every machine, however busy it is."""

from collections.abc import Callable

from bot.domain.ports import Repositories
from bot.store import Database

GRAIN = 100  # instructions of SQLite's virtual machine: https://www.sqlite.org/opcode.html


async def steps(store: Database, work: Callable[[Repositories], object]) -> int:
    """Instructions of SQLite's virtual machine, in hundreds."""

    def counted(repositories: Repositories) -> int:
        count = 0

        def more() -> int:
            nonlocal count
            count += 1
            return 0

        connection = repositories.outbox._connection.connection.driver_connection  # type: ignore[attr-defined]
        connection.set_progress_handler(more, GRAIN)
        try:
            work(repositories)
        finally:
            connection.set_progress_handler(None, GRAIN)
        return count

    return await store.write(counted)
