"""`/download` and the Download button: the link, or why there is none."""

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Final

from bot.domain.answers import Blocked, ChoiceAnswer, Limited, Obstacle, Ticket
from bot.domain.message import Block, Message
from bot.domain.model import VENDOR_LINK, Build, Handover, Platform, Product
from bot.views.ids import Action, Ask, encode_build
from bot.views.limits import Element, actions, button, context, listing, message, open_button, section
from bot.views.rows import ROWS, build_rows, download_button
from bot.views.text import (
    PLATFORMS,
    can_be_had,
    code,
    count,
    day,
    escape,
    label,
    moment,
    name,
    plain_label,
    reason_words,
    size,
    span,
    user,
)

BUSINESS_PAGE: Final = "https://appstoreconnect.apple.com/business"
AD_HOC: Final = "An ad hoc build installs only on devices in its provisioning profile"
COMMAND: Final = "download"
PHONES: Final = (Platform.IOS, Platform.ANDROID)
RETRYABLE: Final = (Obstacle.PROCESSING, Obstacle.VENDOR_DOWN, Obstacle.VENDOR_BUSY, Obstacle.CONFUSED)


def ticket(granted: Ticket, now: datetime) -> Message:
    """The link, for the person who asked for it alone."""
    build = granted.build
    title = f"{label(build)} · {PLATFORMS[build.platform]} · {name(granted.title)}"
    open_it = open_button("Open", granted.url, style="primary")
    if open_it is None:
        return message("The link is too long for Slack", [section(f"{title}\n{_TOO_LONG}")])
    text = f"Your link to {label(build)} for {PLATFORMS[build.platform]}"
    lifetime = f"Valid for {_valid(granted.valid_for)}; press Download again for a new one"
    share = button("Share here", Action.SHARE_BUILD, encode_build(build.key))
    buttons = actions(_to_phone(granted), share)
    return message(text, [section(title, open_it), context(lifetime, *_ticket_lines(granted)), *buttons])


def on_the_phone(granted: Ticket, now: datetime) -> Message:
    """The same card in a direct message, where it stays: with the time until which its link lives, and the way to a new one."""
    build = granted.build
    title = f"{label(build)} · {PLATFORMS[build.platform]} · {name(granted.title)}"
    lifetime = f"Valid until {moment(granted.grant.expires_at, now)}; press Download for a new link"
    again = button("Download", Action.DOWNLOAD, encode_build(build.key, granted.grant.channel))
    text = f"Your link to {label(build)} for {PLATFORMS[build.platform]}"
    open_it = open_button("Open", granted.url, style="primary")
    return message(text, [section(title, open_it), context(lifetime, *_ticket_lines(granted)), *actions(again)])


def sent_to_phone(is_new: bool) -> Message:
    text = "It is in your direct messages from me now." if is_new else "It is in your direct messages from me already."
    return message(text, [section(text)])


def _to_phone(granted: Ticket) -> Element | None:
    """Only for what a phone can use, and only a link of our own: a vendor's may serve once."""
    if granted.build.platform not in PHONES or granted.grant.outcome == VENDOR_LINK:
        return None
    return button("Send to my phone", Action.TO_PHONE, granted.grant.id)


def _ticket_lines(granted: Ticket) -> list[str]:
    build = granted.build
    lines: list[str] = []
    if build.handover is Handover.PAGE:
        lines.append(
            "Leads to TestFlight, which installs it" if build.track == "TestFlight" else "Leads to the page to install from"
        )
        return lines
    if build.size is not None:
        lines.append(size(build.size))
    if build.sha256:
        lines.append(f"SHA-256 {code(build.sha256)}")
    if build.platform is Platform.IOS:
        lines.append(AD_HOC)
    return lines


def _valid(length: timedelta) -> str:
    minutes = round(length.total_seconds() / 60)
    return count(minutes, "minute") if 0 < minutes <= 60 else span(length)


def choice(answer: ChoiceAnswer, now: datetime) -> Message:
    """Several builds are meant: one Download button each, where there is something to have."""
    question = "which one?" if any(can_be_had(build, now) for build in answer.builds) else "nothing to download."
    share = button("Share here", Action.SHARE, Ask(COMMAND, answer.asked or answer.product.name).encode())
    return _choice(answer, now, f"*{name(answer.product.name)}*: {question}", actions(share))


def shared_choice(answer: ChoiceAnswer, by: str, now: datetime) -> Message:
    """The same as a card for everybody in a channel. `by` is a Slack user id."""
    return _choice(answer, now, f"*{name(answer.product.name)}*", (context(_shared_by(by)),), lasting=True)


def shared_build(build: Build, product: Product, titles: Mapping[str, str], by: str, now: datetime) -> Message:
    """One build as a card for everybody in a channel."""
    rows = build_rows((build,), titles, now, lasting=True)
    text = f"{name(product.name)} {label(build)} for {PLATFORMS[build.platform]}"
    return message(text, [section(f"*{name(product.name)}*"), *rows, context(_shared_by(by))])


def _shared_by(by: str) -> str:
    return f"Shared by {user(by)}. Download makes a link for the person who presses it."


def _choice(answer: ChoiceAnswer, now: datetime, title: str, tail: tuple[Block, ...], lasting: bool = False) -> Message:
    rows = build_rows(answer.builds[:ROWS], answer.titles, now, lasting) or [section("No builds yet.")]
    return listing(title, (section(title),), rows, tail, len(answer.builds), _more)


def limited(answer: Limited, now: datetime) -> Message:
    """When the next download can be had."""
    had = (
        f"asked for {count(answer.per_hour, 'download')}"
        if answer.of_clicks
        else f"had {count(answer.per_hour, 'download link')}"
    )
    text = (
        f"You {had} within an hour, and one gets no more than that. "
        f"The next can be had at {moment(_next_minute(answer.until), now)}."
    )
    return message(text, [section(text)])


def _next_minute(when: datetime) -> datetime:
    """Not before it is true."""
    return when if not (when.second or when.microsecond) else when.replace(second=0, microsecond=0) + timedelta(minutes=1)


def blocked(why: Blocked, now: datetime) -> Message:
    """Why there is no link, who can change that, and what can be had meanwhile."""
    text = _SENTENCES[why.obstacle](why, now)
    lines = [text]
    other = why.instead if why.instead is not None and (why.build is None or why.instead.key != why.build.key) else None
    if other is not None:
        lines.append(f"The newest that can be had: {label(other)} · {PLATFORMS[other.platform]} · {escape(other.track)}")
    return message(text, [section("\n".join(lines)), *actions(_instead(other, now), _tell_me(why), _again(why), _apple(why))])


def _instead(other: Build | None, now: datetime) -> Element | None:
    return download_button(other, now, text=f"Download {plain_label(other)}") if other is not None else None


def _again(why: Blocked) -> Element | None:
    if why.build is None or why.obstacle not in RETRYABLE:
        return None
    return button("Try again", Action.TRY_AGAIN, encode_build(why.build.key))


def _tell_me(why: Blocked) -> Element | None:
    if why.build is None or why.obstacle is not Obstacle.PROCESSING:
        return None
    return button("Tell me when it is ready", Action.TELL_ME, encode_build(why.build.key))


def _apple(why: Blocked) -> Element | None:
    return open_button("Open App Store Connect", BUSINESS_PAGE) if why.obstacle is Obstacle.AGREEMENT else None


def _more(left: int) -> str:
    return f"and {left:,} more: add a platform, a track or a version to the question"


def _build(why: Blocked) -> str:
    return label(why.build) if why.build is not None else "This build"


def _title(why: Blocked) -> str:
    return escape(why.title or why.account) or "The provider"


def _account(why: Blocked) -> str:
    return f"account {code(why.account)}" if why.account else "the account"


def _reason(why: Blocked) -> str:
    return f" ({reason_words(why.reason)})" if why.reason else ""


def _gone(why: Blocked, now: datetime) -> str:
    return f"{_build(why)} is gone: {_title(why)} no longer lists it."


def _processing(why: Blocked, now: datetime) -> str:
    return f"{_build(why)} is still being processed by {_title(why)}. That usually takes some minutes."


def _failed(why: Blocked, now: datetime) -> str:
    whose = f" by {escape(why.build.uploader)}" if why.build is not None and why.build.uploader else ""
    return f"{_build(why)} failed at {_title(why)} and has no file. A new upload{whose} is needed."


def _expired(why: Blocked, now: datetime) -> str:
    when = f" on {day(why.build.expires_at)}" if why.build is not None and why.build.expires_at else ""
    return f"{_build(why)} expired{when}; {_title(why)} no longer hands it out."


def _no_file(why: Blocked, now: datetime) -> str:
    if why.build is not None and why.build.track == "TestFlight":
        return (
            f"{_build(why)} has no public TestFlight link. An App Manager of {_account(why)} can turn one on for a tester group."
        )
    return f"{_title(why)} lists {_build(why)} but hands out no file and no page for it."


def _no_public_url(why: Blocked, now: datetime) -> str:
    return (
        f"{_title(why)} gives files only to Purser, and Purser has no address of its own to pass them on. "
        "Whoever runs Purser sets `PUBLIC_URL`."
    )


def _vendor_down(why: Blocked, now: datetime) -> str:
    since = f" since {moment(why.since, now)}" if why.since is not None else ""
    well = f" Last good reading: {moment(why.well_at, now)}." if why.well_at is not None and not since else ""
    return f"{_title(why)} has not answered{since}{_reason(why)}.{well} Lists still work, and so do downloads from elsewhere."


def _vendor_busy(why: Blocked, now: datetime) -> str:
    return f"{_title(why)} asked me to slow down. Try again in a minute."


def _refused(why: Blocked, now: datetime) -> str:
    return (
        f"{_title(why)} refuses the key of {_account(why)}{_reason(why)}. Whoever runs Purser must check the key and its role; "
        "`purser doctor` says what is wrong."
    )


def _confused(why: Blocked, now: datetime) -> str:
    return (
        f"{_title(why)} answered something that I do not understand{_reason(why)}. "
        f"If it stays like this, tell whoever runs Purser; it is about {_account(why)}."
    )


def _agreement(why: Blocked, now: datetime) -> str:
    since = f" since {moment(why.since, now)}" if why.since is not None else ""
    return (
        f"Apple has blocked {_account(why)}{since}: an agreement has to be accepted. "
        "Only the Account Holder can do that, in App Store Connect under Business."
    )


_TOO_LONG: Final = "The vendor's link is longer than Slack allows. Whoever runs Purser sets `PUBLIC_URL`; links are short then."
_SENTENCES: Final[Mapping[Obstacle, Callable[[Blocked, datetime], str]]] = {
    Obstacle.GONE: _gone,
    Obstacle.PROCESSING: _processing,
    Obstacle.FAILED: _failed,
    Obstacle.EXPIRED: _expired,
    Obstacle.NO_FILE: _no_file,
    Obstacle.NO_PUBLIC_URL: _no_public_url,
    Obstacle.VENDOR_DOWN: _vendor_down,
    Obstacle.VENDOR_BUSY: _vendor_busy,
    Obstacle.REFUSED: _refused,
    Obstacle.CONFUSED: _confused,
    Obstacle.AGREEMENT: _agreement,
}
