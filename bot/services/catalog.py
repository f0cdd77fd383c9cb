"""Answers "where is the build?" from our own store, without waiting for anybody."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from typing import TypeVar

from bot.domain.answers import (
    BuildsAnswer,
    ChoiceAnswer,
    Denied,
    EverywhereAnswer,
    HeadsAnswer,
    NoSuchProduct,
    NothingMatches,
    ProductHeads,
    ProductLine,
    ProductsAnswer,
)
from bot.domain.model import Build, Person, Product
from bot.domain.names import normalise
from bot.domain.ports import BuildFilter, BuildPage, Store
from bot.services.access import Access
from bot.services.asking import Question, matching_track
from bot.services.reading import Reader, Reading

PAGE = 10  # builds shown at once
SUGGESTED = 5  # products
LOOKED_THROUGH = 200  # products, for a build of which only version or number is known

Answer = ProductsAnswer | HeadsAnswer | BuildsAnswer | NoSuchProduct | NothingMatches | Denied
DownloadAnswer = Build | ProductsAnswer | ChoiceAnswer | NoSuchProduct | NothingMatches | Denied
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class _Seat:
    """Who asks, and where."""

    channel: str
    person: Person | None


class Catalog:
    """The read side of the product: what `/versions` and `/download` mean."""

    def __init__(self, store: Store, reader: Reader, access: Access) -> None:
        self._store = store
        self._reader = reader
        self._access = access

    @property
    def titles(self) -> Mapping[str, str]:
        """Account name -> its provider's title."""
        return self._reader.titles

    async def ask(self, words: str, channel: str, offset: int = 0, person: Person | None = None) -> Answer:
        """What `/versions <words>` means in this channel, for this person."""
        return await self._read(lambda reading: self._ask(reading, words, _Seat(channel, person), offset))

    async def ask_download(self, words: str, channel: str, person: Person | None = None) -> DownloadAnswer:
        """What `/download <words>` means: one build, or what to choose from."""
        return await self._read(lambda reading: self._ask_download(reading, words, _Seat(channel, person)))

    async def find_product(
        self, words: str, channel: str, command: str, person: Person | None = None
    ) -> tuple[Product | NoSuchProduct, Question]:
        """The product that is named, for commands that take a product and filters."""

        def work(reading: Reading) -> tuple[Product | NoSuchProduct, Question]:
            question = reading.question(words)
            return question.product or self._unknown(reading, question, _Seat(channel, person), command), question

        return await self._read(work)

    async def names_product(self, words: str) -> bool:
        """Whether a product's name stands among the words."""
        return await self._read(lambda reading: reading.question(words).product is not None)

    async def everywhere(self, channel: str, person: Person | None = None) -> EverywhereAnswer:
        """The newest builds of every product that this person may ask for in this channel."""

        def work(reading: Reading) -> EverywhereAnswer:
            seen = [p for p in reading.index.products if not self._access.denial_here(p, channel, person)]
            products = tuple(ProductHeads(product, reading.heads(product)) for product in seen)
            return EverywhereAnswer(products, self.titles, reading.freshness(self.titles))

        return await self._read(work)

    async def denial_of(self, build_key: str, channel: str, person: Person, *, from_afar: bool = False) -> Denied | None:
        """Why this person may not have this build in this channel; None: may, or the build is gone. `from_afar`: they press a
        button elsewhere, and whether they are in the channel has to be looked up."""
        product = await self._read(lambda reading: reading.product_of(build_key))
        if product is None:
            return None
        denied = self._access.denial_here(product, channel, person)
        if denied is not None or not from_afar:
            return denied
        return await self._access.denial_of_absence(product, channel, person.id, unless_told=False)

    async def suggest(self, text: str, channel: str, person: Person | None = None, limit: int = 100) -> tuple[Product, ...]:
        """Products whose name contains or resembles `text`, for menus."""
        index = await self._read(lambda reading: reading.index)
        asked = normalise(text)
        hits = tuple(p for p in index.products if asked in normalise(p.name)) or index.near(text)
        return tuple(p for p in hits if not self._access.denial_here(p, channel, person))[:limit]

    async def _read(self, work: Callable[[Reading], T]) -> T:
        return await self._store.read(lambda repositories: work(self._reader.open(repositories)))

    def _ask(self, reading: Reading, words: str, seat: _Seat, offset: int) -> Answer:
        question = reading.question(words)
        if not question.name and not question.is_narrow:
            return self._products(reading, question, words, seat)
        if (product := question.product) is None:
            return self._unknown(reading, question, seat, "versions")
        if denied := self._access.denial_here(product, seat.channel, seat.person):
            return denied
        if question.is_narrow:
            return self._builds(reading, question, product, words, offset)
        return self._heads(reading, question, product, words)

    def _ask_download(self, reading: Reading, words: str, seat: _Seat) -> DownloadAnswer:
        answer = self._ask(reading, words, seat, 0)
        match answer:
            case HeadsAnswer(product=product, builds=builds) | BuildsAnswer(product=product, page=BuildPage(builds=builds)):
                return self._one_of(reading, product, builds, words)
            case NoSuchProduct():
                return replace(answer, command="download")
            case _:
                return answer

    def _one_of(self, reading: Reading, product: Product, builds: tuple[Build, ...], words: str) -> Build | ChoiceAnswer:
        """The one build that is meant; expired and unfinished ones are meant only when there is nothing else."""
        ready = tuple(build for build in builds if reading.can_be_had(build))
        candidates = ready or builds
        return candidates[0] if len(candidates) == 1 else ChoiceAnswer(product, candidates, self.titles, words)

    def _products(self, reading: Reading, question: Question, words: str, seat: _Seat) -> ProductsAnswer:
        lines = []
        for product in reading.index.products:
            builds = _fitting(reading, question, product)
            if (builds or not question.rest) and not self._access.denial_here(product, seat.channel, seat.person):
                lines.append(ProductLine(product, next(iter(builds), None)))
        return ProductsAnswer(tuple(lines), reading.freshness(self.titles), words, has_accounts=bool(self.titles))

    def _heads(self, reading: Reading, question: Question, product: Product, words: str) -> Answer:
        builds = _fitting(reading, question, product)
        freshness = reading.freshness_of(product)
        if question.rest and not builds:
            return NothingMatches(product, question.wanted_in_words, freshness)
        return HeadsAnswer(product, builds, self.titles, freshness, words)

    def _builds(self, reading: Reading, question: Question, product: Product, words: str, offset: int) -> Answer:
        wanted = named_track(question, reading.heads(product))
        page = reading.find(product, wanted, offset, PAGE) if wanted else BuildPage((), 0)
        freshness = reading.freshness_of(product)
        if wanted is None or not page.total:
            return NothingMatches(product, wanted or question.wanted_in_words, freshness)
        return BuildsAnswer(product, wanted, words, page, offset, PAGE, self.titles, freshness)

    def _unknown(self, reading: Reading, question: Question, seat: _Seat, command: str) -> NoSuchProduct:
        """Suggests nothing that may not be asked for here. Where no name was said, what else was said tells what may be meant."""
        known = reading.index.near(question.name) if question.name else reading.index.products[:LOOKED_THROUGH]
        near = (p for p in known if not self._access.denial_here(p, seat.channel, seat.person))
        meant = near if question.name else (p for p in near if question.is_narrow and _has(reading, question, p))
        return NoSuchProduct(question.name, tuple(islice(meant, SUGGESTED)), command, question.rest, reading.unread)


def _has(reading: Reading, question: Question, product: Product) -> bool:
    """Whether the product has a build of that description."""
    wanted = named_track(question, reading.heads(product))
    return wanted is not None and reading.find(product, wanted, 0, 1).total > 0


def _fitting(reading: Reading, question: Question, product: Product) -> tuple[Build, ...]:
    """The product's newest builds that the question's filters let through."""
    heads = reading.heads(product)
    wanted = named_track(question, heads)
    return tuple(build for build in heads if reading.fits(build, wanted)) if wanted else ()


def named_track(question: Question, heads: Sequence[Build]) -> BuildFilter | None:
    """The filter with the vendor's own word for the track; None when the product has no such track."""
    if question.track is None:
        return question.wanted
    track = matching_track(question.track, [build.track for build in heads])
    return replace(question.wanted, track=track) if track else None
