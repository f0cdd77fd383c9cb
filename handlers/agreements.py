"""The buttons of a blocked agreement's card: Check again, I'm on it, Snooze. Whoever may see builds may press them."""

from bot.domain.answers import DeadIncident
from bot.views import incidents
from bot.views.ids import decode_incident, decode_snooze
from handlers.desk import Desk
from handlers.reasons import because
from handlers.requests import Click, Reply


class Agreements:
    """Answers only to the person who clicked; what changed is drawn into every channel's card behind the answer."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    async def check_again(self, click: Click) -> Reply:
        about = decode_incident(click.value)
        answer = await self._desk.incidents.check_again(about.account, about.since)
        now = self._desk.clock()
        if isinstance(answer, DeadIncident):
            return Reply(incidents.dead(answer, now), facts=because(answer))
        return Reply(incidents.checked(answer, now))

    async def take(self, click: Click) -> Reply:
        about = decode_incident(click.value)
        answer = await self._desk.incidents.take(about.account, about.since, click.person.id)
        if isinstance(answer, DeadIncident):
            return Reply(incidents.dead(answer, self._desk.clock()), facts=because(answer))
        return Reply(incidents.taken(answer))

    async def snooze(self, click: Click) -> Reply:
        length, about = decode_snooze(click.value)
        answer = await self._desk.incidents.snooze(about.account, about.since, click.person.id, length)
        now = self._desk.clock()
        if isinstance(answer, DeadIncident):
            return Reply(incidents.dead(answer, now), facts=because(answer))
        return Reply(incidents.snoozed(answer, now))
