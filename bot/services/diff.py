"""Two versions of a product side by side: which builds a question means, from our own store."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import islice

from bot.domain.answers import Denied, DiffAnswer, Freshness, Lone, NoSuchProduct, NothingMatches, NothingToCompare, Pair
from bot.domain.errors import UserMistake
from bot.domain.model import Build, Person, Platform, Product
from bot.domain.ports import BuildFilter, Store
from bot.services.access import Access
from bot.services.asking import Question, named_builds, names_a_build
from bot.services.catalog import Catalog, named_track
from bot.services.reading import Reader, Reading

COMMAND = "diff"
NEAR = 3  # versions or products suggested
TOO_MANY = "I compare two versions at a time. Name two of them, as in `diff shop 3.1 3.2`."

# What people write between two versions: "3.1 vs 3.2", "3.1..3.2". Elsewhere such a word may belong to a name.
_BETWEEN = re.compile(r"(?<=[\w)])(?:\s*(?:\.{2,3}|,|->|→)\s*|\s+(?:vs\.?|and|to|with)\s+)(?=[(#v]?\d)", re.IGNORECASE)

Sides = tuple[Build | None, Build | None]
DiffReply = DiffAnswer | NothingToCompare | NothingMatches | NoSuchProduct | Denied


class DiffDesk:
    """`/purser diff shop 3.1 3.2`."""

    def __init__(self, store: Store, reader: Reader, catalog: Catalog, access: Access) -> None:
        self._store = store
        self._reader = reader
        self._catalog = catalog
        self._access = access

    async def ask(self, words: str, channel: str, person: Person | None = None) -> DiffReply:
        """Without a version: the two newest; with one: it and the newest other one. Raises UserMistake for more than two."""
        words = _BETWEEN.sub(" ", words)
        product, question = await self._catalog.find_product(words, channel, COMMAND, person)
        if isinstance(product, NoSuchProduct):
            return product if product.asked else replace(product, near=await self._catalog.suggest("", channel, person, NEAR))
        if denied := self._access.denial_here(product, channel, person):
            return denied
        if len(named_builds(question.rest)) > 2:
            raise UserMistake(TOO_MANY)
        return await self._store.read(lambda r: self._compared(self._reader.open(r), product, question, words))

    def _compared(self, reading: Reading, product: Product, question: Question, words: str) -> DiffReply:
        heads = reading.heads(product)
        track = named_track(question, heads)
        wanted = replace(track or question.wanted_in_words, version=None, number=None)
        platforms = dict.fromkeys(head.platform for head in heads if track and reading.fits(head, wanted))
        freshness = reading.freshness({app.account for app in product.apps})
        if not platforms:
            return NothingMatches(product, wanted, freshness)
        search = _Search(reading, product, wanted, named_builds(question.rest))
        found = {platform: search.on(platform) for platform in platforms}
        if pairs := tuple(search.pairs(found)):
            lone = tuple(search.lone(found))
            return DiffAnswer(product, wanted, search.named, pairs, lone, self._reader.titles, freshness, words)
        return search.nothing(found, question, freshness)


@dataclass(frozen=True, slots=True)
class _Search:
    """Looks for the two builds that a question means, on one platform after the other."""

    reading: Reading
    product: Product
    wanted: BuildFilter
    named: tuple[BuildFilter, ...]

    def on(self, platform: Platform) -> Sides:
        """In the order in which they were named."""
        here = replace(self.wanted, platform=platform)
        match self.named:
            case (one, other):
                return self._both(here, one, other)
            case (one,):
                first = self._exact(here, one) or self._loose(here, one)
            case _:
                first = self._newest(here)
        return first, self._newest_beside(here, first) if first else self._newest(here)

    def pairs(self, found: Mapping[Platform, Sides]) -> Iterator[Pair]:
        builds = [build for sides in found.values() for build in sides if build]
        order = {build.key: place for place, build in enumerate(self.reading.oldest_first(builds))}
        for first, second in found.values():
            if first and second and not _is_same(first, second):
                yield Pair(*sorted((first, second), key=lambda build: order[build.key]))

    def lone(self, found: Mapping[Platform, Sides]) -> Iterator[Lone]:
        one, other = (*self.named, None, None)[:2]
        for first, second in found.values():
            build = first or second
            if build and not (first and second):
                yield Lone(build, other if first else one)
            elif build and first and second and _is_same(first, second):
                yield Lone(build)

    def nothing(self, found: Mapping[Platform, Sides], question: Question, freshness: Freshness) -> NothingToCompare:
        sides = zip(*found.values(), strict=True)
        has = dict(zip(self.named, (any(builds) for builds in sides), strict=False))
        missing = tuple(each for each, is_there in has.items() if not is_there)
        lone = () if missing else tuple(self.lone(found))
        replaced = self._replaced(missing, lone)
        near = tuple(islice(self._near(replaced, found), NEAR)) if replaced else ()
        rest = _rest(question, self.named, replaced)
        return NothingToCompare(self.product, self.wanted, self.named, missing, lone, near, rest, freshness)

    def _replaced(self, missing: tuple[BuildFilter, ...], lone: tuple[Lone, ...]) -> BuildFilter | None:
        """Which of the named builds gives way to another version: one that is not there, or the second that means the same."""
        if missing:
            return missing[0]
        is_twice = len(self.named) == 2 and all(each.missing is None for each in lone)
        return self.named[1] if is_twice else None

    def _near(self, replaced: BuildFilter, found: Mapping[Platform, Sides]) -> Iterator[str]:
        """Versions that can be typed, are there, and are not the other named one already."""
        shown = {build.version for sides in found.values() for build in sides[: len(self.named)] if build}
        label = replaced.version or replaced.number or ""
        for version in self.reading.near_versions(self.product, self.wanted, label, NEAR + len(shown)):
            if version not in shown and names_a_build(version) and self._exact(self.wanted, BuildFilter(version=version)):
                yield version

    def _both(self, here: BuildFilter, one: BuildFilter, other: BuildFilter) -> Sides:
        """What is named loosely ("3.1") is not what the other one is already ("3.1.1")."""
        if one == other:
            build = self._exact(here, one) or self._loose(here, one)
            return build, build
        first, second = self._exact(here, one), self._exact(here, other)
        first = first or self._loose(here, one, second)
        return first, second or self._loose(here, other, first)

    def _exact(self, here: BuildFilter, named: BuildFilter) -> Build | None:
        return self._newest(replace(here, version=named.version, number=named.number, is_exact=True))

    def _loose(self, here: BuildFilter, named: BuildFilter, beside: Build | None = None) -> Build | None:
        meant = replace(here, version=named.version, number=named.number)
        apart = self._newest(replace(meant, not_version=beside.version)) if beside else None
        return apart or self._newest(meant)

    def _newest_beside(self, here: BuildFilter, build: Build) -> Build | None:
        """Of another version; beside a build that was named by its number, another build."""
        by_number = bool(self.named) and self.named[0].number is not None and self.named[0].number == build.number
        apart = replace(here, not_number=build.number) if by_number else replace(here, not_version=build.version)
        return self._newest(apart)

    def _newest(self, wanted: BuildFilter) -> Build | None:
        return self.reading.newest(self.product, wanted)


def _is_same(one: Build, other: Build) -> bool:
    """Also when two providers have it."""
    return one.key == other.key or (one.version, one.number) == (other.version, other.number)


def _rest(question: Question, named: tuple[BuildFilter, ...], replaced: BuildFilter | None) -> str:
    """The question's filters, and what it named apart from `replaced`."""
    filters = [word for word in question.rest.split() if not names_a_build(word)]
    kept = list(named)
    if replaced in kept:
        kept.remove(replaced)
    return " ".join((*filters, *map(_typed, kept)))


def _typed(named: BuildFilter) -> str:
    """As a person would write it."""
    if named.version and named.number:
        return f"{named.version} ({named.number})"
    return named.version or named.number or ""
