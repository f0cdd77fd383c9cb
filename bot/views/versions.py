"""`/versions`: what there is, and where."""

from datetime import datetime
from heapq import nlargest
from typing import Final

from bot.domain.answers import BuildsAnswer, HeadsAnswer, ProductLine, ProductsAnswer
from bot.domain.message import Block, Message
from bot.domain.model import Build
from bot.domain.ports import BuildFilter
from bot.views.freshness import age_lines, as_of_lines
from bot.views.ids import Action, Ask
from bot.views.limits import Element, actions, button, context, header, listing, product_menu, section
from bot.views.rows import ROWS, build_facts, build_rows
from bot.views.text import PLATFORMS, count, cut, escape, name, user

COMMAND: Final = "versions"
PAGE_ROWS: Final = 10  # builds on a page: always room for them all, so that paging skips none
PRODUCTS: Final = 25  # products listed; the menu has them all
PRODUCT_LINE: Final = 160  # characters
LINES: Final = 10  # product lines in one section
NO_ACCOUNTS: Final = "No accounts are configured, so there is nothing to show; purser.example.toml has one of each kind."


def heads(answer: HeadsAnswer, now: datetime) -> Message:
    """The newest build per account, platform and track."""
    return _heads(answer, now, age_lines(answer.freshness, now), actions(_share(_heads_ask(answer))))


def builds(answer: BuildsAnswer, now: datetime) -> Message:
    """One page of the builds that match."""
    shown = min(len(answer.page.builds), PAGE_ROWS)
    back = _page("Back", answer, max(0, answer.offset - answer.limit), 0) if answer.offset > 0 else None
    following = answer.offset + shown
    more = _page("Show more", answer, following, 1) if shown and following < answer.page.total else None
    share = _share(Ask(COMMAND, answer.asked, answer.offset))
    return _builds(answer, now, age_lines(answer.freshness, now), actions(back, more, share))


def products(answer: ProductsAnswer, now: datetime) -> Message:
    """Every product with its newest build."""
    share = _share(Ask(COMMAND, answer.asked)) if answer.lines else None
    return _products(answer, now, age_lines(answer.freshness, now) if answer.has_accounts else [], share)


def shared(answer: HeadsAnswer | BuildsAnswer | ProductsAnswer, by: str, now: datetime) -> Message:
    """The same as a card for everybody in a channel. `by` is a Slack user id."""
    lines = [f"Shared by {user(by)}. Download makes a link for the person who presses it.", *as_of_lines(answer.freshness, now)]
    match answer:
        case HeadsAnswer():
            return _heads(answer, now, lines, (), lasting=True)
        case BuildsAnswer():
            return _builds(answer, now, lines, (), lasting=True)
        case ProductsAnswer():
            return _products(answer, now, lines, None, lasting=True)


def wanted_words(wanted: BuildFilter) -> str:
    """ "iOS 3.2 TestFlight": what was asked for beside the product."""
    words = [PLATFORMS[wanted.platform]] if wanted.platform else []
    words += [escape(word) for word in (wanted.version, wanted.track, wanted.provider) if word]
    return " ".join((*words, f"({escape(wanted.number)})") if wanted.number else words)


def _heads(answer: HeadsAnswer, now: datetime, footer: list[str], buttons: tuple[Block, ...], lasting: bool = False) -> Message:
    rows = build_rows(answer.builds[:ROWS], answer.titles, now, lasting)
    if not rows:
        rows = [section("No builds yet.")]
        buttons = ()
    tail = (context(*footer), *buttons)
    text = f"{name(answer.product.name)}: {_summary(answer.builds)}"
    return listing(text, (header(answer.product.name),), rows, tail, len(answer.builds), _narrow)


def _builds(answer: BuildsAnswer, now: datetime, footer: list[str], buttons: tuple[Block, ...], lasting: bool = False) -> Message:
    page = answer.page
    rows = build_rows(page.builds[:PAGE_ROWS], answer.titles, now, lasting)
    where = f"{answer.offset + 1:,} to {answer.offset + len(rows):,} of {count(page.total, 'build')}"
    title = f"*{name(answer.product.name)}* {wanted_words(answer.wanted)}".rstrip()
    if not rows:
        rows, where = [section("Nothing on this page.")], count(page.total, "build")
    tail = (context(where, *footer), *buttons)
    text = f"{name(answer.product.name)} {wanted_words(answer.wanted)}: {where}"
    return listing(text, (section(title),), rows, tail, len(rows), _narrow)


def _products(answer: ProductsAnswer, now: datetime, footer: list[str], share: Element | None, lasting: bool = False) -> Message:
    newest = nlargest(PRODUCTS, answer.lines, key=_uploaded)
    lines = [_product_line(line, now, lasting) for line in newest]
    sections = [section("\n".join(lines[start : start + LINES])) for start in range(0, len(lines), LINES)]
    left = len(answer.lines) - len(newest)
    note = [f"and {count(left, 'product')} more in the menu"] if left else []
    menu = product_menu([line.product for line in answer.lines], COMMAND)
    small = [context(*note, *footer)] if note or footer else []
    tail = (*small, *actions(menu, share))
    nothing = "No products yet." if answer.has_accounts else NO_ACCOUNTS
    text = count(len(answer.lines), "product") if answer.lines else nothing
    return listing(text, (), sections or [section(text)], tail, 0, _narrow)


def _product_line(line: ProductLine, now: datetime, lasting: bool) -> str:
    build = line.newest
    if build is None:
        return f"*{name(line.product.name)}* · no builds yet"
    facts = f"{PLATFORMS[build.platform]} · {build_facts(build, now, lasting)}"
    return cut(f"*{name(line.product.name)}* · {facts}", PRODUCT_LINE)


def _uploaded(line: ProductLine) -> float:
    uploaded_at = line.newest.uploaded_at if line.newest else None
    return uploaded_at.timestamp() if uploaded_at else 0.0


def _summary(found: tuple[Build, ...]) -> str:
    """For notifications and screen readers, which get no blocks."""
    said = [f"{PLATFORMS[build.platform]} {escape(build.version)}" for build in found[:3]]
    return ", ".join(said) + (f" and {len(found) - 3:,} more" if len(found) > 3 else "") if said else "no builds yet"


def _heads_ask(answer: HeadsAnswer) -> Ask:
    return Ask(COMMAND, answer.asked or answer.product.name)


def _share(ask: Ask) -> Element:
    return button("Share here", Action.SHARE, ask.encode())


def _page(text: str, answer: BuildsAnswer, offset: int, position: int) -> Element:
    return button(text, Action.PAGE, Ask(COMMAND, answer.asked, offset).encode(), position)


def _narrow(left: int) -> str:
    return f"and {left:,} more: add a platform, a track or a version to the question"
