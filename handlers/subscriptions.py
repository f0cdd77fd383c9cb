"""`/purser subscribe | unsubscribe | subscriptions`: what this channel hears about."""

from dataclasses import replace

from bot.domain.answers import Denied, NoSuchProduct
from bot.domain.message import Message, Modal
from bot.domain.model import Person
from bot.views import mistakes, subscribing, subscriptions
from bot.views.ids import decode_ask
from handlers.desk import Desk
from handlers.requests import Ask, Click, Form, Reply, Showing


class Subscriptions:
    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    async def subscribe(self, ask: Ask) -> Reply:
        if not ask.words:
            return Reply(subscriptions.say_what())
        return Reply(await self._subscribed(ask.words, ask.channel, ask.person))

    async def open_form(self, click: Click) -> Reply:
        return Reply(subscriptions.say_what(), modal=subscribing.form(click.channel))

    async def submit(self, form: Form) -> Modal:
        return subscribing.outcome(await self._subscribed(subscribing.words_of(form.values), form.channel, form.person))

    async def _subscribed(self, words: str, channel: str, person: Person) -> Message:
        answer = await self._desk.subscriptions.subscribe(words, channel, person.id, person)
        match answer:
            case NoSuchProduct():
                return mistakes.no_such_product(answer)
            case Denied():
                return mistakes.denied(answer)
            case _:
                return subscriptions.subscribed(answer)

    async def unsubscribe(self, ask: Ask) -> Reply:
        answer = await self._desk.subscriptions.unsubscribe(ask.words, ask.channel, ask.person)
        if isinstance(answer, NoSuchProduct):
            return Reply(mistakes.no_such_product(answer))
        return Reply(subscriptions.unsubscribed(answer))

    async def mute(self, click: Click) -> Reply:
        return await self._muted(click, is_muted=True)

    async def unmute(self, click: Click) -> Reply:
        return replace(await self._muted(click, is_muted=False), showing=Showing.INSTEAD)

    async def _muted(self, click: Click, *, is_muted: bool) -> Reply:
        product_id = decode_ask(click.value).words
        answer = await self._desk.subscriptions.mute(product_id, click.channel, click.person.id, is_muted=is_muted)
        return Reply(subscriptions.muted(answer))

    async def listing(self, ask: Ask) -> Reply:
        return Reply(subscriptions.subscriptions(await self._desk.subscriptions.listing(ask.channel)))
