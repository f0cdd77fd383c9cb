"""What Apple's answers say about agreements. Codes and titles: developer forum threads, fastlane, App-Store-Connect-CLI."""

from datetime import UTC, datetime

import pytest

from bot.domain.errors import AgreementBlocked, Confused, NotFound, ProviderError, RateLimited, Refused, Unreachable
from bot.domain.model import AccountStatus, AgreementState
from providers.app_store_connect.agreements import Area, account_status, agreement_code

NOW = datetime(2026, 5, 1, tzinfo=UTC)
MISSING = "FORBIDDEN.REQUIRED_AGREEMENTS_MISSING_OR_EXPIRED"


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("FORBIDDEN.REQUIRED_AGREEMENTS_MISSING_OR_EXPIRED", MISSING),
        ("FORBIDDEN_ERROR.REQUIRED_AGREEMENTS_MISSING_OR_EXPIRED", "FORBIDDEN_ERROR.REQUIRED_AGREEMENTS_MISSING_OR_EXPIRED"),
        ("FORBIDDEN_ERROR.PLA_NOT_VALID", "FORBIDDEN_ERROR.PLA_NOT_VALID"),
        ("FORBIDDEN.PLA_NOT_VALID", "FORBIDDEN.PLA_NOT_VALID"),
        ("FORBIDDEN_ERROR.PLA_NOT_ACCEPTED", "FORBIDDEN_ERROR.PLA_NOT_ACCEPTED"),
        ("forbidden_error.pla_not_accepted", "FORBIDDEN_ERROR.PLA_NOT_ACCEPTED"),
        ("FORBIDDEN.REQUIRED_AGREEMENTS_MISSING_OR_EXPIRED.PAID_APPS", MISSING),
    ],
)
def test_codes_of_the_agreement_family(code: str, expected: str) -> None:
    assert agreement_code([code]) == expected


@pytest.mark.parametrize(
    "code",
    [
        "FORBIDDEN_ERROR",
        "FORBIDDEN",
        "FORBIDDEN.MISSING_ROLE",
        "FORBIDDEN_ERROR.",
        "NOT_AUTHORIZED",
        "REQUIRED_AGREEMENTS_MISSING_OR_EXPIRED",
        "PLA_NOT_VALID",
        "STATE_ERROR.PLA_NOT_VALID",
        "FORBIDDEN_ERRORS.PLA_NOT_VALID",
        "XFORBIDDEN.PLA_NOT_VALID",
        "FORBIDDEN_ERROR.OTHER.PLA_NOT_VALID",
        "FORBIDDEN_ERROR.PLA_NOT_VALID_YET",
        "",
    ],
)
def test_codes_about_something_else(code: str) -> None:
    assert agreement_code([code]) is None


def test_any_of_several_codes_counts() -> None:
    assert agreement_code(["FORBIDDEN_ERROR", MISSING]) == MISSING
    assert agreement_code([]) is None


def error(kind: type[ProviderError], reason: str) -> ProviderError:
    return kind("app_store_connect", "acme-apple", "check agreements", reason)


BLOCKED = error(AgreementBlocked, MISSING)
ROLE = error(Refused, "forbidden")
KEY = error(Refused, "unauthorized")
MISSING_PATH = error(NotFound, "not_found")
TIMEOUT = error(Unreachable, "timeout")
HTML = error(Confused, "html")
BUSY = error(RateLimited, "rate_limited")


def judge(account: ProviderError | None, apps: ProviderError | None, signing: ProviderError | None) -> AccountStatus:
    return account_status("acme-apple", NOW, {Area.ACCOUNT: account, Area.APPS: apps, Area.SIGNING: signing})


@pytest.mark.parametrize(
    ("account", "apps", "signing", "state", "code", "blocked"),
    [
        (MISSING_PATH, None, None, AgreementState.IN_FORCE, None, ()),
        (None, None, None, AgreementState.IN_FORCE, None, ()),
        (MISSING_PATH, None, ROLE, AgreementState.IN_FORCE, None, ()),
        (ROLE, None, None, AgreementState.IN_FORCE, None, ()),
        (BLOCKED, BLOCKED, BLOCKED, AgreementState.BLOCKED, MISSING, ("apps", "signing")),
        (MISSING_PATH, BLOCKED, None, AgreementState.BLOCKED, MISSING, ("apps",)),
        (MISSING_PATH, None, BLOCKED, AgreementState.BLOCKED, MISSING, ("signing",)),
        (BLOCKED, None, None, AgreementState.BLOCKED, MISSING, ("account",)),
        (TIMEOUT, HTML, BLOCKED, AgreementState.BLOCKED, MISSING, ("signing",)),
        (BLOCKED, ROLE, TIMEOUT, AgreementState.BLOCKED, MISSING, ("account",)),
        (MISSING_PATH, ROLE, ROLE, AgreementState.REFUSED, "forbidden", ()),
        (KEY, KEY, KEY, AgreementState.REFUSED, "unauthorized", ()),
        (TIMEOUT, KEY, TIMEOUT, AgreementState.REFUSED, "unauthorized", ()),
        (MISSING_PATH, TIMEOUT, None, AgreementState.UNKNOWN, "timeout", ()),
        (MISSING_PATH, HTML, None, AgreementState.UNKNOWN, "html", ()),
        (MISSING_PATH, BUSY, None, AgreementState.UNKNOWN, "rate_limited", ()),
        (MISSING_PATH, MISSING_PATH, None, AgreementState.UNKNOWN, "not_found", ()),
        (TIMEOUT, None, None, AgreementState.UNKNOWN, "timeout", ()),
        (MISSING_PATH, None, TIMEOUT, AgreementState.UNKNOWN, "timeout", ()),
    ],
)
def test_the_three_answers_read_together(
    account: ProviderError | None,
    apps: ProviderError | None,
    signing: ProviderError | None,
    state: AgreementState,
    code: str | None,
    blocked: tuple[str, ...],
) -> None:
    assert judge(account, apps, signing) == AccountStatus("acme-apple", state, NOW, code, blocked)


def test_an_individual_key_answers_for_apps_alone() -> None:
    status = account_status("acme-apple", NOW, {Area.ACCOUNT: MISSING_PATH, Area.APPS: None})
    assert status.state is AgreementState.IN_FORCE


def test_without_an_answer_about_apps_nothing_is_in_force() -> None:
    assert account_status("acme-apple", NOW, {Area.ACCOUNT: MISSING_PATH}).state is AgreementState.UNKNOWN
