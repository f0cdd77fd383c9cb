"""API keys and the tokens made with them (Apple, "Generating Tokens for API Requests")."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, EllipticCurvePrivateKey, generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

AUDIENCE = "appstoreconnect-v1"
LONGEST_LIFE = 1200  # seconds


class BadToken(Exception):
    """Why Apple would answer 401; Apple itself does not say."""


@dataclass(frozen=True, slots=True)
class AppleKey:
    """A team key has an issuer; an individual key (`issuer_id` None) does not."""

    key_id: str
    issuer_id: str | None
    private_key: EllipticCurvePrivateKey = field(repr=False)

    @classmethod
    def generate(cls, key_id: str, issuer_id: str | None) -> "AppleKey":
        return cls(key_id, issuer_id, generate_private_key(SECP256R1()))

    @property
    def private_key_pem(self) -> str:
        """The `.p8` file: PKCS#8 PEM."""
        return self.private_key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


def verify(authorization: str, keys: Mapping[str, AppleKey], now: datetime) -> AppleKey:
    """The key that signed. Raises BadToken."""
    scheme, _, token = authorization.partition(" ")
    if scheme.lower() != "bearer" or not token:
        raise BadToken("no bearer token")
    try:
        key = keys.get(_key_id(token))
        if key is None:
            raise BadToken("unknown key id")
        claims = _signed(token, key)
    except jwt.InvalidTokenError as error:
        raise BadToken(str(error)) from error
    _check_times(claims, now.timestamp())
    _check_owner(claims, key)
    return key


# A client sends the same token for minutes, and one request is looked at twice: what a token says stays true, until when it is
# valid is asked each time.
@lru_cache(maxsize=64)
def _key_id(token: str) -> str:
    return str(jwt.get_unverified_header(token).get("kid"))


@lru_cache(maxsize=64)
def _signed(token: str, key: AppleKey) -> Mapping[str, Any]:
    """The claims. Raises jwt.InvalidTokenError."""
    return jwt.decode(
        token,
        key.private_key.public_key(),
        algorithms=["ES256"],
        audience=AUDIENCE,
        options={"require": ["iat", "exp", "aud"], "verify_exp": False, "verify_iat": False, "verify_nbf": False},
    )


def _check_times(claims: Mapping[str, Any], now: float) -> None:
    issued, expires = claims["iat"], claims["exp"]
    if not isinstance(issued, int) or not isinstance(expires, int):
        raise BadToken("iat and exp must be whole seconds")
    if issued > now:
        raise BadToken("issued in the future")
    if expires <= now:
        raise BadToken("expired")
    if max(expires - issued, expires - now) > LONGEST_LIFE:
        raise BadToken("lives longer than 20 minutes")


def _check_owner(claims: Mapping[str, Any], key: AppleKey) -> None:
    owner = (claims.get("iss"), claims.get("sub"))
    expected = (key.issuer_id, None) if key.issuer_id else (None, "user")
    if owner != expected:
        raise BadToken("iss and sub do not fit the key")
