"""Where a vendor may send a browser."""

import pytest

from bot.domain.inside import is_inside, may_lead_to

CLOUD = ["https://api.applivery.io"]


INSIDE = """
127.0.0.1 localhost LOCALHOST. a.localhost 10.1.2.3 192.168.0.1 172.16.9.9 169.254.169.254 0.0.0.0 ::1 fe80::1%eth0 fd00::1
::ffff:127.0.0.1 100.64.0.1 224.0.0.1 printer.local minio.internal 2130706433 0x7f000001 127.1
"""


@pytest.mark.parametrize("host", INSIDE.split())
def test_inside(host: str) -> None:
    assert is_inside(host)


@pytest.mark.parametrize(
    "host", ["acme.com", "8.8.8.8", "2606:4700::1111", "local.acme.com", "internal.example.org", "1password.com"]
)
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
