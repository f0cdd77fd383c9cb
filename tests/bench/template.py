"""The yardstick for pages: `python -m tests.bench.template PORT`, Starlette with one Jinja2 template, as its docs begin."""

import sys

import uvicorn
from jinja2 import DictLoader, Environment
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.templating import Jinja2Templates

PAGE = """\
<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><title>{{ product }} {{ version }}</title></head>
<body>
<h1>{{ product }}</h1>
<p>{{ version }}</p>
<dl>{% for name, value in facts.items() %}<dt>{{ name }}</dt><dd>{{ value }}</dd>{% endfor %}</dl>
<a href="file">Download APK</a>
</body>
</html>
"""
FACTS = {"Platform": "Android", "Track": "Enterprise store (Live)", "Size": "200 kB", "Notes": "Faster checkout"}

templates = Jinja2Templates(env=Environment(loader=DictLoader({"page.html": PAGE}), autoescape=True))


async def show(request: Request) -> Response:
    return templates.TemplateResponse(request, "page.html", {"product": "Shop", "version": "3.1.0 (1412)", "facts": FACTS})


app = Starlette(routes=[Route("/d/{token}", show)])


if __name__ == "__main__":
    uvicorn.run(app, port=int(sys.argv[1]), http="httptools", log_level="warning", access_log=False)
