"""Find builds mentioned: what somebody's message is about, to download."""

from dataclasses import replace

from bot.domain.answers import Freshness, MentionsAnswer
from bot.views import mentions
from handlers.desk import Desk
from handlers.requests import Call, Newer, Reply


class Mentioned:
    """Answers from the store at once; what is stale is refreshed behind the answer."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    async def call(self, call: Call) -> Reply:
        answer = await self._find(call)

        async def later() -> Newer:
            await self._desk.refresher.refresh(answer.freshness.stale)
            newer = await self._find(call)
            return Newer(mentions.mentions(newer, self._desk.clock()), is_news=_facts(newer) != _facts(answer))

        return Reply(mentions.mentions(answer, self._desk.clock()), later=later if answer.freshness.stale else None)

    async def _find(self, call: Call) -> MentionsAnswer:
        return await self._desk.mentions.find(call.text, call.channel, call.person)


def _facts(answer: MentionsAnswer) -> MentionsAnswer:
    """The answer without its age."""
    return replace(answer, freshness=Freshness())
