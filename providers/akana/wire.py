"""Akana's lists as Purser's nouns: RSS channels written as JSON. Pure; raises only Confused.

https://help.akana.com/content/current/cm/api/aaref/Ref_RSSChannelsOnThePlatform.htm

Portals differ in capitalisation, and a list of one may come as that one. Names are compared in lower case, and whatever
may be a list is read as one. The "version" beside the channel is that of RSS, not of an app.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

from bot.domain.errors import Confused, NotFound
from bot.domain.model import App, Build, BuildState, Handover, Platform
from providers.failures import Classify, Verdict
from providers.fields import Fields, Origin, read_object

PROVIDER = "akana"
UNKNOWN_VERSION = "unknown"
UNKNOWN_ID = "unknown_id"

_RESOURCE_TYPE = "uddi:soa.com:resourcetype"
_ENVIRONMENT = "uddi:soa.com:environment"
_STATE = "uddi:soa.com:application.state"
# https://help.akana.com/content/current/cm/api/aaref/Ref_DeterminingtheStateValueofanApp.htm
_STATES = {
    "setup": BuildState.OTHER,  # it may call no API yet
    "sandbox": BuildState.READY,
    "approved": BuildState.APPROVED,
    "live": BuildState.LIVE,
}
_LONG_AGO = datetime.min.replace(tzinfo=UTC)
_EARLIEST_YEAR = 1970


@dataclass(frozen=True, slots=True)
class AppPage:
    """One page of a search. `size` counts its items, by which the next page starts."""

    apps: tuple[App, ...]
    size: int


@dataclass(frozen=True, slots=True)
class AppVersions:
    """All versions of one app, newest first. `app_name` is None when none of them says."""

    app_name: str | None
    builds: list[Build]


def classify(tenant: str) -> Classify:
    """How a portal of this tenant says that something went wrong; for `VendorHttp`.

    An unknown id may be a 400 or a 500, or even a 200: the text of the fault then names the id (every id ends in the tenant)
    or the kind of thing, in brackets.
    """
    names_an_id = re.compile(rf"\[app(?:-?version)?\]|[\w-]\.{re.escape(tenant)}\b", re.IGNORECASE)

    def judge(status: int, payload: Any) -> Verdict | None:
        text = _fault_text(payload)
        if text is None:
            return None
        if (status < 400 or status in (400, 500)) and names_an_id.search(text):
            return NotFound, UNKNOWN_ID
        return (Confused, "fault") if status < 400 else None

    return judge


def read_apps(body: Any, account: str, operation: str) -> AppPage:
    """A page of /api/search for apps. Ids keep the tenant at their end."""
    items = _items(body, Origin(PROVIDER, account, operation))
    apps = [item for item in items if _categories(item).get(_RESOURCE_TYPE, "app").casefold() == "app"]
    return AppPage(tuple(App(account, _id(item), _text(item, "title") or _id(item)) for item in apps), len(items))


def read_versions(body: Any, account: str, operation: str, app_id: str) -> AppVersions:
    """The answer of /api/apps/{AppID}/versions. The vendor documents no order."""
    items = _items(body, Origin(PROVIDER, account, operation))
    builds = {build.id: build for build in (_build(item, account, app_id) for item in items)}
    names = (_app_name(item, app_id) for item in items)
    return AppVersions(next((name for name in names if name), None), newest_first(builds.values()))


def count_items(body: Any, account: str, operation: str) -> int:
    """How many items a list holds, whatever they are."""
    return len(_items(body, Origin(PROVIDER, account, operation)))


def newest_first(builds: Iterable[Build]) -> list[Build]:
    """By the time of the last change; builds without one come last, in the vendor's order."""
    return sorted(builds, key=lambda build: build.uploaded_at or _LONG_AGO, reverse=True)


def read_moment(text: str | None) -> datetime | None:
    """RFC 822 with an offset or one of its American zones, as aware UTC.

    Any other abbreviation (CEST, IST) means different things in different places: None, never UTC.
    """
    try:
        moment = parsedate_to_datetime(text or "")
        utc = moment.astimezone(UTC) if moment.tzinfo else None
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
    return utc if utc and utc.year >= _EARLIEST_YEAR else None


def _build(item: Fields, account: str, app_id: str) -> Build:
    categories = _categories(item)
    environment = categories.get(_ENVIRONMENT)
    state = categories.get(_STATE, "").rpartition(".")[2]
    return Build(
        account=account,
        app_id=app_id,
        id=_id(item),
        version=_text(item, "title") or UNKNOWN_VERSION,
        platform=Platform.API,
        track=f"API {environment}" if environment else "API",
        state=_STATES.get(state.casefold(), BuildState.OTHER),
        handover=Handover.NONE,
        uploaded_at=read_moment(_text(item, "pubdate")),
        notes=_text(item, "description"),
        detail=state or None,
    )


def _app_name(item: Fields, app_id: str) -> str | None:
    """The title of the reference to the app; a version may refer to other things as well."""
    references = [reference for reference in _references(item) if _text(reference, "title")]
    ours = [reference for reference in references if _text(reference, "guid") == app_id]
    apps = [reference for reference in references if _categories(reference).get(_RESOURCE_TYPE, "app").casefold() == "app"]
    return next((_text(reference, "title") for reference in (*ours, *apps)), None)


def _references(item: Fields) -> Iterator[Fields]:
    for wrapper in _objects(item, "entityreferences"):
        yield from _objects(wrapper, "entityreference") or [wrapper]
    yield from _objects(item, "entityreference")


def _categories(parent: Fields) -> dict[str, str]:
    """Domain -> value; the first of a domain counts."""
    found: dict[str, str] = {}
    for category in _objects(parent, "category"):
        domain, value = _text(category, "domain"), _text(category, "value")
        if domain and value:
            found.setdefault(domain.casefold(), value)
    return found


def _id(item: Fields) -> str:
    found = _text(item, "guid")
    if found is None:
        raise item.origin.confused("missing_field:guid")
    return found


def _items(body: Any, origin: Origin) -> list[Fields]:
    """A feed without items leaves `item` out. One without a channel is no feed."""
    channels = _objects(_lowered(read_object(body, origin)), "channel")
    if not channels:
        raise origin.confused("missing_field:channel")
    values = [value for channel in channels for value in _listed(channel.raw.get("item"))]
    return [_lowered(read_object(value, origin)) for value in values]


def _objects(parent: Fields, name: str) -> list[Fields]:
    values = _listed(parent.raw.get(name))
    return [_lowered(Fields(parent.origin, value)) for value in values if isinstance(value, dict)]


def _text(parent: Fields, name: str) -> str | None:
    """A text, alone or as the "value" of an object."""
    for value in _listed(parent.raw.get(name)):
        holder = _lowered(Fields(parent.origin, value if isinstance(value, dict) else {"value": value}))
        for candidate in _listed(holder.raw.get("value")):
            text = Fields(parent.origin, {name: candidate}).text(name)
            if text:
                return text
    return None


def _listed(value: Any) -> list[Any]:
    """A list as it is, anything else as a list of one; nothing and an empty text as an empty list."""
    return value if isinstance(value, list) else [] if value is None or value == "" else [value]


def _lowered(fields: Fields) -> Fields:
    names: dict[str, Any] = {}
    for name, value in fields.raw.items():
        if value is not None:
            names.setdefault(name.lower(), value)
    return Fields(fields.origin, names)


def _fault_text(payload: Any) -> str | None:
    """The `faultstring` of a fault, on its own or inside an object."""
    if not isinstance(payload, dict):
        return None
    fault = _lowered(Fields(Origin(PROVIDER, "", ""), payload))
    inner = next(iter(_objects(fault, "fault")), fault)
    return _text(inner, "faultstring") or _text(inner, "faultcode")
