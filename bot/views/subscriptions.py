"""`/purser subscribe`, `unsubscribe`, `subscriptions`: what a channel hears about."""

from typing import Final

from bot.domain.answers import Subscribed, SubscriptionLine, SubscriptionsAnswer, Unsubscribed
from bot.domain.message import Message
from bot.domain.model import EventKind
from bot.views.limits import listing, message, section
from bot.views.text import PLATFORMS, count, escape, name

LINES: Final = 30
LINE: Final = 300  # characters about one subscription
_KINDS: Final = {
    EventKind.NEW_BUILDS: "new builds",
    EventKind.AGREEMENTS: "agreements",
    EventKind.EXPIRIES: "expiries",
}


def subscriptions(answer: SubscriptionsAnswer) -> Message:
    """Everything this channel hears about."""
    if not answer.lines:
        text = "This channel hears about nothing yet."
        return message(text, [section(text)])
    text = f"This channel hears about {count(len(answer.lines), 'thing')}"
    rows = [section(described(line), limit=LINE) for line in answer.lines[:LINES]]
    return listing(text, (section("*This channel hears about*"),), rows, (), len(answer.lines), _more)


def subscribed(answer: Subscribed) -> Message:
    """What the channel hears about from now on."""
    text = f"{'This channel now hears about' if answer.added else 'This channel already hears about'} {described(answer.line)}."
    return message(text, [section(text)])


def unsubscribed(answer: Unsubscribed) -> Message:
    """What the channel no longer hears about."""
    if not answer.lines:
        text = "This channel was not subscribed to that."
        return message(text, [section(text)])
    text = f"{count(len(answer.lines), 'subscription')} ended"
    rows = [section(described(line), limit=LINE) for line in answer.lines[:LINES]]
    return listing(text, (section("*This channel no longer hears about*"),), rows, (), len(answer.lines), _more)


def described(line: SubscriptionLine) -> str:
    """*Shop* · iOS · TestFlight · new builds"""
    subscription = line.subscription
    filters = [PLATFORMS[subscription.platform]] if subscription.platform else []
    filters += [escape(word) for word in (subscription.track, subscription.provider) if word]
    kinds = ", ".join(_KINDS[kind] for kind in EventKind if kind in subscription.kinds)
    return " · ".join((_product(line), *filters, kinds or "nothing"))


def _product(line: SubscriptionLine) -> str:
    if line.product is not None:
        return f"*{name(line.product.name)}*"
    return "*all products*" if line.subscription.product_id is None else "a product that is gone"


def _more(left: int) -> str:
    return f"and {left:,} more"
