"""Who may see builds and get links."""

from collections.abc import Iterable, Mapping

from bot.domain.answers import Denial, Denied
from bot.domain.model import Person, Product
from bot.domain.ports import People


class Access:
    """The rules of the configuration. `channels`: product name -> channels in which it may be asked for."""

    def __init__(
        self,
        people: People,
        *,
        guests: bool = False,
        external: bool = False,
        owners: Iterable[str] = (),
        channels: Mapping[str, tuple[str, ...]] | None = None,
    ) -> None:
        self._people = people
        self._guests = guests
        self._external = external
        self._owners = frozenset(owners)
        self._channels = channels or {}

    async def person(self, user: str, team: str | None) -> Person:
        """Raises MessageRefused when Slack cannot say who this is; nobody unknown is let in."""
        return await self._people.person(user, team)

    def denial(self, person: Person) -> Denied | None:
        """Why this person may see nothing at all; None: may."""
        if person.is_external and not self._external:
            return Denied(Denial.EXTERNAL)
        if person.is_guest and not self._guests:
            return Denied(Denial.GUEST)
        return None

    def channels_of(self, product: Product) -> tuple[str, ...]:
        """The channels to which the product is restricted; none: no restriction."""
        return self._channels.get(product.name, ())

    def denial_here(self, product: Product, channel: str) -> Denied | None:
        """Why this product may not be asked for in this channel; None: may."""
        channels = self.channels_of(product)
        return Denied(Denial.CHANNEL, channels) if channels and channel not in channels else None

    def is_owner(self, user: str) -> bool:
        return user in self._owners
