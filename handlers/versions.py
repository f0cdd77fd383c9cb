"""`/versions`: where is the build?"""

from dataclasses import replace

from bot.domain.answers import BuildsAnswer, Denied, Freshness, HeadsAnswer, NoSuchProduct, NothingMatches, ProductsAnswer
from bot.domain.message import Message
from bot.services.catalog import Answer
from bot.views import mistakes, versions
from handlers.desk import Desk
from handlers.reasons import because
from handlers.requests import Ask, Newer, Reply, Showing


class Versions:
    """Answers from the store at once; what is stale is refreshed behind the answer."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    async def ask(self, ask: Ask) -> Reply:
        answer = await self._desk.catalog.ask(ask.words, ask.channel, ask.offset, ask.person)
        message = self._draw(answer)
        stale = () if isinstance(answer, NoSuchProduct | Denied) else answer.freshness.stale
        if not stale:
            return Reply(message, facts=because(answer))

        async def later() -> Newer:
            await self._desk.refresher.refresh(stale)
            newer = await self._desk.catalog.ask(ask.words, ask.channel, ask.offset, ask.person)
            return Newer(self._draw(newer), is_news=_facts(newer) != _facts(answer))

        return Reply(message, later=later, facts=because(answer))

    async def share(self, ask: Ask) -> Reply:
        """The same answer for the whole channel; every reader mints a link of their own."""
        answer = await self._desk.catalog.ask(ask.words, ask.channel, ask.offset, ask.person)
        if isinstance(answer, HeadsAnswer | BuildsAnswer | ProductsAnswer):
            return Reply(versions.shared(answer, ask.person.id, self._desk.clock()), Showing.CHANNEL)
        return Reply(self._draw(answer), facts=because(answer))

    def _draw(self, answer: Answer) -> Message:
        now = self._desk.clock()
        match answer:
            case ProductsAnswer():
                return versions.products(answer, now)
            case HeadsAnswer():
                return versions.heads(answer, now)
            case BuildsAnswer():
                return versions.builds(answer, now)
            case NoSuchProduct():
                return mistakes.no_such_product(answer)
            case NothingMatches():
                return mistakes.nothing_matches(answer, now)
            case Denied():
                return mistakes.denied(answer)


def _facts(answer: Answer) -> object:
    """The answer without its age."""
    return answer if isinstance(answer, NoSuchProduct | Denied) else replace(answer, freshness=Freshness())
