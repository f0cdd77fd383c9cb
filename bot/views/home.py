"""The Home tab: what is live where, the accounts, and what concerns its reader."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Final

from bot.domain.answers import EverywhereAnswer, HomeAnswer, ProductHeads, SubscriptionLine
from bot.domain.message import Block, Home, Message
from bot.domain.model import Build, Platform
from bot.domain.ports import AuditLine
from bot.views.freshness import as_of
from bot.views.ids import Action, Ask, encode_build
from bot.views.limits import Element, actions, button, context, header, section
from bot.views.rows import Places
from bot.views.status import LINE as ACCOUNT_LINE
from bot.views.status import account_line
from bot.views.subscriptions import LINE as SUBSCRIPTION_LINE
from bot.views.subscriptions import described
from bot.views.text import PLATFORMS, can_be_had, channel, count, cut, label, moment, name, state
from bot.views.versions import COMMAND

PRODUCTS: Final = 20
PRODUCT: Final = 600  # characters about one product
PLACES: Final = 6  # tracks of one platform
ACCOUNTS: Final = 10
SUBSCRIPTIONS: Final = 10
DOWNLOADS: Final = 5
DOWNLOAD: Final = 400  # characters
_PLAIN_STATES: Final = ("ready", "live")


def home(answer: HomeAnswer, now: datetime) -> Home:
    """Points in time, no ages: a Home tab stands as it is until somebody opens it again."""
    blocks = (
        *actions(button("Get a build", Action.GET_A_BUILD, style="primary"), button("Subscribe", Action.SUBSCRIBE_FORM)),
        *_products(answer.everywhere, now),
        *_accounts(answer, now),
        *_subscriptions(answer),
        *_downloads(answer.downloads, now),
        context(as_of(answer.everywhere.freshness, now), "Open this tab again for what is new since then"),
    )
    return Home(blocks, metadata=answer.channel)


def instead(message: Message) -> Home:
    """Why there is nothing to see, in the place of everything."""
    return Home(tuple(block for block in message.blocks if block["type"] != "actions"))


def _products(answer: EverywhereAnswer, now: datetime) -> list[Block]:
    if not answer.products:
        return [header("What is live where"), section("No products yet that you may see here.")]
    newest = sorted(answer.products, key=_uploaded, reverse=True)[:PRODUCTS]
    places = Places(answer.titles)
    rows = [_product(product, places, now, position) for position, product in enumerate(newest)]
    left = len(answer.products) - len(newest)
    return [header("What is live where"), *rows, *_more(left, "product", "Get a build has them all")]


def _product(product: ProductHeads, places: Places, now: datetime, position: int) -> Block:
    """One line per platform, on it one version per place."""
    by_platform: dict[Platform, list[Build]] = {}
    for build in product.builds:
        by_platform.setdefault(build.platform, []).append(build)
    lines = [_platform(platform, by_platform[platform], places, now) for platform in Platform if platform in by_platform]
    text = "\n".join((f"*{name(product.product.name)}*", *(lines or ["no builds yet"])))
    builds = button("Builds", Action.ASK, Ask(COMMAND, product.product.name).encode(), position) if lines else None
    return section(text, builds, PRODUCT)


def _platform(platform: Platform, builds: Sequence[Build], places: Places, now: datetime) -> str:
    standing = list(_standing(builds, places, now).items())
    cells = [f"{place} {_version(build, now)}" for place, build in standing[:PLACES]]
    left = [f"and {len(standing) - PLACES:,} more"] if len(standing) > PLACES else []
    return f"{PLATFORMS[platform]}: {' | '.join((*cells, *left))}"


def _standing(builds: Iterable[Build], places: Places, now: datetime) -> dict[str, Build]:
    """Place -> the newest build there that can be had, or else the newest."""
    found: dict[str, Build] = {}
    for build in builds:
        place = places.of(build)
        if place not in found or (can_be_had(build, now) and not can_be_had(found[place], now)):
            found[place] = build
    return found


def _version(build: Build, now: datetime) -> str:
    words = state(build, now)
    return label(build) if words in _PLAIN_STATES else f"{label(build)} {words}"


def _uploaded(product: ProductHeads) -> float:
    return max((build.uploaded_at.timestamp() for build in product.builds if build.uploaded_at), default=0.0)


def _accounts(answer: HomeAnswer, now: datetime) -> list[Block]:
    lines = sorted(answer.accounts, key=lambda line: line.health.failing_since is None)
    rows = [section(account_line(line, now, lasting=True), limit=ACCOUNT_LINE) for line in lines[:ACCOUNTS]]
    return [header("Accounts"), *(rows or [section("No accounts are configured.")]), *_more(len(lines) - len(rows), "account")]


def _subscriptions(answer: HomeAnswer) -> list[Block]:
    lines = answer.subscriptions
    rows = [section(_subscription(line, answer.channel), limit=SUBSCRIPTION_LINE) for line in lines[:SUBSCRIPTIONS]]
    nothing = section("You hear about nothing here yet. Subscribe sends you news in a direct message.")
    return [header("Your subscriptions"), *(rows or [nothing]), *_more(len(lines) - len(rows), "subscription")]


def _subscription(line: SubscriptionLine, here: str) -> str:
    place = line.subscription.channel
    return f"{described(line)} · {'to you' if place == here else f'to {channel(place)}'}"


def _downloads(lines: Sequence[AuditLine], now: datetime) -> list[Block]:
    rows = [_download(line, now, position) for position, line in enumerate(lines[:DOWNLOADS])]
    return [header("Your recent downloads"), *(rows or [section("None yet.")])]


def _download(line: AuditLine, now: datetime, position: int) -> Block:
    when = moment(line.grant.created_at, now)
    if line.build is None:
        return section(f"a build that is not known any more · {when}")
    product = f"*{name(line.product)}* " if line.product else ""
    text = cut(f"{product}{label(line.build)} {PLATFORMS[line.build.platform]} · {when}", DOWNLOAD)
    return section(text, _again(line, line.build, now, position), DOWNLOAD)


def _again(line: AuditLine, build: Build, now: datetime, position: int) -> Element | None:
    """Where it was had, the rules of its product were met."""
    value = encode_build(build.key, line.grant.channel)
    return button("Download", Action.DOWNLOAD, value, position) if can_be_had(build, now) else None


def _more(left: int, what: str, where: str = "") -> list[Block]:
    return [context(f"and {count(left, what)} more" + (f": {where}" if where else ""))] if left > 0 else []
