"""Certificates and provisioning profiles. Payload shapes: Apple's OpenAPI document 4.4.1."""

from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.errors import AgreementBlocked, Confused, Refused
from bot.domain.model import Expiry, ExpiryKind
from bot.sandbox.vendors.apple.model import KeyProblem
from providers.app_store_connect import expiries
from tests.providers.apple import START, Apple
from tests.providers.json_values import ANY_JSON, places, replaced

END = datetime(2027, 2, 25, 12, tzinfo=UTC)
CERTIFICATES: dict[str, Any] = {
    "data": [
        {
            "type": "certificates",
            "id": "C1",
            "attributes": {
                "name": "Apple Distribution: Acme",
                "certificateType": "DISTRIBUTION",
                "expirationDate": "2027-02-25T12:00:00.000+00:00",
            },
        },
        {
            "type": "certificates",
            "id": "C2",
            "attributes": {"certificateType": "QUANTUM_SIGNING", "expirationDate": "2027-02-25T12:00:00Z"},
        },
        {"type": "certificates", "id": "C3", "attributes": {"expirationDate": "2027-02-25T04:00:00-08:00"}},
        {"type": "certificates", "id": "C4", "attributes": {"name": "Endless", "expirationDate": None}},
        {"type": "certificates", "id": "C5"},
    ]
}
PROFILES: dict[str, Any] = {
    "data": [
        {
            "type": "profiles",
            "id": "P1",
            "attributes": {"name": "Shop Ad Hoc", "profileState": "ACTIVE", "expirationDate": "2027-02-25T12:00:00.000+00:00"},
        },
        {"type": "profiles", "id": "P2", "attributes": {"profileState": "SLEEPING", "expirationDate": "2027-02-25T12:00:00Z"}},
        {
            "type": "profiles",
            "id": "P3",
            "attributes": {"name": "Broken", "profileState": "INVALID", "expirationDate": "2027-02-25T12:00:00Z"},
        },
        {"type": "profiles", "id": "P4", "attributes": {"name": "Endless"}},
    ]
}


def named(items: tuple[Expiry, ...]) -> list[tuple[str, str, datetime]]:
    return [(item.id, item.name, item.expires_at) for item in items]


def test_certificates() -> None:
    page = expiries.read_certificates(CERTIFICATES, "acme-apple", "list expiries")
    assert {item.kind for item in page.items} == {ExpiryKind.CERTIFICATE}
    assert named(page.items) == [("C1", "Apple Distribution: Acme", END), ("C2", "quantum signing", END), ("C3", "C3", END)]


def test_profiles_that_are_invalid_already_have_no_end_worth_telling() -> None:
    page = expiries.read_profiles(PROFILES, "acme-apple", "list expiries")
    assert {item.kind for item in page.items} == {ExpiryKind.PROFILE}
    assert named(page.items) == [("P1", "Shop Ad Hoc", END), ("P2", "P2", END)]


def read_with_all(body: object) -> None:
    for read in (expiries.read_certificates, expiries.read_profiles):
        with suppress(Confused):
            read(body, "acme-apple", "any")


@given(ANY_JSON)
def test_any_json_at_all_is_read_or_confusing(body: object) -> None:
    read_with_all(body)


@given(st.data(), ANY_JSON)
def test_pages_with_anything_in_any_place_are_read_or_confusing(data: st.DataObject, value: object) -> None:
    for document in (CERTIFICATES, PROFILES):
        read_with_all(replaced(document, data.draw(st.sampled_from(places(document))), value))


# --- The client -------------------------------------------------------------------------------


async def test_everything_that_ends_in_as_few_pages_as_possible(apple: Apple) -> None:
    for number in range(250):
        apple.pretend.add_certificate(f"Apple Development: {number:03}", "DEVELOPMENT", START + timedelta(days=number))
    apple.pretend.add_profile("Shop Ad Hoc", "IOS_APP_ADHOC", START + timedelta(days=30))
    apple.pretend.add_profile("Old", "IOS_APP_STORE", START + timedelta(days=30), state="INVALID")
    found = await apple.client().list_expiries()
    certificates = [item for item in found if item.kind is ExpiryKind.CERTIFICATE]
    assert {item.name for item in certificates} == {f"Apple Development: {number:03}" for number in range(250)}
    (profile,) = [item for item in found if item.kind is ExpiryKind.PROFILE]
    assert (profile.account, profile.name, profile.expires_at) == ("acme-apple", "Shop Ad Hoc", START + timedelta(days=30))
    assert apple.paths == ["/v1/certificates", "/v1/certificates", "/v1/profiles"]


async def test_the_content_of_certificates_and_profiles_stays_at_apple(apple: Apple) -> None:
    await apple.client().list_expiries()
    fields = {name: value for request in apple.pretend.requests for name, value in parse_qs(request.query).items()}
    assert "Content" not in fields["fields[certificates]"][0] + fields["fields[profiles]"][0]


async def test_an_individual_key_has_none_and_is_not_refused(apple: Apple) -> None:
    apple.pretend.add_certificate("Apple Distribution: Acme", "DISTRIBUTION", END)
    assert await apple.client(apple.pretend.individual_key).list_expiries() == ()
    assert apple.pretend.requests == []


async def test_a_team_key_without_the_role_is_refused_and_one_without_agreement_blocked(apple: Apple) -> None:
    apple.pretend.restrict_key(KeyProblem.MISSING_ROLE, paths="^/v1/certificates")
    with pytest.raises(Refused, match="forbidden"):
        await apple.client().list_expiries()
    apple.pretend.restore_key()
    apple.pretend.block_agreements(paths="^/v1/profiles")
    with pytest.raises(AgreementBlocked):
        await apple.client().list_expiries()
