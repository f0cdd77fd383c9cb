"""Get a build: a modal with a menu of products, and the newest builds of the one that is chosen."""

from bot.domain.model import Person
from bot.views import modals
from bot.views.ids import decode_ask
from handlers.requests import Ask, Call, Click, Feature, Reply


class GetABuild:
    """`versions` answers what was chosen."""

    def __init__(self, versions: Feature) -> None:
        self._versions = versions

    async def call(self, call: Call) -> Reply:
        return await self._picker(call.person, call.channel)

    async def click(self, click: Click) -> Reply:
        return await self._picker(click.person, click.channel)

    async def pick(self, click: Click) -> Reply:
        """On top of the menu, so that one comes back to it."""
        return await self._versions(Ask(click.person, click.channel, decode_ask(click.value).words))

    async def _picker(self, person: Person, place: str) -> Reply:
        """Where no modal opens, the list of all products has such a menu, too."""
        products = await self._versions(Ask(person, place, ""))
        return Reply(products.message, modal=modals.picker(place))
