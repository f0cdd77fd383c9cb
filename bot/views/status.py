"""`/purser status` and `/purser apps`: the accounts, how well they can be read, and what is in them."""

from collections.abc import Mapping
from datetime import datetime
from typing import Final

from bot.domain.answers import AccountLine, AppsAnswer, StatusAnswer
from bot.domain.message import Message
from bot.domain.model import NOT_LISTED, AccountHealth, AgreementState, Delivery, DeliveryState
from bot.views.accounts import account_name
from bot.views.limits import context, listing, section
from bot.views.quiet import place, quiet_line
from bot.views.text import age, count, moment, name, reason_words
from bot.views.why import reason_of

ACCOUNTS: Final = 25
LINE: Final = 400  # characters about one account
PRODUCTS: Final = 8  # products named per account
FAILED: Final = 3  # deliveries named that were given up
QUIET: Final = 5  # channels named into which we cannot write


def status(answer: StatusAnswer, now: datetime) -> Message:
    """One line per account, failing ones first."""
    lines = sorted(answer.accounts, key=lambda line: line.health.failing_since is None)
    rows = [section(account_line(line, now), limit=LINE) for line in lines[:ACCOUNTS]] or [section("No accounts are configured.")]
    failing = sum(line.health.failing_since is not None for line in answer.accounts)
    text = f"{count(len(answer.accounts), 'account')}, {failing:,} failing" if failing else count(len(answer.accounts), "account")
    small = context(
        _deliveries(answer.deliveries), *(_failed(delivery, now) for delivery in answer.failed[:FAILED]), *_quiet(answer, now)
    )
    return listing(text, (), rows, (small,), len(answer.accounts), _more)


def apps(answer: AppsAnswer, now: datetime) -> Message:
    """What every account shows us."""
    rows = [section(_apps_line(line), limit=LINE) for line in answer.accounts[:ACCOUNTS]] or [
        section("No accounts are configured.")
    ]
    total = sum(line.health.apps for line in answer.accounts)
    text = f"{count(total, 'app')} in {count(len(answer.accounts), 'account')}"
    return listing(text, (), rows, (), len(answer.accounts), _more)


def account_line(line: AccountLine, now: datetime, lasting: bool = False) -> str:
    """*acme-apple* (App Store Connect) · checked 2 min ago · 45 apps, 1,204 builds; `lasting` lines tell points in time."""
    amount = f"{count(line.health.apps, 'app')}, {count(line.health.builds, 'build')}"
    return " · ".join((account_name(line), _contact(line.health, now, lasting), amount, *_agreement(line), *_troubles(line)))


def _contact(health: AccountHealth, now: datetime, lasting: bool) -> str:
    when = "" if health.ok_at is None else moment(health.ok_at, now) if lasting else age(health.ok_at, now)
    if health.failing_since is not None:
        reason = f" ({reason_words(health.reason)})" if health.reason else ""
        last = f", last read {when}" if when else ", never read"
        pause = f", next try {moment(health.next_at, now)}" if health.next_at and health.next_at > now else ""
        return f"cannot be read since {moment(health.failing_since, now)}{reason}{last}{pause}"
    return f"checked {when}" if when else "not checked yet"


def _agreement(line: AccountLine) -> tuple[str, ...]:
    if line.agreement is None or line.agreement.state is AgreementState.IN_FORCE:
        return ()
    return ("blocked by an agreement",) if line.agreement.state is AgreementState.BLOCKED else ("agreements unknown",)


def _troubles(line: AccountLine) -> list[str]:
    lost = sum(trouble.reason == NOT_LISTED for trouble in line.troubles)
    unread = [trouble for trouble in line.troubles if trouble.reason != NOT_LISTED]
    reasons = ", ".join(sorted({reason_words(trouble.reason) for trouble in unread}))
    told = [f"{count(len(unread), 'app')} could not be read ({reasons})"] if unread else []
    return [*told, f"{count(lost, 'app')} listed no longer"] if lost else told


def _deliveries(counts: Mapping[str, int]) -> str:
    waiting = counts.get(DeliveryState.PENDING, 0) + counts.get(DeliveryState.SENDING, 0)
    sent, failed = counts.get(DeliveryState.SENT, 0), counts.get(DeliveryState.FAILED, 0)
    return f"Messages to channels: {sent:,} sent, {waiting:,} waiting, {failed:,} failed"


def _failed(delivery: Delivery, now: datetime) -> str:
    at = moment(delivery.alert.created_at, now)
    return f"Given up: a message of {at} to {place(delivery.channel)}: {reason_of(delivery)}"


def _quiet(answer: StatusAnswer, now: datetime) -> list[str]:
    left = len(answer.quiet) - QUIET
    lines = [quiet_line(quiet, now) for quiet in answer.quiet[:QUIET]]
    return [*lines, f"and {count(left, 'channel')} more to which I cannot write"] if left > 0 else lines


def _apps_line(line: AccountLine) -> str:
    names = ", ".join(name(product.name) for product in line.products[:PRODUCTS])
    left = len(line.products) - PRODUCTS
    products = f"{names} and {left:,} more" if left > 0 else names or "no products yet"
    return f"{account_name(line)} · {count(line.health.apps, 'app')}: {products}"


def _more(left: int) -> str:
    return f"and {count(left, 'account')} more"
