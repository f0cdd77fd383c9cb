"""`/purser why`: what this channel is subscribed to, how fresh it is, what was told here, and what was not."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from bot.domain.answers import ToldLine, Untold, UntoldLine, WhyAnswer
from bot.domain.message import Block, Message
from bot.domain.model import AccountHealth, Delivery, DeliveryState
from bot.views.freshness import failing_line
from bot.views.limits import message, section
from bot.views.quiet import quiet_line, why_quiet
from bot.views.subscriptions import described
from bot.views.text import PLATFORMS, age, code, count, cut, escape, label, moment, name, state

LINES: Final = 10  # of each kind
LINE: Final = 250  # characters
_TOPICS: Final = {
    "agreement_blocked": "an agreement that blocks",
    "agreement_cleared": "an agreement in force again",
    "agreement_reminder": "a reminder of an agreement",
    "expiries": "what ends soon",
}
_UNTOLD: Final = {
    Untold.RESTRICTED: "it may not be told in this channel",
    Untold.MUTED: "the product is muted here",
    Untold.NOT_SUBSCRIBED: "this channel is not subscribed to its new builds",
    Untold.PLATFORM: "the subscription is for another platform",
    Untold.PROVIDER: "the subscription is for another provider",
    Untold.TRACK: "the subscription is for another track",
    Untold.SUBSCRIBED_LATER: "it came before this channel subscribed to it",
    Untold.FIRST_SIGHT: "it was there when I first read the account, and that is announced to nobody",
    Untold.OLD: "it was old already when I first saw it",
    Untold.NOT_READY: "it is not ready",
    Untold.GONE: "it is listed no longer",
}
_REASONS: Final = {
    "ratelimited": "Slack asked for a pause",
    "no_answer": "Slack did not answer",
    "not_looked_for": "Slack does not say whether it has it",
    "interrupted": "I was interrupted",
    "updates_ratelimited": "Slack asked for a pause",
    "defect": "a mistake of Purser's, which is in its log",
    "thread_not_found": "its card was deleted",
    "message_not_found": "its card was deleted",
}


def why(answer: WhyAnswer, now: datetime) -> Message:
    """Facts, newest first; each part only where there is something to say."""
    title = f"What this channel hears of {name(answer.product.name)}" if answer.product else "What this channel hears"
    blocks = [
        *_part(f"*{title}*", _standing(answer, now), 0),
        *_part("*Last checks*", [_check(health, now) for health in answer.accounts[:LINES]], len(answer.accounts)),
        *_part("*Last messages here*", [_told(line, now) for line in answer.told[:LINES]] or ["none yet"], len(answer.told)),
        *_part("*Not told here*", [_untold(line, now) for line in answer.untold[:LINES]], len(answer.untold)),
    ]
    return message(title, blocks)


def _part(title: str, lines: Sequence[str], total: int) -> list[Block]:
    left = total - LINES
    more = [f"and {left:,} more"] if left > 0 else []
    return [section("\n".join((title, *(cut(line, LINE) for line in lines), *more)))] if lines else []


def _standing(answer: WhyAnswer, now: datetime) -> list[str]:
    lines = [quiet_line(answer.quiet, now)] if answer.quiet else []
    if answer.denied:
        lines.append("The configuration does not let me tell of it in this channel.")
    if muted := [name(product.name) for product in answer.muted if answer.product in (None, product)][:LINES]:
        lines.append(f"Muted here: {', '.join(muted)}. {code('subscribe')} ends that.")
    left = len(answer.subscriptions) - LINES
    standing = [described(line) for line in answer.subscriptions[:LINES]] or ["No subscription here covers it."]
    return [*lines, *standing, *([f"and {left:,} more"] if left > 0 else [])]


def _check(health: AccountHealth, now: datetime) -> str:
    if health.failing_since is not None:
        last = f", last read {age(health.ok_at, now)}" if health.ok_at else ""
        return failing_line(health, now) + last
    return f"{escape(health.name)} checked {age(health.ok_at, now)}" if health.ok_at else f"{escape(health.name)} not checked yet"


def _told(line: ToldLine, now: datetime) -> str:
    return f"{moment(line.delivery.alert.created_at, now)} · {_topic(line)} · {_outcome(line.delivery, now)}"


def _topic(line: ToldLine) -> str:
    if line.build is not None:
        product = f"{name(line.product.name)} " if line.product else ""
        return f"{product}{label(line.build)} for {PLATFORMS[line.build.platform]}"
    alert = line.delivery.alert
    return " ".join(word for word in (_TOPICS.get(alert.kind, "something"), escape(alert.account)) if word)


def _outcome(delivery: Delivery, now: datetime) -> str:
    why_not = reason_of(delivery)
    match delivery.state:
        case DeliveryState.SENT:
            return f"sent {moment(delivery.sent_at, now)}" if delivery.sent_at else "sent"
        case DeliveryState.FAILED:
            tries = count(delivery.attempts + 1, "try", "tries")
            return f"failed after {tries}: {why_not}"
        case DeliveryState.DROPPED:
            return f"not sent: {why_not}"
        case _:
            waits = "with the digest" if delivery.is_digest else "next try" if delivery.attempts else "due"
            return f"waiting, {waits} {moment(delivery.due_at, now)}" + (f" ({why_not})" if delivery.reason else "")


def reason_of(delivery: Delivery) -> str:
    """Why it was not sent, in words."""
    reason = delivery.reason or ""
    return _UNTOLD[Untold(reason)] if reason in set(Untold) else _REASONS.get(reason) or why_quiet(reason)


def _untold(line: UntoldLine, now: datetime) -> str:
    build = line.build
    also = f" ({state(build, now)})" if line.reason is Untold.NOT_READY else ""
    return f"{label(build)} for {PLATFORMS[build.platform]} · {escape(build.track)} · {_UNTOLD[line.reason]}{also}"
