"""Answers that are not what was asked for: each says what to do next."""

from datetime import datetime
from typing import Final

from bot.domain.answers import Denial, Denied, NoSuchProduct, NothingMatches
from bot.domain.errors import UserMistake
from bot.domain.message import Message
from bot.views.freshness import age_lines
from bot.views.ids import Action, Ask
from bot.views.limits import actions, button, context, message, section
from bot.views.text import channel, code, count, name, sentence
from bot.views.versions import COMMAND, wanted_words

NEAR: Final = 5  # suggestions
CHANNELS: Final = 10  # channels named


def no_such_product(answer: NoSuchProduct) -> Message:
    """ "Did you mean Shop?": every button asks the whole question again."""
    near = answer.near[:NEAR]
    asked = f"I do not know {code(answer.asked)}." if answer.asked.strip() else "Which product?"
    hint = _did_you_mean([name(product.name) for product in near]) or _not_yet(answer.unread) if answer.asked.strip() else ""
    suggestions = (
        button(product.name, Action.ASK, Ask(answer.command, f"{product.name[:200]} {answer.rest}").encode(), position)
        for position, product in enumerate(near)
    )
    everything = button("All products", Action.ASK, Ask(COMMAND).encode(), len(near))
    return message(f"{asked} {hint}".strip(), [section(f"{asked} {hint}".strip()), *actions(*suggestions, everything)])


def _did_you_mean(names: list[str]) -> str:
    bold = [f"*{each}*" for each in names]
    if not bold:
        return ""
    return f"Did you mean {bold[0]}?" if len(bold) == 1 else f"Did you mean {', '.join(bold[:-1])} or {bold[-1]}?"


def _not_yet(unread: tuple[str, ...]) -> str:
    """Who asks in Purser's first minute must not think that there is nothing."""
    if not unread:
        return ""
    accounts = code(unread[0]) if len(unread) == 1 else count(len(unread), "account")
    return f"I have not read {accounts} yet: ask again in a minute."


def nothing_matches(answer: NothingMatches, now: datetime) -> Message:
    """The product is known; the build is not."""
    what = wanted_words(answer.wanted)
    text = (
        f"No build of *{name(answer.product.name)}* matches {what}."
        if what
        else f"*{name(answer.product.name)}* has no builds yet."
    )
    instead = button("What there is", Action.ASK, Ask(COMMAND, answer.product.name).encode())
    return message(text, [section(text), context(*age_lines(answer.freshness, now)), *actions(instead)])


def denied(answer: Denied) -> Message:
    """Why this person may not, and who can help."""
    text = {
        Denial.GUEST: "Guests of this workspace see no builds here. Ask a member to send you what you need.",
        Denial.EXTERNAL: "Builds stay within this organisation, so people from others see none. Ask someone on the team here.",
        Denial.DEACTIVATED: "This account is deactivated, so there is nothing to see or to download.",
        Denial.CHANNEL: f"That product is not shown in this channel. {_channels(answer.channels)}".rstrip(),
        Denial.GROUP: "That product is for members of certain user groups, and you are in none of them.",
        Denial.GROUP_UNKNOWN: "That product is for members of certain user groups, and Slack does not tell me now whether you "
        "are in one. Try again in a minute.",
        Denial.UNTOLD: "That product is for members of certain user groups, so I tell of it by myself only in channels that "
        f"the configuration names ({code('allow_channels')}). You can always ask for it.",
        Denial.SHARED: "This channel is shared with another organisation, whose people may not see builds: use another channel, "
        f"or ask whoever runs Purser to allow it ({code('external = true')}).",
    }[answer.denial]
    return message(text, [section(text)])


def _channels(channels: tuple[str, ...]) -> str:
    return f"Ask in {channel_list(channels)}." if channels else ""


def channel_list(channels: tuple[str, ...]) -> str:
    """The first few of them as links."""
    shown = ", ".join(map(channel, channels[:CHANNELS]))
    return f"{shown} and {len(channels) - CHANNELS:,} more" if len(channels) > CHANNELS else shown


def user_mistake(error: UserMistake) -> Message:
    """The sentence that the error carries."""
    text = sentence(str(error)) or "That did not work."
    return message(text, [section(text)])


def internal(reference: str) -> Message:
    """Something that nobody foresaw; the log has it under `reference`."""
    text = f"Something went wrong on my side. Reference: {code(reference)}."
    return message(text, [section(text)])
