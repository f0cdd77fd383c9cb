"""Serving an artefact the way object storage does: ranges, validators, HEAD."""

import re
from datetime import datetime
from email.utils import format_datetime
from urllib.parse import quote
from xml.sax.saxutils import escape

from starlette.requests import Request
from starlette.responses import Response

from bot.sandbox.artefacts import Artefact

_RANGE = re.compile(r"bytes=(\d*)-(\d*)")


def serve_file(request: Request, artefact: Artefact, modified: datetime) -> Response:
    """200, 206, 304 or 416 (RFC 9110); a Range is ignored when If-Range names another file or when it asks for several parts."""
    content = artefact.content()
    headers = _validators(artefact, modified)
    if request.headers.get("if-none-match") == headers["etag"]:
        return Response(status_code=304, headers=headers)
    headers["content-disposition"] = f"attachment; filename*=UTF-8''{quote(artefact.file_name)}"
    wanted = _wanted_range(request, headers, len(content))
    if wanted is None:
        return Response(content, headers=headers, media_type=artefact.content_type)
    if not wanted:
        return Response(status_code=416, headers={**headers, "content-range": f"bytes */{len(content)}"})
    headers["content-range"] = f"bytes {wanted.start}-{wanted.stop - 1}/{len(content)}"
    return Response(content[wanted.start : wanted.stop], 206, headers, artefact.content_type)


def _validators(artefact: Artefact, modified: datetime) -> dict[str, str]:
    return {
        "etag": f'"{artefact.sha256[:32]}"',
        "last-modified": format_datetime(modified.replace(microsecond=0), usegmt=True),
        "accept-ranges": "bytes",
    }


def _wanted_range(request: Request, validators: dict[str, str], size: int) -> range | None:
    """The bytes asked for; None for the whole file, an empty range for one that cannot be had."""
    match = _RANGE.fullmatch(request.headers.get("range", ""))
    current = request.headers.get("if-range") in (None, validators["etag"], validators["last-modified"])
    if not match or match.groups() == ("", "") or not current:
        return None
    first, last = match.groups()
    if not first:
        return range(max(0, size - int(last)), size) if int(last) else range(0)
    end = min(size, int(last) + 1) if last else size
    return range(int(first), end)


def ios_manifest(artefact: Artefact, package_url: str, title: str) -> bytes:
    """The property list that `itms-services://` installs from (Apple, "Distribute proprietary in-house apps")."""
    return f"""<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE plist PUBLIC "-//Apple//DTD PLIST 1.0//EN" "http://www.apple.com/DTDs/PropertyList-1.0.dtd">
<plist version="1.0"><dict><key>items</key><array><dict>
<key>assets</key><array><dict><key>kind</key><string>software-package</string>
<key>url</key><string>{escape(package_url)}</string></dict></array>
<key>metadata</key><dict><key>bundle-identifier</key><string>{escape(artefact.bundle_id)}</string>
<key>bundle-version</key><string>{escape(artefact.version)}</string>
<key>kind</key><string>software</string><key>title</key><string>{escape(title)}</string></dict>
</dict></array></dict></plist>
""".encode()


def manifest_response(artefact: Artefact, package_url: str, title: str) -> Response:
    return Response(ios_manifest(artefact, package_url, title), media_type="application/xml")
