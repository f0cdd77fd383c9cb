"""Making the pretend Slack misbehave, method by method."""

import asyncio
from collections import Counter, defaultdict, deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from starlette.responses import JSONResponse, PlainTextResponse, Response


class SlackError(Exception):
    """A refusal as the Web API words it: `{"ok": false, "error": code, ...facts}`."""

    def __init__(self, code: str, facts: Mapping[str, object] | None = None) -> None:
        super().__init__(code)
        self.code = code
        self.facts = dict(facts or {})


@dataclass
class Faults:
    """Queues of misbehaviour. A method's queue is used up call by call; `*` stands for every method."""

    _queues: defaultdict[str, deque[Callable[[], Response | None]]] = field(default_factory=lambda: defaultdict(deque))
    _released: asyncio.Event = field(default_factory=asyncio.Event)
    _unheard: Counter[str] = field(default_factory=Counter)

    def rate_limit(self, method: str, times: int = 1, retry_after: int = 1) -> None:
        """429 with Retry-After, in seconds."""
        headers = {"Retry-After": str(retry_after)}
        self._add(method, times, lambda: JSONResponse({"ok": False, "error": "ratelimited"}, 429, headers))

    def fail(self, method: str, error: str, times: int = 1) -> None:
        """200 with an error code, such as `channel_not_found` or `internal_error`."""
        self._add(method, times, lambda: JSONResponse({"ok": False, "error": error}))

    def break_down(self, method: str, times: int = 1, status: int = 500) -> None:
        """A status without JSON, as from a load balancer."""
        self._add(method, times, lambda: PlainTextResponse("upstream connect error", status))

    def hang(self, method: str, times: int = 1) -> None:
        """No answer until the caller gives up or `release` is called."""
        self._add(method, times, lambda: None)

    def lose_answer(self, method: str, times: int = 1) -> None:
        """Does what was asked, and then the connection breaks: the caller cannot know."""
        self._unheard[method] += times

    def loses_answer(self, method: str) -> bool:
        if not self._unheard[method]:
            return False
        self._unheard[method] -= 1
        return True

    def waits(self, method: str) -> int:
        """How many misbehaviours of this method are still to come."""
        return len(self._queues.get(method) or ())

    def release(self) -> None:
        """Lets everything that hangs end with a 503."""
        self._released.set()

    def clear(self) -> None:
        self._queues.clear()
        self._unheard.clear()

    async def next(self, method: str) -> Response | None:
        """The misbehaviour due for this call; None when it should be answered properly."""
        queue = self._queues.get(method) or self._queues.get("*")
        if not queue:
            return None
        answer = queue.popleft()()
        if answer is None:
            await self._released.wait()
            return PlainTextResponse("", 503)
        return answer

    def _add(self, method: str, times: int, answer: Callable[[], Response | None]) -> None:
        self._queues[method].extend([answer] * times)
