"""`/purser subscribe | unsubscribe | subscriptions`: what this channel hears about."""

from dataclasses import replace

from bot.domain.answers import Denied, NoSuchProduct
from bot.domain.message import Modal
from bot.domain.model import Person
from bot.views import mistakes, subscribing, subscriptions
from bot.views.ids import decode_ask
from handlers.desk import Desk
from handlers.reasons import because
from handlers.requests import Ask, Click, Form, Reply, Showing


class Subscriptions:
    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    async def subscribe(self, ask: Ask) -> Reply:
        if not ask.words:
            return Reply(subscriptions.say_what())
        return await self._subscribed(ask.words, ask.channel, ask.person)

    async def open_form(self, click: Click) -> Reply:
        return Reply(subscriptions.say_what(), modal=subscribing.form(click.channel))

    async def submit(self, form: Form) -> Modal:
        reply = await self._subscribed(subscribing.words_of(form.values), form.channel, form.person)
        return subscribing.outcome(reply.message)

    async def _subscribed(self, words: str, channel: str, person: Person) -> Reply:
        answer = await self._desk.subscriptions.subscribe(words, channel, person.id, person)
        match answer:
            case NoSuchProduct():
                return Reply(mistakes.no_such_product(answer), facts=because(answer))
            case Denied():
                return Reply(mistakes.denied(answer), facts=because(answer))
            case _:
                return Reply(subscriptions.subscribed(answer))

    async def unsubscribe(self, ask: Ask) -> Reply:
        answer = await self._desk.subscriptions.unsubscribe(ask.words, ask.channel, ask.person)
        if isinstance(answer, NoSuchProduct):
            return Reply(mistakes.no_such_product(answer), facts=because(answer))
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
