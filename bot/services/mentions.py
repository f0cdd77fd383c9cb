"""What a message mentions: products, versions and build numbers, without taking every word for a name."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice

from bot.domain.answers import Denied, MentionedBuilds, MentionsAnswer
from bot.domain.model import Build, Person, Platform, Product
from bot.domain.names import normalise
from bot.domain.ports import BuildFilter, Store
from bot.services.access import Access
from bot.services.asking import NUMBER, PLATFORM_WORDS, VERSION
from bot.services.names import NameIndex
from bot.services.reading import Reader, Reading

LONGEST = 8_000  # characters read of one message
LONGEST_NAME = 6  # words of one name
MOST = 4  # mentions answered
LOOKED_UP = 20  # mentions looked for in the store
BUILDS = 3  # builds of one mention
NUMBER_FOLLOWS = ("build", "number", "no")
# Words that people write without meaning a platform.
CASUAL = ("web", "win", "windows", "mac", "vision")

_WORD = re.compile(r"\(\d{1,12}\)|#\d{1,12}|\w[\w.+-]*")
_BEFORE_A_VERSION = re.compile(r"(?<=[^\W\d])[-_](?=v?\d+\.\d)")  # "Shop-3.2.0" is a name and a version
_ANY = BuildFilter()


@dataclass(frozen=True, slots=True)
class Mention:
    """A product and what is said of it. Without `is_certain`, the name may be an ordinary word of the sentence: then only builds
    that match what is said of it are meant."""

    product: Product
    wanted: BuildFilter
    is_certain: bool


@dataclass(frozen=True, slots=True)
class _Name:
    product: Product
    start: int
    end: int
    is_certain: bool


class Mentions:
    """Finds in the store what a message mentions."""

    def __init__(self, store: Store, reader: Reader, access: Access) -> None:
        self._store = store
        self._reader = reader
        self._access = access

    async def find(self, text: str, channel: str, person: Person | None = None) -> MentionsAnswer:
        """The builds that a message of this channel means, as far as this person may see them there."""

        return await self._store.read(lambda r: self._find(self._reader.open(r), text[:LONGEST], channel, person))

    def _find(self, reading: Reading, text: str, channel: str, person: Person | None) -> MentionsAnswer:
        def denial(product: Product) -> Denied | None:
            return self._access.denial_here(product, channel, person)

        named = mentions(text, reading.index)
        denied = next((why for each in named if each.is_certain and (why := denial(each.product))), None)
        found = _of_names(reading, [each for each in named if not denial(each.product)])
        if not named:
            found = _nameless(reading, text, [product for product in reading.index.products if not denial(product)])
        accounts = {app.account for each in found[:MOST] for app in each.product.apps} or set(self._reader.titles)
        return MentionsAnswer(tuple(found[:MOST]), self._reader.titles, reading.freshness(accounts), denied)


def mentions(text: str, index: NameIndex) -> tuple[Mention, ...]:
    """Every product that is named, once for each version or build number that is said of it."""
    words = _words(text)
    names = list(_names(words, index))
    found: list[Mention] = []
    for place, name in enumerate(names):
        before = words[: name.start] if place == 0 else []
        following = names[place + 1].start if place + 1 < len(names) else len(words)
        said = [*_filters(words[name.end : following], follows_name=True), *_filters(before)] or [_ANY]
        found += [Mention(name.product, wanted, name.is_certain) for wanted in said]
    return tuple(found)


def _words(text: str) -> list[str]:
    spaced = _BEFORE_A_VERSION.sub(" ", text).replace("(", " (")
    return [word.rstrip(".+-") for word in _WORD.findall(spaced)]


def _names(words: Sequence[str], index: NameIndex) -> Iterator[_Name]:
    """From the left, the longest run of words that is a product's name."""
    start = 0
    while start < len(words):
        name = _name_at(words, start, index)
        if name is not None:
            yield name
        start = name.end if name else start + 1


def _name_at(words: Sequence[str], start: int, index: NameIndex) -> _Name | None:
    if VERSION.match(words[start]) or NUMBER.match(words[start]):
        return None
    for end in range(min(start + LONGEST_NAME, len(words)), start, -1):
        if product := index.exact(" ".join(words[start:end])):
            return _Name(product, start, end, _is_certain(words, start, end, product))
    return None


def _is_certain(words: Sequence[str], start: int, end: int, product: Product) -> bool:
    """A single word is a name when it is written like one: "Shop", but not "a shop"."""
    spellings = {product.name, *product.aliases, *(app.name for app in product.apps)}
    bundle_ids = {app.bundle_id for app in product.apps}
    word = words[start]
    alone = end - start == len(words)
    return alone or end - start > 1 or word in bundle_ids or (word in spellings and not word.islower())


def _filters(words: Sequence[str], follows_name: bool = False) -> list[BuildFilter]:
    """One filter for each version or build number, or for the platform alone; a platform counts when there is only one."""
    found: list[BuildFilter] = []
    platforms: set[Platform] = set()
    for place, word in enumerate(words):
        before = words[place - 1] if place else ""
        if platform := _platform(word):
            platforms.add(platform)
        elif version := VERSION.match(word):
            found.append(BuildFilter(version=version[1]))
        elif (number := NUMBER.match(word)) and VERSION.match(before) and word != number[1]:
            found[-1] = replace(found[-1], number=number[1])
        elif number and (before.casefold() in NUMBER_FOLLOWS or (follows_name and not place)):
            found.append(BuildFilter(number=number[1]))
    only = next(iter(platforms)) if len(platforms) == 1 else None
    return [replace(each, platform=only) for each in found] or ([BuildFilter(platform=only)] if only else [])


def _platform(word: str) -> Platform | None:
    plain = normalise(word)
    return None if plain in CASUAL else PLATFORM_WORDS.get(plain)


def _of_names(reading: Reading, named: Sequence[Mention]) -> list[MentionedBuilds]:
    by_product: dict[str, list[Mention]] = {}
    for mention in islice(dict.fromkeys(named), LOOKED_UP):
        by_product.setdefault(mention.product.id, []).append(mention)
    return [each for same in by_product.values() for each in _of_product(reading, same)]


def _of_product(reading: Reading, said: Sequence[Mention]) -> list[MentionedBuilds]:
    """The builds that match. Where none does and the product is certainly meant, its newest ones."""
    looked_for = [mention for mention in said if mention.wanted != _ANY]
    found = [each for mention in looked_for if (each := _matching(reading, mention)) is not None]
    certain = [mention for mention in said if mention.is_certain]
    if found or not certain:
        return found
    missed = next((mention.wanted for mention in looked_for if mention.wanted.version or mention.wanted.number), None)
    return [_newest(reading, certain[0].product, missed)]


def _matching(reading: Reading, mention: Mention) -> MentionedBuilds | None:
    product, wanted = mention.product, mention.wanted
    if wanted.version is None and wanted.number is None:
        heads = tuple(build for build in reading.heads(product) if reading.fits(build, wanted))
        return MentionedBuilds(product, wanted, heads[:BUILDS], len(heads)) if heads else None
    page = reading.find(product, wanted, 0, BUILDS)
    return MentionedBuilds(product, wanted, page.builds, page.total) if page.total else None


def _newest(reading: Reading, product: Product, missed: BuildFilter | None) -> MentionedBuilds:
    heads = reading.heads(product)
    return MentionedBuilds(product, _ANY, heads[:BUILDS], len(heads), missed)


def _nameless(reading: Reading, text: str, products: Sequence[Product]) -> list[MentionedBuilds]:
    """Without a product, a version is looked for among the newest builds, and only as a whole."""
    said = [each for each in _filters(_without_systems(_words(text))) if each.version or each.number]
    found = [_standing(reading, product, wanted) for product in products for wanted in dict.fromkeys(said)] if said else []
    return [each for each in found if each.builds]


def _standing(reading: Reading, product: Product, wanted: BuildFilter) -> MentionedBuilds:
    builds = tuple(build for build in reading.heads(product) if _is_exactly(build, wanted))
    return MentionedBuilds(product, wanted, builds[:BUILDS], len(builds))


def _without_systems(words: Sequence[str]) -> list[str]:
    """Without "iOS 17.2": the version of a phone's system is none of a product."""
    return [word for place, word in enumerate(words) if not (VERSION.match(word) and place and _platform(words[place - 1]))]


def _is_exactly(build: Build, wanted: BuildFilter) -> bool:
    return wanted.version in (None, build.version) and wanted.number in (None, build.number)
