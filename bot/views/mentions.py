"""Find builds mentioned here: what a message means, each with a Download button."""

from datetime import datetime
from typing import Final

from bot.domain.answers import MentionedBuilds, MentionsAnswer
from bot.domain.message import Block, Message
from bot.views.freshness import age_lines
from bot.views.limits import context, listing, message, section
from bot.views.mistakes import denied
from bot.views.rows import build_rows
from bot.views.text import count, name
from bot.views.versions import wanted_words

MENTIONS: Final = 4
BUILDS: Final = 3  # of one mention
TITLE: Final = 300  # characters about one mention


def mentions(answer: MentionsAnswer, now: datetime) -> Message:
    """Plainly says so when there is nothing."""
    if answer.found:
        return _found(answer, now)
    if answer.denied is not None:
        return denied(answer.denied)
    text = "I found no product, version or build of mine in that message."
    hint = "I look for a product's name, or for a version as it is written: Shop 3.2.0, or 3.2.0 (418)."
    return message(text, [section(text), context(hint)])


def _found(answer: MentionsAnswer, now: datetime) -> Message:
    blocks: list[Block] = []
    for place, each in enumerate(answer.found[:MENTIONS]):
        blocks += [
            section(_title(each), limit=TITLE),
            *build_rows(each.builds[:BUILDS], answer.titles, now, first=place * BUILDS),
        ]
    text = f"Mentioned: {', '.join(name(each.product.name) for each in answer.found[:MENTIONS])}"
    tail = (context(*age_lines(answer.freshness, now)),)
    return listing(text, (), blocks, tail, len(blocks), lambda left: "and more")


def _title(found: MentionedBuilds) -> str:
    title = f"*{name(found.product.name)}* {wanted_words(found.wanted)}".rstrip()
    if not found.builds:
        return f"{title} · no builds yet"
    if found.missed is not None:
        title += f" · nothing matches {wanted_words(found.missed)}; the newest are"
    left = found.total - min(len(found.builds), BUILDS)
    return f"{title} · and {count(left, 'build')} more" if left > 0 else title
