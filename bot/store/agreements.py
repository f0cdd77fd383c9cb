"""The history of each account's legal papers. The row without an end is the present."""

from collections.abc import Sequence
from dataclasses import fields
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, bindparam, insert, select, update

from bot.domain.model import Agreement, AgreementState
from bot.store.tables import accounts, agreements

_FIELDS = tuple(field.name for field in fields(Agreement))
_ALL = select(*(agreements.c[name] for name in _FIELDS))
_CURRENT = _ALL.where(agreements.c.until.is_(None)).order_by(agreements.c.account)
_CURRENT_OF = _CURRENT.where(agreements.c.account == bindparam("account"))
_INCIDENTS = _ALL.where(agreements.c.state == AgreementState.BLOCKED).order_by(agreements.c.since.desc()).limit(1)
# FOR NO KEY UPDATE: does not hold up saving the account's apps
_HOLD = select(accounts.c.name).where(accounts.c.name == bindparam("account")).with_for_update(key_share=True)


class SqlAgreements:
    """A `bot.domain.ports.Agreements`."""

    def __init__(self, connection: Connection, writing: bool) -> None:
        self._connection = connection
        self._writing = writing

    def current(self, account: str) -> Agreement | None:
        """In a write, nobody else changes it until that ends: two checks at once would count their strikes over each other."""
        if self._writing:
            self._connection.execute(_HOLD, {"account": account})
        row = self._connection.execute(_CURRENT_OF, {"account": account}).first()
        return _agreement(row) if row else None

    def incident(self, account: str, since: datetime | None = None) -> Agreement | None:
        wanted = _INCIDENTS.where(agreements.c.account == account)
        row = self._connection.execute(wanted.where(agreements.c.since == since) if since else wanted).first()
        return _agreement(row) if row else None

    def save(self, agreement: Agreement) -> None:
        current = (agreements.c.account == agreement.account) & agreements.c.until.is_(None)
        same = current & (agreements.c.state == agreement.state) & (agreements.c.since == agreement.since)
        values = {name: getattr(agreement, name) for name in _FIELDS} | {"blocked": list(agreement.blocked)}
        if self._connection.execute(update(agreements).where(same).values(values)).rowcount:
            return
        self._connection.execute(update(agreements).where(current).values(until=agreement.since))
        self._connection.execute(insert(agreements).values(values))

    def all_current(self) -> Sequence[Agreement]:
        return [_agreement(row) for row in self._connection.execute(_CURRENT)]


def _agreement(row: Row[*tuple[Any, ...]]) -> Agreement:
    facts = dict(row._mapping)
    return Agreement(**facts | {"blocked": tuple(facts["blocked"])})
