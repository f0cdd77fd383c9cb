"""File names for any alphabet that no header, shell or file system trips over."""

import re
import unicodedata
from collections.abc import Mapping
from pathlib import PurePosixPath
from urllib.parse import quote

from bot.domain.model import Build, Platform

_LONGEST = 150  # characters; file systems take 255 bytes
_FORBIDDEN = re.compile(r'[<>:"/\\|?*]')
_SUFFIXES: Mapping[Platform, str] = {Platform.IOS: ".ipa", Platform.ANDROID: ".apk", Platform.MACOS: ".pkg"}


def file_name(build: Build, product: str) -> str:
    """The vendor's name for the file where it has one, else product, version and number."""
    given = clean((build.file_name or "").replace("\\", "/").rpartition("/")[2])
    if given:
        return given
    parts = filter(None, (clean(product), clean(build.version), clean(build.number or "")))
    return "-".join(parts)[:_LONGEST] + _SUFFIXES.get(build.platform, "")


def clean(text: str) -> str:
    """Without control characters (line breaks, text direction overrides) and what file systems refuse."""
    visible = "".join(char for char in text if unicodedata.category(char)[0] != "C")
    name = _FORBIDDEN.sub("_", visible).strip(" .")
    suffix = PurePosixPath(name).suffix[:20]
    return name if len(name) <= _LONGEST else name[: _LONGEST - len(suffix)] + suffix


def attachment(name: str) -> str:
    """A Content-Disposition as in RFC 6266, appendix D: plain ASCII for old clients, RFC 8187 for all others."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode()
    fallback = plain if plain.strip(" .") and not plain.startswith(".") else f"download{PurePosixPath(plain).suffix or plain}"
    header = f'attachment; filename="{fallback}"'
    return header if fallback == name else f"{header}; filename*=UTF-8''{quote(name, safe='')}"
