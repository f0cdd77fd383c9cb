"""The store of a pretend Applivery workspace: publications, from whose pages people install."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Protocol

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from bot.sandbox.vendors.base import VendorRefusal


class Workspace(Protocol):
    """What the store needs of the vendor it belongs to."""

    clock: Callable[[], datetime]
    organization: str

    def new_hex(self, digits: int = 24) -> str: ...

    def require_organization(self, request: Request) -> None: ...

    def page(self, request: Request, items: list[Any], draw: Callable[[Any], Any]) -> Response: ...


@dataclass(eq=False, slots=True)
class Publication:
    """`app_id` is the published app's; `filter` and the fields after it are the vendor's own, in its own words."""

    id: str
    app_id: str
    slug: str
    filter: Mapping[str, Any]
    security: str
    visibility: str
    expires_at: datetime | None
    created_at: datetime


class PretendStore:
    """One store, `id`. `tells_address`: whether `distributionUrl` is sent; `nests_app`: whether `application` is an object."""

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace
        self.id = ""
        self.tells_address = True
        self.nests_app = False
        self.publications: dict[str, Publication] = {}

    @property
    def url(self) -> str:
        """Where the store is. Nothing answers there."""
        return f"https://{self._workspace.organization}.applivery.example"

    def routes(self) -> list[Route]:
        publications = "/v1/organizations/{organization}/stores/{store}/pubApps"
        return [Route(publications, self.list_publications), Route(publications + "/{publication}", self.get_publication)]

    def publish(
        self,
        app_id: str,
        slug: str,
        *,
        kind: str = "last",
        security: str = "public",
        visibility: str = "active",
        expires_at: datetime | None = None,
        **more: Any,
    ) -> Publication:
        """`kind` is the filter's type; `more` are its other fields (value, ios, android, builds)."""
        made = Publication(
            self._workspace.new_hex(),
            app_id,
            slug,
            {"type": kind, **more},
            security,
            visibility,
            expires_at,
            self._workspace.clock(),
        )
        self.publications[made.id] = made
        return made

    def remove(self, publication: Publication) -> None:
        del self.publications[publication.id]

    async def list_publications(self, request: Request) -> Response:
        self._require_store(request)
        return self._workspace.page(request, list(self.publications.values()), self._json)

    async def get_publication(self, request: Request) -> Response:
        self._require_store(request)
        publication = self.publications.get(request.path_params["publication"])
        if publication is None:
            raise _unknown()
        return JSONResponse({"status": True, "data": self._json(publication)})

    def _require_store(self, request: Request) -> None:
        self._workspace.require_organization(request)
        if request.path_params["store"] != self.id:
            raise _unknown()

    def _json(self, publication: Publication) -> dict[str, Any]:
        app = {"id": publication.app_id, "name": publication.slug} if self.nests_app else publication.app_id
        address = {"distributionUrl": f"{self.url}/{publication.slug}"} if self.tells_address else {}
        return {
            "id": publication.id,
            "application": app,
            "slug": publication.slug,
            **address,
            "filter": dict(publication.filter),
            "security": publication.security,
            "visibility": publication.visibility,
            "expirationDate": _time(publication.expires_at) if publication.expires_at else None,
            "showHistory": False,
            "groups": [],
            "tags": [],
            "createdAt": _time(publication.created_at),
            "updatedAt": _time(publication.created_at),
        }


def _unknown() -> VendorRefusal:
    return VendorRefusal(404, {"status": False, "error": {"code": 3001, "message": "Entity not found"}})


def _time(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%dT%H:%M:%S.000Z}"
