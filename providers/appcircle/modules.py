"""The modules of Appcircle that hold binaries, and how the ids of their profiles are told apart. Pure.

An app's id is that of its profile. Those of the store stand alone, those of the other modules after a prefix: `dist:`,
`publish-ios:`, `publish-android:`.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Any
from urllib.parse import quote

from bot.domain.model import Build, Platform
from providers.appcircle import wire

Reader = Callable[[Any, str, str, str], list[Build]]
"""(body, account, operation, app id) -> builds."""


@dataclass(frozen=True, slots=True)
class Module:
    """`profiles` is the path of its list of profiles; `versions` follows a profile's path to its list of versions."""

    title: str
    prefix: str
    profiles: str
    versions: str
    read_builds: Reader = field(repr=False, compare=False)

    def profile(self, profile_id: str) -> str:
        """The path of one profile."""
        return f"{self.profiles}/{quote(profile_id, '')}"


STORE = Module("store", "", "/store/v2/profiles", "/app-versions", wire.read_builds)
DISTRIBUTION = Module("testing distribution", "dist:", "/distribution/v2/profiles", "", wire.read_distributed)
PUBLISH_IOS = Module(
    "publish (iOS)",
    "publish-ios:",
    "/publish/v2/profiles/ios",
    "/app-versions",
    partial(wire.read_submissions, platform=Platform.IOS),
)
PUBLISH_ANDROID = Module(
    "publish (Android)",
    "publish-android:",
    "/publish/v2/profiles/android",
    "/app-versions",
    partial(wire.read_submissions, platform=Platform.ANDROID),
)
MODULES = (STORE, DISTRIBUTION, PUBLISH_IOS, PUBLISH_ANDROID)


def locate(app_id: str) -> tuple[Module, str]:
    """The module of an app, and its profile's own id."""
    for module in MODULES:
        if module.prefix and app_id.startswith(module.prefix):
            return module, app_id.removeprefix(module.prefix)
    return STORE, app_id
