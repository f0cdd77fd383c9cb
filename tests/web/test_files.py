"""The bytes: whole, in parts, broken off, left behind; and the vendor's single-use links."""

import asyncio
import hashlib
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import httpx
import pytest

from bot.domain.errors import AgreementBlocked, Confused, NotFound, NotReady, ProviderError, Refused, Unreachable
from bot.domain.model import Build
from bot.services.transfers import LOOK_EVERY
from bot.web.filename import attachment
from bot.web.filename import file_name as file_name_of
from tests.web.conftest import ANDROID, CHUNK, IOS, MINTED, PAGE, Door


async def test_the_whole_file(door: Door, client: httpx.AsyncClient) -> None:
    content = door.host.path.read_bytes()
    response = await client.get(await door.link(ANDROID) + "/file")
    assert response.status_code == 200
    assert hashlib.sha256(response.content).digest() == hashlib.sha256(content).digest()
    assert response.headers["content-length"] == str(len(content))
    assert response.headers["content-type"] == "application/vnd.android.package-archive"
    assert response.headers["content-disposition"] == 'attachment; filename="shop-3.2.0.apk"'
    assert response.headers["accept-ranges"] == "bytes"
    assert response.headers["etag"].startswith('"')
    assert "last-modified" in response.headers


@pytest.mark.parametrize(
    ("wanted", "start", "end"), [("bytes=100-199", 100, 200), ("bytes=299990-", 299_990, 300_000), ("bytes=-5", 299_995, 300_000)]
)
async def test_a_part(door: Door, client: httpx.AsyncClient, wanted: str, start: int, end: int) -> None:
    response = await client.get(await door.link(ANDROID) + "/file", headers={"Range": wanted})
    assert response.status_code == 206
    assert response.content == door.host.path.read_bytes()[start:end]
    assert response.headers["content-range"] == f"bytes {start}-{end - 1}/300000"


async def test_a_part_beyond_the_end(door: Door, client: httpx.AsyncClient) -> None:
    link = await door.link(ANDROID)
    response = await client.get(link + "/file", headers={"Range": "bytes=400000-"})
    assert response.status_code == 416
    assert response.headers["content-range"] == "bytes */300000"
    assert await door.opened(link) == (0, None), "nothing was handed out"


async def test_a_part_of_a_file_that_has_changed_is_the_whole_file(door: Door, client: httpx.AsyncClient) -> None:
    link = await door.link(ANDROID) + "/file"
    etag = (await client.get(link)).headers["etag"]
    same = await client.get(link, headers={"Range": "bytes=0-9", "If-Range": etag})
    other = await client.get(link, headers={"Range": "bytes=0-9", "If-Range": '"older"'})
    assert (same.status_code, len(same.content)) == (206, 10)
    assert (other.status_code, len(other.content)) == (200, 300_000)


@pytest.mark.parametrize("wanted", ["bytes=0-1,5-6", "bytes=", "lines=1-2", "bytes=1-2\t,", "x"])
async def test_other_ranges_are_ignored(door: Door, client: httpx.AsyncClient, wanted: str) -> None:
    response = await client.get(await door.link(ANDROID) + "/file", headers={"Range": wanted})
    assert response.status_code == 200
    assert len(response.content) == 300_000


async def test_head_tells_the_size_and_counts_nothing(door: Door, client: httpx.AsyncClient) -> None:
    link = await door.link(ANDROID)
    response = await client.head(link + "/file")
    assert response.status_code == 200
    assert response.headers["content-length"] == "300000"
    assert response.content == b""
    assert await door.opened(link) == (0, None)


@pytest.mark.parametrize("build", [ANDROID, replace(ANDROID, id="sizeless", size=None)])
@pytest.mark.parametrize("wanted", [None, "bytes=0-9", "bytes=400000-"])
async def test_head_asks_no_vendor_and_knows_no_ranges(
    door: Door, client: httpx.AsyncClient, build: Build, wanted: str | None
) -> None:
    await door.save(build)
    response = await client.head(await door.link(build) + "/file", headers={"Range": wanted} if wanted else {})
    assert response.status_code == 200
    assert "content-range" not in response.headers
    assert response.headers.get("content-length") == (None if build.size is None else "300000")
    assert door.streamer.calls == []


@pytest.mark.parametrize(
    "purpose",
    [{"Sec-Purpose": "prefetch"}, {"Sec-Purpose": "prefetch;prerender"}, {"Purpose": "prefetch"}, {"X-Moz": "prefetch"}],
)
async def test_a_browser_that_runs_ahead_gets_and_burns_nothing(
    door: Door, client: httpx.AsyncClient, purpose: dict[str, str]
) -> None:
    for build in (ANDROID, MINTED):
        link = await door.link(build)
        assert (await client.get(link + "/file", headers=purpose)).status_code == 503
        assert await door.opened(link) == (0, None)
    assert door.streamer.calls + door.minter.calls == []


async def test_a_vendors_trouble_is_logged_with_the_grant(
    door: Door, client: httpx.AsyncClient, capsys: pytest.CaptureFixture[str]
) -> None:
    link = await door.link(ANDROID)
    grant_id = (await door.links().look(link.rpartition("/")[2])).grant.id
    door.streamer.trouble = Unreachable
    assert (await client.get(link + "/file")).status_code == 503
    told = [line for line in capsys.readouterr().out.splitlines() if "file.refused" in line or "http.request" in line]
    assert len(told) == 2
    assert all(grant_id in line for line in told)


async def test_openings_are_recorded(door: Door, client: httpx.AsyncClient) -> None:
    link = await door.link(ANDROID)
    await client.get(link + "/file")
    await client.get(link + "/file")
    assert await door.opened(link) == (2, "streamed")


@pytest.mark.parametrize(
    ("file_name", "header"),
    [
        ("Плата.apk", "attachment; filename=\"download.apk\"; filename*=UTF-8''%D0%9F%D0%BB%D0%B0%D1%82%D0%B0.apk"),
        ("Käse.apk", "attachment; filename=\"Kase.apk\"; filename*=UTF-8''K%C3%A4se.apk"),
        ('a";\r\nX-Evil: 1.apk', 'attachment; filename="a_;X-Evil_ 1.apk"'),
        ("../../etc/passwd", 'attachment; filename="passwd.apk"'),
        ("shop-3.2.0", 'attachment; filename="shop-3.2.0.apk"'),
        ("bundle.AAB", 'attachment; filename="bundle.AAB"'),
        ("50%41.apk", "attachment; filename=\"50_41.apk\"; filename*=UTF-8''50%2541.apk"),
        ("C:\\Users\\x\\shop.apk", 'attachment; filename="shop.apk"'),
        ("shop\u202egpj.apk", 'attachment; filename="shopgpj.apk"'),
        ("..", 'attachment; filename="Shop-3.2.0-418.apk"'),
        (None, 'attachment; filename="Shop-3.2.0-418.apk"'),
        ("x" * 400 + ".apk", f'attachment; filename="{"x" * 196}.apk"'),
    ],
)
async def test_file_names(door: Door, client: httpx.AsyncClient, file_name: str | None, header: str) -> None:
    build = replace(ANDROID, id="named", file_name=file_name)
    await door.save(build)
    response = await client.head(await door.link(build) + "/file")
    assert response.headers["content-disposition"] == header
    assert "x-evil" not in response.headers


@pytest.mark.parametrize(
    ("file_name", "plain"),
    [
        ("shop＂; filename=＂evil.exe", "shop_; filename=_evil.exe.apk"),
        ("shop／..＼evil.apk", "shop_.._evil.apk"),
        ("a％22b：c？d＊e｜f＜g＞.apk", "a_22b_c_d_e_f_g_.apk"),
        ("．．／．ssh.apk", "download.._.ssh.apk"),
    ],
)
def test_what_looks_like_a_quote_does_not_become_one(file_name: str, plain: str) -> None:
    build = replace(ANDROID, file_name=file_name)
    header = attachment(file_name_of(build, "Shop"))
    assert header.startswith(f"attachment; filename=\"{plain}\"; filename*=UTF-8''")
    assert header.count('"') == 2
    assert not set(header.split("filename*")[0]) & set("%/\\")


def test_a_long_name_in_any_alphabet_fits_a_file_system() -> None:
    name = file_name_of(replace(ANDROID, file_name="商店" * 100 + ".apk"), "Shop")
    assert len(name.encode()) <= 200
    assert name.endswith(("商.apk", "店.apk"))
    unnamed = file_name_of(replace(ANDROID, file_name=None), "商店" * 100)
    assert len(unnamed.encode()) <= 200
    assert unnamed.endswith(".apk")


@pytest.mark.parametrize("name", ["می\u200cخواهم.apk", "क्\u200dष.apk"])
def test_joiners_are_part_of_the_spelling(name: str) -> None:
    assert file_name_of(replace(ANDROID, file_name=name), "Shop") == name


@pytest.mark.parametrize(
    "evil", ['1"\r\nX-Evil: 1', "1\r\n\r\n<html>", "1\u2028X-Evil: 1", "1\x00\x1b[2J", "..\\..\\1", "%0d%0aX-Evil: 1"]
)
async def test_versions_and_names_add_no_header(door: Door, client: httpx.AsyncClient, evil: str) -> None:
    build = replace(ANDROID, id="evil", app_id="evil", version=evil, number=evil, file_name=None)
    await door.save(build, product=f"Shop {evil}")
    response = await client.head(await door.link(build) + "/file")
    assert response.status_code == 200
    assert "x-evil" not in response.headers
    disposition = response.headers["content-disposition"]
    assert not set(disposition) & set("\r\n\x00\x1b\\/")
    assert disposition.endswith((".apk", '.apk"'))


async def test_what_a_vendor_says_of_its_file_adds_no_header(door: Door, client: httpx.AsyncClient) -> None:
    door.host.content_type = "text/html; charset=utf-8"
    response = await client.get(await door.link(ANDROID) + "/file")
    assert response.headers["content-type"] == "application/vnd.android.package-archive"
    assert response.headers["x-content-type-options"] == "nosniff"


async def test_an_ipa_is_plain_bytes(door: Door, client: httpx.AsyncClient) -> None:
    door.host.content_type = "text/html"
    response = await client.get(await door.link(IOS) + "/file")
    assert response.headers["content-type"] == "application/octet-stream"
    assert response.headers["content-disposition"] == 'attachment; filename="Shop.ipa"'


async def test_an_upstream_that_breaks_off_breaks_the_transfer(door: Door, client: httpx.AsyncClient) -> None:
    link = await door.link(ANDROID) + "/file"
    door.host.cut_after = 100_000
    async with client.stream("GET", link) as response:
        assert response.headers["content-length"] == "300000"
        with pytest.raises(httpx.RemoteProtocolError, match="received 100000 bytes, expected 300000"):
            await response.aread()
    assert await door.opened(link.removesuffix("/file")) == (1, "broken_off")


async def test_fewer_bytes_than_promised_never_look_whole(door: Door, client: httpx.AsyncClient) -> None:
    door.host.understate = 1000
    with pytest.raises(httpx.RemoteProtocolError):
        await client.get(await door.link(ANDROID) + "/file")


async def test_a_client_that_leaves_frees_the_vendor(door: Door, client: httpx.AsyncClient) -> None:
    door.streamer.path = "/endless"
    link = await door.link(ANDROID)
    async with client.stream("GET", link + "/file") as response:
        chunks = response.aiter_raw()
        await anext(chunks)
        assert not door.host.left.is_set()
    await asyncio.wait_for(door.host.left.wait(), 5)
    assert await door.opened(link) == (1, "left")


async def test_a_client_that_leaves_before_the_vendor_answers_frees_it(door: Door, client: httpx.AsyncClient) -> None:
    door.streamer.path = "/silent"
    link = await door.link(ANDROID) + "/file"
    with pytest.raises(httpx.ReadTimeout):
        await client.get(link, timeout=httpx.Timeout(5, read=0.2))
    assert door.host.asked.is_set()
    await asyncio.wait_for(door.host.left.wait(), 5)


async def test_a_vendor_that_hangs_is_not_waited_for_longer_than_proxies_wait(door: Door, client: httpx.AsyncClient) -> None:
    door.streamer.path = "/silent"
    door.opening_patience = timedelta(milliseconds=200)
    link = await door.link(ANDROID)
    response = await client.get(link + "/file")
    assert (response.status_code, "<h1>No answer</h1>" in response.text) == (503, True)
    assert await door.opened(link) == (1, "timeout")
    await asyncio.wait_for(door.host.left.wait(), 5)
    door.streamer.path = "/file"
    assert (await client.get(link + "/file")).status_code == 200


async def test_a_client_that_leaves_while_the_vendor_is_silent_frees_it(door: Door, client: httpx.AsyncClient) -> None:
    door.streamer.path = "/stuck"
    async with client.stream("GET", await door.link(ANDROID) + "/file") as response:
        await anext(response.aiter_raw())
        assert not door.host.left.is_set()
    await asyncio.wait_for(door.host.left.wait(), 5)


@pytest.mark.parametrize("path", ["/endless", "/file"])
async def test_a_link_that_is_taken_back_breaks_the_transfer(door: Door, client: httpx.AsyncClient, path: str) -> None:
    """Whether the vendor said how long the file is, or not: what came looks like no whole file."""
    door.streamer.path = path
    door.host.path.write_bytes(bytes(32 * 1024 * 1024))  # more than the buffers on the way hold
    link = await door.link(ANDROID)
    grant_id = (await door.links().look(link.rpartition("/")[2])).grant.id
    async with client.stream("GET", link + "/file") as response:
        chunks = response.aiter_raw()
        await anext(chunks)
        await door.store.write(lambda repos: repos.grants.revoke([grant_id], "U9", door.clock()))
        door.clock.now += LOOK_EVERY
        with pytest.raises(httpx.RemoteProtocolError):
            async for _ in chunks:
                pass
    grant = await door.store.read(lambda repos: repos.grants.get(grant_id))
    assert grant is not None
    assert (grant.opened, grant.outcome) == (1, "taken_back")


async def test_a_database_that_goes_away_costs_no_download(
    door: Door, client: httpx.AsyncClient, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    whole = 32 * 1024 * 1024  # more than the buffers on the way hold
    door.host.path.write_bytes(bytes(whole))
    link = await door.link(ANDROID)
    async with client.stream("GET", link + "/file") as response:
        chunks = response.aiter_raw()
        arrived = len(await anext(chunks))
        (tmp_path / "purser.db").rename(tmp_path / "away.db")
        door.clock.now += LOOK_EVERY
        arrived += sum([len(chunk) async for chunk in chunks])
    assert arrived == whole
    logged = ""
    for _ in range(500):
        logged += capsys.readouterr().out
        if "http.request" in logged:
            break
        await asyncio.sleep(0.01)
    (tmp_path / "away.db").rename(tmp_path / "purser.db")
    assert (await client.get(link)).status_code == 200
    assert "outcome not kept" in logged
    assert "Traceback" not in logged


async def test_the_next_request_on_the_same_connection_is_answered(door: Door, client: httpx.AsyncClient) -> None:
    link = await door.link(ANDROID) + "/file"
    for _ in range(5):
        assert len((await client.get(link)).content) == 300_000
        assert (await client.head(link)).status_code == 200


async def test_a_slow_client_slows_the_vendor(door: Door, client: httpx.AsyncClient) -> None:
    """A client that reads nothing lets no more pass than the buffers on the way hold."""
    door.streamer.path = "/endless"
    async with client.stream("GET", await door.link(ANDROID) + "/file") as response:
        chunks = response.aiter_raw()
        await anext(chunks)
        before = -1
        while door.host.sent != before:
            before = door.host.sent
            await asyncio.sleep(0.2)
        assert not door.host.left.is_set()
        assert door.host.sent < 64 * 1024 * 1024
        assert door.host.sent > CHUNK


async def test_a_single_use_link_is_minted_for_each_opening(door: Door, client: httpx.AsyncClient) -> None:
    link = await door.link(MINTED)
    first, second = await client.get(link + "/file"), await client.get(link + "/file")
    assert (first.status_code, second.status_code) == (302, 302)
    assert first.headers["location"] != second.headers["location"]
    assert first.headers["cache-control"] == "no-store"
    assert (await client.get(first.headers["location"])).content == door.host.path.read_bytes()
    assert await door.opened(link) == (2, "redirected")


async def test_head_of_a_single_use_link_mints_nothing(door: Door, client: httpx.AsyncClient) -> None:
    link = await door.link(MINTED)
    response = await client.head(link + "/file")
    assert response.status_code == 200
    assert response.headers["content-length"] == "300000"
    assert response.headers["content-type"] == "application/vnd.android.package-archive"
    assert door.minter.calls == []
    assert await door.opened(link) == (0, None)


async def test_a_page_is_a_redirect(door: Door, client: httpx.AsyncClient) -> None:
    response = await client.get(await door.link(PAGE) + "/file")
    assert response.status_code == 302
    assert response.headers["location"].startswith(door.host.url)


@pytest.mark.parametrize("address", ["file:///etc/passwd", "javascript:alert(1)", "//elsewhere.example/x"])
async def test_a_browser_is_never_sent_to_another_scheme(door: Door, client: httpx.AsyncClient, address: str) -> None:
    link = await door.link(MINTED)
    door.minter.link_scheme = address
    response = await client.get(link + "/file")
    assert response.status_code == 502
    assert "location" not in response.headers


async def test_a_browser_is_never_sent_into_a_network_by_a_vendor_outside_of_it(door: Door, client: httpx.AsyncClient) -> None:
    link = await door.link(MINTED)
    door.homes["mint"] = ["https://api.vendor.example"]
    response = await client.get(link + "/file")
    assert response.status_code == 502
    assert "location" not in response.headers
    assert await door.opened(link) == (1, "bad_link")


@pytest.mark.parametrize(
    ("trouble", "status", "title"),
    [
        (Unreachable, 503, "No answer"),
        (NotReady, 503, "This build is not ready yet"),
        (NotFound, 410, "This build is gone"),
        (Refused, 502, "The key is refused"),
        (Confused, 502, "An odd answer"),
    ],
)
async def test_a_vendor_in_trouble(
    door: Door, client: httpx.AsyncClient, trouble: type[ProviderError], status: int, title: str
) -> None:
    link = await door.link(ANDROID)
    door.streamer.trouble = trouble
    response = await client.get(link + "/file")
    assert response.status_code == status
    assert f"<h1>{title}</h1>" in response.text
    assert "Shop" not in response.text
    assert ("retry-after" in response.headers) is (status == 503)
    assert await door.opened(link) == (1, "told_to")
    door.streamer.trouble = None
    assert (await client.get(link + "/file")).status_code == 200


async def test_a_file_that_an_agreement_holds_back_has_the_agreement_checked(door: Door, client: httpx.AsyncClient) -> None:
    link = await door.link(ANDROID)
    door.streamer.trouble = AgreementBlocked
    response = await client.get(link + "/file")
    assert (response.status_code, "Blocked by an agreement" in response.text) == (502, True)
    assert door.jobs.deferred == [("agreements", "stream")]


@pytest.mark.parametrize("reason", ["no_public_link", "no_file"])
async def test_a_build_whose_link_was_turned_off_is_not_said_to_be_gone(
    door: Door, client: httpx.AsyncClient, reason: str
) -> None:
    link = await door.link(PAGE)
    door.minter.trouble, door.minter.reason = NotFound, reason
    response = await client.get(link + "/file")
    assert (response.status_code, "<h1>Nothing to open</h1>" in response.text) == (410, True)


async def test_a_grant_is_used_up(door: Door, client: httpx.AsyncClient) -> None:
    door.openings = 2
    link = await door.link(ANDROID)
    assert [(await client.get(f"{link}/file")).status_code for _ in range(3)] == [200, 200, 410]
    for path in ("", "/file", "/qr.svg"):
        assert "<h1>This link is used up</h1>" in (await client.get(link + path)).text


async def test_a_link_that_was_taken_back_says_so(door: Door, client: httpx.AsyncClient) -> None:
    link = await door.link(ANDROID)
    grant_id = (await door.links().look(link.rpartition("/")[2])).grant.id
    await door.store.write(lambda repos: repos.grants.revoke([grant_id], "U9", door.clock()))
    response = await client.get(link + "/file")
    assert (response.status_code, "<h1>This link was taken back</h1>" in response.text) == (410, True)


async def test_the_link_to_a_build_of_an_account_that_was_taken_out(door: Door, client: httpx.AsyncClient) -> None:
    link = await door.link(ANDROID)
    del door.providers["stream"]
    response = await client.get(link + "/file")
    assert (response.status_code, "<h1>This build is gone</h1>" in response.text) == (410, True)


async def test_openings_at_once_are_no_more_than_allowed(door: Door, client: httpx.AsyncClient) -> None:
    door.openings = 3
    link = await door.link(ANDROID) + "/file"
    answers = await asyncio.gather(*(client.get(link) for _ in range(8)))
    assert sorted(answer.status_code for answer in answers) == [200] * 3 + [410] * 5


async def test_many_at_once(door: Door, client: httpx.AsyncClient) -> None:
    link = await door.link(ANDROID) + "/file"
    answers = await asyncio.gather(*(client.get(link) for _ in range(20)))
    assert {hashlib.sha256(answer.content).hexdigest() for answer in answers} == {
        hashlib.sha256(door.host.path.read_bytes()).hexdigest()
    }
