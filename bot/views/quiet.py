"""A channel into which Slack does not let us write: what whoever subscribed it reads, and the line in `status`."""

from datetime import UTC, datetime
from typing import Final

from bot.domain.answers import AlertFacts
from bot.domain.message import Message
from bot.domain.model import QuietChannel
from bot.views.limits import message, section
from bot.views.text import channel, code, moment, user

_WORDS: Final = {
    "is_archived": "it is archived",
    "not_in_channel": "I am not in it",
    "channel_not_found": "it is private without me, or gone",
    "restricted_action": "I may not post there",
    "restricted_action_read_only_channel": "I may not post there",
    "is_ext_shared": "it is shared with another organisation, whose people may not see builds",
    "missing_scope": "my installation lacks a permission",
    "token_revoked": "my token was revoked",
    "account_inactive": "my token was revoked",
    "invalid_auth": "Slack refuses my token",
    "not_authed": "Slack refuses my token",
    "token_expired": "my token has expired",
}
_MEND: Final = {
    "is_archived": "Unarchive it and invite me",
    "not_in_channel": "Invite me there",
    "channel_not_found": "Invite me there",
    "is_ext_shared": f"End the sharing, or ask whoever runs Purser to allow it ({code('external = true')})",
}


def went_quiet(facts: AlertFacts, now: datetime) -> Message:
    """The direct message to whoever subscribed the channel."""
    told = facts.alert.facts
    if "channel" not in told:
        return _could_not_write(facts, now)
    where, reason = channel(told.get("channel", "")), told.get("reason", "")
    mend = _MEND.get(reason, "Ask an administrator to let me post there")
    text = f"I can no longer write to {where}: {why_quiet(reason)}."
    after = f"{mend}, and what it missed in the last seven days follows within an hour. Or subscribe another channel."
    return message(text, [section(f"{text}\n{after}")])


def _could_not_write(facts: AlertFacts, now: datetime) -> Message:
    """It can only be read when Slack takes messages again."""
    since = facts.alert.created_at.astimezone(UTC)
    text = f"From {moment(since, now)} on I could write to no channel: {why_quiet(facts.alert.facts.get('reason', ''))}."
    return message(text, [section(f"{text}\nI can again. What your channels missed in the last seven days follows.")])


def quiet_line(quiet: QuietChannel, now: datetime) -> str:
    """For `status`."""
    return f"Cannot write to {place(quiet.channel)} since {moment(quiet.since.astimezone(UTC), now)}: {why_quiet(quiet.reason)}"


def place(id: str) -> str:
    """A channel, a person, or the conversation with one."""
    where = user(id) if id.startswith(("U", "W")) else channel(id)
    return "a direct conversation" if id.startswith("D") else where


def why_quiet(reason: str) -> str:
    """Slack's code in words."""
    return _WORDS.get(reason) or f"Slack says {code(reason)}"
