"""`/purser diff`: two versions side by side."""

from functools import partial

from bot.domain.answers import Denied, DiffAnswer, NoSuchProduct, NothingMatches, NothingToCompare
from bot.domain.message import Message
from bot.services.diff import DiffReply
from bot.views import diff, mistakes
from handlers.desk import Desk
from handlers.reasons import because
from handlers.refreshing import refreshed
from handlers.requests import Ask, Reply, Showing


class Diff:
    """Answers from the store at once; what is stale is refreshed behind the answer."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    async def ask(self, ask: Ask) -> Reply:
        return await refreshed(self._desk.refresher, partial(self._answer, ask), self._draw)

    async def share(self, ask: Ask) -> Reply:
        """The same answer for the whole channel; every reader mints a link of their own."""
        answer = await self._answer(ask)
        if isinstance(answer, DiffAnswer):
            return Reply(diff.shared(answer, ask.person.id, self._desk.clock()), Showing.CHANNEL)
        return Reply(self._draw(answer), facts=because(answer))

    async def _answer(self, ask: Ask) -> DiffReply:
        return await self._desk.diff.ask(ask.words, ask.channel, ask.person)

    def _draw(self, answer: DiffReply) -> Message:
        now = self._desk.clock()
        match answer:
            case DiffAnswer():
                return diff.diff(answer, now)
            case NothingToCompare():
                return diff.nothing(answer, now)
            case NothingMatches():
                return mistakes.nothing_matches(answer, now)
            case NoSuchProduct():
                return mistakes.no_such_product(answer)
            case Denied():
                return mistakes.denied(answer)
