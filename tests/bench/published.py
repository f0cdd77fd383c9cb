"""The yardstick for readings: `python -m tests.bench.published` lists an Apple account with Codemagic's published client.

The package codemagic-cli-tools stands apart from Purser's own packages: see YARDSTICK. Nothing of it is changed. A
subclass says where the sandbox is, in the class attribute in which the client keeps Apple's address, and puts `iat` into the
token, without which the sandbox takes none, as Apple's documentation has it.
What it reads stays the parsed JSON that its lists return:
the client's own objects, which would take it longer, want attributes that the sandbox does not make up.
"""

import json
import sys
import time
from pathlib import Path
from typing import Any

YARDSTICK = Path(sys.prefix) / "yardstick"
"""Where `make bench` installs requirements-bench.txt: on the import path of this process alone."""


def listed(order: dict[str, Any]) -> dict[str, Any]:
    """Apps, then of each its builds with their versions, and with `store_versions` also its App Store versions."""
    import jwt
    from codemagic.apple.app_store_connect import AppStoreConnectApiClient, IssuerId, KeyIdentifier
    from codemagic.apple.resources import ResourceId

    now = int(time.time())
    claims = {"iss": order["issuer_id"], "iat": now, "exp": now + 600, "aud": "appstoreconnect-v1"}
    token = jwt.encode(claims, order["private_key"], "ES256", {"kid": order["key_id"]})

    class Client(AppStoreConnectApiClient):
        API_URL = f"{order['url']}/v1"

        def generate_auth_headers(self) -> dict[str, str]:
            return {"Authorization": f"Bearer {token}"}

    client = Client(KeyIdentifier(order["key_id"]), IssuerId(order["issuer_id"]), order["private_key"])
    builds, versions = [], []
    started = time.perf_counter()
    apps = [ResourceId(app["id"]) for app in client.paginate(f"{client.API_URL}/apps")]
    for app in apps:
        builds += client.builds.list_data_with_include("preReleaseVersion", client.builds.Filter(app=app)).data
        versions += client.apps.list_app_store_versions_data(app) if order["store_versions"] else ()
    seconds = time.perf_counter() - started
    return {"seconds": seconds, "apps": len(apps), "builds": len(builds) + len(versions)}


if __name__ == "__main__":
    json.dump(listed(json.load(sys.stdin)), sys.stdout)
