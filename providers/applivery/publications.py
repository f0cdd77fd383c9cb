"""Publications: the pages of a workspace's store from which people install, told as builds. Pure; raises only Confused.

https://docs.applivery.com/en/app-distribution/api/publications/list-publications (and publication-details, create-publication)

A publication offers builds by a filter. Told is the newest build that is seen to fit it, per platform. The value of a filter by
tag or git tag is documented as a text: one that is no tag of a build in exactly these letters, such as a list of tags, fits none.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any
from urllib.parse import quote

from bot.domain.model import Build, BuildState, Handover, Platform
from providers.addresses import web_address
from providers.applivery.wire import Labels, Page, read_data, read_items
from providers.fields import Fields

TRACK = "Publication"
UNLABELLED = Labels()
_PREFIX = "pub-"  # the vendor's own ids are hexadecimal
_OPEN = frozenset({"active", "unlisted"})  # who knows the address of an unlisted one may use it
_SYSTEMS = ("ios", "android", "macos", "windows")


@dataclass(frozen=True, slots=True)
class Publication:
    """`url` is where the vendor says that the page is; `kind`, `value` and `builds` (ids) are its filter."""

    id: str
    app_id: str | None
    slug: str | None
    url: str | None = field(repr=False)
    kind: str
    value: str | None
    builds: frozenset[str]
    security: str | None
    is_open: bool
    expires_at: datetime | None

    def address(self, store_url: str | None) -> str | None:
        """The page. `store_url` is the store's host, of use where the vendor does not say."""
        if self.url or not (self.slug and store_url):
            return self.url
        return f"{store_url}/{quote(self.slug, '')}"

    def offers(self, build: Build, labels: Labels) -> bool:
        """Whether the filter lets this build through. False where that cannot be told."""
        match self.kind:
            case "last":
                return True
            case "build" | "builds":
                return build.id in self.builds
            case "gitBranch":
                return build.branch is not None and build.branch == self.value
            case "tag":
                return self.value in labels.tags
            case "gitTag":
                return labels.git_tag is not None and labels.git_tag == self.value
            case _:
                return False


def read_publications(body: Any, account: str, operation: str) -> Page[Publication]:
    """A page of /v1/organizations/{org}/stores/{store}/pubApps."""
    data, items = read_items(body, account, operation)
    return Page(tuple(_publication(item) for item in items), data.flag("hasNextPage"), data.integer("totalDocs"))


def read_publication(body: Any, account: str, operation: str) -> Publication:
    """The answer of /v1/organizations/{org}/stores/{store}/pubApps/{id}."""
    return _publication(read_data(body, account, operation))


def page_builds(
    publications: Iterable[Publication], builds: Iterable[Build], store_url: str | None, labels: Mapping[str, Labels]
) -> Iterator[Build]:
    """A build for every open publication and platform of which there is a page and, among `builds`, something to install.

    `builds` are newest first, `labels` are theirs, by their ids. The id of a page stays when the publication goes on to another
    build: it is the page that people know.
    """
    listed = tuple(builds)
    for publication in publications:
        if publication.is_open and publication.address(store_url):
            newest: dict[Platform, Build] = {}
            for build in listed:
                if _is_shown(publication, build, labels.get(build.id, UNLABELLED)):
                    newest.setdefault(build.platform, build)
            yield from (_page(publication, platform, build) for platform, build in newest.items())


def publication_of(build: Build) -> str | None:
    """The id of the publication that a build stands for; None for a true build."""
    return build.id.removeprefix(_PREFIX).rpartition("-")[0] if build.id.startswith(_PREFIX) else None


def refreshed(build: Build, publication: Publication) -> Build:
    """The same page with what its publication says now."""
    return replace(build, expires_at=publication.expires_at, detail=_detail(publication))


def _is_shown(publication: Publication, build: Build, labels: Labels) -> bool:
    return build.app_id == publication.app_id and build.state is BuildState.READY and publication.offers(build, labels)


def _page(publication: Publication, platform: Platform, build: Build) -> Build:
    page = replace(
        build,
        id=f"{_PREFIX}{publication.id}-{platform}",
        track=TRACK,
        state=BuildState.LIVE,
        handover=Handover.PAGE,
        size=None,
    )
    return refreshed(page, publication)


def _detail(publication: Publication) -> str | None:
    """Which page, and what it asks of people: "public", "password", "logged" (in)."""
    return ", ".join(word for word in (publication.slug, publication.security) if word) or None


def _publication(item: Fields) -> Publication:
    chosen = item.child("filter")
    return Publication(
        id=item.required("id"),
        app_id=item.text("application") or item.child("application").text("id") or item.child("applicationInfo").text("id"),
        slug=item.text("slug"),
        url=web_address(item.text("distributionUrl") or ""),
        kind=chosen.text("type") or "",
        value=chosen.text("value"),
        builds=frozenset(_build_ids(chosen)),
        security=item.text("security"),
        is_open=item.text("visibility") in _OPEN,
        expires_at=item.moment("expirationDate"),
    )


def _build_ids(chosen: Fields) -> Iterator[str]:
    """The value, a field per system in the older way of writing them, a list in the newer one."""
    yield from (build_id for name in ("value", *_SYSTEMS) if (build_id := chosen.text(name)))
    entries = chosen.raw.get("builds")
    for entry in entries if isinstance(entries, list) else ():
        if isinstance(entry, dict) and (build_id := Fields(chosen.origin, entry).text("id")):
            yield build_id
