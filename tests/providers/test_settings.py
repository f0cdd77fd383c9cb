"""What every provider's settings share: secrets by reference, sound addresses, no secret in any message."""

from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr, ValidationError

from providers import SPECS
from providers.applivery import AppliverySettings
from providers.spec import SecretSources

SECRET = "sa_0123456789abcdef"


def parse(tmp_path: Path, **changes: Any) -> AppliverySettings:
    table = {"name": "acme-applivery", "provider": "applivery", "organization": "acme", "token": "env:TOKEN"} | changes
    sources = SecretSources({"TOKEN": f" {SECRET}\n", "EMPTY": "", "BROKEN": f"{SECRET}\t{SECRET}"}, tmp_path)
    return AppliverySettings.model_validate(table, context=sources)


def test_a_secret_comes_from_the_environment(tmp_path: Path) -> None:
    settings = parse(tmp_path)
    assert settings.token.get_secret_value() == SECRET
    assert SECRET not in repr(settings)
    assert SECRET not in settings.model_dump_json()


def test_a_secret_comes_from_a_file_beside_the_configuration(tmp_path: Path) -> None:
    (tmp_path / "token").write_text(f"{SECRET}\n")
    assert parse(tmp_path, token="file:token").token.get_secret_value() == SECRET
    assert parse(tmp_path, token=f"file:{tmp_path / 'token'}").token.get_secret_value() == SECRET


@pytest.mark.parametrize(
    ("value", "sentence"),
    [
        (SECRET, '"env:NAME" or "file:PATH"'),
        (f"token:{SECRET}", '"env:NAME" or "file:PATH"'),
        ("env:", '"env:NAME" or "file:PATH"'),
        (12345, '"env:NAME" or "file:PATH"'),
        ("env:MISSING", "environment variable MISSING is not set"),
        ("env:EMPTY", "environment variable EMPTY is not set"),
        (f"env:{SECRET}", "named after env: is not set"),
        ("file:nowhere", "cannot be read: No such file"),
        ("file:.", "cannot be read: Is a directory"),
        ("file:empty", "is empty"),
        ("file:binary", "is not text"),
        ("file:long", "is too long"),
        ("file:a\x00b", "not text"),
        ("env:BROKEN", "a line break or another control character"),
        ("file:lines", "a line break or another control character"),
    ],
)
def test_a_secret_that_cannot_be_had_gets_a_sentence_without_it(tmp_path: Path, value: Any, sentence: str) -> None:
    (tmp_path / "empty").write_text(" \n")
    (tmp_path / "lines").write_text(f"{SECRET}\n{SECRET}\n")
    (tmp_path / "binary").write_bytes(b"\xff\xfe")
    (tmp_path / "long").write_bytes(b"x" * 70_000)
    with pytest.raises(ValidationError) as caught:
        parse(tmp_path, token=value)
    assert sentence in str(caught.value)
    assert SECRET not in str(caught.value)
    assert SECRET not in repr(caught.value.errors(include_input=False, include_context=False))


def test_a_secret_object_is_taken_as_it_is() -> None:
    table = {"name": "a", "provider": "applivery", "organization": "acme", "token": SecretStr(SECRET)}
    assert AppliverySettings.model_validate(table).token.get_secret_value() == SECRET


@pytest.mark.parametrize("value", ["https://api.acme.com", "https://api.acme.com/", "http://127.0.0.1:8080/base/"])
def test_an_address(tmp_path: Path, value: str) -> None:
    assert parse(tmp_path, api_url=value).api_url == value.rstrip("/")


@pytest.mark.parametrize(
    "value",
    [
        "",
        "api.acme.com",
        "ftp://acme.com",
        "https://",
        "https://user:pw@acme.com",
        "https://acme.com/?a=b",
        "https://acme.com/#x",
        "https://acme.com:port",
        "https://acme.com:99999",
        "https://[::1",
        "https://acme .com",
        "https:\\\\acme.com",
        "javascript:alert(1)",
    ],
)
def test_no_address(tmp_path: Path, value: str) -> None:
    with pytest.raises(ValidationError, match=r"must be an address such as"):
        parse(tmp_path, api_url=value)


@pytest.mark.parametrize("name", ["", "-a", "Acme", "a b", "a" * 42, "a/b", "ä"])
def test_an_account_name_fits_into_addresses_and_logs(tmp_path: Path, name: str) -> None:
    with pytest.raises(ValidationError):
        parse(tmp_path, name=name)


def test_a_misspelt_setting_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValidationError, match="organisation"):
        parse(tmp_path, organisation="acme")


@pytest.mark.parametrize("spec", SPECS.values(), ids=lambda spec: spec.name)
def test_a_spec_names_itself_alike_everywhere(spec: Any) -> None:
    assert SPECS[spec.name] is spec
    assert spec.settings.model_fields["provider"].annotation.__args__ == (spec.name,)
    assert spec.title
