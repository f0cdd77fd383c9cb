"""Pure: which facts of a check are worth telling."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from bot.domain.model import AccountHealth, Alert, AlertKind, Build, BuildState, Handover

LATE = timedelta(days=1)  # a vendor may show a build this long after its upload and it is still news
GONE = "gone"  # the state, in an alert's facts, of a build that its vendor no longer lists
SILENT = "silent"  # among an alert's facts: the card follows, and nothing is said in its thread
LOUD = (BuildState.IN_REVIEW, BuildState.APPROVED, BuildState.LIVE, BuildState.REJECTED, BuildState.FAILED)
"""States worth a message of their own where the build has no card yet; others only change the card."""


@dataclass(frozen=True, slots=True)
class News:
    """Something about a build. `facts` as in Alert; `is_loud`: also for channels that have no card of this build.

    `again` is told in its place when this was told before: a vendor may go back to processing, or answer with what was true
    a moment ago. The last of them is silent.
    """

    kind: AlertKind
    build: Build
    fingerprint: str
    is_loud: bool = True
    facts: Mapping[str, str] = field(default_factory=dict)
    again: "News | None" = None

    def alert(self, product_id: str, at: datetime) -> Alert:
        return Alert(
            fingerprint=self.fingerprint,
            kind=self.kind,
            account=self.build.account,
            created_at=at,
            product_id=product_id,
            build_key=self.build.key,
            facts=self.facts,
        )


def news_of(
    before: Build | None, now: Build, health: AccountHealth, app_was_known: bool, at: datetime, *, is_back: bool = False
) -> News | None:
    """What there is to tell of one build after a check; `before` is what the store had of it, `is_back`: it was gone. What failed
    between two checks was processing before.
    """
    if _can_be_used_for_the_first_time(before, now, health, app_was_known):
        again = _changed(now, before.state, now.state, is_loud=False, at=at) if before else None
        return News(AlertKind.NEW_BUILD, now, f"new_build:{now.key}", again=again)
    if before is None:
        is_told = now.state is BuildState.FAILED and _is_fresh(now, health, app_was_known)
        return _changed(now, BuildState.PROCESSING, now.state, is_loud=True, at=at) if is_told else None
    if before.state is now.state and not is_back:
        return None
    is_loud = now.state in LOUD and before.state is not now.state
    return _changed(now, GONE if is_back else before.state, now.state, is_loud=is_loud, at=at)


def gone(build: Build, at: datetime) -> News:
    """The vendor no longer lists this build."""
    return _changed(build, build.state, GONE, is_loud=False, at=at)


def _changed(build: Build, old: str, new: str, *, is_loud: bool, at: datetime) -> News:
    """Each state is said once in the same hour. It can come back (in review, rejected, in review again), and where a vendor's
    servers disagree it does so with every check: then only the card goes with it."""
    kind, facts, subject = AlertKind.BUILD_CHANGED, {"from": str(old), "to": str(new)}, f"build_changed:{build.key}"
    silent = News(kind, build, f"{subject}:{old}>{new}:{at.isoformat()}", is_loud=False, facts=facts | {SILENT: "yes"})
    return News(kind, build, f"{subject}:{new}:{at:%Y-%m-%dT%H}", is_loud, facts, again=silent)


def _can_be_used_for_the_first_time(before: Build | None, now: Build, health: AccountHealth, app_was_known: bool) -> bool:
    """A build never seen is news unless it is plainly old: the account was just allowed to see it.

    A version that is only being prepared (no known state, nothing to be had) is news when it goes on, and so is a build that
    failed or had expired before anybody could use it. Whether it was told before, its fingerprint knows.
    """
    if not now.state.is_announceable or (now.state is BuildState.OTHER and now.handover is Handover.NONE):
        return False
    if before is not None:
        return not before.state.is_announceable
    return _is_fresh(now, health, app_was_known)


def _is_fresh(now: Build, health: AccountHealth, app_was_known: bool) -> bool:
    """Whether a build that was never seen came since the account was read last, as far as anybody can know."""
    if now.uploaded_at is None or health.ok_at is None:
        return app_was_known
    return now.uploaded_at >= health.ok_at - LATE
