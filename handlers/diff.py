"""`/purser diff`: two versions side by side."""

from dataclasses import replace

from bot.domain.answers import Denied, DiffAnswer, Freshness, NoSuchProduct, NothingMatches, NothingToCompare
from bot.domain.message import Message
from bot.services.diff import DiffReply
from bot.views import diff, mistakes
from handlers.desk import Desk
from handlers.requests import Ask, Newer, Reply, Showing


class Diff:
    """Answers from the store at once; what is stale is refreshed behind the answer."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    async def ask(self, ask: Ask) -> Reply:
        answer = await self._answer(ask)
        stale = () if isinstance(answer, NoSuchProduct | Denied) else answer.freshness.stale
        if not stale:
            return Reply(self._draw(answer))

        async def later() -> Newer:
            await self._desk.refresher.refresh(stale)
            newer = await self._answer(ask)
            return Newer(self._draw(newer), is_news=_facts(newer) != _facts(answer))

        return Reply(self._draw(answer), later=later)

    async def share(self, ask: Ask) -> Reply:
        """The same answer for the whole channel; every reader mints a link of their own."""
        answer = await self._answer(ask)
        if isinstance(answer, DiffAnswer):
            return Reply(diff.shared(answer, ask.person.id, self._desk.clock()), Showing.CHANNEL)
        return Reply(self._draw(answer))

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


def _facts(answer: DiffReply) -> object:
    """The answer without its age."""
    return answer if isinstance(answer, NoSuchProduct | Denied) else replace(answer, freshness=Freshness())
