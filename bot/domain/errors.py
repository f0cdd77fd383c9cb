"""The one error tree. `UserMistake` is safe to show; everything a vendor does wrong is a `ProviderError`."""

from dataclasses import dataclass
from datetime import timedelta
from typing import ClassVar

SAVING_CALLS = "saving_calls"
NOT_OFFERED = "not_offered"  # the vendor does not have this call for this account: nothing to mend, and nothing is known
# Slack could not answer, as opposed to: it answered no. https://docs.slack.dev/reference/methods/users.info#errors
_SLACK_AWAY = frozenset({"no_answer", "ratelimited", "internal_error", "fatal_error", "service_unavailable", "request_timeout"})


class PurserError(Exception):
    """Everything that Purser raises on purpose."""


class UserMistake(PurserError):
    """Something a person can mend. The text is a sentence for that person, without vendor text or secrets."""


@dataclass(eq=False)
class ProviderError(PurserError):
    """A vendor did not do what was asked.

    `operation` is ours ("list builds"), `reason` a short stable code for logs, metrics and tests. Neither holds a secret, an
    address with a token or text that the vendor wrote.
    """

    provider: str
    account: str
    operation: str
    reason: str
    label: ClassVar[str] = "failed"

    def __str__(self) -> str:
        return f"{self.provider}/{self.account}: {self.operation} {self.label} ({self.reason})"


class Unreachable(ProviderError):
    """No usable answer: refused, dropped, timed out, or 5xx after all retries."""

    label = "got no answer"


@dataclass(eq=False)
class RateLimited(ProviderError):
    """429 after all retries, or a call saved before it came to that (reason SAVING_CALLS). `retry_after` is how long the
    vendor wants to be left alone, where it says."""

    retry_after: timedelta | None = None
    label = "was told to slow down"


class Refused(ProviderError):
    """401 or 403: the key, its role or its permissions."""

    label = "was refused"


class AgreementBlocked(ProviderError):
    """403 of the agreement family: a legal paper is missing or has expired."""

    label = "is blocked by an agreement"


class NotFound(ProviderError):
    """The vendor does not know it (any more)."""

    label = "found nothing"


class NotReady(ProviderError):
    """The build is still being processed."""

    label = "is not ready"


class Confused(ProviderError):
    """A body of the wrong shape: HTML where JSON was due, a missing field."""

    label = "got an answer of the wrong shape"


@dataclass(eq=False)
class MessageRefused(PurserError):
    """Slack did not take a message. `reason` is Slack's error code; `retry_after` is set when trying again can help."""

    reason: str
    retry_after: timedelta | None = None

    @property
    def is_outage(self) -> bool:
        """Nothing can be concluded from it: Slack said neither yes nor no."""
        return self.reason in _SLACK_AWAY

    def __str__(self) -> str:
        return f"Slack did not take the message ({self.reason})"


@dataclass
class StoreUnavailable(PurserError):
    """The database cannot be used now; the next try may succeed. `reason` is a short stable code, free of addresses."""

    reason: str

    def __str__(self) -> str:
        return f"the database cannot be used ({self.reason})"


class NotSet(ValueError):
    """A setting is to be read from an environment variable that is not set. The variable's name is safe to show."""

    def __init__(self, variable: str) -> None:
        super().__init__(f"the environment variable {variable} is not set")
        self.variable = variable
