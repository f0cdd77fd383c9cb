"""Where a vendor may send a browser."""

import pytest

from bot.domain.inside import is_inside, may_lead_to

CLOUD = ["https://api.applivery.io"]


INSIDE = """
127.0.0.1 localhost LOCALHOST. a.localhost 10.1.2.3 192.168.0.1 172.16.9.9 169.254.169.254 0.0.0.0 ::1 fe80::1%eth0 fd00::1
::ffff:127.0.0.1 100.64.0.1 224.0.0.1 printer.local minio.internal 2130706433 0x7f000001 127.1
127.0x1 127.0.0.0x1 0x7f.1 0x 127.0.0.010 db redis metadata intranet.lan wiki.corp router.home.arpa x.localdomain
64:ff9b::7f00:1 64:ff9b:1::a00:1 2002:7f00:1:: 2002:a00:1::1 2001:0:7f00:1::1 [::1] ::
127。0。0。1 １２７.0.0.1 ⓛocalhost LOCALHOST 127.0.0.1. ① 0177.0.0.1
"""


@pytest.mark.parametrize("host", INSIDE.split())
def test_inside(host: str) -> None:
    assert is_inside(host)


OUTSIDE = """
acme.com 8.8.8.8 2606:4700::1111 local.acme.com internal.example.org 1password.com 0xacme.io lan.acme.com bücher.de
64:ff9b::808:808 2002:808:808::1 xn--bcher-kva.example.com
"""


@pytest.mark.parametrize("host", OUTSIDE.split())
def test_outside(host: str) -> None:
    assert not is_inside(host)


@pytest.mark.parametrize(
    ("url", "homes", "may"),
    [
        ("https://files.example.com/a?b=c", CLOUD, True),
        ("http://files.example.com/a", CLOUD, True),
        ("http://127.0.0.1:8080/", CLOUD, False),
        ("http://[::1]/", CLOUD, False),
        ("http://169.254.169.254/latest/meta-data", CLOUD, False),
        ("http://127.0.0.1:8080/", ["http://127.0.0.1:9000"], True),
        ("https://minio.acme.internal/x", ["https://appcircle.acme.internal"], True),
        ("http://127.0.0.1/", [], False),
        ("https://127。0。0。1/", CLOUD, False),
        ("https://①②⑦.0.0.1/", CLOUD, False),
        ("https://metadata/computeMetadata", CLOUD, False),
        ("https://127.0.0.0x1/", CLOUD, False),
        ("https://127%2e0.0.1/", CLOUD, False),
        ("https://%31%32%37.0.0.%31/", CLOUD, False),
        ("https://127.0.0.\u00ad1/", CLOUD, False),
        ("file:///etc/passwd", CLOUD, False),
        ("javascript:alert(1)", CLOUD, False),
        ("//elsewhere.example/x", CLOUD, False),
        ("https://user@example.com/", CLOUD, False),
        ("https://example.com\\@127.0.0.1/", CLOUD, False),
        ("https://[broken/", CLOUD, False),
        ("", CLOUD, False),
    ],
)
def test_where_a_browser_may_go(url: str, homes: list[str], may: bool) -> None:
    assert may_lead_to(url, homes) is may
