"""`/purser revoke`: taking links back."""

from bot.domain.answers import NoSuchProduct
from bot.views import grants, mistakes
from bot.views.ids import decode_grant
from handlers.desk import Desk
from handlers.reasons import because
from handlers.requests import Ask, Click, Reply, Showing


class Revoke:
    """Lists what can be taken back, and takes it back."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    async def ask(self, ask: Ask) -> Reply:
        if not ask.words:
            return Reply(grants.revocable(await self._desk.revoking.listing(ask.person), self._desk.clock()))
        answer = await self._desk.revoking.by_words(ask.words, ask.channel, ask.person)
        if isinstance(answer, NoSuchProduct):
            return Reply(mistakes.no_such_product(answer), facts=because(answer))
        return Reply(grants.revoked(answer))

    async def click(self, click: Click) -> Reply:
        """The list in its new state, where nobody else sees it."""
        answer = await self._desk.revoking.one(decode_grant(click.value), click.person)
        if not click.is_private:
            return Reply(grants.revoked(answer))
        left = await self._desk.revoking.listing(click.person)
        return Reply(grants.revocable(left, self._desk.clock()), Showing.INSTEAD)
