"""Send to my phone: the ticket once more, as a direct message."""

from bot.views import download
from bot.views.ids import decode_grant
from handlers.desk import Desk
from handlers.requests import Click, Reply


class Phone:
    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    async def click(self, click: Click) -> Reply:
        """Raises UserMistake when the link has ended or is somebody else's."""
        ticket = await self._desk.links.ticket(decode_grant(click.value), click.person.id)
        is_new = await self._desk.phone.send(ticket.grant, download.on_the_phone(ticket, self._desk.clock()))
        return Reply(download.sent_to_phone(is_new))
