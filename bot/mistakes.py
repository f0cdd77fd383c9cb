"""What is wrong with a configuration, where, and what right looks like. No value is ever repeated: it may be a secret."""

import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from difflib import get_close_matches
from typing import Any, get_args

from pydantic import BaseModel, SecretStr, ValidationError

from bot.domain.errors import NotSet, PurserError

KeyPath = tuple[str | int, ...]

BARE_KEY = r"[A-Za-z0-9_-]+"
HEADER = re.compile(rf"\s*(\[\[?)\s*({BARE_KEY}(?:\s*\.\s*{BARE_KEY})*)\s*\]\]?\s*(?:#.*)?$")
KEY = re.compile(rf"\s*\"?({BARE_KEY}(?:\.{BARE_KEY})*)\"?\s*=")

EXAMPLES = {"name": "acme-store"}

SENTENCES = {
    "missing": "is missing",
    "string_type": "must be text in quotes",
    "bool_type": "must be true or false",
    "bool_parsing": "must be true or false",
    "int_type": "must be a whole number",
    "list_type": "must be a list",
    "tuple_type": "must be a list",
    "dict_type": "must be a table",
    "model_type": "must be a table",
    "date_type": "must be a date, without quotes",
    "date_from_datetime_inexact": "must be a date, without a time",
}


@dataclass(frozen=True, slots=True)
class Mistake:
    """`where` is a variable, or file:line and key; `example` a line that would be right."""

    where: str
    what: str
    example: str

    def __str__(self) -> str:
        return f"{self.where}: {self.what}\n    for example: {self.example}"


@dataclass
class ConfigurationError(PurserError):
    """All mistakes at once, as a text for the person who can mend them."""

    mistakes: tuple[Mistake, ...]

    def __str__(self) -> str:
        count = "1 mistake" if len(self.mistakes) == 1 else f"{len(self.mistakes)} mistakes"
        return "\n".join((f"The configuration has {count}.", *(f"  {mistake}" for mistake in self.mistakes)))


@dataclass(frozen=True, slots=True)
class Complaint:
    """One error of a pydantic model in our words. `example` is a right value for `key`, as Python has it; `elsewhere` is the line
    that would be right in another place."""

    path: KeyPath
    what: str
    key: str
    example: Any
    elsewhere: str | None = None


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """A sentence's tail that names the nearest known word, else all of them."""
    words = sorted(known)
    near = get_close_matches(word.lower(), words, n=1)
    return f"did you mean `{near[0]}`?" if near else f"known here: {', '.join(words) or 'none'}"


def explain(error: ValidationError, model: type[BaseModel]) -> Iterator[Complaint]:
    """Every error of one validation."""
    for fact in error.errors(include_url=False, include_input=False):
        unknown = fact["type"] == "extra_forbidden"
        owner, path = _owner(model, fact["loc"], unknown=unknown)
        key = str(next((part for part in reversed(path) if isinstance(part, str)), ""))
        if unknown:
            key, what = _unknown_key(owner, key)
        else:
            what = _sentence(fact["type"], fact["msg"], fact.get("ctx", {}))
        cause = fact.get("ctx", {}).get("error")
        elsewhere = f"{cause.variable}=… (a line of .env)" if isinstance(cause, NotSet) else None
        yield Complaint(path, what, key, example_of(owner, key), elsewhere)


def example_of(model: type[BaseModel], key: str) -> Any:
    """A right value for a field: its own example, or one that fits its type."""
    known = model.model_fields.get(key)
    if known is None:
        return "…"
    if known.examples:
        return known.examples[0]
    if SecretStr in _types_in(known.annotation):
        return f"env:{key.upper()}"
    return known.default if isinstance(known.default, str | int) else EXAMPLES.get(key, "…")


def toml_line(key: str, value: Any) -> str:
    """`key = value` as a TOML file has it; `[[key]]` for a list of tables."""
    if value == [{}]:
        return f"[[{key}]]"
    if isinstance(value, dict):
        return f"{key} = {{ {', '.join(toml_line(inner, entry) for inner, entry in value.items())} }}"
    return f"{key} = {value.isoformat() if isinstance(value, date) else json.dumps(value, ensure_ascii=False)}"


def key_lines(text: str) -> dict[KeyPath, int]:
    """The line of every table and key of a TOML text, counted from 1.

    Knows headers of bare keys and one `key =` a line, which is how people write such a file; `line_of` falls back to the
    nearest table for the rest (inline tables, entries of lists).
    """
    found: dict[KeyPath, int] = {}
    seen: Counter[str] = Counter()
    table: KeyPath = ()
    for number, line in _outside_multiline_text(text):
        if header := HEADER.match(line):
            table = _table(re.split(r"\s*\.\s*", header[2]), header[1] == "[[", seen)
            found.setdefault(table, number)
        elif key := KEY.match(line):
            found.setdefault((*table, *key[1].split(".")), number)
    return found


def line_of(lines: Mapping[KeyPath, int], path: KeyPath) -> int:
    """The line of a key, or of the nearest thing around it."""
    while path and path not in lines:
        path = path[:-1]
    return lines.get(path, 1)


@dataclass
class TomlMistakes:
    """Collects the mistakes of one file. `name` is how its messages call it."""

    name: str
    text: str
    _found: list[tuple[int, Mistake]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._lines = key_lines(self.text)

    def found(self) -> list[Mistake]:
        """From the top of the file to its end."""
        return [mistake for _, mistake in sorted(self._found, key=lambda entry: entry[0])]

    def add_at(self, line: int, what: str, example: str, key: str = "") -> None:
        self._found.append((line, Mistake(f"{self.name}:{line}{key and f', {key}'}", what, example)))

    def add(self, path: KeyPath, what: str, example: str) -> None:
        self.add_at(line_of(self._lines, path), what, example, _spelled(path))

    def add_all(self, error: ValidationError, model: type[BaseModel], prefix: KeyPath = ()) -> None:
        for complaint in explain(error, model):
            example = toml_line(complaint.key, complaint.example) if complaint.key else "purser.example.toml shows a whole one"
            self.add((*prefix, *complaint.path), complaint.what, complaint.elsewhere or example)


def _owner(model: type[BaseModel], loc: KeyPath, *, unknown: bool) -> tuple[type[BaseModel], KeyPath]:
    """The model that has the wrong field, and the path to it without the tags that pydantic adds for unions."""
    path: KeyPath = ()
    inner: type[BaseModel] | None = model
    for part in loc:
        if isinstance(part, str):
            model = inner or model
            known = model.model_fields.get(part)
            if known is None:
                return model, ((*path, part) if unknown else path)
            inner = next((kind for kind in _types_in(known.annotation) if issubclass(kind, BaseModel)), None)
        path = (*path, part)
    return model, path


def _types_in(annotation: Any) -> Iterator[type]:
    """Every class that an annotation mentions."""
    if isinstance(annotation, type) and not get_args(annotation):
        yield annotation
    for argument in get_args(annotation):
        yield from _types_in(argument)


def _unknown_key(owner: type[BaseModel], key: str) -> tuple[str, str]:
    near = get_close_matches(key.lower(), owner.model_fields, n=1)
    return (near[0] if near else next(iter(owner.model_fields)), f"is not a setting; {did_you_mean(key, owner.model_fields)}")


def _sentence(kind: str, message: str, context: Mapping[str, Any]) -> str:
    if kind in ("value_error", "assertion_error"):
        return str(context["error"])
    if kind in ("literal_error", "enum"):
        return f"must be {context['expected']}"
    return SENTENCES.get(kind) or re.sub(r"^(Input|String|Value|List|URL) should", "must", message)


def _outside_multiline_text(text: str) -> Iterator[tuple[int, str]]:
    inside = False
    for number, line in enumerate(text.split("\n"), 1):
        if not inside:
            yield number, line
        if (line.count('"""') + line.count("'''")) % 2:
            inside = not inside


def _table(names: list[str], is_array: bool, seen: Counter[str]) -> KeyPath:
    if is_array:
        seen[names[0]] += 1
    return (names[0], seen[names[0]] - 1, *names[1:]) if seen[names[0]] else tuple(names)


def _spelled(path: KeyPath) -> str:
    """("accounts", 0, "apps", 1) -> "[[accounts]] apps, entry 2"."""
    table, *rest = path
    if rest and isinstance(rest[0], int):
        head, rest = f"[[{table}]]", rest[1:]
    else:
        head = f"[{table}]" if rest else str(table)
    keys = ".".join(part for part in rest if isinstance(part, str))
    entries = "".join(f", entry {part + 1}" for part in rest if isinstance(part, int))
    return f"{head} {keys}{entries}".strip()
