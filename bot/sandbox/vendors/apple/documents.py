"""JSON:API as App Store Connect speaks it: filters, sorting, sparse fields, includes and cursor paging."""

import base64
import json
import re
from collections.abc import Callable, Container, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic
from urllib.parse import quote, urlencode

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from bot.sandbox.vendors.base import T, VendorRefusal, base_url

LIMIT_MAX = 200
LIMIT_DEFAULT = 50
INCLUDED_MAX = {"builds": 1000}  # limit[...] on betaGroups; any other relationship gives at most INCLUDED_DEFAULT
INCLUDED_DEFAULT = 50
_BRACKETED = re.compile(r"(filter|fields|limit|exists)\[([\w.]+)\]")

Related = Callable[[], "Resource | Sequence[Resource] | None"]


@dataclass(frozen=True, slots=True)
class Resource:
    """One object. Its relationships are looked up only when a client includes them."""

    type: str
    id: str
    attributes: Mapping[str, Any]
    relationships: Mapping[str, Related] = field(default_factory=dict)


Filter = Callable[[T, frozenset[str]], bool]


def among(read: Callable[[T], str | None]) -> Filter[T]:
    """Keeps the items of which the value is one of those asked for."""
    return lambda item, wanted: read(item) in wanted


def any_among(read: Callable[[T], Iterable[str]]) -> Filter[T]:
    return lambda item, wanted: not wanted.isdisjoint(read(item))


def prefix(read: Callable[[T], str]) -> Filter[T]:
    """Bundle identifier filters also find longer identifiers."""
    return lambda item, wanted: read(item).startswith(tuple(wanted))


@dataclass(frozen=True, slots=True)
class Collection(Generic[T]):
    """What one route lists and which parameters it takes; any other parameter is refused, as Apple does.

    `fields` are the types whose attributes can be chosen; None: any.
    """

    items: Callable[[], Sequence[T]]
    draw: Callable[[T], Resource]
    filters: Mapping[str, Filter[T]] = field(default_factory=dict)
    sorts: Mapping[str, Callable[[T], Any]] = field(default_factory=dict)
    includes: frozenset[str] = frozenset()
    fields: frozenset[str] | None = None
    paged: bool = True

    @property
    def parameters(self) -> frozenset[str]:
        """The parameters without brackets that it takes."""
        switches = {"limit": self.paged, "cursor": self.paged, "sort": bool(self.sorts), "include": bool(self.includes)}
        return frozenset(name for name, on in switches.items() if on)


@dataclass(frozen=True, slots=True)
class Paging:
    """`endless`: after the last page come empty ones, each with a new cursor (seen on inAppPurchasesV2).
    `drops_limit`: `links.next` does not repeat the limit; the cursor keeps it."""

    endless: bool = False
    drops_limit: bool = False


def error_body(status: int, code: str, title: str, detail: str = "", parameter: str | None = None) -> dict[str, Any]:
    error: dict[str, Any] = {
        "id": "5d2a7c1e-0000-4000-8000-000000000000",
        "status": str(status),
        "code": code,
        "title": title,
        "detail": detail,
    }
    if parameter is not None:
        error["source"] = {"parameter": parameter}
    return {"errors": [error]}


def not_found(kind: str, wanted: str) -> VendorRefusal:
    detail = f"There is no resource of type '{kind}' with id '{wanted}'"
    return VendorRefusal(404, error_body(404, "NOT_FOUND", "The specified resource does not exist", detail))


def _bad_parameter(name: str, kind: str = "ILLEGAL") -> VendorRefusal:
    title = "A parameter has an invalid value" if kind == "INVALID" else "The given parameter is not allowed"
    detail = f"'{name}' is not a valid parameter for this request"
    return VendorRefusal(400, error_body(400, f"PARAMETER_ERROR.{kind}", title, detail, name))


@dataclass(frozen=True, slots=True)
class _Query:
    filters: Mapping[str, frozenset[str]]
    fields: Mapping[str, frozenset[str]]
    limits: Mapping[str, int]
    sort: tuple[str, ...]
    include: tuple[str, ...]
    limit: int
    offset: int


def list_response(request: Request, collection: Collection[T], paging: Paging) -> Response:
    """One page. Raises VendorRefusal for parameters that the collection does not take."""
    query = _parse(request, collection)
    found = _select(collection, query)
    page = found[query.offset : query.offset + query.limit]
    resources = [collection.draw(item) for item in page]
    end = query.offset + query.limit
    cursor = _pack_cursor(end, query.limit) if end < len(found) or paging.endless else None
    links = {"self": str(request.url)}
    paging_facts: dict[str, Any] = {"total": len(found), "limit": query.limit}
    if cursor:
        links["next"] = _next_link(request, cursor, drop_limit=paging.drops_limit)
        paging_facts["nextCursor"] = cursor
    return JSONResponse({**_document(request, resources, query), "links": links, "meta": {"paging": paging_facts}})


def instance_response(
    request: Request, resource: Resource, includes: frozenset[str] = frozenset(), *, status: int = 200
) -> Response:
    """One object. Raises VendorRefusal as `list_response` does."""
    query = _parse(request, Collection(lambda: [resource], lambda same: same, includes=includes, paged=False))
    document = _document(request, [resource], query)
    return JSONResponse({**document, "data": document["data"][0], "links": {"self": str(request.url)}}, status)


# --- reading the question ---


def _parse(request: Request, collection: Collection[Any]) -> _Query:
    bracketed: dict[str, dict[str, str]] = {"filter": {}, "fields": {}, "limit": {}}
    plain: dict[str, str] = {}
    for name, value in request.query_params.multi_items():
        match = _BRACKETED.fullmatch(name)
        if match and match[1] in bracketed:
            bracketed[match[1]][match[2]] = value
        elif name in collection.parameters:
            plain[name] = value
        else:
            raise _bad_parameter(name)
    offset, cursor_limit = _unpack_cursor(plain.get("cursor"))
    return _Query(
        filters={name: _allowed(name, "filter", collection.filters, value) for name, value in bracketed["filter"].items()},
        fields={name: _allowed(name, "fields", collection.fields, value) for name, value in bracketed["fields"].items()},
        limits={
            name: _number(f"limit[{name}]", value, INCLUDED_MAX.get(name, INCLUDED_DEFAULT))
            for name, value in bracketed["limit"].items()
        },
        sort=_known("sort", plain.get("sort", ""), {sign + name for name in collection.sorts for sign in ("", "-")}),
        include=_known("include", plain.get("include", ""), collection.includes),
        limit=_number("limit", plain["limit"], LIMIT_MAX) if "limit" in plain else cursor_limit,
        offset=offset,
    )


def _split(text: str) -> tuple[str, ...]:
    return tuple(part for part in text.split(",") if part)


def _allowed(name: str, family: str, known: Container[str] | None, value: str) -> frozenset[str]:
    if known is not None and name not in known:
        raise _bad_parameter(f"{family}[{name}]")
    return frozenset(_split(value))


def _known(parameter: str, value: str, known: Iterable[str]) -> tuple[str, ...]:
    parts = _split(value)
    if not set(parts).issubset(known):
        raise _bad_parameter(parameter, "INVALID")
    return parts


def _number(name: str, value: str, largest: int) -> int:
    if not value.isdecimal() or not 1 <= int(value) <= largest:
        raise _bad_parameter(name, "INVALID")
    return int(value)


def _pack_cursor(offset: int, limit: int) -> str:
    return base64.urlsafe_b64encode(json.dumps({"offset": offset, "limit": limit}).encode()).decode().rstrip("=")


def _unpack_cursor(cursor: str | None) -> tuple[int, int]:
    if cursor is None:
        return 0, LIMIT_DEFAULT
    try:
        facts = json.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
        return int(facts["offset"]), int(facts["limit"])
    except (ValueError, KeyError, TypeError) as error:
        raise _bad_parameter("cursor", "INVALID") from error


def _next_link(request: Request, cursor: str, *, drop_limit: bool) -> str:
    dropped = ("cursor", "limit") if drop_limit else ("cursor",)
    kept = [(name, value) for name, value in request.query_params.multi_items() if name not in dropped]
    return f"{base_url(request)}{request.url.path}?{urlencode([*kept, ('cursor', cursor)], quote_via=quote)}"


# --- finding the answer ---


def _select(collection: Collection[T], query: _Query) -> list[T]:
    found = list(collection.items())
    for name, wanted in query.filters.items():
        keep = collection.filters[name]
        found = [item for item in found if keep(item, wanted)]
    for name in reversed(query.sort):
        found.sort(key=collection.sorts[name.removeprefix("-")], reverse=name.startswith("-"))
    return found


def _document(request: Request, resources: Sequence[Resource], query: _Query) -> dict[str, Any]:
    included: dict[tuple[str, str], Any] = {}
    origin = base_url(request)
    data = [_object(origin, resource, query, query.include, included) for resource in resources]
    return {"data": data, "included": list(included.values())} if query.include else {"data": data}


def _object(
    origin: str,
    resource: Resource,
    query: _Query,
    include: Sequence[str],
    included: dict[tuple[str, str], Any],
) -> dict[str, Any]:
    wanted = query.fields.get(resource.type)
    address = f"{origin}/v1/{resource.type}/{resource.id}"
    relationships: dict[str, Any] = {}
    for name, related in resource.relationships.items():
        limit = query.limits.get(name, INCLUDED_DEFAULT)
        linkage = _linkage(origin, related(), query, limit, included) if name in include else {}
        if wanted is None or name in wanted:
            links = {"self": f"{address}/relationships/{name}", "related": f"{address}/{name}"}
            relationships[name] = {"links": links, **linkage}
    return {
        "type": resource.type,
        "id": resource.id,
        "attributes": {name: value for name, value in resource.attributes.items() if wanted is None or name in wanted},
        "relationships": relationships,
        "links": {"self": address},
    }


def _linkage(
    origin: str,
    related: "Resource | Sequence[Resource] | None",
    query: _Query,
    limit: int,
    included: dict[tuple[str, str], Any],
) -> dict[str, Any]:
    """The identifiers of a relationship; the objects themselves go to `included`, each once."""
    if related is None:
        return {"data": None}
    resources = [related] if isinstance(related, Resource) else related[:limit]
    for resource in resources:
        if (resource.type, resource.id) not in included:
            included[resource.type, resource.id] = _object(origin, resource, query, (), included)
    identifiers = [{"type": resource.type, "id": resource.id} for resource in resources]
    if isinstance(related, Resource):
        return {"data": identifiers[0]}
    return {"data": identifiers, "meta": {"paging": {"total": len(related), "limit": limit}}}
