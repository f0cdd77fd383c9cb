"""The App Store versions of one account: those that came with its apps, and what no listing tells of them.

Apple lists versions for one app at a time. They also ride along where apps are listed, at no call of their own, but without the
number and the minimum OS of their build, their release notes and the phased release. These are asked for one question a poll,
most useful first, and remembered; less often while polls have more to read than one page.
"""

from collections.abc import Callable, Container, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from urllib.parse import quote

from bot.domain.errors import NotFound, ProviderError, Refused
from bot.domain.listing import ITSELF, Listing
from bot.domain.model import App, Build, BuildState
from providers.app_store_connect import store_versions, wire
from providers.app_store_connect.api import PAGE_SIZE, Api, Params
from providers.app_store_connect.store_versions import PHASED_AT_MOST, BuildFacts, Phase, Reading, with_build, with_phase
from providers.app_store_connect.wire import ListedApp

# App ids have about ten digits, those of versions 36, so that an address stays under 6 KB, commas encoded.
APPS_PER_REQUEST = 200
VERSIONS_PER_REQUEST = 150
PHASE_LASTS = timedelta(hours=6)  # a phased release moves once a day
BUSY_PAUSE = timedelta(minutes=30)

_LIST_APPS = "list apps"
_READ_VERSION = "read version"
VERSION_FIELDS: Params = {
    "fields[appStoreVersions]": "platform,versionString,appVersionState,appStoreState,createdDate",
}
_APPS: Params = {
    **VERSION_FIELDS,
    "include": "appStoreVersions",
    "fields[apps]": "name,bundleId,appStoreVersions",
    # Apple's maximum. No order is promised; what an older app has beyond it comes with the builds.
    "limit[appStoreVersions]": 50,
    "limit": PAGE_SIZE,
}
_VERSION: Params = {
    "include": "build,appStoreVersionPhasedRelease,appStoreVersionLocalizations",
    "fields[appStoreVersions]": f"{VERSION_FIELDS['fields[appStoreVersions]']}"
    ",build,appStoreVersionPhasedRelease,appStoreVersionLocalizations",
    "fields[builds]": "version,minOsVersion",
    "fields[appStoreVersionPhasedReleases]": "phasedReleaseState,currentDayNumber",
    "fields[appStoreVersionLocalizations]": "locale,whatsNew",
    "limit[appStoreVersionLocalizations]": 50,
}
_BUILD_FACTS: Params = {
    "include": "appStoreVersion",
    "fields[builds]": "version,minOsVersion,appStoreVersion",
    "fields[appStoreVersions]": "versionString",
    "limit": PAGE_SIZE,
}


@dataclass(frozen=True, slots=True)
class _Answer:
    """What a version said when it was read by itself. `state` is the one that it had been listed with."""

    state: BuildState
    notes: str | None
    phase: Phase
    at: datetime


class Shelf:
    """Kept between `list_apps` and the `take` that follows it; each account has its own."""

    def __init__(self, api: Api, clock: Callable[[], datetime]) -> None:
        self._api = api
        self._clock = clock
        self._arrived: dict[str, tuple[Build, ...]] = {}
        self._facts: dict[str, BuildFacts] = {}
        self._answers: dict[str, _Answer] = {}
        self._asked_at = clock()
        self.has_asked = False

    async def list_apps(self) -> Sequence[App]:
        """Every app of the account; its versions wait for `take`. Raises ProviderError."""
        listed = await self._list({})
        self._arrived = {each.app.id: each.versions for each in listed}
        return Listing((each.app for each in listed), listed.gaps)

    async def take(
        self, apps: Iterable[App], attached: Iterable[Build], known: Container[str], *, is_busy: bool, is_spent: bool = False
    ) -> Listing[Build]:
        """The versions of `apps`, each arrival handed out once; those of apps that were not listed since are asked for.

        `attached` came with their builds, whose facts they have. A version that its store has in `known`, that is no longer
        handed out and whose build was not asked for yet, waits for a later poll. `is_busy`: this poll made enough calls already,
        `is_spent`: its last one is meant for something else. Raises ProviderError.
        """
        wanted = sorted({app.id for app in apps})
        unpacked = await self._unpack(wanted)
        versions = {version.id: version for version in unpacked}
        for version in attached:
            versions[version.id] = version
            self._facts[version.id] = BuildFacts(version.number, version.min_os)
        self.has_asked = False
        if not is_spent and (not is_busy or self._clock() - self._asked_at >= BUSY_PAUSE):
            self._asked_at = self._clock()
            self.has_asked = await self._ask_one_more(list(versions.values()))
        completed = (self._completed(version) for version in versions.values() if not self._waits(version, known))
        return Listing(completed, unpacked.gaps)

    async def reread(self, operation: str, version: Build) -> Build:
        """The version as Apple describes it now. Raises ProviderError."""
        return (await self._read(operation, version, can_wait=False)).version

    async def _list(self, filters: Params) -> Listing[ListedApp]:
        return await self._api.read_all(
            _LIST_APPS, self._api.url("/v1/apps", {**_APPS, **filters}), wire.read_apps, can_wait=True
        )

    async def _unpack(self, app_ids: Sequence[str]) -> Listing[Build]:
        gaps: dict[str, ProviderError] = {}
        arrived = {app_id: self._arrived.pop(app_id) for app_id in app_ids if app_id in self._arrived}
        for missing in batches([app_id for app_id in app_ids if app_id not in arrived], APPS_PER_REQUEST):
            found = await self._list({"filter[id]": ",".join(missing)})
            arrived |= {each.app.id: each.versions for each in found if each.app.id in missing}
            gaps |= dict.fromkeys(missing, found.gaps[ITSELF]) if found.gaps else {}
        return Listing((version for versions in arrived.values() for version in versions), gaps)

    def _waits(self, version: Build, known: Container[str]) -> bool:
        return version.state is BuildState.EXPIRED and version.id in known and version.id not in self._facts

    def _completed(self, version: Build) -> Build:
        answer = self._answers.get(version.id)
        version = with_build(version, self._facts.get(version.id, BuildFacts()))
        version = replace(version, notes=answer.notes if answer else None)
        return with_phase(version, answer.phase) if answer else version

    # --- one question a poll ---

    async def _ask_one_more(self, versions: Sequence[Build]) -> bool:
        """Whether there was anything to ask. A listing is not lost when it fails: what was not answered is asked again, what was
        refused is not."""
        unknown = [version for version in versions if version.id not in self._facts]
        unknown.sort(key=lambda version: version.state is BuildState.EXPIRED)
        try:
            if unknown:
                await self._ask_build_facts([version.id for version in unknown[:VERSIONS_PER_REQUEST]])
            elif version := next(self._due(versions), None):
                await self._ask_itself(version)
            else:
                return False
        except ProviderError:
            pass
        return True

    async def _ask_build_facts(self, version_ids: Sequence[str]) -> None:
        params = {**_BUILD_FACTS, "filter[appStoreVersion]": ",".join(version_ids)}
        url = self._api.url("/v1/builds", params)
        try:
            pairs = await self._api.read_all("list numbers", url, store_versions.read_build_facts, can_wait=True)
        except (Refused, NotFound):
            pairs = Listing()
        self._facts |= dict.fromkeys(version_ids, BuildFacts()) | {id: facts for id, facts in pairs if id in version_ids}

    def _due(self, versions: Iterable[Build]) -> Iterator[Build]:
        """Young versions that are not replaced yet: once in each of their states, for the notes that they have then, and while
        a phased release may be under way."""
        now = self._clock()
        for version in versions:
            answer = self._answers.get(version.id)
            is_young = version.uploaded_at is not None and now - version.uploaded_at <= PHASED_AT_MOST
            if version.state is not BuildState.EXPIRED and is_young and (answer is None or self._is_stale(answer, version)):
                yield version

    def _is_stale(self, answer: _Answer, version: Build) -> bool:
        may_move = version.state is BuildState.LIVE and not answer.phase.is_final
        return answer.state is not version.state or (may_move and self._clock() - answer.at >= PHASE_LASTS)

    async def _ask_itself(self, version: Build) -> None:
        try:
            reading = await self._read(_READ_VERSION, version, can_wait=True)
            notes, phase = reading.version.notes, reading.phase
        except (Refused, NotFound):
            notes, phase = None, Phase()
        self._answers[version.id] = _Answer(version.state, notes, phase, self._clock())

    async def _read(self, operation: str, version: Build, *, can_wait: bool) -> Reading:
        url = self._api.url(f"/v1/appStoreVersions/{quote(version.id, safe='')}", _VERSION)
        app = App(version.account, version.app_id, version.app_id, version.bundle_id)
        body = await self._api.call(operation, url, can_wait=can_wait)
        return store_versions.read_store_version(body, app, operation)


def batches(ids: Sequence[str], size: int) -> Iterator[Sequence[str]]:
    for start in range(0, len(ids), size):
        yield ids[start : start + size]
