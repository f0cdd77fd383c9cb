"""Many builds in one message: a burst, or a digest. It stays where it is, so it tells points in time and not ages."""

from collections.abc import Sequence
from datetime import datetime
from functools import partial
from itertools import accumulate, islice, takewhile
from typing import Final

from bot.domain.answers import AlertFacts
from bot.domain.message import Block, Message
from bot.views.ids import Action, Ask
from bot.views.limits import actions, button, listing, section
from bot.views.rows import build_facts, download_button
from bot.views.text import PLATFORMS, count, cut, escape, label, name, state
from bot.views.versions import COMMAND

ROWS: Final = 20
ROW: Final = 400  # characters of a row's text
NAMED: Final = 3  # products named in the headline
REST: Final = 900  # characters of the names of builds that have no row


def bundle(told: Sequence[AlertFacts], now: datetime) -> Message:
    """Newest first; a Download where there is something to have. Those without a row are named as long as there is room."""
    rows = [_row(facts, now, position) for position, facts in enumerate(told[:ROWS])]
    headline = f"{count(len(told), 'new build')}: {_products(told)}"
    everything = button("All versions", Action.ASK, Ask(COMMAND).encode())
    return listing(headline, (section(f"*{headline}*"),), rows, actions(everything), len(told), partial(_more, told, now))


def _row(facts: AlertFacts, now: datetime, position: int) -> Block:
    build, product = facts.build, _product(facts)
    if build is None:
        return section(f"*{product}* · listed no longer", limit=ROW)
    place = " · ".join(word for word in (PLATFORMS[build.platform], escape(facts.title), escape(build.track)) if word)
    if facts.is_gone:
        return section(cut(f"*{product}* · {place} · {label(build)} · listed no longer", ROW))
    text = f"*{product}* · {place} · {build_facts(build, now, lasting=True)}"
    return section(cut(text, ROW), download_button(build, now, position))


def _products(told: Sequence[AlertFacts]) -> str:
    one_of_each = {facts.alert.product_id or facts.alert.account: facts for facts in reversed(told)}
    names = [_product(facts) for facts in islice(reversed(one_of_each.values()), NAMED)]
    left = len(one_of_each) - NAMED
    return ", ".join(names) + (f" and {count(left, 'other product')}" if left > 0 else "")


def _product(facts: AlertFacts) -> str:
    return name(facts.product.name) if facts.product is not None else f"an app of {name(facts.alert.account)}"


def _more(told: Sequence[AlertFacts], now: datetime, left: int) -> str:
    names = (_named(facts, now) for facts in islice(told, len(told) - left, None))
    texts = list(takewhile(lambda text: len(text) <= REST, accumulate(names, "{}, {}".format)))
    return f"and {left:,} more, under All versions: {texts[-1]}{', …' if len(texts) < left else ''}"


def _named(facts: AlertFacts, now: datetime) -> str:
    build, product = facts.build, _product(facts)
    if build is None:
        return f"{product} listed no longer"
    return f"{product} {label(build)} {'listed no longer' if facts.is_gone else state(build, now)}"
