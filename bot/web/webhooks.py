"""Vendors' calls: signature first, then a job, then 200. What changed is read from the vendor's API by the job."""

from collections import OrderedDict
from collections.abc import Mapping

import structlog
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from bot.domain.errors import Confused, Refused
from bot.domain.ports import Jobs, Provider, ReceivesWebhooks, WebhookHint, WebhookRequest

log = structlog.get_logger(__name__)

REMEMBERED = 10_000  # deliveries; vendors repeat within minutes


class Webhooks:
    def __init__(self, providers: Mapping[str, Provider], jobs: Jobs) -> None:
        self._providers = providers
        self._jobs = jobs
        self._seen = Recent(REMEMBERED)

    async def receive(self, request: Request) -> Response:
        account = request.path_params["account"]
        provider = self._providers.get(account)
        if provider is None or not isinstance(provider, ReceivesWebhooks):
            return PlainTextResponse("No such account.\n", 404)
        call = WebhookRequest(
            dict(request.headers), await request.body(), dict(request.query_params), request.path_params.get("secret", "")
        )
        try:
            hint = provider.parse_webhook(call)
        except Refused as error:
            return _reject(401, "Bad signature.\n", error)
        except Confused as error:
            return _reject(400, "Not understood.\n", error)
        await self._note(account, hint)
        return PlainTextResponse("ok\n")

    async def _note(self, account: str, hint: WebhookHint | None) -> None:
        """Remembered only once the job is safe, so that a vendor's repetition mends a failure of ours."""
        if hint is None or (account, hint.delivery_id) in self._seen:
            return
        await self._jobs.defer("uploads" if hint.has_failed_upload else "sync", account)
        self._seen.add((account, hint.delivery_id))
        log.info("webhook.received", account=account, vendor_event=hint.event)


class Recent:
    """The last so many deliveries."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._ids: OrderedDict[tuple[str, str], None] = OrderedDict()

    def __contains__(self, item: tuple[str, str]) -> bool:
        return item in self._ids

    def add(self, item: tuple[str, str]) -> None:
        self._ids[item] = None
        if len(self._ids) > self._size:
            self._ids.popitem(last=False)


def _reject(status: int, text: str, error: Refused | Confused) -> Response:
    log.warning("webhook.rejected", account=error.account, reason=error.reason)
    return PlainTextResponse(text, status)
