FROM python:3.13-slim AS build
WORKDIR /srv/purser
RUN python -m venv .venv
COPY requirements.txt ./
RUN .venv/bin/pip install --no-cache-dir --disable-pip-version-check --require-hashes -r requirements.txt
COPY . .
RUN .venv/bin/pip install --no-cache-dir --disable-pip-version-check --no-deps --no-build-isolation --editable .

FROM python:3.13-slim
RUN useradd --system --user-group --home-dir /srv/purser purser
WORKDIR /srv/purser
COPY --from=build /srv/purser ./
RUN mkdir data && chown purser:purser data
USER purser
ENV PATH=/srv/purser/.venv/bin:$PATH PYTHONUNBUFFERED=1 HOST=0.0.0.0 PORT=3000 LOG_FORMAT=json
# The SQLite database. Mount purser.toml beside it, at /srv/purser/purser.toml, or name another place in PURSER_CONFIG.
VOLUME /srv/purser/data
EXPOSE 3000
HEALTHCHECK --start-period=10s CMD ["python", "-c", "import os, urllib.request as u; u.urlopen(f'http://127.0.0.1:{os.environ[\"PORT\"]}/healthz', timeout=3)"]
CMD ["purser", "run"]
