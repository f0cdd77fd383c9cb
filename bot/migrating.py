"""`purser migrate`: the tables of the store and of the queue."""

from bot.store.migrate import upgrade


def prepare_database(url: str) -> None:
    """Makes or migrates all tables. Raises StoreUnavailable, and UserMistake for a database of a newer version."""
    upgrade(url)
    if not url.startswith("sqlite"):
        from bot.jobs.queue import prepare_queue  # needs the postgres extra

        prepare_queue(url)
