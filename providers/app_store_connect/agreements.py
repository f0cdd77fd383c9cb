"""What Apple's answers say about an account's agreements. Pure.

There is no agreements endpoint: an unsigned or expired agreement shows itself as 403 on ordinary requests, and only once Apple
enforces it. `GET /v1/agreements` is refused in the same way on a blocked account and is an unknown path (404) on a healthy one
(Apple Developer Forums, "Is there a reliable way to check pending agreement status for multiple App Store Connect accounts via
API?").
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from bot.domain.errors import AgreementBlocked, NotFound, ProviderError, Refused
from bot.domain.model import AccountStatus, AgreementState

_PREFIXES = frozenset({"FORBIDDEN", "FORBIDDEN_ERROR"})
_AGREEMENT_CODES = frozenset({"REQUIRED_AGREEMENTS_MISSING_OR_EXPIRED", "PLA_NOT_VALID", "PLA_NOT_ACCEPTED"})


def agreement_code(codes: Iterable[str]) -> str | None:
    """The first of a 403's codes that belongs to the agreement family, in Apple's spelling without deeper segments.

    Codes are dotted. Both first segments are in use for the same fact, and a bare FORBIDDEN_ERROR is about roles.
    """
    for code in codes:
        prefix, _, rest = code.upper().partition(".")
        fact = rest.partition(".")[0]
        if prefix in _PREFIXES and fact in _AGREEMENT_CODES:
            return f"{prefix}.{fact}"
    return None


class Area(StrEnum):
    """What one probe asks about."""

    ACCOUNT = "account"
    APPS = "apps"
    SIGNING = "signing"


@dataclass(frozen=True, slots=True)
class _Findings:
    """The probes' answers, sorted by what they say."""

    blocked: Mapping[Area, AgreementBlocked]
    refused: Mapping[Area, Refused]
    unclear: Mapping[Area, ProviderError]


def account_status(account: str, checked_at: datetime, answers: Mapping[Area, ProviderError | None]) -> AccountStatus:
    """Reads the probes' answers together (None: answered). `code` is Apple's when blocked, else our reason for not knowing."""
    found = _sort(answers)
    if found.blocked:
        code = next(iter(found.blocked.values())).reason
        return AccountStatus(account, AgreementState.BLOCKED, checked_at, code, _blocked_areas(found.blocked))
    if Area.APPS in found.refused:
        return AccountStatus(account, AgreementState.REFUSED, checked_at, found.refused[Area.APPS].reason)
    if found.unclear or Area.APPS not in answers:
        reason = next((error.reason for error in found.unclear.values()), "not_asked")
        return AccountStatus(account, AgreementState.UNKNOWN, checked_at, reason)
    return AccountStatus(account, AgreementState.IN_FORCE, checked_at)


def _sort(answers: Mapping[Area, ProviderError | None]) -> _Findings:
    blocked: dict[Area, AgreementBlocked] = {}
    refused: dict[Area, Refused] = {}
    unclear: dict[Area, ProviderError] = {}
    for area, error in answers.items():
        if isinstance(error, AgreementBlocked):
            blocked[area] = error
        elif isinstance(error, Refused):
            refused[area] = error
        elif error is not None and not (area is Area.ACCOUNT and isinstance(error, NotFound)):
            unclear[area] = error
    return _Findings(blocked, refused, unclear)


def _blocked_areas(blocked: Iterable[Area]) -> tuple[str, ...]:
    """The areas people know; the account's own probe counts only when nothing else says where it hurts."""
    areas = tuple(area.value for area in Area if area in set(blocked))
    return tuple(area for area in areas if area != Area.ACCOUNT) or areas
