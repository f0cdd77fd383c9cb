"""JSON:API as App Store Connect speaks it: pages, resources and what they include. Pure; raises only Confused.

https://developer.apple.com/documentation/appstoreconnectapi (shapes as in Apple's OpenAPI document 4.4.1)
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Generic, TypeVar

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    FailFast,
    Field,
    GetCoreSchemaHandler,
    ValidationError,
)
from pydantic.alias_generators import to_camel
from pydantic_core import CoreSchema
from pydantic_core.core_schema import with_default_schema

from bot.domain.errors import Confused
from bot.domain.model import Platform
from providers.fields import flag_of, integer_of, moment_of, text_of

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
        included = Included(document.included or ())
        items = tuple(read(resource, included) for resource in document.data)
    except (ValidationError, Incomplete) as error:
        raise Confused(PROVIDER, account, operation, "unexpected_shape") from error
    return Page(items, document.next, document.total)


def read_one(body: object, account: str, operation: str, read: "Callable[[Resource, Included], T]") -> T:
    """The same for a document of one resource."""
    try:
        document = _Single.model_validate(body)
        return read(document.data, Included(document.included or ()))
    except (ValidationError, Incomplete) as error:
        raise Confused(PROVIDER, account, operation, "unexpected_shape") from error


def read_error_codes(body: object) -> tuple[str, ...]:
    """The codes of an error document; empty when it is none."""
    errors = body.get("errors") if isinstance(body, dict) else None
    codes = (text_of(error.get("code")) for error in (errors if isinstance(errors, list) else ()) if isinstance(error, dict))
    return tuple(code for code in codes if code)


def platform_of(word: str | None) -> Platform:
    return _PLATFORMS.get(word or "", Platform.OTHER)


def readable(word: str) -> str:
    """IN_BETA_REVIEW as people read it."""
    return word.replace("_", " ").lower()


# What is optional, and absent where Apple writes something that it has never been.
Text = Annotated[str | None, BeforeValidator(text_of)]
Number = Annotated[int | None, BeforeValidator(integer_of)]
Flag = Annotated[bool | None, BeforeValidator(flag_of)]
Moment = Annotated[datetime | None, BeforeValidator(moment_of)]


class OrAbsent:
    """None where a part has another shape. Pydantic does this by itself: with a function of ours, called for every part, a page
    takes two fifths longer. https://docs.pydantic.dev/latest/api/pydantic_core_schema/#pydantic_core.core_schema.with_default_schema"""

    def __get_pydantic_core_schema__(self, part: object, schema_of: GetCoreSchemaHandler) -> CoreSchema:
        return with_default_schema(schema_of(part), default=None, on_error="default")


class Wire(BaseModel):
    """A part of a document."""

    # Inputs stay out of errors: a document may hold public links.
    model_config = ConfigDict(frozen=True, alias_generator=to_camel, hide_input_in_errors=True, coerce_numbers_to_str=True)


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
    attributes: Annotated[Mapping[str, object] | None, OrAbsent()] = None
    relationships: Annotated[Mapping[str, Annotated[_Relationship | None, OrAbsent()]] | None, OrAbsent()] = None

    def references(self, name: str) -> tuple[Reference, ...]:
        relationship = (self.relationships or {}).get(name)
        return relationship.references if relationship else ()


_Included = Annotated[tuple[Annotated[Resource | None, OrAbsent()], ...] | None, OrAbsent()]


class _Links(Wire):
    next: Annotated[str | None, Field(coerce_numbers_to_str=False)] = (
        None  # of another kind, it would end a list before its end without a word
    )


class _Paging(Wire):
    total: Number = None


class _Meta(Wire):
    paging: Annotated[_Paging | None, OrAbsent()] = None


class _Collection(Wire):
    data: Annotated[tuple[Resource, ...], FailFast()]
    included: _Included = None
    links: _Links | None = None
    meta: Annotated[_Meta | None, OrAbsent()] = None

    @property
    def next(self) -> str | None:
        return self.links.next if self.links else None

    @property
    def total(self) -> int | None:
        return self.meta.paging.total if self.meta and self.meta.paging else None


class _Single(Wire):
    data: Resource
    included: _Included = None


Attributes = TypeVar("Attributes", bound=Wire)


def attributes_of(resource: Resource, kind: type[Attributes]) -> Attributes:
    return kind.model_validate(resource.attributes or {})


class Included:
    """Finds the resources that a document includes."""

    def __init__(self, resources: Iterable[Resource | None]) -> None:
        self._found = {(resource.type, resource.id): resource for resource in resources if resource}

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
