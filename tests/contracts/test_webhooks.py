"""What vendors call us with: nothing is believed before its signature, or the address that takes its place, was looked at."""

from dataclasses import replace

import pytest

from bot.domain.errors import Confused, Refused
from bot.domain.ports import ReceivesWebhooks, WebhookHint, WebhookRequest
from tests.contracts.conftest import MakeStage
from tests.contracts.contract import HOOK_SECRET, System
from tests.contracts.systems import SYSTEMS

WRONG = "another secret"
receivers = pytest.mark.parametrize(
    "system", [system for system in SYSTEMS if ReceivesWebhooks in system.abilities], ids=lambda system: f"{system.name}"
)


@receivers
async def test_an_authentic_call_is_a_hint(stage: MakeStage, system: type[System]) -> None:
    scene = stage(system)
    hint = (await scene.client()).parse_webhook(scene.system.call(HOOK_SECRET))
    assert isinstance(hint, WebhookHint)
    assert hint.delivery_id
    assert hint.event
    assert scene.vendor.requests == []


@receivers
@pytest.mark.parametrize("secret", [WRONG, "", HOOK_SECRET.upper(), f"{HOOK_SECRET} ", "ünïcode"])
async def test_any_other_is_refused(stage: MakeStage, system: type[System], secret: str) -> None:
    scene = stage(system)
    with pytest.raises(Refused) as caught:
        (await scene.client()).parse_webhook(scene.system.call(secret))
    assert caught.value.reason == "bad_signature"
    scene.check_error(caught.value)


@receivers
async def test_a_call_without_a_signature_is_refused(stage: MakeStage, system: type[System]) -> None:
    scene = stage(system)
    with pytest.raises(Refused):
        (await scene.client()).parse_webhook(replace(scene.system.call(HOOK_SECRET), headers={}, query={}))


@receivers
@pytest.mark.parametrize(
    "body",
    [b"", b"{", b"[]", b"null", b"7", b"{}", b"\xff\xfe", b"[" * 100_000, b"<html>", b'{"data": []}', b"9" * 5_000],
    ids=lambda body: repr(body[:12]),
)
async def test_a_signed_body_of_another_shape(stage: MakeStage, system: type[System], body: bytes) -> None:
    """A hint to look, or nothing to do, or Confused; never another exception."""
    scene = stage(system)
    client = await scene.client()
    try:
        hint = client.parse_webhook(scene.system.signed(body))
    except Confused as error:
        scene.check_error(error)
    else:
        assert hint is None or isinstance(hint, WebhookHint)


@receivers
async def test_a_body_that_was_changed_is_not_believed(stage: MakeStage, system: type[System]) -> None:
    """Where nothing is signed, the body tells no facts: whatever it says, it is a hint at most."""
    scene = stage(system)
    call = scene.system.call(HOOK_SECRET)
    forged = replace(call, body=call.body.replace(b"{", b"{ ", 1))
    client = await scene.client()
    if system.signs:
        with pytest.raises(Refused):
            client.parse_webhook(forged)
    else:
        assert client.parse_webhook(forged) is None or isinstance(client.parse_webhook(forged), WebhookHint)


def test_a_request_does_not_show_what_proves_it() -> None:
    assert HOOK_SECRET not in repr(WebhookRequest({}, HOOK_SECRET.encode(), {"secret": HOOK_SECRET}))
