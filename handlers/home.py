"""The Home tab: what is live where, and what concerns its reader."""

from bot.domain.message import Home
from bot.domain.model import Person
from bot.views import home
from handlers.desk import Desk
from handlers.requests import Tab


class HomeTab:
    """Answers from the store at once; what is stale is refreshed behind the answer."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    async def draw(self, person: Person, channel: str) -> Tab:
        """`channel` is the person's conversation with us."""
        answer = await self._desk.home.answer(person, channel)
        stale = answer.everywhere.freshness.stale

        async def later() -> Home:
            await self._desk.refresher.refresh(stale)
            return home.home(await self._desk.home.answer(person, channel), self._desk.clock())

        return Tab(home.home(answer, self._desk.clock()), later if stale else None)
