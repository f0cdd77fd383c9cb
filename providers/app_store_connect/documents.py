"""JSON:API as App Store Connect speaks it: pages, resources and what they include. Pure; raises only Confused.

https://developer.apple.com/documentation/appstoreconnectapi (shapes as in Apple's OpenAPI document 4.4.1)
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Generic, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError
from pydantic.alias_generators import to_camel

from bot.domain.errors import Confused
from bot.domain.model import Platform

PROVIDER = "app_store_connect"

T = TypeVar("T")

_PLATFORMS = {
    "IOS": Platform.IOS,
    "MAC_OS": Platform.MACOS,
    "TV_OS": Platform.TVOS,
    "VISION_OS": Platform.VISIONOS,
}


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """One page of a collection. `next` is Apple's address of the following page, to be used as it is."""

    items: tuple[T, ...]
    next: str | None = None
    total: int | None = None


class Incomplete(Exception):
    """A resource without something that Purser cannot do without. Becomes Confused."""


def read_page(body: object, account: str, operation: str, read: "Callable[[Resource, Included], T]") -> Page[T]:
    """`read` may raise Incomplete. Raises Confused (unexpected_shape)."""
    try:
        document = _Collection.model_validate(body)
        included = Included(document.included)
        items = tuple(read(resource, included) for resource in document.data)
    except (ValidationError, Incomplete) as error:
        raise Confused(PROVIDER, account, operation, "unexpected_shape") from error
    return Page(items, document.links.next, document.meta.paging.total)


def read_one(body: object, account: str, operation: str, read: "Callable[[Resource, Included], T]") -> T:
    """The same for a document of one resource."""
    try:
        document = _Single.model_validate(body)
        return read(document.data, Included(document.included))
    except (ValidationError, Incomplete) as error:
        raise Confused(PROVIDER, account, operation, "unexpected_shape") from error


def read_error_codes(body: object) -> tuple[str, ...]:
    """The codes of an error document; empty when it is none."""
    try:
        return tuple(error.code for error in _Errors.model_validate(body).errors)
    except ValidationError:
        return ()


def platform_of(word: str | None) -> Platform:
    return _PLATFORMS.get(word or "", Platform.OTHER)


def readable(word: str) -> str:
    """IN_BETA_REVIEW as people read it."""
    return word.replace("_", " ").lower()


def _moment(value: object) -> datetime | None:
    """ISO 8601 with an offset, as aware UTC."""
    if value is None:
        return None
    if not isinstance(value, str):
        raise ValueError("not a date-time")
    moment = datetime.fromisoformat(value)
    if moment.tzinfo is None:
        raise ValueError("a date-time without an offset")
    try:
        return moment.astimezone(UTC)
    except OverflowError as error:
        raise ValueError("a date-time outside the calendar") from error


Moment = Annotated[datetime | None, BeforeValidator(_moment)]


class Wire(BaseModel):
    """A part of a document."""

    # Inputs stay out of errors: a document may hold public links.
    model_config = ConfigDict(frozen=True, alias_generator=to_camel, hide_input_in_errors=True)


_Id = Annotated[str, Field(pattern=r"^[^\x00]+$")]


class Reference(Wire):
    type: str
    id: _Id


class _Relationship(Wire):
    data: Reference | tuple[Reference, ...] | None = None

    @property
    def references(self) -> tuple[Reference, ...]:
        if self.data is None:
            return ()
        return self.data if isinstance(self.data, tuple) else (self.data,)


class Resource(Wire):
    """One object, its attributes not looked at yet."""

    type: str
    id: _Id
    attributes: Mapping[str, object] | None = None
    relationships: Mapping[str, _Relationship] | None = None

    def references(self, name: str) -> tuple[Reference, ...]:
        relationship = (self.relationships or {}).get(name)
        return relationship.references if relationship else ()


class _Links(Wire):
    next: str | None = None


class _Paging(Wire):
    total: int | None = None


class _Meta(Wire):
    paging: _Paging = _Paging()


class _Collection(Wire):
    data: tuple[Resource, ...]
    included: tuple[Resource, ...] = ()
    links: _Links = _Links()
    meta: _Meta = _Meta()


class _Single(Wire):
    data: Resource
    included: tuple[Resource, ...] = ()


class _Error(Wire):
    code: str


class _Errors(Wire):
    errors: tuple[_Error, ...]


Attributes = TypeVar("Attributes", bound=Wire)


def attributes_of(resource: Resource, kind: type[Attributes]) -> Attributes:
    return kind.model_validate({name: storable(value) for name, value in (resource.attributes or {}).items()})


def storable(value: object) -> object:
    """A text without NUL and lone surrogates, which no database takes; anything else as it is."""
    if not isinstance(value, str) or (value.isascii() and "\x00" not in value):
        return value
    return value.replace("\x00", "").encode("utf-8", "replace").decode()


class Included:
    """Finds the resources that a document includes."""

    def __init__(self, resources: Iterable[Resource]) -> None:
        self._found = {(resource.type, resource.id): resource for resource in resources}

    def resources(self, owner: Resource, name: str) -> list[Resource]:
        """What `owner` refers to under `name`, as far as it is included."""
        references = ((reference.type, reference.id) for reference in owner.references(name))
        return [self._found[reference] for reference in references if reference in self._found]

    def many(self, owner: Resource, name: str, kind: type[Attributes]) -> list[Attributes]:
        """Their attributes."""
        return [attributes_of(resource, kind) for resource in self.resources(owner, name)]

    def one(self, owner: Resource, name: str, kind: type[Attributes]) -> Attributes:
        """The first one's attributes; with nothing included, attributes that are all absent."""
        return next(iter(self.many(owner, name, kind)), kind())
