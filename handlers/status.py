"""`/purser apps | status | agreements | whoami | help`: what is known, and what one may do."""

from collections.abc import Iterable

from bot.domain.answers import NoSuchProduct
from bot.services.names import closest
from bot.views import agreements, status, whoami
from bot.views import help as help_view
from handlers.desk import Desk
from handlers.requests import Ask, Feature, Reply


class Status:
    """`words` are all commands, to suggest one for a misspelt word; `versions` answers a product's name alone."""

    def __init__(self, desk: Desk, words: Iterable[str], versions: Feature) -> None:
        self._desk = desk
        self._words = tuple(words)
        self._versions = versions

    async def apps(self, ask: Ask) -> Reply:
        return Reply(status.apps(await self._desk.status.apps(ask.channel, ask.person), self._desk.clock()))

    async def status(self, ask: Ask) -> Reply:
        return Reply(status.status(await self._desk.status.status(), self._desk.clock()))

    async def agreements(self, ask: Ask) -> Reply:
        return Reply(agreements.agreements(await self._desk.status.agreements(ask.channel, ask.person), self._desk.clock()))

    async def whoami(self, ask: Ask) -> Reply:
        return Reply(whoami.whoami(await self._desk.status.whoami(ask.person)))

    async def unknown(self, ask: Ask) -> Reply:
        """Words without a command: a product's name means its versions; anything else is said to be unknown."""
        product, _ = await self._desk.catalog.find_product(ask.words, ask.channel, "versions", ask.person)
        if ask.words and not isinstance(product, NoSuchProduct):
            return await self._versions(ask)
        if ask.words:
            word = ask.words.split()[0]
            return Reply(help_view.unknown(self._desk.commands, word, closest(word, self._words)))
        return await self.help(ask)

    async def help(self, ask: Ask) -> Reply:
        return Reply(help_view.usage(self._desk.commands))
