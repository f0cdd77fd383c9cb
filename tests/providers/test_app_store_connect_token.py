"""Tokens as Apple wants them: ES256, at most 20 minutes, backdated, reused until shortly before they end."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)

from providers.app_store_connect.token import TokenKeeper, load_key

KEY = ec.generate_private_key(ec.SECP256R1())
START = datetime(2026, 5, 1, 12, 0, 0, 750_000, tzinfo=UTC)


class Clock:
    def __init__(self) -> None:
        self.now = START

    def __call__(self) -> datetime:
        return self.now


def pem(key: Any, *, encryption: Any = None) -> str:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, encryption or NoEncryption()).decode()


async def token_of(keeper: TokenKeeper) -> str:
    headers = await keeper.headers()
    assert list(headers) == ["Authorization"]
    scheme, _, token = headers["Authorization"].partition(" ")
    assert scheme == "Bearer"
    return token


def claims_of(token: str) -> dict[str, Any]:
    return jwt.decode(
        token,
        KEY.public_key(),
        algorithms=["ES256"],
        audience="appstoreconnect-v1",
        options={"verify_exp": False, "verify_iat": False},
    )


async def test_a_team_key_names_its_issuer() -> None:
    token = await token_of(TokenKeeper(KEY, "2X9R4HXF34", "issuer-1", Clock()))
    assert jwt.get_unverified_header(token) == {"alg": "ES256", "kid": "2X9R4HXF34", "typ": "JWT"}
    claims = claims_of(token)
    assert set(claims) == {"iss", "iat", "exp", "aud"}
    assert claims["iss"] == "issuer-1"


async def test_an_individual_key_names_the_user() -> None:
    claims = claims_of(await token_of(TokenKeeper(KEY, "2X9R4HXF34", None, Clock())))
    assert set(claims) == {"sub", "iat", "exp", "aud"}
    assert claims["sub"] == "user"


async def test_the_token_is_backdated_and_lasts_at_most_twenty_minutes() -> None:
    claims = claims_of(await token_of(TokenKeeper(KEY, "kid", "iss", Clock())))
    assert claims["iat"] == int((START - timedelta(seconds=60)).timestamp())
    assert 600 <= claims["exp"] - claims["iat"] <= 1200


async def test_the_token_is_reused_until_two_minutes_before_it_ends() -> None:
    clock = Clock()
    keeper = TokenKeeper(KEY, "kid", "iss", clock)
    first = await token_of(keeper)
    end = datetime.fromtimestamp(claims_of(first)["exp"], UTC)
    clock.now = end - timedelta(seconds=122)
    assert await token_of(keeper) == first
    clock.now = end - timedelta(seconds=118)
    second = await token_of(keeper)
    assert second != first
    assert claims_of(second)["iat"] == int((clock.now - timedelta(seconds=60)).timestamp())


async def test_renewing_mints_another_token_at_once() -> None:
    keeper = TokenKeeper(KEY, "kid", "iss", Clock())
    first = await token_of(keeper)
    await keeper.renew()
    assert await token_of(keeper) != first


async def test_nothing_of_the_token_shows_in_the_keeper() -> None:
    keeper = TokenKeeper(KEY, "kid", "iss", Clock())
    assert await token_of(keeper) not in repr(keeper)


@pytest.mark.parametrize("spoil", [lambda text: text, lambda text: text.replace("\n", "\\n"), lambda text: f"\n  {text}\n"])
def test_a_p8_file_is_read_as_it_is_kept(spoil: Any) -> None:
    assert load_key(spoil(pem(KEY))).private_numbers() == KEY.private_numbers()


@pytest.mark.parametrize(
    ("made", "complaint"),
    [
        (lambda: "", "is not a private key"),
        (lambda: "not a key at all", "is not a private key"),
        (lambda: "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----", "is not a private key"),
        (lambda: "\N{SNOWMAN}", "is not a private key"),
        (lambda: KEY.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode(), "is not a private key"),
        (lambda: pem(ec.generate_private_key(ec.SECP384R1())), "is a key of another kind"),
        (lambda: pem(ec.generate_private_key(ec.SECP256K1())), "is a key of another kind"),
        (lambda: pem(rsa.generate_private_key(65537, 2048)), "is a key of another kind"),
        (lambda: pem(KEY, encryption=BestAvailableEncryption(b"secret")), "is encrypted"),
    ],
)
def test_what_is_no_apple_key_is_refused_without_showing_it(made: Callable[[], str], complaint: str) -> None:
    """Keys are made when they are needed: whoever collects the tests needs none."""
    text = made()
    with pytest.raises(ValueError, match=complaint) as caught:
        load_key(text)
    material = [line for line in text.splitlines() if line and not line.startswith("-----")]
    assert not any(line in str(caught.value) for line in material)
    assert caught.value.__suppress_context__ or caught.value.__context__ is None
