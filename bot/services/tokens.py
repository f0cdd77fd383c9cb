"""What stands in a link: a signed grant id, and nothing else."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from functools import lru_cache

import jwt

from bot.domain.errors import UserMistake
from bot.domain.model import Grant

AUDIENCE = "purser/download"


class Ending(StrEnum):
    """How a link ends."""

    EXPIRED = "expired"
    USED_UP = "used_up"
    REVOKED = "revoked"
    NOTHING_THERE = "nothing_there"  # the build, or the account that had it, is not known any more
    REFUSED = "refused"


class LinkGone(UserMistake):
    """The link was ours and has ended. `grant_id` is for the log, never for the page."""

    def __init__(self, grant_id: str, ending: Ending) -> None:
        super().__init__("This download link has ended.")
        self.grant_id = grant_id
        self.ending = ending


class LinkRefused(LinkGone):
    """The person for whom the link was made may not have the build any more. `reason` is for the log."""

    def __init__(self, grant_id: str, reason: str) -> None:
        super().__init__(grant_id, Ending.REFUSED)
        self.reason = reason


class LinkRevoked(LinkGone):
    """The link was taken back while its file was on the way."""

    def __init__(self, grant_id: str) -> None:
        super().__init__(grant_id, Ending.REVOKED)


class LinkUnknown(UserMistake):
    """The link was never ours, or was changed on its way."""

    def __init__(self) -> None:
        super().__init__("This is not a download link that Purser knows.")


@dataclass(frozen=True, slots=True)
class LinkTokens:
    """Signs grant ids into link tokens. The first key signs, all verify: keys can be changed without an outage."""

    keys: Sequence[str] = field(repr=False)

    def sign(self, grant: Grant) -> str:
        claims = {"aud": AUDIENCE, "exp": grant.expires_at, "jti": grant.id}
        return jwt.encode(claims, self.keys[0], algorithm="HS256")

    def grant_id(self, token: str, now: datetime) -> str:
        """Raises LinkUnknown, and LinkGone when the token's time is over."""
        grant_id, expires = _signed(token, tuple(self.keys))
        if expires <= now.timestamp():
            raise LinkGone(grant_id, Ending.EXPIRED)
        return grant_id


@lru_cache(maxsize=1000)  # a page, its code and each part of its file are asked for with the same token
def _signed(token: str, keys: tuple[str, ...]) -> tuple[str, float]:
    """The grant's id, and when the token ends: the caller compares, because PyJWT reads the system's clock instead of ours.
    Raises LinkUnknown."""
    options: jwt.types.Options = {"require": ["aud", "exp", "jti"], "verify_exp": False}
    for key in keys:
        try:
            claims = jwt.decode(token, key, algorithms=["HS256"], audience=AUDIENCE, options=options)
        except jwt.InvalidTokenError:
            continue
        return str(claims["jti"]), float(claims["exp"])
    raise LinkUnknown
