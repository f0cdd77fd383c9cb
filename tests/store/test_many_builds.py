"""Ten thousand builds of one product: the answers cost what they show."""

from datetime import timedelta

import pytest

from bot.domain.model import Build, Platform
from bot.domain.ports import BuildFilter, Repositories
from bot.store import Database

from .facts import NOW, add_shop, android, ios
from .steps import steps

COUNT = 10_000


def made(number: int) -> Build:
    make = ios if number % 2 else android
    return make(
        str(number),
        version=f"{number // 1000}.{number // 100 % 10}.{number % 10}",
        number=str(number),
        platform=Platform.IOS if number % 3 else Platform.ANDROID,
        uploaded_at=NOW + timedelta(minutes=number),
        notes="What is new? " * 20,
    )


@pytest.fixture
async def product_id(store: Database) -> str:
    def work(r: Repositories) -> str:
        product = add_shop(r)
        r.catalogue.save_builds((made(number) for number in range(COUNT)), NOW)
        return product.id

    return await store.write(work)


async def test_ten_thousand_builds_answer_as_quickly_as_ten(store: Database, product_id: str, backend: str) -> None:
    heads = await store.read(lambda r: r.catalogue.heads(product_id))
    assert [build.id for build in heads] == ["9999", "9998", "9997", "9996"]
    page = await store.read(lambda r: r.catalogue.find_builds(product_id, BuildFilter(version="3.2")))
    assert (page.total, page.builds[0].id) == (100, "3299")
    page = await store.read(lambda r: r.catalogue.find_builds(product_id, BuildFilter(number="418")))
    assert [build.id for build in page.builds] == ["418"]
    beside = BuildFilter(Platform.IOS, not_version="9.9.9")
    if backend == "sqlite":  # all would cost 769 hundreds
        assert await steps(store, lambda r: r.catalogue.heads(product_id)) < 20
        assert await steps(store, lambda r: r.catalogue.find_builds(product_id, BuildFilter(version="3.2"))) < 100
        assert await steps(store, lambda r: r.catalogue.find_builds(product_id, BuildFilter(number="418"))) < 20
        assert await steps(store, lambda r: r.catalogue.newest(product_id, beside, 20)) < 30
        assert await steps(store, lambda r: r.catalogue.near_versions(product_id, beside, "9.9.9", 5)) < 30
        assert await steps(store, lambda r: r.catalogue.accounts()) < 700

    unchanged = [made(number) for number in range(COUNT - 1800, COUNT)]
    revision = await store.read(lambda r: r.catalogue.revision())
    await store.write(lambda r: r.catalogue.save_builds(unchanged, NOW))
    assert await store.read(lambda r: r.catalogue.revision()) == revision
