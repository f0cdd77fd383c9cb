"""Where facts are kept: SQLAlchemy Core tables and one repository per protocol of `bot.domain.ports`."""

from bot.store.engine import Database

__all__ = ["Database"]
