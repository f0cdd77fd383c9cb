"""Words people type -> which product and which of its builds they mean."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

from bot.domain.errors import UserMistake
from bot.domain.model import Platform, Product
from bot.domain.names import normalise
from bot.domain.ports import BuildFilter
from bot.services.names import NameIndex

T = TypeVar("T")

MOST_WORDS = 12  # a question longer than this is no name and no filter; it is matched as one text

PLATFORM_WORDS: Mapping[str, Platform] = {
    **dict.fromkeys(("ios", "iphone", "ipad", "ipados", "ipa"), Platform.IOS),
    **dict.fromkeys(("android", "apk", "aab"), Platform.ANDROID),
    **dict.fromkeys(("mac", "macos", "osx"), Platform.MACOS),
    **dict.fromkeys(("tvos", "appletv"), Platform.TVOS),
    **dict.fromkeys(("visionos", "vision"), Platform.VISIONOS),
    **dict.fromkeys(("windows", "win"), Platform.WINDOWS),
    "web": Platform.WEB,
}
VERSION = re.compile(r"^v?(\d+(?:\.\d+)+[\w.+-]*)$", re.IGNORECASE)
NUMBER = re.compile(r"^\(?#?(\d+)\)?$")


@dataclass(frozen=True, slots=True)
class Question:
    """`name` is what was taken for the product's name, `product` the one it means, `track` a word that a track must contain.

    `rest` are the words around the name, so that the question can be asked again with another name.
    """

    name: str
    product: Product | None
    wanted: BuildFilter
    track: str | None
    rest: str

    @property
    def wanted_in_words(self) -> BuildFilter:
        """The filter with the track as it was typed."""
        return replace(self.wanted, track=self.track)

    @property
    def is_narrow(self) -> bool:
        """Whether particular builds are meant, not just "what is there"."""
        return self.wanted.version is not None or self.wanted.number is not None


class Interpreter:
    """Reads questions with the names that are known now. `providers`: normalised word -> provider name."""

    def __init__(self, index: NameIndex, providers: Mapping[str, str], tracks: Iterable[str]) -> None:
        self._index = index
        self._providers = providers
        self._tracks = frozenset(word for track in tracks for word in _track_words(track))

    def read(self, words: str) -> Question:
        """What is not understood is part of the name. Raises UserMistake for words of which only one can hold."""
        tokens = words.split()
        if len(tokens) > MOST_WORDS:
            return Question(words, None, BuildFilter(), None, "")
        start, end = self._span(tokens)
        if end:
            rest = tokens[:start] + tokens[end:]
            wanted, track, leftover = self._filters(rest)
            if not leftover:
                name = " ".join(tokens[start:end])
                return Question(name, self._index.exact(name), wanted, track, " ".join(rest))
        wanted, track, leftover = self._filters(tokens)
        rest = [token for token in tokens if token not in leftover]
        return Question(" ".join(leftover), self._index.exact(" ".join(leftover)), wanted, track, " ".join(rest))

    def _span(self, tokens: Sequence[str]) -> tuple[int, int]:
        """The longest run of words that is a product's name; (0, 0) when there is none."""
        for length in range(len(tokens), 0, -1):
            for start in range(len(tokens) - length + 1):
                if self._index.exact(" ".join(tokens[start : start + length])):
                    return start, start + length
        return 0, 0

    def _filters(self, tokens: Sequence[str]) -> tuple[BuildFilter, str | None, list[str]]:
        """Everything recognised as a filter, the track word, and what is left."""
        wanted, track, leftover = BuildFilter(), None, []
        for token in tokens:
            word = normalise(token)
            if platform := PLATFORM_WORDS.get(word):
                wanted = replace(wanted, platform=_only("platform", wanted.platform, platform))
            elif provider := self._providers.get(word):
                wanted = replace(wanted, provider=_only("system", wanted.provider, provider))
            elif token.casefold().startswith("track:") and token[len("track:") :]:
                track = normalise(token[len("track:") :])
            elif word in self._tracks:
                track = word
            elif match := VERSION.match(token):
                wanted = replace(wanted, version=match[1])
            elif match := NUMBER.match(token):
                wanted = replace(wanted, number=match[1])
            else:
                leftover.append(token)
        return wanted, track, leftover


def names_a_build(word: str) -> bool:
    """Whether a word is a version or a build number."""
    return bool(VERSION.match(word) or NUMBER.match(word))


def named_builds(words: str) -> tuple[BuildFilter, ...]:
    """The versions and build numbers among the words, as they follow each other; "3.1 (412)" is one build."""
    named: list[BuildFilter] = []
    for word in words.split():
        if match := VERSION.match(word):
            named.append(BuildFilter(version=match[1]))
        elif match := NUMBER.match(word):
            belongs = word.startswith("(") and named and named[-1].number is None
            named.append(replace(named.pop() if belongs else BuildFilter(), number=match[1]))
    return tuple(named)


def _only(kind: str, before: T | None, found: T) -> T:
    if before is not None and before != found:
        raise UserMistake(f"I look for one {kind} at a time. Leave one of them out, or leave out all to see them together.")
    return found


def matching_track(word: str, tracks: Iterable[str]) -> str | None:
    """The track that a person means by one word of it ("live" -> "Enterprise store (Live)")."""
    names = sorted(set(tracks), key=len)
    exact = (track for track in names if normalise(track) == word)
    partial = (track for track in names if word in normalise(track))
    return next(exact, None) or next(partial, None)


def _track_words(track: str) -> list[str]:
    return [normalise(track), *(normalise(word) for word in track.split() if len(word) > 2)]
