"""Appcircle's credentials: exactly one kind, each exchanged in its own way."""

from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from bot.domain.errors import Refused
from bot.sandbox.vendors import PretendAppcircle
from providers.appcircle import SPEC, AppcircleSettings
from providers.appcircle.client import Appcircle
from providers.appcircle.token import api_key, personal_access_key, personal_api_token
from providers.spec import SecretSources, Surroundings

SECRET = "pat_0123456789abcdef"
GUID = "6fbd094c-18cb-4bcd-bc6f-cf2aee752982"
TOKEN = {"personal_api_token": "env:SECRET"}
ACCESS_KEY = {"personal_access_key": "env:SECRET"}
API_KEY = {"api_key_name": "purser", "api_key_secret": "env:SECRET"}
ONE_KIND = "needs exactly one credential: personal_api_token, personal_access_key, or api_key_name with api_key_secret"


def parse(**changes: Any) -> AppcircleSettings:
    table = {"name": "acme-store", "provider": "appcircle", "store_url": "https://store.acme.com"} | changes
    return AppcircleSettings.model_validate(table, context=SecretSources({"SECRET": SECRET}, Path()))


@pytest.mark.parametrize(
    ("credential", "exchange"),
    [
        (TOKEN, personal_api_token(SECRET)),
        (ACCESS_KEY, personal_access_key(SECRET)),
        (ACCESS_KEY | {"sub_organization": GUID}, personal_access_key(SECRET, GUID)),
        (API_KEY, api_key("purser", SECRET)),
        (API_KEY | {"organization_id": GUID.upper()}, api_key("purser", SECRET, GUID)),
    ],
)
def test_each_kind_of_credential(credential: dict[str, str], exchange: Any) -> None:
    settings = parse(**credential)
    assert settings.exchange == exchange
    assert SECRET not in repr(settings)
    assert SECRET not in repr(settings.exchange)


@pytest.mark.parametrize(
    ("credential", "sentence"),
    [
        ({}, ONE_KIND),
        (TOKEN | ACCESS_KEY, ONE_KIND),
        (TOKEN | API_KEY, ONE_KIND),
        (ACCESS_KEY | API_KEY, ONE_KIND),
        (TOKEN | ACCESS_KEY | API_KEY, ONE_KIND),
        ({"api_key_name": "purser"}, "needs api_key_name and api_key_secret together"),
        ({"api_key_secret": "env:SECRET"}, "needs api_key_name and api_key_secret together"),
        (TOKEN | {"api_key_name": "purser"}, "needs api_key_name and api_key_secret together"),
        (TOKEN | {"sub_organization": GUID}, "sub_organization, which goes with personal_access_key alone"),
        (ACCESS_KEY | {"organization_id": GUID}, "organization_id, which goes with api_key_name and api_key_secret alone"),
        (ACCESS_KEY | {"sub_organization": "acme"}, "valid UUID"),
        (API_KEY | {"api_key_name": ""}, "at least 1 character"),
    ],
)
def test_any_other_mixture_gets_a_sentence(credential: dict[str, str], sentence: str) -> None:
    with pytest.raises(ValidationError) as caught:
        parse(**credential)
    assert sentence in str(caught.value)
    assert SECRET not in str(caught.value)


@pytest.fixture
def vendor(still_clock: Any) -> PretendAppcircle:
    return PretendAppcircle(still_clock)


async def sign_in(vendor: PretendAppcircle, serve: Any, surroundings: Surroundings, **credential: Any) -> None:
    """Signs in to a vendor whose auth host is another one than its API."""
    api, auth = await serve(vendor.app), await serve(vendor.app)
    secrets = {"PAT": vendor.personal_api_token, "KEY": vendor.api_key_secret, "WRONG": "wrong"}
    table = {"name": "acme", "provider": "appcircle", "store_url": api, "api_url": api, "auth_url": auth} | credential
    client = SPEC.connect(AppcircleSettings.model_validate(table, context=SecretSources(secrets, Path())), surroundings)
    assert isinstance(client, Appcircle)
    try:
        await client.list_apps()
    finally:
        await client.aclose()
    exchange = vendor.requests[0]
    assert exchange.headers["host"] == auth.removeprefix("http://")
    assert exchange.headers["content-type"] == "application/x-www-form-urlencoded"
    assert [request.credential for request in vendor.requests] == ["", *["access token"] * 4]


@pytest.mark.parametrize(
    ("credential", "path", "fields"),
    [
        ({"personal_api_token": "env:PAT"}, "/auth/v1/token", ["pat"]),
        ({"personal_access_key": "env:PAT"}, "/auth/v3/token", ["personalAccessKey"]),
        (
            {"personal_access_key": "env:PAT", "sub_organization": "below"},
            "/auth/v3/token",
            ["personalAccessKey", "subOrganization"],
        ),
        ({"api_key_name": "purser", "api_key_secret": "env:KEY"}, "/auth/v1/api-key/token", ["name", "secret"]),
        (
            {"api_key_name": "purser", "api_key_secret": "env:KEY", "organization_id": "own"},
            "/auth/v1/api-key/token",
            ["name", "secret", "organizationId"],
        ),
    ],
)
async def test_each_kind_signs_in(
    vendor: PretendAppcircle, serve: Any, surroundings: Surroundings, credential: dict[str, str], path: str, fields: list[str]
) -> None:
    ids = {"below": vendor.suborganization_id, "own": vendor.organization_id}
    await sign_in(vendor, serve, surroundings, **{name: ids.get(value, value) for name, value in credential.items()})
    assert vendor.requests[0].path == path
    assert [field.partition("=")[0] for field in vendor.requests[0].body.decode().split("&")] == fields


@pytest.mark.parametrize(
    ("credential", "reason"),
    [
        ({"personal_access_key": "env:WRONG"}, "unauthorized"),
        ({"personal_access_key": "env:PAT", "sub_organization": GUID}, "forbidden"),
        ({"api_key_name": "purser", "api_key_secret": "env:WRONG"}, "unauthorized"),
        ({"api_key_name": "other", "api_key_secret": "env:KEY"}, "unauthorized"),
        ({"api_key_name": "purser", "api_key_secret": "env:KEY", "organization_id": GUID}, "forbidden"),
    ],
)
async def test_a_credential_that_does_not_fit_is_refused_after_one_try(
    vendor: PretendAppcircle, serve: Any, surroundings: Surroundings, credential: dict[str, str], reason: str
) -> None:
    with pytest.raises(Refused) as caught:
        await sign_in(vendor, serve, surroundings, **credential)
    assert (caught.value.operation, caught.value.reason) == ("sign in", reason)
    assert len(vendor.requests) == 1
