"""Cards that are posted when something happens. They stay where they are, so they tell points in time and not ages."""

from datetime import UTC, datetime
from typing import Final

from bot.domain.answers import AlertFacts
from bot.domain.message import Message
from bot.domain.model import AlertKind, Build, BuildState, EventKind
from bot.views import incidents
from bot.views.expiries import digest
from bot.views.ids import Action, Ask, encode_build
from bot.views.limits import Element, actions, button, confirmed, context, message, section
from bot.views.quiet import went_quiet
from bot.views.rows import download_button
from bot.views.text import PLATFORMS, STATES, code, count, escape, label, moment, name, quote, reason_words, size, span, state
from bot.views.versions import COMMAND
from bot.views.waiting import ready

GONE: Final = "gone"  # as bot.services.news says it of a build that is no longer listed
CARD: Final = 600  # characters of a card's first lines
BRANCH: Final = 60  # characters shown of a branch
COMMIT: Final = 10  # characters shown of a commit's hash


def card(facts: AlertFacts, now: datetime) -> Message:
    """What a subscribed channel reads."""
    match facts.alert.kind:
        case AlertKind.NEW_BUILD | AlertKind.BUILD_CHANGED:
            return _gone(facts) if facts.build is None or facts.is_gone else _build(facts, facts.build, now)
        case AlertKind.AGREEMENT_BLOCKED | AlertKind.AGREEMENT_REMINDER | AlertKind.AGREEMENT_CLEARED:
            return incidents.card(facts, now)
        case AlertKind.ACCOUNT_DOWN:
            return _account_down(facts, now)
        case AlertKind.ACCOUNT_BACK:
            return _account_back(facts)
        case AlertKind.APPS_LOST | AlertKind.APPS_UNREAD:
            return _apps_lost(facts) if facts.alert.kind is AlertKind.APPS_LOST else _apps_unread(facts, now)
        case AlertKind.EXPIRIES:
            return digest(facts, now)
        case AlertKind.READY:
            return ready(facts, now)
        case AlertKind.CHANNEL_QUIET:
            return went_quiet(facts, now)


def line(facts: AlertFacts) -> Message:
    """What a later fact adds to the thread of the card of its build or incident."""
    if facts.alert.kind.event is EventKind.AGREEMENTS:
        return incidents.line(facts)
    change = f"now {_state_words(facts, 'to')}, was {_state_words(facts, 'from')}."
    what = f"{label(facts.build)} for {PLATFORMS[facts.build.platform]}: " if facts.build is not None else ""
    text = what + change if what else change.capitalize()
    return message(text, [section(text)])


def _build(facts: AlertFacts, build: Build, now: datetime) -> Message:
    place = [word for word in (escape(facts.title), escape(build.track)) if word]
    title = " · ".join((f"*{_product(facts)}* {label(build)}", PLATFORMS[build.platform], *place))
    notes = quote(build.notes)
    blocks = [
        section(title, download_button(build, now), CARD),
        *([section(notes)] if notes else []),
        context(" · ".join(_small_print(build, now))),
        *actions(_share(build), _all_versions(facts), _mute(facts)),
    ]
    what = "Failed build" if build.state is BuildState.FAILED else "New build"
    return message(f"{what}: {_product(facts)} {label(build)} for {PLATFORMS[build.platform]}", blocks)


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


def _share(build: Build) -> Element:
    """Brings a build that people talk about down to where they talk, under the name of whoever shares it."""
    return button("Share", Action.SHARE_BUILD, encode_build(build.key))


def _all_versions(facts: AlertFacts) -> Element | None:
    if facts.product is None:
        return None
    return button("All versions", Action.ASK, Ask(COMMAND, facts.product.name).encode())


def _mute(facts: AlertFacts) -> Element | None:
    if facts.product is None:
        return None
    product = facts.product.name[:60]
    mute = button("Mute this product here", Action.MUTE, Ask("mute", facts.product.id).encode())
    return confirmed(mute, "Mute here", f"This channel will hear nothing more about {product}, for everybody in it.", "Mute")


def _product(facts: AlertFacts) -> str:
    return name(facts.product.name) if facts.product is not None else f"an app of {name(facts.alert.account)}"


def _account(facts: AlertFacts) -> str:
    title = f" ({escape(facts.title)})" if facts.title else ""
    return f"{name(facts.alert.account)}{title}"


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


def _apps_unread(facts: AlertFacts, now: datetime) -> Message:
    since, amount = _time(facts, "since") or facts.alert.created_at, count(int(facts.alert.facts.get("count", "1")), "app")
    reasons = ", ".join(reason_words(reason) for reason in facts.alert.facts.get("reason", "").split(", "))
    lines = [
        f":warning: *{amount} of {_account(facts)} cannot be read*",
        escape(facts.alert.facts.get("apps", ""), 600),
        f"Since: {moment(since, now)} ({reasons})",
        "The account's other apps can. Check that the key, or the person behind it, may still see these.",
    ]
    return message(f"{amount} of {_account(facts)} cannot be read", [section("\n".join(lines), limit=CARD)])
