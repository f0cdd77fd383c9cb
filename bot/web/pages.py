"""Renders the human pages. The one style sheet stands inside the page and is allowed by its hash."""

from base64 import b64encode
from collections.abc import Mapping
from hashlib import sha256
from importlib.resources import files

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup
from starlette.responses import HTMLResponse

from bot.web import words

_STYLE = (files("bot.web") / "templates" / "style.css").read_text(encoding="utf-8")
STYLE_SOURCE = f"'sha256-{b64encode(sha256(_STYLE.encode()).digest()).decode()}'"

_environment = Environment(
    loader=PackageLoader("bot.web"),
    auto_reload=False,
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
_environment.filters |= {"size": words.size, "moment": words.moment, "time": words.time, "platform": words.platform}
_environment.globals["style"] = Markup(_STYLE)  # noqa: S704 - our own file; its hash must stay that of the plain text


def render(template: str, status: int = 200, headers: Mapping[str, str] | None = None, **facts: object) -> HTMLResponse:
    return HTMLResponse(_environment.get_template(template).render(facts), status, headers)
