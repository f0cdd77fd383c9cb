"""`/purser subscribe | unsubscribe | subscriptions`: what this channel hears about."""

from bot.domain.answers import Denied, NoSuchProduct
from bot.views import mistakes, subscriptions
from handlers.desk import Desk
from handlers.requests import Ask, Reply


class Subscriptions:
    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    async def subscribe(self, ask: Ask) -> Reply:
        answer = await self._desk.subscriptions.subscribe(ask.words, ask.channel, ask.person.id, ask.person)
        match answer:
            case NoSuchProduct():
                return Reply(mistakes.no_such_product(answer))
            case Denied():
                return Reply(mistakes.denied(answer))
            case _:
                return Reply(subscriptions.subscribed(answer))

    async def unsubscribe(self, ask: Ask) -> Reply:
        answer = await self._desk.subscriptions.unsubscribe(ask.words, ask.channel, ask.person)
        if isinstance(answer, NoSuchProduct):
            return Reply(mistakes.no_such_product(answer))
        return Reply(subscriptions.unsubscribed(answer))

    async def listing(self, ask: Ask) -> Reply:
        return Reply(subscriptions.subscriptions(await self._desk.subscriptions.listing(ask.channel)))
