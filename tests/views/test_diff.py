"""Facts side by side: what differs is said, what is unknown of both is not."""

from dataclasses import replace

import pytest

from bot.domain.answers import Pair
from bot.domain.model import Build, Platform
from bot.views import diff
from tests.views.examples import ANDROID, DIFF, IOS, NOW, OLDER_ANDROID


def columns(older: Build, newer: Build) -> tuple[list[str], list[str]]:
    message = diff.diff(replace(DIFF, pairs=(Pair(older, newer),), lone=()), NOW)
    left, right = next(block["fields"] for block in message.blocks if "fields" in block)
    return left["text"].splitlines(), right["text"].splitlines()


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        (52_200_000, 53_400_000, "53.4 MB (+1.2 MB)"),
        (53_400_000, 52_200_000, "52.2 MB (−1.2 MB)"),
        (53_400_000, 53_400_000, "53.4 MB (the same)"),
        (None, 53_400_000, "53.4 MB"),
        (53_400_000, None, "size unknown"),
        (0, 400, "400 bytes (+400 bytes)"),
    ],
)
def test_size_and_its_change(before: int | None, after: int | None, said: str) -> None:
    _, right = columns(replace(OLDER_ANDROID, size=before), replace(ANDROID, size=after))
    assert said in right


@pytest.mark.parametrize(
    ("platform", "minimum", "said"),
    [
        (Platform.IOS, "15.0", "iOS 15.0 or later"),
        (Platform.ANDROID, "24", "Android API level 24 or later"),
        (Platform.ANDROID, "8.0", "Android 8.0 or later"),
        (Platform.MACOS, "<13>", "macOS &lt;13&gt; or later"),
        (Platform.IOS, None, "minimum OS unknown"),
    ],
)
def test_minimum_os(platform: Platform, minimum: str | None, said: str) -> None:
    build = replace(IOS, platform=platform)
    _, right = columns(replace(build, min_os="12.0"), replace(build, min_os=minimum))
    assert said in right


def test_columns_have_the_same_lines() -> None:
    for older, newer in ((OLDER_ANDROID, ANDROID), (IOS, replace(IOS, number=None, uploaded_at=None))):
        left, right = columns(older, newer)
        assert len(left) == len(right)


def test_what_is_known_of_neither_is_left_out() -> None:
    left, right = columns(IOS, IOS)
    assert not [line for line in (*left, *right) if "unknown" in line]
