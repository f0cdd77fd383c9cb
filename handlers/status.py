"""`/purser apps | status | agreements | whoami | help`: what is known, and what one may do."""

from collections.abc import Iterable

from bot.services.names import closest
from bot.views import agreements, status, whoami
from bot.views import help as help_view
from handlers.desk import Desk
from handlers.reasons import UNKNOWN_WORD
from handlers.requests import Ask, Reply


class Status:
    """`words` are all commands, to suggest one for a misspelt word."""

    def __init__(self, desk: Desk, words: Iterable[str]) -> None:
        self._desk = desk
        self._words = tuple(words)

    async def apps(self, ask: Ask) -> Reply:
        return Reply(status.apps(await self._desk.status.apps(ask.channel, ask.person), self._desk.clock()))

    async def status(self, ask: Ask) -> Reply:
        return Reply(status.status(await self._desk.status.status(), self._desk.clock()))

    async def agreements(self, ask: Ask) -> Reply:
        return Reply(agreements.agreements(await self._desk.status.agreements(ask.channel, ask.person), self._desk.clock()))

    async def whoami(self, ask: Ask) -> Reply:
        return Reply(whoami.whoami(await self._desk.status.whoami(ask.person)))

    async def unknown(self, ask: Ask) -> Reply:
        """Words that are neither a command nor a product."""
        if ask.words:
            word = ask.words.split()[0]
            return Reply(help_view.unknown(self._desk.commands, word, closest(word, self._words)), facts=UNKNOWN_WORD)
        return await self.help(ask)

    async def help(self, ask: Ask) -> Reply:
        return Reply(help_view.usage(self._desk.commands))
