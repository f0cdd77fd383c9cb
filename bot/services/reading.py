"""What is read of the store to answer a question, and kept for as long as the store's revision stands."""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from itertools import islice

from bot.domain.answers import Freshness
from bot.domain.model import AccountHealth, AppTrouble, Build, Handover, Product
from bot.domain.names import normalise
from bot.domain.ports import BuildFilter, BuildPage, Repositories
from bot.services.asking import Interpreter, Question
from bot.services.names import NameIndex

STAND_IN_WITHIN = 20  # builds of a line among which one is looked for that can be had


@dataclass(frozen=True, slots=True)
class Account:
    """What answers need to know of a configured account."""

    name: str
    provider: str
    title: str


@dataclass
class _Kept:
    """Names, and the newest builds of the products asked for so far."""

    revision: int
    index: NameIndex
    interpreter: Interpreter
    troubles: Mapping[tuple[str, str], AppTrouble]
    heads: dict[str, tuple[Build, ...]] = field(default_factory=dict)


class Reader:
    """Opens readings. A question costs one small query while nothing changes; memory holds names and newest builds only."""

    def __init__(self, accounts: Sequence[Account], clock: Callable[[], datetime], stale_after: timedelta) -> None:
        self.titles: Mapping[str, str] = {account.name: account.title for account in accounts}
        self.accounts = frozenset(self.titles)
        self.provider_of: Mapping[str, str] = {account.name: account.provider for account in accounts}
        self.clock = clock
        self.stale_after = stale_after
        self._provider_words = _provider_words(accounts)
        self._kept: _Kept | None = None
        self._health: tuple[int, Sequence[AccountHealth]] = (-1, ())

    def open(self, repositories: Repositories) -> "Reading":
        """The store as it is in this transaction."""
        stamp = repositories.catalogue.stamp()
        return Reading(self, repositories, self._known(repositories, stamp.revision), self._checked(repositories, stamp.checks))

    def _known(self, repositories: Repositories, revision: int) -> _Kept:
        kept = self._kept
        if kept is None or kept.revision != revision:
            index = NameIndex(self._configured(repositories.catalogue.products()))
            interpreter = Interpreter(index, self._provider_words, repositories.catalogue.tracks())
            troubles = {(each.account, each.app_id): each for each in repositories.catalogue.troubles()}
            kept = self._kept = _Kept(revision, index, interpreter, troubles)
        return kept

    def _checked(self, repositories: Repositories, checks: int) -> Sequence[AccountHealth]:
        """How the configured accounts are. Others may change what is kept while we look: it is taken and put as a whole."""
        known, health = self._health
        if known != checks:
            health = tuple(each for each in repositories.catalogue.health() if each.name in self.titles)
            self._health = checks, health
        return health

    def _configured(self, products: Iterable[Product]) -> Iterator[Product]:
        """Products as far as their accounts are still configured."""
        for product in products:
            if apps := tuple(app for app in product.apps if app.account in self.titles):
                yield replace(product, apps=apps)


class Reading:
    """One transaction's view. Must not outlive it."""

    def __init__(self, reader: Reader, repositories: Repositories, kept: _Kept, health: Sequence[AccountHealth]) -> None:
        self._reader = reader
        self._catalogue = repositories.catalogue
        self._kept = kept
        self._health = health
        self.index = kept.index

    def question(self, words: str) -> Question:
        return self._kept.interpreter.read(words)

    def product_of(self, build_key: str) -> Product | None:
        """The product of a build, by the build's key."""
        build = self._catalogue.builds_by_key([build_key]).get(build_key)
        return self._catalogue.product_of(build.account, build.app_id) if build else None

    def heads(self, product: Product) -> tuple[Build, ...]:
        """The newest build of each line, and behind one that cannot be had the newest that can."""
        if product.id not in self._kept.heads:
            heads = [head for head in self._catalogue.heads(product.id) if head.account in self._reader.titles]
            self._kept.heads[product.id] = tuple(each for head in heads for each in self._with_stand_in(product, head))
        return self._kept.heads[product.id]

    def fits(self, build: Build, wanted: BuildFilter) -> bool:
        return (
            wanted.platform in (None, build.platform)
            and wanted.track in (None, build.track)
            and wanted.provider in (None, self._reader.provider_of.get(build.account))
        )

    def find(self, product: Product, wanted: BuildFilter, offset: int, limit: int) -> BuildPage:
        """A lone number is a build number, or else the beginning of a version ("shop 3")."""
        here = self._configured(wanted)
        page = self._catalogue.find_builds(product.id, here, offset, limit)
        if page.total or here.number is None or here.version is not None:
            return page
        return self._catalogue.find_builds(product.id, replace(here, number=None, version=here.number), offset, limit)

    def newest(self, product: Product, wanted: BuildFilter) -> Build | None:
        """The newest build of that description; a lone number may be the beginning of a version here, too."""
        here = self._configured(wanted)
        builds = self._catalogue.newest(product.id, here, 1)
        if not builds and here.number is not None and here.version is None:
            builds = self._catalogue.newest(product.id, replace(here, number=None, version=here.number), 1)
        return next(iter(builds), None)

    def near_versions(self, product: Product, wanted: BuildFilter, label: str, limit: int) -> Sequence[str]:
        """See `bot.domain.ports.Catalogue`."""
        return self._catalogue.near_versions(product.id, self._configured(wanted), label, limit)

    def oldest_first(self, builds: Collection[Build]) -> list[Build]:
        """By upload time, then by parsed version."""
        by_key = {build.key: build for build in builds}
        return [by_key[key] for key in self._catalogue.oldest_first(by_key)]

    def freshness_of(self, product: Product) -> Freshness:
        """How old an answer about this product is. An app that ails is known as it was when that began."""
        freshness = self.freshness({app.account for app in product.apps})
        ids = ((app.account, app.id) for app in product.apps)
        troubles = tuple(self._kept.troubles[id] for id in ids if id in self._kept.troubles)
        if freshness.checked_at is None or not troubles:
            return freshness
        return replace(freshness, checked_at=min(freshness.checked_at, *(t.since for t in troubles)), troubles=troubles)

    def freshness(self, accounts: Collection[str]) -> Freshness:
        """How old an answer is that rests on these accounts."""
        health = [h for h in self._health if h.name in accounts]
        limit = self._reader.clock() - self._reader.stale_after
        stale = tuple(h.name for h in health if h.ok_at is None or h.ok_at < limit)
        times = [h.ok_at for h in health if h.ok_at is not None]
        oldest = min(times) if times and len(times) == len(health) else None
        return Freshness(oldest, tuple(h for h in health if h.failing_since), bool(stale), stale)

    @property
    def unread(self) -> tuple[str, ...]:
        """Accounts that were never read yet: Purser has just begun, or they fail since."""
        return tuple(health.name for health in self._health if health.ok_at is None)

    def can_be_had(self, build: Build) -> bool:
        """Whether a Download of it can lead anywhere."""
        handed_out = build.handover is not Handover.NONE and build.state.is_announceable
        return handed_out and not build.is_expired(self._reader.clock())

    def _with_stand_in(self, product: Product, head: Build) -> Iterator[Build]:
        yield head
        if not self.can_be_had(head):
            line = BuildFilter(head.platform, head.track, accounts=frozenset((head.account,)))
            older = self._catalogue.newest(product.id, line, STAND_IN_WITHIN)
            yield from islice(filter(self.can_be_had, older), 1)

    def _configured(self, wanted: BuildFilter) -> BuildFilter:
        return replace(wanted, accounts=self._reader.accounts)


def _provider_words(accounts: Sequence[Account]) -> dict[str, str]:
    """Normalised word -> the provider that people mean by it."""
    words = {normalise(word): a.provider for a in accounts for word in (a.name, a.provider, a.title)}
    if "app_store_connect" in words.values():
        words |= {"apple": "app_store_connect", "asc": "app_store_connect"}
    return words
