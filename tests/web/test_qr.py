"""The code on a desktop's screen."""

from xml.etree import ElementTree

import httpx
import segno

from tests.web.conftest import ANDROID, Door


async def test_it_is_the_links_own_address(door: Door, client: httpx.AsyncClient) -> None:
    link = await door.link(ANDROID)
    response = await client.get(f"{link}/qr.svg")
    assert response.headers["content-type"] == "image/svg+xml"
    drawn = ElementTree.fromstring(response.content)
    expected = ElementTree.fromstring(
        segno.make_qr(link, error="l").svg_inline(omitsize=True, dark="#000", light="#fff", border=4)
    )
    assert [path.get("d") for path in drawn] == [path.get("d") for path in expected]
    assert [path.get("fill") or path.get("stroke") for path in drawn] == ["#fff", "#000"]
