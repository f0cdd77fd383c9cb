"""The signed token that every call carries.

https://developer.apple.com/documentation/appstoreconnectapi/generating-tokens-for-api-requests
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

import jwt
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, EllipticCurvePrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key

AUDIENCE = "appstoreconnect-v1"
# A clock that runs ahead of Apple's makes a token "issued in the future", which is a 401.
BACKDATED = timedelta(seconds=60)
# Apple's limit is 20 minutes; whether it counts from iat or from now is not written anywhere, so the shorter reading is kept.
LIFETIME = timedelta(minutes=20)
RENEW_BEFORE = timedelta(minutes=2)


def load_key(pem: str) -> EllipticCurvePrivateKey:
    """The key in Apple's .p8 file. Raises ValueError with a sentence that holds no key material."""
    # One-line variables (.env, CI settings) often keep the line ends as the two characters "\n".
    text = pem.replace("\\n", "\n").strip().encode()
    try:
        key = load_pem_private_key(text, password=None)
    except TypeError:
        raise ValueError("is encrypted with a password; use the .p8 file as App Store Connect gave it") from None
    except (ValueError, UnsupportedAlgorithm):
        raise ValueError(
            "is not a private key; give the whole .p8 file from App Store Connect (Users and Access > Integrations),"
            " from BEGIN PRIVATE KEY to END PRIVATE KEY"
        ) from None
    if not isinstance(key, EllipticCurvePrivateKey) or not isinstance(key.curve, SECP256R1):
        raise ValueError("is a key of another kind; App Store Connect signs with an EC P-256 key, the .p8 file it offers once")
    return key


@dataclass(frozen=True, slots=True)
class _Minted:
    header: str
    expires_at: datetime


class TokenKeeper:
    """Mints the bearer token and keeps it until two minutes before it ends. Satisfies `providers.http.Credential`.

    Without `issuer_id` the key is an individual one, whose tokens name a subject in place of an issuer.
    """

    def __init__(self, key: EllipticCurvePrivateKey, key_id: str, issuer_id: str | None, clock: Callable[[], datetime]) -> None:
        self._key = key
        self._key_id = key_id
        self._owner = {"iss": issuer_id} if issuer_id else {"sub": "user"}
        self._clock = clock
        self._minted: _Minted | None = None

    async def headers(self) -> Mapping[str, str]:
        """The Authorization header, with the kept token while it lasts."""
        minted = self._minted
        if minted is None or minted.expires_at - self._clock() <= RENEW_BEFORE:
            minted = self._mint()
        return {"Authorization": minted.header}

    async def renew(self) -> None:
        """Mints a new token whatever the old one's age."""
        self._mint()

    def _mint(self) -> _Minted:
        issued_at = self._clock() - BACKDATED
        expires_at = issued_at + LIFETIME
        claims = self._owner | {
            "iat": int(issued_at.timestamp()),
            "exp": int(expires_at.timestamp()),
            "aud": AUDIENCE,
        }
        token = jwt.encode(claims, self._key, algorithm="ES256", headers={"kid": self._key_id, "typ": "JWT"})
        self._minted = _Minted(f"Bearer {token}", expires_at)
        return self._minted
