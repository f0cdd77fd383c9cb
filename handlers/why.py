"""`/purser why`: why this channel did or did not hear about something."""

from bot.domain.answers import Denied, NoSuchProduct
from bot.views import mistakes, why
from handlers.desk import Desk
from handlers.reasons import because
from handlers.requests import Ask, Reply


class Why:
    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    async def ask(self, ask: Ask) -> Reply:
        answer = await self._desk.why.ask(ask.words, ask.channel, ask.person)
        match answer:
            case NoSuchProduct():
                return Reply(mistakes.no_such_product(answer), facts=because(answer))
            case Denied():
                return Reply(mistakes.denied(answer), facts=because(answer))
            case _:
                return Reply(why.why(answer, self._desk.clock()))
