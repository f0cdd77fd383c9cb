"""Find builds mentioned: what somebody's message is about, to download."""

from functools import partial

from bot.domain.answers import MentionsAnswer
from bot.domain.message import Message
from bot.views import mentions
from handlers.desk import Desk
from handlers.refreshing import refreshed
from handlers.requests import Call, Reply


class Mentioned:
    """Answers from the store at once; what is stale is refreshed behind the answer."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    async def call(self, call: Call) -> Reply:
        return await refreshed(self._desk.refresher, partial(self._find, call), self._draw)

    async def _find(self, call: Call) -> MentionsAnswer:
        return await self._desk.mentions.find(call.text, call.channel, call.person)

    def _draw(self, answer: MentionsAnswer) -> Message:
        return mentions.mentions(answer, self._desk.clock())
