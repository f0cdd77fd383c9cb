"""Channels that went quiet by accident: what was to be told is kept, who subscribed is told, and now and then one is tried."""

from collections.abc import Iterable
from datetime import datetime, timedelta

from bot.domain.model import Alert, AlertKind, Delivery, DeliveryState, EventKind
from bot.domain.ports import Repositories

PROBE_EVERY = timedelta(hours=1)
SOONEST, LATEST = timedelta(seconds=5), timedelta(minutes=15)  # between two probes when all of Slack refuses us
KEPT = timedelta(days=7)

# Not a refusal of Slack's, but of ours: people of other organisations read the channel, and may not see builds.
IS_EXT_SHARED = "is_ext_shared"
# What somebody in the channel or an administrator mends: https://docs.slack.dev/reference/methods/chat.postMessage#errors
OF_CHANNEL = frozenset(
    (
        "channel_not_found",
        "not_in_channel",
        "is_archived",
        "restricted_action",
        "restricted_action_read_only_channel",
        IS_EXT_SHARED,
    )
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


def hush(repositories: Repositories, channel: str, tried: Iterable[Delivery], reason: str, now: datetime) -> None:
    """Nothing is sent there until the next probe, which uses up no attempt. What waited too long has failed."""
    quiet = repositories.quiet.get(channel)
    quiet_for = now - quiet.since if quiet else timedelta(0)
    probe_at = now + (PROBE_EVERY if reason in OF_CHANNEL else min(max(quiet_for, SOONEST), LATEST))
    repositories.quiet.note(channel, reason, now, probe_at)
    for delivery in tried:
        repositories.outbox.hold(delivery.id, probe_at, reason)
    for delivery in repositories.outbox.open_in(channel):
        if delivery.state is DeliveryState.PENDING and _is_stale(repositories, delivery.alert, now):
            repositories.outbox.mark_failed(delivery.id, reason)
    if reason in OF_CHANNEL:
        _tell_of_channel(repositories, channel, reason, now)
    else:
        _tell_of_workspace(repositories, channel, reason, now)


def _is_stale(repositories: Repositories, alert: Alert, now: datetime) -> bool:
    """What blocks an account is worth telling for as long as it does."""
    if alert.created_at >= now - KEPT:
        return False
    if alert.kind.event is not EventKind.AGREEMENTS or "since" not in alert.facts:
        return True
    incident = repositories.agreements.incident(alert.account, datetime.fromisoformat(alert.facts["since"]))
    return incident is None or incident.until is not None


def _tell_of_channel(repositories: Repositories, channel: str, reason: str, now: datetime) -> None:
    """Those who subscribed the channel, once for each time that it goes quiet."""
    quiet = repositories.quiet.get(channel)
    people = _subscribers(repositories, channel)
    if quiet is None or not people:
        return
    since = quiet.since.isoformat()
    facts = {"channel": channel, "reason": reason, "since": since}
    repositories.outbox.add(Alert(f"channel_quiet:{channel}:{since}", AlertKind.CHANNEL_QUIET, "", now, facts=facts), people)


def _tell_of_workspace(repositories: Repositories, channel: str, reason: str, now: datetime) -> None:
    """Each of those who subscribed a channel, once, however many channels it concerns. Slack takes it when it is mended."""
    since = min(quiet.since for quiet in repositories.quiet.all() if quiet.reason in OF_WORKSPACE).isoformat()
    facts = {"reason": reason, "since": since}
    for person in sorted(_subscribers(repositories, channel)):
        told = Alert(f"workspace_quiet:{person}:{since}", AlertKind.CHANNEL_QUIET, "", now, facts=facts)
        repositories.outbox.add(told, [person])


def _subscribers(repositories: Repositories, channel: str) -> frozenset[str]:
    """Whoever can be told elsewhere: a direct conversation has nobody else."""
    if channel.startswith("D"):
        return frozenset()
    return frozenset(subscription.created_by for subscription in repositories.subscriptions.of_channel(channel))
