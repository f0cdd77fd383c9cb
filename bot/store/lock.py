"""One process on one SQLite file."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from bot.domain.errors import PurserError
from bot.store.connect import parse_url


@contextmanager
def held_alone(url: str) -> Iterator[None]:
    """Holds the file beside an SQLite database for as long as the block lasts; PostgreSQL takes any number of processes.

    The system frees the lock of a process that was killed. Raises PurserError when another process holds it.
    """
    parsed = parse_url(url)
    if parsed.drivername != "sqlite":
        yield
        return
    database = Path(parsed.database or "")
    try:
        lock = FileLock(f"{database}.lock", blocking=False).acquire()
    except Timeout as error:
        raise PurserError(
            f"another `purser run` works on {database.name} already; end that one, or let DATABASE_URL name another database"
        ) from error
    except OSError as error:
        raise PurserError(f"cannot make {database.name}.lock beside the database ({error.strerror})") from error
    with lock:
        yield
