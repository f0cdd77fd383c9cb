"""Send to my phone: the link once more, in a direct message, where the phone has it."""

from bot.domain.errors import MessageRefused
from bot.domain.message import Message
from bot.domain.model import Grant
from bot.domain.ports import Clock, Messenger, Store


class PhoneSender:
    """Writes to a person directly, once for each link."""

    def __init__(self, store: Store, messenger: Messenger, clock: Clock) -> None:
        self._store = store
        self._messenger = messenger
        self._clock = clock

    async def send(self, grant: Grant, message: Message) -> bool:
        """False when it was sent before. Raises MessageRefused, and can then be tried again."""
        if not await self._store.write(lambda r: r.grants.mark_sent(grant.id, self._clock())):
            return False
        try:
            await self._messenger.post(grant.user, message, grant.id)
        except MessageRefused:
            await self._store.write(lambda r: r.grants.mark_sent(grant.id, None))
            raise
        return True
