"""Asks for uploads that failed before they became builds. Apple lists them for one app at a time."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from urllib.parse import quote

from bot.domain.errors import AgreementBlocked, Confused, NotFound, ProviderError, Refused
from bot.domain.listing import ITSELF, Listing, gaps_of
from bot.domain.model import App, Build
from providers.app_by_app import OF_THE_KEY
from providers.app_store_connect.api import PAGE_SIZE, Api, Params
from providers.app_store_connect.uploads import FAILED, read_uploads
from providers.concurrency import map_bounded

OPERATION = "list failed uploads"
LOOK_EVERY = timedelta(hours=1)  # at one app
_NEVER = datetime.min.replace(tzinfo=UTC)
_UPLOADS: Params = {"filter[state]": FAILED, "sort": "-uploadedDate", "include": "build", "limit": PAGE_SIZE}


class UploadReader:
    """Remembers when it looked at which app, so that each has its turn; each account has its own."""

    def __init__(self, api: Api, clock: Callable[[], datetime]) -> None:
        self._api = api
        self._clock = clock
        self._looked_at: dict[str, datetime] = {}

    async def read(self, apps: Sequence[App]) -> Listing[Build]:
        """Of all these apps, those that could not be read being gaps; none of those that the key may not ask about. What ails
        more than one app ends the asking. Raises AgreementBlocked, Refused (the key itself)."""
        ailing: list[ProviderError] = []

        async def attempt(app: App) -> Listing[Build]:
            if ailing:
                return Listing((), {ITSELF: ailing[0]})
            try:
                return await self._of(app)
            except (Refused, NotFound) as error:
                if error.reason in OF_THE_KEY:
                    raise
                return Listing()
            except AgreementBlocked:
                raise
            except ProviderError as error:
                ailing.extend([] if isinstance(error, Confused) else [error])
                return Listing((), {ITSELF: error})

        found = await map_bounded(attempt, apps)
        gaps = {app.id: error for app, uploads in zip(apps, found, strict=True) for error in gaps_of(uploads).values()}
        return Listing((build for uploads in found for build in uploads), gaps)

    async def read_next(self, apps: Sequence[App]) -> Sequence[Build] | None:
        """Of the app that was looked at longest ago, among equals the first; None: nothing was asked, there is none whose turn it
        is. What cannot be read waits for the app's next turn."""
        app = min(apps, key=lambda app: self._looked_at.get(app.id, _NEVER), default=None)
        if app is None or self._clock() - self._looked_at.get(app.id, _NEVER) < LOOK_EVERY:
            return None
        try:
            return await self._of(app)
        except ProviderError:
            return ()

    async def _of(self, app: App) -> Listing[Build]:
        self._looked_at[app.id] = self._clock()
        url = self._api.url(f"/v1/apps/{quote(app.id, safe='')}/buildUploads", _UPLOADS)
        found = await self._api.read_all(
            OPERATION, url, lambda body, _, operation: read_uploads(body, app, operation), can_wait=True
        )
        return Listing((each.build for each in found if each.is_lost), found.gaps)
