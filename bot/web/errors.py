"""What people read when there is nothing to hand out."""

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from math import ceil

import structlog
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ExceptionHandler

from bot.domain.errors import (
    AgreementBlocked,
    Confused,
    NotFound,
    NotReady,
    ProviderError,
    RateLimited,
    Refused,
    StoreUnavailable,
    Unreachable,
)
from bot.domain.ports import Jobs
from bot.services.tokens import Ending, LinkGone, LinkRefused, LinkUnknown
from bot.web.pages import render

log = structlog.get_logger(__name__)

REPORT = "Tell whoever runs Purser, and give them the reference below."
OTHER = "Go back to Slack and ask for another build."
ASK = "Go back to Slack and ask Purser again: it says what you may have."
AGAIN = "Go back to Slack and press Download again: you get a new link at once."
LATER = "This link lives on for a few minutes: try again shortly, or later with a new one from Slack."
SOON = {"Retry-After": "30"}


@dataclass(frozen=True, slots=True)
class Trouble:
    """One error page."""

    status: int
    title: str
    text: str
    advice: str


NOWHERE = Trouble(404, "Nothing is here", "Purser knows no such link. It may have been cut off or changed on its way.", AGAIN)
GONE = Trouble(410, "This build is gone", "The system that kept it does not have it any more.", OTHER)
_ENDINGS: Mapping[Ending, Trouble] = {
    Ending.EXPIRED: Trouble(410, "This link has ended", "Download links live for a few minutes only.", AGAIN),
    Ending.USED_UP: Trouble(410, "This link is used up", "It has been opened as often as one link may be.", AGAIN),
    Ending.REVOKED: Trouble(410, "This link was taken back", "It opens nothing any more.", ASK),
    Ending.NOTHING_THERE: GONE,
    Ending.REFUSED: Trouble(410, "This link is closed", "The person it was made for may not have this build any more.", ASK),
}
AWAY = Trouble(503, "One moment", "Purser cannot reach its own records right now.", LATER)
BROKEN = Trouble(500, "Something went wrong here", "The mistake is Purser's, and has been noted.", REPORT)

_VENDOR_TROUBLES: Mapping[type[ProviderError], Trouble] = {
    NotFound: GONE,
    NotReady: Trouble(503, "This build is not ready yet", "It is still being processed.", LATER),
    RateLimited: Trouble(503, "One moment", "The system that keeps this build asks us to slow down.", LATER),
    Unreachable: Trouble(503, "No answer", "The system that keeps this build does not answer right now.", LATER),
    AgreementBlocked: Trouble(
        502,
        "Blocked by an agreement",
        "A legal agreement of the account has to be accepted before this build can be handed out.",
        "Tell the people who look after the account.",
    ),
    Refused: Trouble(502, "The key is refused", "The system that keeps this build refuses Purser's key.", REPORT),
    Confused: Trouble(
        502, "An odd answer", "The system that keeps this build says something that Purser does not understand.", REPORT
    ),
}
_NO_LINK = Trouble(410, "Nothing to open", "The system that keeps this build has no link and no file for it any more.", OTHER)
_WITHOUT_LINK = frozenset({"no_public_link", "no_file"})


def exception_handlers(headers: Mapping[str, str], jobs: Jobs) -> Mapping[type[Exception], ExceptionHandler]:
    """`headers` go onto the page for unforeseen errors, which is made outside of all other middleware."""

    async def vendor_failed(request: Request, error: Exception) -> Response:
        if isinstance(error, AgreementBlocked):
            with suppress(StoreUnavailable):
                await jobs.defer("agreements", error.account)  # a check behind it finds out more
        return await _vendor_failed(request, error)

    async def unforeseen(request: Request, error: Exception) -> Response:
        log.error("http.unforeseen", exc_info=error)
        return _page(request, BROKEN, headers)

    return {
        LinkGone: _gone,
        LinkUnknown: _unknown,
        ProviderError: vendor_failed,
        StoreUnavailable: _store_failed,
        HTTPException: _refused,
        Exception: unforeseen,
    }


async def _gone(request: Request, error: Exception) -> Response:
    if not isinstance(error, LinkGone):
        raise error
    structlog.contextvars.bind_contextvars(grant=error.grant_id)
    if isinstance(error, LinkRefused):
        log.info("link.refused", reason=error.reason)
    return _page(request, _ENDINGS[error.ending])


async def _unknown(request: Request, error: Exception) -> Response:
    return _page(request, NOWHERE)


async def _refused(request: Request, error: Exception) -> Response:
    if not isinstance(error, HTTPException) or error.status_code == 404:
        return _page(request, NOWHERE)
    trouble = Trouble(error.status_code, "That does not work here", f"{error.detail}.", AGAIN)
    return _page(request, trouble, error.headers)


async def _vendor_failed(request: Request, error: Exception) -> Response:
    if not isinstance(error, ProviderError):
        raise error
    log.warning("file.refused", account=error.account, operation=error.operation, reason=error.reason)
    trouble = _NO_LINK if error.reason in _WITHOUT_LINK else _trouble_of(error)
    wait = error.retry_after if isinstance(error, RateLimited) else None
    soon = {"Retry-After": str(ceil(wait.total_seconds()))} if wait else SOON
    return _page(request, trouble, soon if trouble.status == 503 else None)


def _trouble_of(error: ProviderError) -> Trouble:
    return next((page for kind, page in _VENDOR_TROUBLES.items() if isinstance(error, kind)), BROKEN)


async def _store_failed(request: Request, error: Exception) -> Response:
    log.error("store.unavailable", error=str(error))
    return _page(request, AWAY, SOON)


def _page(request: Request, trouble: Trouble, headers: Mapping[str, str] | None = None) -> Response:
    return render("error.html", trouble.status, headers, trouble=trouble, reference=request.state.request_id)
