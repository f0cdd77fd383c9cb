"""What went wrong with a vendor, and what to do about it: for terminals, whose readers run Purser."""

from bot.domain.errors import (
    AgreementBlocked,
    Confused,
    NotFound,
    ProviderError,
    RateLimited,
    Refused,
    Unreachable,
)
from providers import SPECS

UNLISTED = "correct the ids under apps of its [[products]] table"

_OF_PROVIDERS: tuple[tuple[type[ProviderError], str], ...] = (
    (AgreementBlocked, "the Account Holder accepts the agreement at https://appstoreconnect.apple.com/business"),
    (Refused, "check the key or token of this account, its role, that nobody revoked it, and this machine's clock"),
    (RateLimited, "wait; if it stays, raise poll_every"),
    (NotFound, "check the ids, the organisation and the addresses of this account"),
    (Unreachable, "check the addresses of this account, the network and the vendor's status page"),
    (Confused, "check the addresses of this account: something else answers there"),
)


def problem(error: ProviderError) -> str:
    """What happened, without the account's name, which stands beside it."""
    return f"{error.operation} {error.label} ({error.reason})"


def remedy(error: ProviderError) -> str:
    """What the vendor's own pages call it, else what helps with errors of its class."""
    own = SPECS[error.provider].remedies if error.provider in SPECS else {}
    return own.get(error.reason) or next((text for kind, text in _OF_PROVIDERS if isinstance(error, kind)), "try again later")
