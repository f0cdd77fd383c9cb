"""Answers "where is the build?" from our own store, without waiting for anybody."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import islice

from bot.domain.answers import (
    BuildsAnswer,
    ChoiceAnswer,
    Denied,
    Freshness,
    HeadsAnswer,
    NoSuchProduct,
    NothingMatches,
    ProductLine,
    ProductsAnswer,
)
from bot.domain.model import AccountHealth, Build, Handover, Product
from bot.domain.ports import BuildFilter, BuildPage, Repositories, Store
from bot.services.access import Access
from bot.services.asking import Interpreter, Question, matching_track
from bot.services.names import NameIndex, normalise

PAGE = 10  # builds shown at once
STAND_IN_WITHIN = 20  # builds of a line among which one is looked for that can be had

Answer = ProductsAnswer | HeadsAnswer | BuildsAnswer | NoSuchProduct | NothingMatches | Denied
DownloadAnswer = Build | ProductsAnswer | ChoiceAnswer | NoSuchProduct | NothingMatches | Denied


@dataclass(frozen=True, slots=True)
class Account:
    """What answers need to know of a configured account."""

    name: str
    provider: str
    title: str


@dataclass
class _Known:
    """What was read from the store at one revision: names, and the newest builds of products asked for."""

    revision: int
    interpreter: Interpreter
    index: NameIndex
    heads: dict[str, tuple[Build, ...]]


class Catalog:
    """The read side. Keeps what it read until the store's revision moves on, so that a question costs one small query."""

    def __init__(
        self, store: Store, accounts: Sequence[Account], access: Access, clock: Callable[[], datetime], stale_after: timedelta
    ) -> None:
        self._store = store
        self._titles = {account.name: account.title for account in accounts}
        self._provider_of = {account.name: account.provider for account in accounts}
        self._provider_words = _provider_words(accounts)
        self._access = access
        self._clock = clock
        self._stale_after = stale_after
        self._known: _Known | None = None

    @property
    def titles(self) -> Mapping[str, str]:
        """Account name -> its provider's title."""
        return self._titles

    async def ask(self, words: str, channel: str, offset: int = 0) -> Answer:
        """What `/versions <words>` means in this channel."""
        return await self._store.read(lambda repositories: self._ask(repositories, words, channel, offset))

    async def ask_download(self, words: str, channel: str) -> DownloadAnswer:
        """What `/download <words>` means: one build, or what to choose from."""
        return await self._store.read(lambda repositories: self._ask_download(repositories, words, channel))

    async def find_product(self, words: str, channel: str, command: str) -> tuple[Product | NoSuchProduct, Question]:
        """The product that is named, for commands that take a product and filters."""

        def work(repositories: Repositories) -> tuple[Product | NoSuchProduct, Question]:
            known = self._fresh(repositories)
            question = known.interpreter.read(words)
            return question.product or self._unknown(known, question, channel, command), question

        return await self._store.read(work)

    async def denial_of(self, build_key: str, channel: str) -> Denied | None:
        """Why this build may not be had in this channel; None: may, or the build is gone."""

        def work(repositories: Repositories) -> Denied | None:
            build = repositories.catalogue.builds_by_key([build_key]).get(build_key)
            product = repositories.catalogue.product_of(build.account, build.app_id) if build else None
            return self._access.denial_here(product, channel) if product else None

        return await self._store.read(work)

    async def suggest(self, text: str, channel: str, limit: int = 100) -> tuple[Product, ...]:
        """Products whose name contains or resembles `text`, for menus."""

        def work(repositories: Repositories) -> tuple[Product, ...]:
            index = self._fresh(repositories).index
            asked = normalise(text)
            hits = tuple(p for p in index.products if asked in normalise(p.name)) or index.near(text)
            return tuple(p for p in hits if not self._access.denial_here(p, channel))[:limit]

        return await self._store.read(work)

    def _ask(self, repositories: Repositories, words: str, channel: str, offset: int) -> Answer:
        known = self._fresh(repositories)
        question = known.interpreter.read(words)
        if not question.name and not question.is_narrow:
            return self._products(repositories, known, question, words, channel)
        if (product := question.product) is None:
            return self._unknown(known, question, channel, "versions")
        if denied := self._access.denial_here(product, channel):
            return denied
        if question.is_narrow:
            return self._builds(repositories, known, question, product, words, offset)
        return self._heads(repositories, known, question, product, words)

    def _ask_download(self, repositories: Repositories, words: str, channel: str) -> DownloadAnswer:
        answer = self._ask(repositories, words, channel, 0)
        match answer:
            case HeadsAnswer(product=product, builds=builds) | BuildsAnswer(product=product, page=BuildPage(builds=builds)):
                return self._one_of(product, builds)
            case NoSuchProduct():
                return replace(answer, command="download")
            case _:
                return answer

    def _one_of(self, product: Product, builds: tuple[Build, ...]) -> Build | ChoiceAnswer:
        """The one build that is meant; expired and unfinished ones are meant only when there is nothing else."""
        ready = tuple(build for build in builds if self._can_be_had(build))
        candidates = ready or builds
        return candidates[0] if len(candidates) == 1 else ChoiceAnswer(product, candidates, self._titles)

    def _products(
        self, repositories: Repositories, known: _Known, question: Question, words: str, channel: str
    ) -> ProductsAnswer:
        lines = []
        for product in known.index.products:
            builds = self._fitting(repositories, known, question, product)
            if (builds or not question.rest) and not self._access.denial_here(product, channel):
                lines.append(ProductLine(product, next(iter(builds), None)))
        return ProductsAnswer(tuple(lines), self._freshness(repositories, self._titles), words)

    def _heads(self, repositories: Repositories, known: _Known, question: Question, product: Product, words: str) -> Answer:
        builds = self._fitting(repositories, known, question, product)
        freshness = self._freshness(repositories, {app.account for app in product.apps})
        if question.rest and not builds:
            return NothingMatches(product, question.wanted_in_words, freshness)
        return HeadsAnswer(product, builds, self._titles, freshness, words)

    def _fitting(self, repositories: Repositories, known: _Known, question: Question, product: Product) -> tuple[Build, ...]:
        """The product's newest builds that the question's filters let through."""
        heads = self._heads_of(repositories, known, product)
        wanted, fitting = _named_track(question, heads)
        return tuple(build for build in heads if fitting and self._fits(build, wanted))

    def _builds(
        self, repositories: Repositories, known: _Known, question: Question, product: Product, words: str, offset: int
    ) -> Answer:
        wanted, fitting = _named_track(question, self._heads_of(repositories, known, product))
        page = self._find(repositories, product, wanted, offset) if fitting else BuildPage((), 0)
        freshness = self._freshness(repositories, {app.account for app in product.apps})
        if not page.total:
            return NothingMatches(product, wanted, freshness)
        return BuildsAnswer(product, wanted, words, page, offset, PAGE, self._titles, freshness)

    def _find(self, repositories: Repositories, product: Product, wanted: BuildFilter, offset: int) -> BuildPage:
        """A lone number is a build number, or else the beginning of a version ("shop 3")."""
        page = repositories.catalogue.find_builds(product.id, wanted, offset, PAGE)
        if page.total or wanted.number is None or wanted.version is not None:
            return page
        return repositories.catalogue.find_builds(product.id, replace(wanted, number=None, version=wanted.number), offset, PAGE)

    def _fits(self, build: Build, wanted: BuildFilter) -> bool:
        return (
            wanted.platform in (None, build.platform)
            and wanted.track in (None, build.track)
            and wanted.provider in (None, self._provider_of.get(build.account))
        )

    def _unknown(self, known: _Known, question: Question, channel: str, command: str) -> NoSuchProduct:
        """Suggests nothing that may not be asked for here."""
        near = tuple(p for p in known.index.near(question.name) if not self._access.denial_here(p, channel))
        return NoSuchProduct(question.name, near, command, question.rest)

    def _heads_of(self, repositories: Repositories, known: _Known, product: Product) -> tuple[Build, ...]:
        """The newest build of each line, and behind one that cannot be had the newest that can."""
        if product.id not in known.heads:
            found = [
                each
                for head in repositories.catalogue.heads(product.id)
                for each in self._with_stand_in(repositories, product, head)
            ]
            known.heads[product.id] = tuple(found)
        return known.heads[product.id]

    def _with_stand_in(self, repositories: Repositories, product: Product, head: Build) -> Iterator[Build]:
        yield head
        if head.handover is not Handover.NONE and not self._can_be_had(head):
            line = BuildFilter(head.platform, head.track, self._provider_of.get(head.account))
            older = repositories.catalogue.find_builds(product.id, line, 0, STAND_IN_WITHIN).builds
            yield from islice((b for b in older if b.account == head.account and self._can_be_had(b)), 1)

    def _can_be_had(self, build: Build) -> bool:
        return build.handover is not Handover.NONE and build.state.is_announceable and not build.is_expired(self._clock())

    def _fresh(self, repositories: Repositories) -> _Known:
        revision = repositories.catalogue.revision()
        if self._known is None or self._known.revision != revision:
            index = NameIndex(repositories.catalogue.products())
            tracks = repositories.catalogue.tracks()
            self._known = _Known(revision, Interpreter(index, self._provider_words, tracks), index, {})
        return self._known

    def _freshness(self, repositories: Repositories, accounts: Mapping[str, str] | set[str]) -> Freshness:
        health = [h for h in repositories.catalogue.health() if h.name in accounts and h.name in self._titles]
        times = [h.ok_at for h in health]
        oldest = min((time for time in times if time is not None), default=None) if None not in times else None
        stale = self._stale(health)
        return Freshness(oldest, tuple(h for h in health if h.failing_since), bool(stale), stale)

    def _stale(self, health: Sequence[AccountHealth]) -> tuple[str, ...]:
        limit = self._clock() - self._stale_after
        return tuple(h.name for h in health if h.ok_at is None or h.ok_at < limit)


def _provider_words(accounts: Sequence[Account]) -> dict[str, str]:
    words = {}
    for account in accounts:
        for word in (account.name, account.provider, account.title):
            words[normalise(word)] = account.provider
    if "app_store_connect" in words.values():
        words |= {"apple": "app_store_connect", "asc": "app_store_connect"}
    return words


def _named_track(question: Question, heads: Sequence[Build]) -> tuple[BuildFilter, bool]:
    """The filter with the vendor's own word for the track; False when the product has no such track."""
    if question.track is None:
        return question.wanted, True
    track = matching_track(question.track, [build.track for build in heads])
    return replace(question.wanted_in_words, track=track or question.track), track is not None
