"""`/purser diff`: two builds of a platform side by side, the older on the left."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Final

from bot.domain.answers import DiffAnswer, Lone, NothingToCompare, Pair
from bot.domain.message import Block, Message
from bot.domain.model import Build, Platform
from bot.domain.ports import BuildFilter
from bot.views.freshness import age_lines, as_of_lines
from bot.views.ids import Action, Ask
from bot.views.limits import Element, actions, button, columns, context, message, section
from bot.views.rows import Places, download_button
from bot.views.text import (
    PLATFORMS,
    VERSION,
    age,
    code,
    count,
    cut,
    escape,
    label,
    moment,
    name,
    plain_label,
    quote,
    size,
    state,
    user,
)
from bot.views.versions import COMMAND as VERSIONS
from bot.views.versions import wanted_words

COMMAND: Final = "diff"
PAIRS: Final = 4  # platforms in one message
TITLE: Final = 400  # characters
FACTS: Final = 360  # characters of one build's facts
ALL_NOTES: Final = 2600  # characters of release notes in one message
NOTES: Final = 640  # of one build
LONE: Final = 160  # characters of a line about a build that stands alone
LONES: Final = 5
BRANCH: Final = 60
COMMIT: Final = 10


def diff(answer: DiffAnswer, now: datetime) -> Message:
    """For the one who asked."""
    share = button("Share here", Action.SHARE, Ask(COMMAND, answer.asked).encode())
    return _drawn(answer, now, age_lines(answer.freshness, now), actions(share))


def shared(answer: DiffAnswer, by: str, now: datetime) -> Message:
    """The same as a card for everybody in a channel. `by` is a Slack user id."""
    lines = [f"Shared by {user(by)}. Download makes a link for the person who presses it.", *as_of_lines(answer.freshness, now)]
    return _drawn(answer, now, lines, (), lasting=True)


def nothing(answer: NothingToCompare, now: datetime) -> Message:
    """Why there are no two builds, and which versions could be meant."""
    text = "\n".join((_reason(answer), *_lone_lines(answer.lone, len(answer.named))))
    near = [escape(version, VERSION) for version in answer.near]
    hint = (
        [f"The nearest versions are {_listed(near)}." if len(near) > 1 else f"The nearest version is {near[0]}."] if near else []
    )
    suggestions = (
        button(version, Action.ASK, Ask(COMMAND, f"{answer.product.name[:200]} {answer.rest} {version}").encode(), position)
        for position, version in enumerate(answer.near)
    )
    everything = button("What there is", Action.ASK, Ask(VERSIONS, answer.product.name).encode(), len(near))
    blocks = [section("\n".join((text, *hint))), context(*age_lines(answer.freshness, now)), *actions(*suggestions, everything)]
    return message(_reason(answer), blocks)


def _drawn(answer: DiffAnswer, now: datetime, footer: list[str], buttons: tuple[Block, ...], lasting: bool = False) -> Message:
    shown, places = answer.pairs[:PAIRS], Places(answer.titles)
    room = min(NOTES, ALL_NOTES // (2 * len(shown)))
    pairs = [block for at, pair in enumerate(shown) for block in _pair(pair, at, places, room, now, lasting)]
    lines = _lone_lines(answer.lone, len(answer.named))
    left = len(answer.pairs) - len(shown)
    more = [f"and {count(left, 'platform')} more: add a platform to the question"] if left else []
    blocks = [section(_title(answer), limit=TITLE), *pairs, *([section("\n".join(lines))] if lines else [])]
    return message(_summary(answer), [*blocks, context(*more, *footer), *buttons])


def _title(answer: DiffAnswer) -> str:
    return f"*{name(answer.product.name)}* {wanted_words(answer.wanted)}".rstrip() + f" · {_sides(answer.named)}"


def _sides(named: Sequence[BuildFilter]) -> str:
    match named:
        case ():
            return "the two newest versions"
        case (one,):
            return f"{_typed(one)} and the newest other {'build' if one.number else 'version'}"
        case _:
            return " and ".join(map(_typed, named))


def _typed(named: BuildFilter) -> str:
    version, number = escape(named.version, VERSION), escape(named.number, VERSION)
    return f"{version} ({number})" if version and number else version or number


def _summary(answer: DiffAnswer) -> str:
    """For notifications and screen readers, which get no blocks."""
    said = [f"{PLATFORMS[pair.older.platform]} {label(pair.older)} and {label(pair.newer)}" for pair in answer.pairs[:PAIRS]]
    return f"{name(answer.product.name)}: {', '.join(said)}"


def _pair(pair: Pair, at: int, places: Places, room: int, now: datetime, lasting: bool) -> Iterator[Block]:
    older, newer = (cut("\n".join(lines), FACTS) for lines in zip(*_facts(pair, places, now, lasting), strict=True))
    yield columns(older, newer, f"*{PLATFORMS[pair.older.platform]}*")
    yield from _notes(pair, room)
    yield from actions(_download(pair.older, 2 * at, now), _download(pair.newer, 2 * at + 1, now))


def _download(build: Build, position: int, now: datetime) -> Element | None:
    return download_button(build, now, position, f"Download {plain_label(build)}")


def _facts(pair: Pair, places: Places, now: datetime, lasting: bool) -> Iterator[tuple[str, str]]:
    """Line by line; what is known of neither has no line."""
    older, newer = pair.older, pair.newer
    yield label(older), label(newer)
    yield places.of(older), places.of(newer)
    yield state(older, now), state(newer, now)
    yield _uploaded(older, now, lasting), _uploaded(newer, now, lasting)
    yield from _known("size", _size(older), _size(newer) + _growth(older, newer))
    yield from _known("minimum OS", _minimum(older), _minimum(newer))
    yield from _known("branch", code(older.branch, BRANCH), code(newer.branch, BRANCH), "branch ")
    yield from _known("commit", code((older.commit or "")[:COMMIT]), code((newer.commit or "")[:COMMIT]), "commit ")


def _known(what: str, older: str, newer: str, before: str = "") -> Iterator[tuple[str, str]]:
    if older or newer:
        yield f"{before}{older}" if older else f"{what} unknown", f"{before}{newer}" if newer else f"{what} unknown"


def _uploaded(build: Build, now: datetime, lasting: bool) -> str:
    if build.uploaded_at is None:
        return "upload date unknown"
    return f"uploaded {moment(build.uploaded_at, now) if lasting else age(build.uploaded_at, now)}"


def _size(build: Build) -> str:
    return size(build.size) if build.size is not None else ""


def _growth(older: Build, newer: Build) -> str:
    if older.size is None or newer.size is None:
        return ""
    change = newer.size - older.size
    return f" ({'+' if change > 0 else '−'}{size(abs(change))})" if change else " (the same)"


def _minimum(build: Build) -> str:
    """Android's packages tell an API level: https://developer.android.com/guide/topics/manifest/uses-sdk-element"""
    if not build.min_os:
        return ""
    level = "API level " if build.platform is Platform.ANDROID and build.min_os.isdigit() else ""
    return f"{PLATFORMS[build.platform]} {level}{escape(build.min_os, VERSION)} or later"


def _notes(pair: Pair, room: int) -> Iterator[Block]:
    older, newer = cut(quote(pair.older.notes), room), cut(quote(pair.newer.notes), room)
    if older and pair.older.notes == pair.newer.notes:
        yield section(f"Notes of both\n{older}")
    elif older or newer:
        yield columns(
            f"Notes of {_version(pair.older)}\n{older or 'none'}", f"Notes of {_version(pair.newer)}\n{newer or 'none'}"
        )


def _version(build: Build) -> str:
    return escape(build.version, VERSION) or "no version"


def _lone_lines(lone: Sequence[Lone], named: int) -> list[str]:
    lines = [cut(_lone_line(each, named), LONE) for each in lone[:LONES]]
    left = len(lone) - LONES
    return [*lines, f"and {count(left, 'platform')} more like these"] if left > 0 else lines


def _lone_line(lone: Lone, named: int) -> str:
    platform = PLATFORMS[lone.build.platform]
    if lone.missing is not None:
        return f"{platform} has {label(lone.build)}, but no {_typed(lone.missing)}."
    if named == 2:
        return f"{platform}: both mean {label(lone.build)}."
    return f"{platform} has nothing to compare with {label(lone.build)}."


def _reason(answer: NothingToCompare) -> str:
    product, where = name(answer.product.name), wanted_words(answer.wanted)
    if answer.missing:
        return f"No build of *{product}* matches {where} {' or '.join(map(_typed, answer.missing))}.".replace("  ", " ")
    if any(each.missing for each in answer.lone):
        return f"No platform of *{product}* has both."
    if len(answer.named) == 2:
        return f"That is the same build of *{product}* twice. Builds of one version can be compared by their build numbers."
    return f"There are no two versions of *{product}* to compare."


def _listed(words: Sequence[str]) -> str:
    return f"{', '.join(words[:-1])} and {words[-1]}"
