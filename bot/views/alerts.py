"""Cards that are posted when something happens. They stay where they are, so they tell points in time and not ages."""

from datetime import UTC, datetime
from typing import Final

from bot.domain.answers import AlertFacts
from bot.domain.message import Message
from bot.domain.model import AlertKind, Build, BuildState
from bot.views.agreements import areas
from bot.views.download import BUSINESS_PAGE
from bot.views.ids import Action, Ask
from bot.views.limits import Element, actions, button, context, message, open_button, section
from bot.views.rows import download_button
from bot.views.text import PLATFORMS, STATES, code, count, escape, label, moment, name, quote, reason_words, size, span, state
from bot.views.versions import COMMAND

GONE: Final = "gone"  # as bot.services.news says it of a build that is no longer listed
CARD: Final = 600  # characters of a card's first lines
BRANCH: Final = 60  # characters shown of a branch
COMMIT: Final = 10  # characters shown of a commit's hash


def card(facts: AlertFacts, now: datetime) -> Message:
    """What a subscribed channel reads."""
    match facts.alert.kind:
        case AlertKind.NEW_BUILD | AlertKind.BUILD_CHANGED:
            is_gone = facts.build is None or facts.alert.facts.get("to") == GONE
            return _gone(facts) if is_gone or facts.build is None else _build(facts, facts.build, now)
        case AlertKind.AGREEMENT_BLOCKED:
            return _agreement_blocked(facts, now)
        case AlertKind.AGREEMENT_CLEARED:
            return _agreement_cleared(facts, now)
        case AlertKind.ACCOUNT_DOWN:
            return _account_down(facts, now)
        case AlertKind.ACCOUNT_BACK:
            return _account_back(facts)
        case AlertKind.APPS_LOST:
            return _apps_lost(facts)


def line(facts: AlertFacts) -> Message:
    """What a change of a build adds to the thread of its card."""
    text = f"Now {_state_words(facts, 'to')}, was {_state_words(facts, 'from')}."
    return message(text, [section(text)])


def _build(facts: AlertFacts, build: Build, now: datetime) -> Message:
    place = [word for word in (escape(facts.title), escape(build.track)) if word]
    title = " · ".join((f"*{_product(facts)}* {label(build)}", PLATFORMS[build.platform], *place))
    notes = quote(build.notes)
    blocks = [
        section(title, download_button(build, now), CARD),
        *([section(notes)] if notes else []),
        context(" · ".join(_small_print(build, now))),
        *actions(_all_versions(facts)),
    ]
    return message(f"New build: {_product(facts)} {label(build)} for {PLATFORMS[build.platform]}", blocks)


def _small_print(build: Build, now: datetime) -> list[str]:
    who = f"by {escape(build.uploader)}" if build.uploader else ""
    when = moment(build.uploaded_at, now) if build.uploaded_at is not None else ""
    uploaded = " ".join(word for word in (who, when) if word)
    branch, commit = code(build.branch, BRANCH), code((build.commit or "")[:COMMIT])
    return [
        state(build, now),
        *([f"uploaded {uploaded}"] if uploaded else []),
        *([f"branch {branch}"] if branch else []),
        *([f"commit {commit}"] if commit else []),
        *([size(build.size)] if build.size is not None else []),
    ]


def _gone(facts: AlertFacts) -> Message:
    text = f"A new build of {_product(facts)} came, and is listed no longer."
    return message(text, [section(text), *actions(_all_versions(facts))])


def _all_versions(facts: AlertFacts) -> Element | None:
    """The card is public already; whoever wants it elsewhere asks here and shares the answer there."""
    if facts.product is None:
        return None
    return button("All versions", Action.ASK, Ask(COMMAND, facts.product.name).encode())


def _product(facts: AlertFacts) -> str:
    return name(facts.product.name) if facts.product is not None else f"an app of {name(facts.alert.account)}"


def _agreement_blocked(facts: AlertFacts, now: datetime) -> Message:
    since = _time(facts, "since") or (facts.agreement.since if facts.agreement is not None else facts.alert.created_at)
    blocked = areas(_blocked(facts)) or "not known in detail"
    apple_code = facts.alert.facts.get("code") or (facts.agreement.code if facts.agreement is not None else None)
    lines = [
        f":no_entry: *An agreement blocks {_account(facts)}*",
        f"Blocked: {blocked}",
        f"Since: {moment(since, now)}",
        "Who must act: the Account Holder, in App Store Connect under Business",
    ]
    text = f"An agreement blocks {_account(facts)}. The Account Holder must accept it."
    small = [context(f"Apple says {code(apple_code)}")] if apple_code else []
    page = open_button("Open App Store Connect", BUSINESS_PAGE)
    return message(text, [section("\n".join(lines), limit=CARD), *small, *actions(page)])


def _agreement_cleared(facts: AlertFacts, now: datetime) -> Message:
    since, until = _time(facts, "since"), _time(facts, "until") or facts.alert.created_at
    took = f"It took {span(until - since)}." if since is not None else ""
    text = f":white_check_mark: *Nothing blocks {_account(facts)} any more*"
    return message(
        f"Nothing blocks {_account(facts)} any more. {took}".rstrip(), [section(f"{text}\n{took}".rstrip(), limit=CARD)]
    )


def _account(facts: AlertFacts) -> str:
    title = f" ({escape(facts.title)})" if facts.title else ""
    return f"{name(facts.alert.account)}{title}"


def _blocked(facts: AlertFacts) -> tuple[str, ...]:
    told = tuple(area for area in facts.alert.facts.get("blocked", "").split(",") if area)
    return told or (facts.agreement.blocked if facts.agreement is not None else ())


def _time(facts: AlertFacts, key: str) -> datetime | None:
    """A time among the alert's facts; None when there is none, or none that can be read."""
    try:
        return datetime.fromisoformat(facts.alert.facts.get(key, "")).astimezone(UTC)
    except ValueError:
        return None


def _state_words(facts: AlertFacts, key: str) -> str:
    told = facts.alert.facts.get(key, "")
    if told == GONE:
        return "no longer listed"
    return STATES[BuildState(told)] if told in set(BuildState) else "unknown"


def _account_down(facts: AlertFacts, now: datetime) -> Message:
    since = _time(facts, "since") or facts.alert.created_at
    reason = reason_words(facts.alert.facts.get("reason", ""))
    is_key = facts.alert.facts.get("problem") == "key"
    what = f"refuses the key of {name(facts.alert.account)}" if is_key else "cannot be read"
    head = f"*{escape(facts.title)} {what}*" if is_key else f"*{_account(facts)} {what}*"
    mend = "Check the key, its role and that it was not revoked" if is_key else "Answers go on from what is known; I keep trying"
    lines = [f":warning: {head}", f"Since: {moment(since, now)} ({reason})", f"{mend}. `purser doctor` says more."]
    return message(f"{_account(facts)} cannot be read ({reason})", [section("\n".join(lines), limit=CARD)])


def _account_back(facts: AlertFacts) -> Message:
    since, until = _time(facts, "since"), _time(facts, "until") or facts.alert.created_at
    took = f" It took {span(until - since)}." if since is not None else ""
    text = f"{_account(facts)} can be read again.{took}"
    return message(text, [section(text, limit=CARD)])


def _apps_lost(facts: AlertFacts) -> Message:
    lines = [
        f":warning: *{_account(facts)} no longer lists {count(int(facts.alert.facts.get('count', '1')), 'app')}*",
        escape(facts.alert.facts.get("apps", ""), 600),
        "If nobody removed them, the key or the person behind it lost permission, or an agreement lapsed.",
    ]
    return message(f"{_account(facts)} no longer lists some apps", [section("\n".join(lines), limit=CARD)])
