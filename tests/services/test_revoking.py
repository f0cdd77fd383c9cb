"""Taking links back: owners any, a person their own."""

from dataclasses import replace
from datetime import timedelta

import pytest

from bot.domain.answers import NoSuchProduct, Revoked
from bot.domain.errors import MessageRefused, UserMistake
from bot.domain.model import App, Grant, Person
from bot.domain.ports import Repositories
from bot.services.access import Access, Rules
from bot.services.catalog import Catalog
from bot.services.reading import Account, Reader
from bot.services.revoking import RevokingDesk
from bot.store import Database
from tests.services.conftest import NOON, StoppedClock, make_build

SHOP, COURIER = App("acme-apple", "1", "Shop"), App("acme-apple", "2", "Courier")
OWNER, ADA, BEN = Person("U0GRACE"), Person("U0ADA", names=("ada", "Ada L")), Person("U0BEN", names=("ben",))


class Phonebook:
    async def person(self, user: str, team: str | None) -> Person:
        if user == BEN.id:
            return BEN
        if user == ADA.id:
            return ADA
        raise MessageRefused("user_not_found")


def link(id: str, user: str, app: App = SHOP, **facts: object) -> Grant:
    grant = Grant(id, make_build(app, "1").key, user, "C1", NOON, NOON + timedelta(minutes=10))
    return replace(grant, **facts)  # type: ignore[arg-type]


LINKS = [
    link("a1", ADA.id),
    link("a2", ADA.id, COURIER),
    link("b1", BEN.id),
    link("x1", "U0GONE"),
    link("over", ADA.id, expires_at=NOON),
]


def _fill(repositories: Repositories) -> None:
    repositories.catalogue.register_account("acme-apple", "app_store_connect")
    for app in (SHOP, COURIER):
        repositories.catalogue.save_app(app, repositories.catalogue.add_product(app.name).id, NOON)
        repositories.catalogue.save_builds([make_build(app, "1")], NOON)
    for grant in LINKS:
        repositories.grants.add(grant)


@pytest.fixture
async def desk(store: Database, clock: StoppedClock) -> RevokingDesk:
    await store.write(_fill)
    access = Access(Phonebook(), Rules(owners=frozenset({OWNER.id})))
    reader = Reader([Account("acme-apple", "app_store_connect", "App Store Connect")], clock, timedelta(minutes=10))
    return RevokingDesk(store, Catalog(store, reader, access), access, clock)


async def revoked(store: Database) -> set[str]:
    grants = await store.read(lambda r: [r.grants.get(grant.id) for grant in LINKS])
    return {grant.id for grant in grants if grant and grant.revoked_at}


async def test_what_is_within_reach(desk: RevokingDesk) -> None:
    mine, all_of_them = await desk.listing(ADA), await desk.listing(OWNER)
    assert ({line.grant.id for line in mine.lines}, mine.total, mine.of_everybody) == ({"a1", "a2"}, 2, False)
    assert ({line.grant.id for line in all_of_them.lines}, all_of_them.total) == ({"a1", "a2", "b1", "x1"}, 4)
    assert all_of_them.of_everybody


@pytest.mark.parametrize(
    ("who", "words", "gone"),
    [
        (ADA, "all", {"a1", "a2"}),
        (ADA, "shop", {"a1"}),
        (ADA, "@ada", {"a1", "a2"}),
        (ADA, "@ada l", {"a1", "a2"}),
        (OWNER, "all", {"a1", "a2", "b1", "x1"}),
        (OWNER, "courier", {"a2"}),
        (OWNER, "@ben", {"b1"}),
        (OWNER, "@BEN", {"b1"}),
        (OWNER, "U0BEN", {"b1"}),
        (OWNER, "<@U0BEN|ben>", {"b1"}),
        (OWNER, "<@U0GONE>", {"x1"}),
    ],
)
async def test_by_words(desk: RevokingDesk, store: Database, who: Person, words: str, gone: set[str]) -> None:
    answer = await desk.by_words(words, "C1", who)
    assert isinstance(answer, Revoked)
    assert answer.count == len(gone)
    assert await revoked(store) == gone


async def test_again_takes_nothing_back(desk: RevokingDesk) -> None:
    assert [await desk.by_words("all", "C1", ADA) for _ in range(2)] == [Revoked(2, ADA.id), Revoked(0, ADA.id)]
    assert [await desk.one("b1", OWNER) for _ in range(2)] == [Revoked(1, BEN.id), Revoked(0, BEN.id)]


async def test_who_and_when_is_kept(desk: RevokingDesk, store: Database, clock: StoppedClock) -> None:
    await desk.one("b1", OWNER)
    grant = await store.read(lambda r: r.grants.get("b1"))
    assert grant is not None
    assert (grant.revoked_by, grant.revoked_at) == (OWNER.id, clock.now)


@pytest.mark.parametrize("words", ["@ben", "U0BEN", "<@U0BEN>"])
async def test_nobody_takes_back_what_is_anothers(desk: RevokingDesk, store: Database, words: str) -> None:
    with pytest.raises(UserMistake):
        await desk.by_words(words, "C1", ADA)
    with pytest.raises(UserMistake, match="your own"):
        await desk.one("b1", ADA)
    assert await revoked(store) == set()


async def test_what_is_not_known(desk: RevokingDesk, store: Database) -> None:
    assert isinstance(await desk.by_words("shpo", "C1", OWNER), NoSuchProduct | Revoked)
    assert isinstance(await desk.by_words("zzzzzz", "C1", OWNER), NoSuchProduct)
    with pytest.raises(UserMistake, match="Nobody called @zoe"):
        await desk.by_words("@zoe", "C1", OWNER)
    with pytest.raises(UserMistake, match="not known"):
        await desk.one("nope", OWNER)
