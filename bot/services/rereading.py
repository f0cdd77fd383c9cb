"""What became of builds that a short reading does not reach."""

from collections.abc import Sequence

import structlog

from bot.domain.errors import NotFound, ProviderError
from bot.domain.model import Build
from bot.domain.ports import Provider, RereadsBuilds, RereadsTogether

AT_MOST = 5  # builds that are asked for one by one; the others wait until everything is read

log = structlog.get_logger()


async def reread(provider: Provider, builds: Sequence[Build]) -> Sequence[Build]:
    """Those of `builds` (newest first) about which the vendor said something. A failure costs nothing: another poll follows."""
    if not builds:
        return ()
    if isinstance(provider, RereadsTogether):
        return await _together(provider, builds)
    if isinstance(provider, RereadsBuilds):
        return await _one_by_one(provider, builds[:AT_MOST])
    return ()


async def _together(provider: RereadsTogether, builds: Sequence[Build]) -> Sequence[Build]:
    try:
        return await provider.reread_builds(builds)
    except ProviderError as error:
        log.info("builds not read again", account=error.account, reason=error.reason)
        return ()


async def _one_by_one(provider: RereadsBuilds, builds: Sequence[Build]) -> Sequence[Build]:
    """One that is gone is for a full reading to find."""
    found = []
    for build in builds:
        try:
            found.append(await provider.reread_build(build))
        except NotFound:
            continue
        except ProviderError as error:
            log.info("builds not read again", account=error.account, reason=error.reason)
            break
    return found
