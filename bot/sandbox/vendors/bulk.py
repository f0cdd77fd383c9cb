"""Thousands of builds for benchmarks and paging tests."""

from datetime import datetime, timedelta
from typing import Protocol, TypeVar

A = TypeVar("A")
_PACE = timedelta(minutes=5)


class TakesUploads(Protocol[A]):
    """Every pretend vendor."""

    def add_app(self, name: str, bundle_id: str) -> A: ...

    def upload(self, app: A, version: str, number: str, *, platform: str, uploaded_at: datetime) -> object: ...


def populate(vendor: TakesUploads[A], apps: int, builds: int, newest: datetime, platform: str = "ios") -> list[A]:
    """`apps` apps ("App 01", com.acme.app01, ...) with `builds` builds each: one every five minutes, the apps taking turns."""
    made = []
    oldest = newest - (apps * builds - 1) * _PACE
    for place in range(1, apps + 1):
        app = vendor.add_app(f"App {place:02d}", f"com.acme.app{place:02d}")
        made.append(app)
        for build in range(builds):
            uploaded_at = oldest + (build * apps + place - 1) * _PACE
            vendor.upload(app, f"{1 + build // 20}.{build % 20}.0", str(build + 1), platform=platform, uploaded_at=uploaded_at)
    return made
