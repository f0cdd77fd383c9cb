"""Who may see builds and get links."""

import asyncio
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

import structlog

from bot.domain.answers import Denial, Denied
from bot.domain.errors import MessageRefused
from bot.domain.model import Person, Product
from bot.domain.names import normalise
from bot.domain.ports import Groups, People, Rooms, SharedChannels

PATIENCE = 1.0  # seconds for a question to Slack whose answer an acknowledgement waits for; Slack wants it within 3

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Rules:
    """What the configuration allows. `channels` and `groups`: product name -> channels in which the product may be asked for,
    and user groups whose members may have it; a product without either is for everyone.

    `apps`: (account, app id) -> the product whose rules hold for it, also while the store still has it elsewhere.
    """

    guests: bool = False
    external: bool = False
    owners: frozenset[str] = frozenset()
    channels: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    groups: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    apps: Mapping[tuple[str, str], str] = field(default_factory=dict)

    def channels_of(self, product: Product) -> tuple[str, ...]:
        """The channels to which the product is restricted; none: no restriction."""
        return self._of(product, self.channels)

    def groups_of(self, product: Product) -> tuple[str, ...]:
        """The user groups to which the product is restricted; none: no restriction."""
        return self._of(product, self.groups)

    def news_denial(self, product: Product, channel: str) -> Denied | None:
        """Why nothing of this product is told in this channel unasked; None: may be. A channel is in no user group: what is
        for groups alone is told where the configuration names the channel."""
        channels = self.channels_of(product)
        if channels:
            return None if channel in channels else Denied(Denial.CHANNEL, channels)
        return Denied(Denial.UNTOLD) if self.groups_of(product) else None

    def _of(self, product: Product, rules: Mapping[str, tuple[str, ...]]) -> tuple[str, ...]:
        """Names are as the configuration and vendors spell them; a restriction holds whatever the spelling."""
        if not rules:
            return ()
        wanted = {normalise(product.name)}
        wanted |= {normalise(self.apps[app.account, app.id]) for app in product.apps if (app.account, app.id) in self.apps}
        return next((found for name, found in rules.items() if found and normalise(name) in wanted), ())


class Access:
    """Applies the rules to a person, a channel and a product. Without `groups`, nobody is in a user group; without `rooms`,
    nobody knows who is in a channel; without `shared`, no channel is shared."""

    def __init__(
        self,
        people: People,
        rules: Rules | None = None,
        groups: Groups | None = None,
        rooms: Rooms | None = None,
        shared: SharedChannels | None = None,
    ) -> None:
        rules = rules or Rules()
        self._people = people
        self._rules = rules
        self._groups = groups
        self._rooms = rooms
        self._shared = shared
        self._wanted_groups = sorted({group for groups in rules.groups.values() for group in groups})

    async def person(self, user: str, team: str | None) -> Person:
        """Raises MessageRefused when Slack cannot say who this is; nobody unknown is let in."""
        person = await self._people.person(user, team)
        return await self._with_groups(person) if self._wanted_groups else person

    def denial(self, person: Person) -> Denied | None:
        """Why this person may see nothing at all; None: may."""
        if person.is_deactivated:
            return Denied(Denial.DEACTIVATED)
        if person.is_external and not self._rules.external:
            return Denied(Denial.EXTERNAL)
        if person.is_guest and not self._rules.guests:
            return Denied(Denial.GUEST)
        return None

    def channels_of(self, product: Product) -> tuple[str, ...]:
        """The channels to which the product is restricted; none: no restriction."""
        return self._rules.channels_of(product)

    def denial_here(self, product: Product, channel: str, person: Person | None = None) -> Denied | None:
        """Why this person may not ask for this product in this channel; None: may. Nobody is in no user group."""
        channels = self.channels_of(product)
        if channels and channel not in channels:
            return Denied(Denial.CHANNEL, channels)
        return self._outside(self._rules.groups_of(product), person)

    async def denial_of_absence(self, product: Product, channel: str, user: str, *, unless_told: bool) -> Denied | None:
        """Why somebody may not have the product as if they were in this channel: they are not (any more). `unless_told`: whether
        they may where Slack does not say who is there."""
        channels = self.channels_of(product)
        if not channels:
            return None
        is_there = await self._is_in(user, channel)
        return None if is_there or (is_there is None and unless_told) else Denied(Denial.CHANNEL, channels)

    def news_denial(self, product: Product, channel: str) -> Denied | None:
        """Why nothing of this product is told in this channel unasked; None: may be."""
        return self._rules.news_denial(product, channel)

    async def denial_to_all(self, channel: str) -> Denied | None:
        """Why nothing may be shown to everybody in this channel; None: may be, also where Slack does not say at once."""
        try:
            async with asyncio.timeout(PATIENCE):
                return Denied(Denial.SHARED) if await self.is_shared(channel) else None
        except (MessageRefused, TimeoutError) as error:
            log.warning("channel not shown", channel=channel, reason=getattr(error, "reason", "no_answer"))
            return None

    async def is_shared(self, channel: str) -> bool:
        """Whether people of other organisations, who may not see builds, read this channel. One that Slack does not show counts
        as ours, and so does every direct conversation. Raises MessageRefused while Slack does not answer."""
        if self._rules.external or self._shared is None or not channel.startswith(("C", "G")):
            return False
        try:
            return await self._shared.is_shared(channel)
        except MessageRefused as error:
            if error.is_outage:
                raise
            log.warning("channel not shown", channel=channel, reason=error.reason)
            return False

    def is_owner(self, user: str) -> bool:
        return user in self._rules.owners

    def _outside(self, groups: Iterable[str], person: Person | None) -> Denied | None:
        wanted = frozenset(groups)
        if not wanted or (person and wanted & person.groups):
            return None
        unknown = person is not None and bool(wanted & person.unread_groups)
        return Denied(Denial.GROUP_UNKNOWN if unknown else Denial.GROUP)

    async def _with_groups(self, person: Person) -> Person:
        memberships = await asyncio.gather(*(self._is_member(person.id, group) for group in self._wanted_groups))
        known = dict(zip(self._wanted_groups, memberships, strict=True))
        return replace(
            person,
            groups=frozenset(group for group, is_member in known.items() if is_member),
            unread_groups=frozenset(group for group, is_member in known.items() if is_member is None),
        )

    async def _is_member(self, user: str, group: str) -> bool | None:
        """None when Slack cannot say. One that it does not show is nobody's: it was deleted, or our token may not read it."""
        if self._groups is None:
            return False
        try:
            return user in await self._groups.members(group)
        except MessageRefused as error:
            if error.is_outage:
                return None
            log.warning("user group not shown", group=group, reason=error.reason)
            return False

    async def _is_in(self, user: str, channel: str) -> bool | None:
        """None when Slack does not say."""
        if self._rooms is None:
            return None
        try:
            return user in await self._rooms.members(channel)
        except MessageRefused as error:
            log.warning("channel not shown", channel=channel, reason=error.reason)
            return None
