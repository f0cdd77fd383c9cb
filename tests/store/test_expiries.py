"""What ends, and what people were told of it."""

import asyncio
from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime, timedelta

from bot.domain.model import Build, BuildState, Expiry, ExpiryKind, ExpiryNotice, Platform
from bot.domain.ports import Repositories
from bot.store import Database

from .facts import APPLE, NOW, STORE, add_shop, android, hours, ios

CERTIFICATE = Expiry(APPLE, ExpiryKind.CERTIFICATE, "C1", "Apple Distribution: Acme", NOW + timedelta(days=7))
PROFILE = Expiry(APPLE, ExpiryKind.PROFILE, "C1", "Shop Ad Hoc", NOW + timedelta(days=3))
NOTICE = ExpiryNotice(APPLE, ExpiryKind.CERTIFICATE, "C1", NOW + timedelta(days=7), 7, NOW)
LATELY = NOW - timedelta(days=30)


async def replaced(store: Database, account: str, *found: Expiry) -> None:
    await store.write(lambda r: r.expiries.replace_all(account, found, NOW))


async def stored(store: Database) -> list[Expiry]:
    return list(await store.read(lambda r: r.expiries.all()))


async def ending(store: Database, builds: Iterable[Build], now: datetime = NOW) -> list[str]:
    def work(r: Repositories) -> None:
        add_shop(r)
        r.catalogue.save_builds(builds, NOW)

    await store.write(work)
    return sorted(build.id for build in await store.read(lambda r: r.expiries.builds(now, LATELY)))


def days(count: float) -> datetime:
    return NOW + timedelta(days=count)


async def test_an_account_has_what_was_read_last(store: Database) -> None:
    await store.write(add_shop)
    elsewhere = replace(CERTIFICATE, account=STORE)
    await replaced(store, APPLE, CERTIFICATE, PROFILE)
    await replaced(store, STORE, elsewhere)
    assert await stored(store) == [PROFILE, CERTIFICATE, elsewhere]
    renewed = replace(CERTIFICATE, name="Renewed", expires_at=days(365))
    await replaced(store, APPLE, renewed)
    assert await stored(store) == [elsewhere, renewed]
    await replaced(store, APPLE)
    assert await stored(store) == [elsewhere]


async def test_a_vendor_that_lists_a_thing_twice_does_no_harm(store: Database) -> None:
    await store.write(add_shop)
    await replaced(store, APPLE, CERTIFICATE, CERTIFICATE)
    assert await stored(store) == [CERTIFICATE]


async def test_readings_at_once_leave_one_of_each(store: Database) -> None:
    await store.write(add_shop)
    await asyncio.gather(*(replaced(store, APPLE, CERTIFICATE, PROFILE) for _ in range(6)))
    assert await stored(store) == [PROFILE, CERTIFICATE]


async def test_of_many_builds_of_a_line_only_the_newest_ends(store: Database) -> None:
    many = [ios(str(age), uploaded_at=NOW - hours(age), expires_at=days(90 - age)) for age in range(90)]
    mac = ios("mac", platform=Platform.MACOS, expires_at=days(5))
    assert await ending(store, [*many, mac, android("endless")]) == ["0", "mac"]


async def test_a_newer_build_that_cannot_be_used_hides_nothing(store: Database) -> None:
    unusable = [
        ios(state, state=state, uploaded_at=NOW + hours(1), expires_at=days(90))
        for state in (BuildState.PROCESSING, BuildState.FAILED, BuildState.EXPIRED)
    ]
    assert await ending(store, [ios("ready", expires_at=days(5)), *unusable]) == ["ready"]


async def test_where_nothing_is_left_the_one_that_ended_lately_is(store: Database) -> None:
    lately = ios("lately", state=BuildState.EXPIRED, expires_at=days(-1))
    before = ios("before", uploaded_at=NOW - hours(1), expires_at=days(-2))
    by_hand = ios("by hand", state=BuildState.EXPIRED, uploaded_at=NOW + hours(1), expires_at=days(40))
    long_ago = ios("long ago", platform=Platform.MACOS, expires_at=days(-31))
    assert await ending(store, [lately, before, by_hand, long_ago]) == ["lately"]


async def test_builds_that_are_gone_do_not_end(store: Database) -> None:
    build = ios("1", expires_at=days(5))
    assert await ending(store, [build]) == ["1"]
    await store.write(lambda r: r.catalogue.mark_gone([build.key], NOW))
    assert await store.read(lambda r: r.expiries.builds(NOW, LATELY)) == []


async def test_builds_come_back_whole(store: Database) -> None:
    build = ios("1", expires_at=days(5), notes="notes", size=5, detail="in testing")
    await ending(store, [build])
    assert await store.read(lambda r: r.expiries.builds(NOW, LATELY)) == [build]


async def test_the_last_notice_about_a_thing_stands(store: Database) -> None:
    date = replace(NOTICE, account="", kind=ExpiryKind.DATE, id="m", expires_at=days(900))
    later = replace(NOTICE, days=3, told_at=days(4), expires_at=days(6))
    await store.write(lambda r: r.expiries.note([NOTICE, date]))
    await store.write(lambda r: r.expiries.note([later]))
    notices = await store.read(lambda r: r.expiries.notices())
    assert notices == {(APPLE, "certificate", "C1"): later, ("", "date", "m"): date}
    assert await store.write(lambda r: r.expiries.forget(days(7))) == 1
    assert list((await store.read(lambda r: r.expiries.notices())).values()) == [date]


async def test_who_reads_notices_in_order_to_write_sees_what_others_wrote(store: Database) -> None:
    def count_on(r: Repositories) -> None:
        notices = r.expiries.notices()
        r.expiries.note([replace(NOTICE, id=str(len(notices)))])

    await asyncio.gather(*(store.write(count_on) for _ in range(8)))
    assert len(await store.read(lambda r: r.expiries.notices())) == 8
