"""`/purser subscribe`, `unsubscribe`, `subscriptions`: what a channel hears about."""

from typing import Final

from bot.domain.answers import Muted, Subscribed, SubscriptionLine, SubscriptionsAnswer, Unsubscribed
from bot.domain.message import Message
from bot.domain.model import EventKind, Product
from bot.views.ids import Action, Ask
from bot.views.limits import Element, actions, button, listing, message, section
from bot.views.text import PLATFORMS, code, count, escape, name

LINES: Final = 30
MUTED: Final = 4  # products named
LINE: Final = 300  # characters about one subscription
_KINDS: Final = {
    EventKind.NEW_BUILDS: "new builds",
    EventKind.AGREEMENTS: "agreements",
    EventKind.EXPIRIES: "expiries",
}


def subscriptions(answer: SubscriptionsAnswer) -> Message:
    """Everything this channel hears about."""
    muted = [section(_muted(answer.muted), limit=LINE)] if answer.muted else []
    if not answer.lines:
        text = "This channel hears about nothing yet."
        return message(text, [section(text), *muted, *actions(_subscribe())])
    text = f"This channel hears about {count(len(answer.lines), 'thing')}"
    rows = [section(described(line), limit=LINE) for line in answer.lines[:LINES]]
    tail = (*muted, *actions(_subscribe()))
    return listing(text, (section("*This channel hears about*"),), rows, tail, len(answer.lines), _more)


def say_what() -> Message:
    """`subscribe` without a word: by words, or by a form."""
    text = f"Say what: {code('subscribe shop')} for one product, {code('subscribe all')} for everything, or fill in a form."
    return message(text, [section(text), *actions(_subscribe())])


def subscribed(answer: Subscribed) -> Message:
    """What the channel hears about from now on."""
    text = f"{'This channel now hears about' if answer.added else 'This channel already hears about'} {described(answer.line)}."
    unmuted = " It is no longer muted." if answer.unmuted else ""
    return message(text + unmuted, [section(text + unmuted)])


def muted(answer: Muted) -> Message:
    """What a press of Mute or Undo came to."""
    product = f"*{name(answer.product.name)}*"
    if not answer.is_muted:
        text = f"{product} is no longer muted: this channel hears about it as it is subscribed."
        return message(text, [section(text)])
    text = f"{product} is muted: this channel hears nothing about it until somebody subscribes it again."
    undo = button("Undo", Action.UNMUTE, Ask("unmute", answer.product.id).encode())
    return message(text, [section(text), *actions(undo)])


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
    digest = [str(subscription.digest)] if subscription.digest else []
    return " · ".join((_product(line), *filters, kinds or "nothing", *digest))


def _subscribe() -> Element:
    return button("Subscribe", Action.SUBSCRIBE_FORM)


def _muted(products: tuple[Product, ...]) -> str:
    left = len(products) - MUTED
    names = ", ".join(name(product.name) for product in products[:MUTED]) + (f" and {left:,} more" if left > 0 else "")
    return f"Muted here: {names}. {code('subscribe')} with the name ends that."


def _product(line: SubscriptionLine) -> str:
    if line.product is not None:
        return f"*{name(line.product.name)}*"
    return "*all products*" if line.subscription.product_id is None else "a product that is gone"


def _more(left: int) -> str:
    return f"and {left:,} more"
