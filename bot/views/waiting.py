"""Tell me when it is ready: the promise, and the direct message that keeps it."""

from datetime import datetime

from bot.domain.answers import AlertFacts, Blocked
from bot.domain.message import Message
from bot.domain.model import Build
from bot.views.ids import Action, encode_build
from bot.views.limits import button, context, message, section
from bot.views.text import PLATFORMS, can_be_had, escape, label, name, size, state


def waiting(why: Blocked, build: Build) -> Message:
    """For who pressed Tell me when it is ready."""
    text = f"I will write to you directly, once, when {label(build)} for {PLATFORMS[build.platform]} is ready."
    where = f"{escape(why.title)} is still processing it." if why.title else "It is still being processed."
    return message(text, [section(text), context(where)])


def ready(facts: AlertFacts, now: datetime) -> Message:
    """The direct message. `channel` among the alert's facts is where the person asked."""
    build = facts.build
    if build is None:
        text = "The build that you wait for is listed no longer."
        return message(text, [section(text)])
    product = f"*{name(facts.product.name)}* " if facts.product is not None else ""
    what = f"{product}{label(build)} for {PLATFORMS[build.platform]}"
    if build.is_expired(now) or not build.state.is_announceable:
        text = f"{what} will not be ready: {state(build, now)}."
        return message(text, [section(text)])
    asked_in = encode_build(build.key, facts.alert.facts.get("channel", ""))
    download = button("Download", Action.DOWNLOAD, asked_in) if can_be_had(build, now) else None
    where = " · ".join(word for word in (escape(facts.title), escape(build.track)) if word)
    small = [word for word in (where, size(build.size) if build.size is not None else "") if word]
    text = f"{what} is ready."
    return message(text, [section(text, download), *([context(" · ".join(small))] if small else [])])
