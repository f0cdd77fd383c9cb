"""Taking links back: owners any, a person their own."""

import re

from bot.domain.answers import NoSuchProduct, RevocableAnswer, Revoked
from bot.domain.errors import MessageRefused, UserMistake
from bot.domain.model import Person
from bot.domain.ports import AuditLine, Clock, GrantFilter, Repositories, Store
from bot.services.access import Access
from bot.services.catalog import Catalog

SHOWN = 15
MOST = 10_000  # links revoked by one command
EVERYTHING = ("all", "everything")
NOT_YOURS = "You can take back your own links; those of others are for the owners of Purser."
_MENTION = re.compile(r"<@([UW][A-Z0-9]+)(?:\|[^>]*)?>|@?([UW][A-Z0-9]{2,})")


class RevokingDesk:
    """What `/purser revoke` means."""

    def __init__(self, store: Store, catalog: Catalog, access: Access, clock: Clock) -> None:
        self._store = store
        self._catalog = catalog
        self._access = access
        self._clock = clock

    async def listing(self, person: Person) -> RevocableAnswer:
        """What this person could take back."""
        wanted = self._within_reach(person)

        def work(repositories: Repositories) -> RevocableAnswer:
            lines = tuple(repositories.grants.find(wanted, 0, SHOWN))
            return RevocableAnswer(lines, repositories.grants.count(wanted), wanted.user is None)

        return await self._store.read(work)

    async def one(self, grant_id: str, person: Person) -> Revoked:
        """Raises UserMistake for somebody else's link, unless the person is an owner."""
        grant = await self._store.read(lambda r: r.grants.get(grant_id))
        if grant is None:
            raise UserMistake("That link is not known any more.")
        if grant.user != person.id and not self._access.is_owner(person.id):
            raise UserMistake(NOT_YOURS)
        return Revoked(await self._revoke([grant_id], person), grant.user)

    async def by_words(self, words: str, channel: str, person: Person) -> Revoked | NoSuchProduct:
        """`all`, a person (@name or member ID), or a product. Raises UserMistake."""
        wanted = self._within_reach(person)
        if words.casefold() in EVERYTHING:
            return await self._all(wanted, person)
        if words.startswith(("@", "<@")) or _MENTION.fullmatch(words):
            user = await self._named(words, wanted, person)
            return await self._all(GrantFilter(user=user, live_at=wanted.live_at), person)
        product, _ = await self._catalog.find_product(words, channel, "revoke", person)
        if isinstance(product, NoSuchProduct):
            return product
        return await self._all(GrantFilter(user=wanted.user, product=product.id, live_at=wanted.live_at), person)

    def _within_reach(self, person: Person) -> GrantFilter:
        user = None if self._access.is_owner(person.id) else person.id
        return GrantFilter(user=user, live_at=self._clock())

    async def _all(self, wanted: GrantFilter, by: Person) -> Revoked:
        lines = await self._store.read(lambda r: r.grants.find(wanted, 0, MOST))
        return Revoked(await self._revoke([line.grant.id for line in lines], by), wanted.user)

    async def _revoke(self, grant_ids: list[str], by: Person) -> int:
        return await self._store.write(lambda r: r.grants.revoke(grant_ids, by.id, self._clock()))

    async def _named(self, words: str, wanted: GrantFilter, person: Person) -> str:
        """The member's id. A slash command brings a name as it was typed, so it is looked for among those who have links."""
        match, name = _MENTION.fullmatch(words), words.removeprefix("@").casefold()
        member = match and (match[1] or match[2])
        if member == person.id or name in (each.casefold() for each in person.names):
            return person.id
        if wanted.user is not None:
            raise UserMistake(NOT_YOURS)
        if member:
            return member
        for user in dict.fromkeys(line.grant.user for line in await self._live(wanted)):
            if name in await self._names_of(user):
                return user
        raise UserMistake(f"Nobody called {words} has a link that can be opened.")

    async def _live(self, wanted: GrantFilter) -> list[AuditLine]:
        return list(await self._store.read(lambda r: r.grants.find(wanted, 0, MOST)))

    async def _names_of(self, user: str) -> set[str]:
        try:
            return {name.casefold() for name in (await self._access.person(user, None)).names}
        except MessageRefused:
            return set()
