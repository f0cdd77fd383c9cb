"""File names for any alphabet that no header, shell or file system trips over."""

import re
import unicodedata
from collections.abc import Mapping
from pathlib import PurePosixPath
from urllib.parse import quote

from bot.domain.model import Build, Platform

_LONGEST = 200  # bytes in UTF-8; file systems take 255, and browsers add some while they download
_FORBIDDEN = re.compile(r'[<>:"/\\|?*]')
_JOINERS = "\u200c\u200d"  # Persian, Hindi and composed emoji are misspelt without
_SUFFIXES: Mapping[Platform, tuple[str, ...]] = {
    Platform.IOS: (".ipa", ".zip"),
    Platform.ANDROID: (".apk", ".aab", ".apks", ".xapk", ".zip"),
    Platform.MACOS: (".pkg", ".dmg", ".zip"),
}


def file_name(build: Build, product: str) -> str:
    """The vendor's name for the file where it has one, else product, version and number; with the platform's usual ending."""
    given = clean((build.file_name or "").replace("\\", "/").rpartition("/")[2])
    usual = _SUFFIXES.get(build.platform, ())
    if given and (not usual or given.lower().endswith(usual)):
        return given
    parts = filter(None, (clean(product), clean(build.version), clean(build.number or "")))
    suffix = usual[0] if usual else ""
    return _cut(given or "-".join(parts), _LONGEST - len(suffix)) + suffix


def clean(text: str) -> str:
    """Without control characters (line breaks, text direction overrides) and what file systems refuse."""
    visible = "".join(char for char in text if unicodedata.category(char)[0] != "C" or char in _JOINERS)
    name = _FORBIDDEN.sub("_", visible).strip(" ." + _JOINERS)
    if len(name.encode()) <= _LONGEST:
        return name
    suffix = _cut(PurePosixPath(name).suffix, 20)
    return _cut(name, _LONGEST - len(suffix.encode())) + suffix


def attachment(name: str) -> str:
    """A Content-Disposition as in RFC 6266, appendix D: plain ASCII for old clients, RFC 8187 for all others.

    What looks like a quote or a slash becomes one when it is made plain, and some clients decode percent signs in it.
    """
    folded = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode()
    plain = _FORBIDDEN.sub("_", folded).replace("%", "_").strip(" ")
    fallback = plain if plain and not plain.startswith(".") else f"download{plain}"
    header = f'attachment; filename="{fallback}"'
    return header if fallback == name else f"{header}; filename*=UTF-8''{quote(name, safe='')}"


def _cut(text: str, most: int) -> str:
    """At most so many bytes in UTF-8."""
    return text.encode()[:most].decode(errors="ignore")
