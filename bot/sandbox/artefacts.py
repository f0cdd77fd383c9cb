"""Small app files, made from nothing but their description: the same description gives the same bytes."""

import hashlib
import io
import plistlib
import random
import zipfile
from dataclasses import dataclass
from functools import lru_cache

APK_TYPE = "application/vnd.android.package-archive"
IPA_TYPE = "application/octet-stream"
DEFAULT_SIZE = 200_000


@dataclass(frozen=True, slots=True)
class Artefact:
    """An apk or ipa. `size` is in bytes and exact, so that a build can be listed without its bytes being made.

    Raises ValueError from `content` when the size has no room for the archive itself (about 1.5 kB).
    """

    file_name: str
    bundle_id: str
    version: str
    number: str
    ios: bool = False
    size: int = DEFAULT_SIZE

    @property
    def content_type(self) -> str:
        return IPA_TYPE if self.ios else APK_TYPE

    def content(self) -> bytes:
        """A real zip archive of `size` bytes."""
        return _content(self)

    @property
    def sha256(self) -> str:
        """Lower-case hex."""
        return hashlib.sha256(self.content()).hexdigest()


@lru_cache(maxsize=64)
def _content(artefact: Artefact) -> bytes:
    if artefact.ios:
        entries = {"Payload/App.app/Info.plist": _info_plist(artefact), "Payload/App.app/App": b""}
    else:
        entries = {"AndroidManifest.xml": _android_manifest(artefact), "classes.dex": b"", "META-INF/MANIFEST.MF": b""}
    room = artefact.size - len(_archive(entries))
    if room < 0:
        raise ValueError(f"an archive of {artefact.size} bytes is too small")
    payload = "Payload/App.app/App" if artefact.ios else "classes.dex"
    seed = f"{artefact.bundle_id} {artefact.version} {artefact.number} {artefact.file_name}"
    entries[payload] = random.Random(seed).randbytes(room)  # noqa: S311  filler, not a secret
    return _archive(entries)


def _archive(entries: dict[str, bytes]) -> bytes:
    """Stored, not deflated, with a fixed date: its size is that of its parts."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as archive:
        for name, data in entries.items():
            archive.writestr(zipfile.ZipInfo(name), data)
    return buffer.getvalue()


def _info_plist(artefact: Artefact) -> bytes:
    facts = {
        "CFBundleIdentifier": artefact.bundle_id,
        "CFBundleShortVersionString": artefact.version,
        "CFBundleVersion": artefact.number,
        "CFBundleExecutable": "App",
        "CFBundlePackageType": "APPL",
        "MinimumOSVersion": "15.0",
    }
    return plistlib.dumps(facts, fmt=plistlib.FMT_BINARY)


def _android_manifest(artefact: Artefact) -> bytes:
    return (
        '<manifest xmlns:android="http://schemas.android.com/apk/res/android" '
        f'package="{artefact.bundle_id}" android:versionName="{artefact.version}" android:versionCode="{artefact.number}"/>'
    ).encode()
