"""The only meeting point with Bolt: acknowledges, boils the payload down, runs the feature, turns errors into sentences.

Facts about Bolt that shape this file: with `process_before_response=True` the reply leaves as soon as the listener returns, so
answers travel in the acknowledgement itself; whatever takes longer is answered through the response URL.
"""

import asyncio
import json
import re
import secrets
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Coroutine
from functools import partial
from typing import Any, TypeVar

import structlog
from aiohttp import ClientError
from pydantic_core import to_json
from slack_bolt.async_app import AsyncAck, AsyncApp, AsyncRespond
from slack_bolt.response import BoltResponse
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from bot.domain.errors import MessageRefused, StoreUnavailable, UserMistake
from bot.domain.message import Message, Modal
from bot.domain.model import Person, Product
from bot.services.access import Access
from bot.views import home, mistakes
from bot.views.ids import Shortcut, parse_action_id
from bot.views.limits import OPTIONS, product_options
from bot.views.subscribing import outcome
from handlers import messages
from handlers.messenger import TOKEN_REFUSED, call, error_code
from handlers.modals import Start, as_view, publish, put, show
from handlers.payloads import (
    Called,
    Entered,
    Pressed,
    Said,
    called,
    entered,
    pressed,
    said_by_command,
    said_in_message,
    submitted,
    typed,
)
from handlers.reasons import OK, because
from handlers.requests import Ask, Call, Click, Feature, Form, Reply, Routes, Showing, Tab

PATIENCE = 1.8  # seconds; Slack wants the acknowledgement within 3
GRACE = 2.0  # seconds; a process that is told to end has ten of them in all
MOST_EVENTS = 1_000  # remembered, because Slack sends an event again when it thinks that we missed it
LONGEST_FRAME = 18_000  # bytes of an answer; Slack closes a socket that sends more than 20,480 in one frame
ANYTHING = re.compile("")

_NOT_TAKEN = "Slack did not take my answer. Ask again."

T = TypeVar("T")
R = TypeVar("R", Reply, Reply | None)

log = structlog.get_logger()


class Edge:
    """Connects routes to a Bolt app. `observe` is told each answer's feature and seconds; `frames_are_short`: Socket Mode."""

    def __init__(
        self,
        bolt: AsyncApp,
        routes: Routes,
        access: Access,
        observe: Callable[[str, float], None],
        *,
        frames_are_short: bool = False,
    ) -> None:
        self._frames_are_short = frames_are_short
        self._routes = routes
        self._access = access
        self._observe = observe
        self._background: set[asyncio.Task[None]] = set()
        self._seen: OrderedDict[str, None] = OrderedDict()
        bolt.command(ANYTHING)(self.command)
        bolt.action(ANYTHING)(self.action)
        bolt.options(ANYTHING)(self.options)
        bolt.view(ANYTHING)(self.submission)
        bolt.shortcut(ANYTHING)(self.shortcut)
        bolt.event("app_mention")(self.event)
        bolt.event("message")(self.event)
        bolt.event("app_home_opened")(self.home)
        bolt.error(self.misread)

    async def aclose(self) -> None:
        """Lets what runs behind answers finish, for GRACE seconds, then stops it: a vendor may hang for a minute."""
        if self._background:
            await asyncio.wait(self._background, timeout=GRACE)
        for task in tuple(self._background):
            task.cancel()
        await asyncio.gather(*self._background, return_exceptions=True)

    async def command(self, ack: AsyncAck, command: dict[str, Any], respond: AsyncRespond) -> BoltResponse:
        said = said_by_command(command, self._routes.commands.get(command["command"], ""))
        answering = asyncio.create_task(self._answer(said))
        await asyncio.sleep(0)  # what has to wait for nobody is done now
        if not answering.done() and not (await asyncio.wait({answering}, timeout=PATIENCE))[0]:
            self._behind(self._respond_when_done(answering, respond))
            return await ack()
        reply = answering.result()
        answer: dict[str, Any] = {"text": reply.message.text, "blocks": list(reply.message.blocks), "response_type": "ephemeral"}
        if not self._fits(answer):
            self._behind(self._respond_when_done(answering, respond))
            return await ack()
        if reply.later:
            self._behind(messages.follow_up(reply, respond))
        return _acknowledged(answer)

    async def action(self, ack: AsyncAck, body: dict[str, Any], respond: AsyncRespond, client: AsyncWebClient) -> None:
        await ack()
        self._behind(self._click(pressed(body), respond, client))

    async def shortcut(self, ack: AsyncAck, body: dict[str, Any], respond: AsyncRespond, client: AsyncWebClient) -> None:
        await ack()
        self._behind(self._run(called(body), respond, client))

    async def submission(self, ack: AsyncAck, body: dict[str, Any], client: AsyncWebClient) -> None:
        """Answers in the acknowledgement, in the place of the form."""
        sent = submitted(body)

        async def work() -> Modal:
            if sent.callback not in self._routes.forms:
                raise UserMistake("I do not know this form. Open it again.")
            person = await self._admitted(sent.callback, sent.user, sent.team)
            if isinstance(person, Reply):
                return outcome(person.message)
            return await self._routes.forms[sent.callback](Form(person, sent.metadata, sent.values))

        await ack(response_action="update", view=as_view(await self._guarded("form", work(), outcome)))
        self._behind(self._revisit(Entered(sent.user, sent.metadata), client))

    async def options(self, ack: AsyncAck, body: dict[str, Any]) -> None:
        products = await self._guarded("suggest", self._suggestions(typed(body)), lambda _: ())
        options = product_options(products, "versions")[:OPTIONS]
        while not self._fits({"options": options}):
            options = options[: len(options) // 2]
        await ack(options=options)

    async def event(self, event: dict[str, Any], body: dict[str, Any], client: AsyncWebClient) -> None:
        said = said_in_message(event)
        if said and not self._is_repeated(body.get("event_id")):
            self._behind(self._talk(said, event, client))

    async def home(self, event: dict[str, Any], body: dict[str, Any], client: AsyncWebClient) -> None:
        who = entered(event)
        if who and not self._is_repeated(body.get("event_id")):
            self._behind(self._welcome(who, client))

    async def misread(self, error: Exception, body: dict[str, Any]) -> BoltResponse:
        """Features are guarded below: what fails outside of them is the reading of a payload that is not as Slack documents."""
        log.error("payload not understood", type=str(body.get("type") or "command"), reason=type(error).__name__)
        return BoltResponse(status=400)

    async def _answer(self, said: Said) -> Reply:
        word, _, rest = said.words.partition(" ")
        feature = self._routes.features.get(word.casefold())
        name = word.casefold() if feature else "other"

        async def work() -> Reply:
            if feature is not None:
                return await self._ask(name, feature, said, rest.strip())
            if await self._routes.names_product(said.words):
                return await self._ask("versions", self._routes.features["versions"], said, said.words)
            return await self._ask(name, self._routes.fallback, said, said.words)

        return await self._replied(name, work())

    async def _ask(self, name: str, feature: Feature, said: Said, words: str) -> Reply:
        person = await self._admitted(name, said.user, said.team)
        return person if isinstance(person, Reply) else await feature(Ask(person, said.channel, words))

    async def _admitted(self, name: str, user: str, team: str | None) -> Person | Reply:
        """The person, or why they may not."""
        if name in self._routes.impersonal:
            return Person(user)
        person = await self._access.person(user, team)
        denied = self._access.denial(person)
        if denied is None or name in self._routes.open_to_all:
            return person
        return Reply(mistakes.denied(denied), facts=because(denied))

    async def _click(self, press: Pressed, respond: AsyncRespond, client: AsyncWebClient) -> None:
        if press.view:
            await self._click_in_view(press, respond, client)
            return
        reply = await self._pressed(press)
        start = Start(press.trigger, press.channel)
        if reply and not (reply.modal and await put(client, start, reply.modal)):
            await messages.send(reply, respond)
            await messages.bring_up_to_date(reply, respond)

    async def _click_in_view(self, press: Pressed, respond: AsyncRespond, client: AsyncWebClient) -> None:
        """There is no message to answer to: the answer stands in a modal."""
        start = Start(press.trigger, press.channel, press.view)
        answering = asyncio.create_task(self._pressed(press))
        await show(client, start, answering, partial(messages.tell, press.user, respond, client))
        if press.action_id.partition(":")[0] in self._routes.alters_home:
            await self._revisit(Entered(press.user, press.channel), client)

    async def _pressed(self, press: Pressed) -> Reply | None:
        async def work() -> Reply | None:
            action = parse_action_id(press.action_id)
            if action not in self._routes.clicks:
                return None  # a button that opens an address
            person = await self._access.person(press.user, press.team)
            click = Click(person, press.channel, press.value, press.is_private)
            denied = self._access.denial(person)
            if denied is None:
                return await self._for_these_readers(press.channel, await self._routes.clicks[action](click))
            if action in self._routes.denied:
                await self._routes.denied[action](click, denied)
            return Reply(mistakes.denied(denied), facts=because(denied))

        return await self._replied("click", work())

    async def _for_these_readers(self, channel: str, reply: Reply) -> Reply:
        """What would be for the whole channel, only where the whole channel may read it."""
        denied = await self._access.denial_to_all(channel) if reply.showing is Showing.CHANNEL else None
        return Reply(mistakes.denied(denied), facts=because(denied)) if denied else reply

    async def _run(self, run: Called, respond: AsyncRespond, client: AsyncWebClient) -> None:
        async def work() -> Reply | None:
            if run.callback not in set(Shortcut):
                raise UserMistake("I do not know this shortcut. Whoever runs me can update my manifest in Slack.")
            person = await self._admitted(run.callback, run.user, run.team)
            if isinstance(person, Reply):
                return person
            return await self._routes.shortcuts[Shortcut(run.callback)](Call(person, run.channel, run.text))

        answering = asyncio.create_task(self._replied("shortcut", work()))
        await show(client, Start(run.trigger, run.channel), answering, partial(messages.tell, run.user, respond, client))

    async def _welcome(self, who: Entered, client: AsyncWebClient) -> None:
        async def work() -> Tab:
            person = await self._admitted("home", who.user, None)
            return _instead(person.message) if isinstance(person, Reply) else await self._routes.home(person, who.channel)

        tab = await self._timed("home", work(), _instead)
        await publish(client, who.user, tab.home)
        if tab.later:
            await publish(client, who.user, await tab.later())

    async def _revisit(self, who: Entered, client: AsyncWebClient) -> None:
        """Their Home tab once more, when what they did was about it; a conversation of two other people is not."""
        if not who.channel.startswith("D"):
            return
        ours = await call(client.conversations_open, users=who.user)
        if ours["channel"]["id"] == who.channel:
            await self._welcome(who, client)

    async def _talk(self, said: Said, event: dict[str, Any], client: AsyncWebClient) -> None:
        reply = await self._answer(said)
        if event["type"] == "app_mention":
            await messages.whisper(reply, said, event.get("thread_ts"), client)
        else:
            await messages.say(reply, said, client)

    async def _suggestions(self, said: Said) -> tuple[Product, ...]:
        person = await self._admitted("suggest", said.user, said.team)
        return () if isinstance(person, Reply) else await self._routes.suggest(said.words, said.channel, person)

    async def _respond_when_done(self, answering: asyncio.Task[Reply], respond: AsyncRespond) -> None:
        reply = await answering
        await messages.send(reply, respond)
        await messages.follow_up(reply, respond)

    async def _replied(self, name: str, work: Awaitable[R]) -> R:
        return await self._timed(name, work, Reply)

    async def _timed(self, name: str, work: Awaitable[T], otherwise: Callable[[Message], T]) -> T:
        started = time.perf_counter()
        result = await self._guarded(name, work, otherwise)
        self._observe(name, time.perf_counter() - started)
        return result

    async def _guarded(self, name: str, work: Awaitable[T], otherwise: Callable[[Message], T]) -> T:
        """The feature's result. Errors become sentences for `otherwise`; an unexpected one is logged under the reference that
        the person sees. The project's only broad except."""
        try:
            result = await work
        except UserMistake as error:
            reason, message = "user_mistake", mistakes.user_mistake(error)
        except MessageRefused as error:
            reason, message = error.reason, mistakes.user_mistake(UserMistake(_unheard(error.reason)))
        except (SlackApiError, ClientError, TimeoutError) as error:
            code = error_code(error) if isinstance(error, SlackApiError) else None
            reason, message = code or "slack_unreachable", mistakes.user_mistake(UserMistake(_NOT_TAKEN))
        except StoreUnavailable:
            sentence = "My database does not answer. Nothing is lost; try again in a minute."
            reason, message = "store_unavailable", mistakes.user_mistake(UserMistake(sentence))
        except Exception:
            reference = secrets.token_hex(4)
            log.exception("feature broke", feature=name, reference=reference)
            reason, message = "internal", mistakes.internal(reference)
        else:
            log.info("answered", feature=name, **(result.facts if isinstance(result, Reply) else OK))
            return result
        log.warning("answered", feature=name, reason=reason)
        return otherwise(message)

    def _fits(self, answer: dict[str, Any]) -> bool:
        """Whether it may travel in an acknowledgement; over HTTP everything that our views make does."""
        return not self._frames_are_short or len(json.dumps(answer)) <= LONGEST_FRAME

    def _behind(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(self._guarded("behind", work, lambda _: None))
        self._background.add(task)
        task.add_done_callback(self._background.discard)

    def _is_repeated(self, event_id: str | None) -> bool:
        if event_id is None or event_id in self._seen:
            return event_id is not None
        self._seen[event_id] = None
        if len(self._seen) > MOST_EVENTS:
            self._seen.popitem(last=False)
        return False


def _acknowledged(answer: dict[str, Any]) -> BoltResponse:
    """What `ack(**answer)` makes, written several times as fast. Views let no half characters through, which this refuses."""
    return BoltResponse(status=200, body=to_json(answer).decode(), headers={"content-type": "application/json;charset=utf-8"})


def _instead(message: Message) -> Tab:
    return Tab(home.instead(message))


def _unheard(reason: str) -> str:
    if reason in TOKEN_REFUSED:
        return "Slack does not tell me who you are. Whoever runs Purser finds out why with `purser doctor`."
    return "Slack did not answer me. Try again in a minute."
