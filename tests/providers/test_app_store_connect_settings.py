"""What purser.toml may say about an App Store Connect account, and what a mistake sounds like."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from pydantic import ValidationError

from bot.domain.ports import (
    ChecksAgreements,
    ListsApps,
    ListsBuilds,
    ListsExpiries,
    MintsLinks,
    OpensFiles,
    Probes,
    ReceivesWebhooks,
    RegistersWebhooks,
    RereadsBuilds,
)
from providers.app_store_connect import SPEC, AppStoreConnectSettings
from providers.spec import SecretSources, Surroundings


def pem(curve: ec.EllipticCurve) -> str:
    key = ec.generate_private_key(curve)
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


GOOD = pem(ec.SECP256R1())
WRONG_CURVE = pem(ec.SECP384R1())


def read(base_dir: Path, environ: dict[str, str] | None = None, **fields: Any) -> AppStoreConnectSettings:
    usual = {"name": "acme-apple", "provider": "app_store_connect", "key_id": "2X9R4HXF34", "private_key": "env:KEY"}
    sources = SecretSources(environ={"KEY": GOOD} if environ is None else environ, base_dir=base_dir)
    given = {key: value for key, value in (usual | fields).items() if value is not None}
    return AppStoreConnectSettings.model_validate(given, context=sources)


def complaints(caught: pytest.ExceptionInfo[ValidationError]) -> str:
    return "\n".join(f"{error['loc']} {error['msg']}" for error in caught.value.errors(include_input=False, include_url=False))


def test_the_least_that_must_be_said(tmp_path: Path) -> None:
    settings = read(tmp_path)
    assert settings.api_url == "https://api.appstoreconnect.apple.com"
    assert settings.issuer_id is None
    assert settings.webhook_secret is None
    assert settings.private_key.get_secret_value().strip() == GOOD.strip()
    assert "PRIVATE KEY" not in repr(settings)


def test_a_key_file_beside_the_configuration(tmp_path: Path) -> None:
    (tmp_path / "AuthKey_2X9R4HXF34.p8").write_text(GOOD)
    assert read(tmp_path, private_key="file:AuthKey_2X9R4HXF34.p8", issuer_id="57246542-96fe-1a63-e053-0824d011072a")


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        ("hello", "private_key is not a private key; give the whole .p8 file from App Store Connect"),
        (WRONG_CURVE, "private_key is a key of another kind; App Store Connect signs with an EC P-256 key"),
        (GOOD[: len(GOOD) // 2], "private_key is not a private key"),
    ],
)
def test_a_key_file_that_is_no_apple_key_is_explained_without_being_shown(tmp_path: Path, content: str, complaint: str) -> None:
    (tmp_path / "key.p8").write_text(content)
    with pytest.raises(ValidationError) as caught:
        read(tmp_path, private_key="file:key.p8")
    assert complaint in complaints(caught)
    shown = f"{caught.value}{caught.value!r}{complaints(caught)}"
    material = [line for line in content.splitlines() if len(line) > 20 and not line.startswith("-----")]
    assert not any(line in shown for line in material)


def test_the_key_itself_does_not_belong_into_the_file(tmp_path: Path) -> None:
    with pytest.raises(ValidationError) as caught:
        read(tmp_path, private_key=GOOD)
    assert "env:NAME" in complaints(caught)
    assert not any(line in f"{caught.value}{complaints(caught)}" for line in GOOD.splitlines())


@pytest.mark.parametrize(
    "fields",
    [
        {"key_id": None},
        {"key_id": ""},
        {"private_key": None},
        {"issuer_id": ""},
        {"api_url": "apple"},
        {"colour": "red"},
        {"provider": "applivery"},
    ],
)
def test_other_mistakes_name_the_setting(tmp_path: Path, fields: dict[str, Any]) -> None:
    with pytest.raises(ValidationError) as caught:
        read(tmp_path, **fields)
    assert next(iter(fields)) in complaints(caught)


async def test_the_spec_connects_an_account_with_all_its_abilities(tmp_path: Path) -> None:
    assert (SPEC.name, SPEC.title, SPEC.settings) == ("app_store_connect", "App Store Connect", AppStoreConnectSettings)
    surroundings = Surroundings(clock=lambda: datetime(2026, 5, 1, tzinfo=UTC), observe=lambda _: None)
    provider = SPEC.connect(read(tmp_path), surroundings)
    try:
        assert (provider.account, provider.provider) == ("acme-apple", "app_store_connect")
        abilities = (ListsApps, ListsBuilds, RereadsBuilds, MintsLinks, ChecksAgreements, Probes, ListsExpiries)
        for ability in (*abilities, ReceivesWebhooks, RegistersWebhooks):
            assert isinstance(provider, ability)
        assert not isinstance(provider, OpensFiles)
    finally:
        await provider.aclose()
