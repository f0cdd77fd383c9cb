"""Channels that went quiet by accident: what was to be told is kept, who subscribed is told, and now and then one is tried."""

from collections.abc import Iterable
from datetime import datetime, timedelta

from bot.domain.model import Alert, AlertKind, Delivery, DeliveryState
from bot.domain.ports import Repositories

PROBE_EVERY = timedelta(hours=1)
KEPT = timedelta(days=7)

# What somebody in the channel or an administrator mends: https://docs.slack.dev/reference/methods/chat.postMessage#errors
OF_CHANNEL = frozenset(
    ("channel_not_found", "not_in_channel", "is_archived", "restricted_action", "restricted_action_read_only_channel")
)
# What ails the installation, so that nobody can be told in Slack either; it is tried again sooner.
OF_WORKSPACE = frozenset(
    (
        "account_inactive",
        "invalid_auth",
        "missing_scope",
        "no_permission",
        "not_allowed_token_type",
        "not_authed",
        "org_login_required",
        "team_access_not_granted",
        "token_expired",
        "token_revoked",
    )
)


def is_accident(reason: str, deliveries: Iterable[Delivery]) -> bool:
    """Whether a refusal says something about the channel, and not about the message. What is for one person alone is not kept."""
    to_subscribers = all(delivery.alert.kind.event is not None for delivery in deliveries)
    return reason in OF_WORKSPACE or (reason in OF_CHANNEL and to_subscribers)


def hush(
    repositories: Repositories, channel: str, tried: Iterable[Delivery], reason: str, now: datetime, pause: timedelta
) -> None:
    """Nothing is sent there until the next probe; `pause` is how long that takes where it is not the channel's fault. What
    waited too long has failed."""
    probe_at = now + (PROBE_EVERY if reason in OF_CHANNEL else pause)
    repositories.quiet.note(channel, reason, now, probe_at)
    for delivery in tried:
        repositories.outbox.postpone(delivery.id, probe_at, reason)
    for delivery in repositories.outbox.open_in(channel):
        if delivery.state is DeliveryState.PENDING and delivery.alert.created_at < now - KEPT:
            repositories.outbox.mark_failed(delivery.id, reason)
    if reason in OF_CHANNEL:
        _tell(repositories, channel, reason, now)


def _tell(repositories: Repositories, channel: str, reason: str, now: datetime) -> None:
    """Those who subscribed the channel, once for each time that it goes quiet."""
    quiet = repositories.quiet.get(channel)
    people = {subscription.created_by for subscription in repositories.subscriptions.of_channel(channel)}
    if quiet is None or channel.startswith("D"):
        return
    since = quiet.since.isoformat()
    facts = {"channel": channel, "reason": reason, "since": since}
    repositories.outbox.add(Alert(f"channel_quiet:{channel}:{since}", AlertKind.CHANNEL_QUIET, "", now, facts=facts), people)
