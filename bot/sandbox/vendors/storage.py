"""Object storage behind pre-signed links: no Authorization wanted, and none allowed."""

import hashlib
import hmac
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from bot.sandbox.artefacts import Artefact
from bot.sandbox.vendors.base import PretendVendor, base_url, utc_now
from bot.sandbox.vendors.files import manifest_response, serve_file

MANIFEST = "manifest.plist"


@dataclass(frozen=True, slots=True)
class _Shelf:
    artefact: Artefact
    stored_at: datetime
    title: str


class PretendStorage(PretendVendor):
    """Serves what vendors put on it, on an origin of its own (`.app`) or inside a vendor's app (`.routes`).

    As S3 does, it refuses a request that brings an Authorization header beside the signature (400), and links that are
    forged or older than `link_lifetime` (403).
    """

    def __init__(self, clock: Callable[[], datetime] = utc_now) -> None:
        self.routes = [Route("/artifacts/{key}/{name}", self.get, methods=["GET", "HEAD"])]
        super().__init__(self.routes, bodies={}, clock=clock, seed="storage")
        self.link_lifetime = timedelta(minutes=15)
        self._secret = self._random.randbytes(32)
        self._shelves: dict[str, _Shelf] = {}

    def name_credential(self, authorization: str) -> str:
        return authorization.split(" ", 1)[0].lower()

    @property
    def received_authorization(self) -> bool:
        """Whether any request brought a credential that was never meant for this host."""
        return any(request.credential for request in self.requests)

    def link(self, base: str, artefact: Artefact, stored_at: datetime, *, title: str = "", manifest: bool = False) -> str:
        """A pre-signed address of the file, or of the manifest that installs it."""
        key = hashlib.sha1(repr(artefact).encode(), usedforsecurity=False).hexdigest()
        self._shelves[key] = _Shelf(artefact, stored_at, title or artefact.bundle_id)
        path = f"/artifacts/{key}/{MANIFEST if manifest else artefact.file_name}"
        expires = int((self.clock() + self.link_lifetime).timestamp())
        return f"{base}{path}?X-Expires={expires}&X-Signature={self._sign(path, str(expires))}"

    def _sign(self, path: str, expires: str) -> str:
        return hmac.new(self._secret, f"{path}\n{expires}".encode(), "sha256").hexdigest()

    async def get(self, request: Request) -> Response:
        if "authorization" in request.headers:
            return _refuse(400, "InvalidArgument", "Only one auth mechanism allowed")
        if not self._is_signed(request):
            return _refuse(403, "AccessDenied", "Request has expired or is not signed")
        shelf = self._shelves[request.path_params["key"]]
        if request.path_params["name"] == MANIFEST:
            package = self.link(base_url(request), shelf.artefact, shelf.stored_at, title=shelf.title)
            return manifest_response(shelf.artefact, package, shelf.title)
        return serve_file(request, shelf.artefact, shelf.stored_at)

    def _is_signed(self, request: Request) -> bool:
        expires = request.query_params.get("X-Expires", "0")
        signature = request.query_params.get("X-Signature", "")
        fresh = expires.isdecimal() and int(expires) > self.clock().timestamp()
        return fresh and hmac.compare_digest(signature, self._sign(request.url.path, expires))


def _refuse(status: int, code: str, message: str) -> Response:
    body = f'<?xml version="1.0" encoding="UTF-8"?><Error><Code>{code}</Code><Message>{message}</Message></Error>'
    return Response(body, status, media_type="application/xml")
