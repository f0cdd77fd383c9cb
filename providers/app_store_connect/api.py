"""Calls to App Store Connect: addresses, paging, and when to make them."""

from collections.abc import Callable, Mapping
from typing import Any, TypeVar
from urllib.parse import urlencode

import httpx

from bot.domain.errors import SAVING_CALLS, Confused, RateLimited
from bot.domain.listing import ITSELF, Listing
from providers.addresses import same_origin
from providers.app_store_connect.documents import Page
from providers.app_store_connect.pacing import Pacer
from providers.app_store_connect.token import TokenKeeper
from providers.http import VendorHttp

T = TypeVar("T")
Params = Mapping[str, str | int]

PAGE_SIZE = 200  # Apple's maximum
PAGES_MAX = 500


class Api:
    """One account's calls. `http` must have been given `on_answer=pacer.heard`.

    `can_wait` marks those that nobody waits for: they are spread when the rate limit runs low.
    """

    def __init__(self, http: VendorHttp, tokens: TokenKeeper, base_url: str, pacer: Pacer) -> None:
        self.account = http.account
        self.error = http.error
        self._http = http
        self._tokens = tokens
        self._base_url = base_url
        self._pacer = pacer

    def url(self, path: str, params: Params | None = None) -> str:
        return f"{self._base_url}{path}?{urlencode(params)}" if params else f"{self._base_url}{path}"

    async def call(self, operation: str, url: str, *, method: str = "GET", body: Any = None, can_wait: bool = False) -> Any:
        """The parsed JSON. Raises ProviderError; RateLimited (saving_calls), nothing asked, where the wait would be too long."""
        wait = await self._pacer.turn() if can_wait else None
        if wait is not None:
            raise RateLimited(self._http.provider, self.account, operation, SAVING_CALLS, wait)
        with self._pacer.under_way():
            try:
                return await self._http.json(operation, method, url, credential=self._tokens, body=body)
            except RateLimited as error:
                self._pacer.refused(error.retry_after)
                raise

    async def read_all(
        self,
        operation: str,
        url: str,
        read: Callable[[object, str, str], Page[T]],
        is_last: Callable[[Page[T]], bool] = lambda page: False,
        *,
        can_wait: bool = False,
    ) -> Listing[T]:
        """The items of all pages, in order, up to the page that `is_last`; with a gap where pages never ended.

        Apple has been seen offering next pages for ever, with new cursors and no data (Developer Forums, on inAppPurchasesV2),
        so an empty page is the last one. A page that repeats ends the reading, too, but not the list.
        """
        found: dict[T, None] = {}
        visited: set[str] = set()
        while url not in visited and len(visited) < PAGES_MAX:
            visited.add(url)
            page = read(await self.call(operation, url, can_wait=can_wait), self.account, operation)
            before = len(found)
            found.update(dict.fromkeys(page.items))
            self._http.found(operation, len(found) - before)
            if not page.items or page.next is None or is_last(page):
                return Listing(found)
            if len(found) == before:
                break
            url = self._trusted(operation, page.next)
        return Listing(found, {ITSELF: self.error(operation, Confused, "endless_pages")})

    def _trusted(self, operation: str, link: str) -> str:
        """An address that Apple gave us, as it is, unless our token would go to somebody else."""
        try:
            if same_origin(link, self._base_url):
                return link
        except httpx.InvalidURL:
            raise self.error(operation, Confused, "bad_url") from None
        raise self.error(operation, Confused, "foreign_next_link")
