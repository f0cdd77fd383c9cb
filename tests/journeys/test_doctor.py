"""`purser doctor`: each thing that can be wrong is found, and what to do about it stands below."""

import io
import re
from collections.abc import AsyncIterator, Callable
from contextlib import aclosing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from rich.console import Console
from starlette.applications import Starlette
from starlette.responses import HTMLResponse
from starlette.routing import Route

from bot.doctor import examine
from bot.domain.ports import Repositories
from bot.manifest import scopes
from bot.sandbox.misbehaviour import Misbehaviour
from bot.sandbox.server import LoopbackServer
from bot.sandbox.world import APPLE, World, free_port
from bot.store import Database
from bot.store.migrate import upgrade
from bot.workshop import load_settings, utc_now

from .conftest import Watch, started
from .terminal import Terminal, secrets_in

SIGNING_SECRET = "8f742231b10e8888abcd99yyyzzz85a5"  # as long as Slack's
STARTS = {  # in each vendor's own words
    "acme-apple": "compare key_id, issuer_id",
    "acme-applivery": "use a Service Account token, not an App API token",
    "acme-store": "make the credential anew in the root organization",
}
NOWHERE = "postgresql://purser:hunter2hunter2@127.0.0.1:9/purser"


class Doctor:
    """Examines the world in this process. `report` is what it printed for a pipe."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.report = ""

    async def examine(
        self, clock: Callable[[], datetime] = utc_now, bound: float = 10, console: Console | None = None, **changes: str
    ) -> bool:
        variables = {**self.world.environment, "SLACK_SIGNING_SECRET": SIGNING_SECRET, **changes}
        console = console or Console(file=io.StringIO(), width=80)
        sound = await examine(load_settings(variables, self.world.folder), console, clock, bound)
        assert isinstance(console.file, io.StringIO)
        self.report = console.file.getvalue()
        assert [secret for secret in secrets_in(variables) if secret in self.report] == []
        return sound

    def finding(self, label: str) -> tuple[str, str, str]:
        """Mark, what was found, and what to do."""
        lines = self.report.splitlines()
        (row,) = (number for number, line in enumerate(lines) if re.match(rf"(ok|warning|failed) +{re.escape(label)}  ", line))
        mark, says = lines[row].split()[0], lines[row].partition(label)[2].strip()
        advice = lines[row + 1].strip() if row + 1 < len(lines) else ""
        return mark, says, advice.removeprefix("→ ") if advice.startswith("→") else ""

    @property
    def failed(self) -> list[str]:
        return re.findall(r"^failed +(.+?)  ", self.report, re.MULTILINE)


@pytest.fixture
def doctor(world: World) -> Doctor:
    return Doctor(world)


@pytest.fixture
def terminal(world: World) -> Terminal:
    return Terminal(world.folder, {**world.environment, "SLACK_SIGNING_SECRET": SIGNING_SECRET})


async def test_all_is_well_beside_the_running_bot(world: World, terminal: Terminal) -> None:
    async with started(world, Watch()):
        outcome = await terminal.purser("doctor")
    assert (outcome.code, outcome.err) == (0, "")
    assert [line.split()[0] for line in outcome.out.splitlines() if "→" not in line].count("ok") == 9
    assert "iOS installs only from https" in outcome.out
    assert "agrees with Slack, acme-apple, acme-applivery, acme-store" in outcome.out


@pytest.mark.usefixtures("applivery_is_away")
async def test_everything_wrong_at_once(world: World, terminal: Terminal) -> None:
    world.slack.api.scopes = {"commands"}
    world.apple.block_agreements()
    outcome = await terminal.purser("doctor", DATABASE_URL=NOWHERE, APPCIRCLE_PAT="pat_somebody_elses", SLACK_APP_TOKEN="xapp-no")
    assert (outcome.code, outcome.err) == (1, "")
    marks = [line.split()[0] for line in outcome.out.splitlines() if "→" not in line]
    assert marks == ["ok", "failed", "failed", "failed", "warning", "warning", "failed", "failed", "failed", "ok"]
    assert "acme-applivery  probe got no answer (connect)\n" in outcome.out
    assert "→ check the addresses of this account, the network and the vendor's status page\n" in outcome.out


# --- Slack ------------------------------------------------------------------------------------


async def test_a_token_that_was_revoked(doctor: Doctor) -> None:
    doctor.world.slack.api.revoked = True
    assert not await doctor.examine()
    expected = ("failed", "Slack refuses it (token_revoked)", "copy the bot's token anew from OAuth & Permissions")
    assert doctor.finding("Slack token") == expected


async def test_no_token(doctor: Doctor) -> None:
    assert not await doctor.examine(SLACK_BOT_TOKEN="")
    mark, says, mend = doctor.finding("Slack token")
    assert (mark, says) == ("failed", "SLACK_BOT_TOKEN is not set")
    assert "`purser manifest`" in mend


async def test_a_scope_that_is_missing(doctor: Doctor) -> None:
    doctor.world.slack.api.scopes -= {"users:read", "commands"}
    assert not await doctor.examine()
    mark, says, mend = doctor.finding("Slack scopes")
    assert (mark, says) == ("failed", "missing: commands, users:read")
    assert "install it again" in mend


@pytest.mark.parametrize("trouble", ["html", "nobody"])
async def test_a_slack_that_does_not_answer(doctor: Doctor, trouble: str) -> None:
    doctor.world.slack.api.faults.break_down("auth.test", status=502)
    address = doctor.world.slack.api_url if trouble == "html" else f"http://127.0.0.1:{free_port()}/api/"
    assert not await doctor.examine(SLACK_API_URL=address)
    mark, says, mend = doctor.finding("Slack token")
    assert (mark, says) == ("failed", "Slack does not answer")
    assert "SLACK_API_URL" in mend


async def test_socket_mode(doctor: Doctor) -> None:
    assert not await doctor.examine(SLACK_APP_TOKEN="xapp-somebody-elses")
    mark, says, mend = doctor.finding("Socket Mode")
    assert (mark, says) == ("failed", "Slack refuses it (invalid_auth)")
    assert "connections:write" in mend
    assert await doctor.examine(SLACK_APP_TOKEN=doctor.world.slack.app_token)
    assert doctor.finding("Socket Mode")[0] == "ok"


async def test_a_signing_secret_that_is_missing_or_odd(doctor: Doctor) -> None:
    assert not await doctor.examine(SLACK_SIGNING_SECRET="")
    assert doctor.finding("signing secret")[:2] == ("failed", "SLACK_SIGNING_SECRET is not set")
    assert await doctor.examine(SLACK_SIGNING_SECRET="copied-with-something-missing")
    assert doctor.finding("signing secret")[0] == "warning"


# --- Accounts ---------------------------------------------------------------------------------


async def test_an_agreement_that_blocks(doctor: Doctor) -> None:
    doctor.world.apple.block_agreements()
    assert not await doctor.examine()
    mark, says, mend = doctor.finding(APPLE)
    assert (mark, doctor.failed) == ("failed", [APPLE])
    assert says.startswith("probe is blocked by an agreement (FORBIDDEN")
    assert "Account Holder" in mend


async def test_a_key_that_is_not_the_right_one(doctor: Doctor) -> None:
    key = ec.generate_private_key(ec.SECP256R1()).private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    assert not await doctor.examine(ASC_PRIVATE_KEY=key, APPLIVERY_TOKEN="sa_wrong", APPCIRCLE_PAT="pat_wrong")
    assert doctor.failed == ["acme-apple", "acme-applivery", "acme-store"]
    for account in doctor.failed:
        _, says, mend = doctor.finding(account)
        assert says.endswith("was refused (unauthorized)")
        assert mend.startswith(STARTS[account])


async def test_what_hangs_is_given_up_and_everything_is_asked_at_once(doctor: Doctor) -> None:
    for vendor in (doctor.world.apple, doctor.world.applivery, doctor.world.appcircle):
        vendor.misbehave("/", Misbehaviour.HANG)
    doctor.world.slack.api.faults.hang("auth.test")
    begun = utc_now()
    assert not await doctor.examine(bound=1)
    assert utc_now() - begun < timedelta(seconds=4)
    assert doctor.failed == ["Slack", "acme-apple", "acme-applivery", "acme-store"]
    assert doctor.finding(APPLE)[1] == "no answer within 1 s"


async def test_nobody_who_would_be_told(doctor: Doctor) -> None:
    file = doctor.world.folder / "purser.toml"
    file.write_text(re.sub("(?m)^owners = .*$", "", file.read_text()))
    await doctor.examine()
    mark, says, mend = doctor.finding("owners")
    assert (mark, says) == ("warning", "there are none: nobody is told when an account fails")
    assert mend.endswith("[purser] in purser.toml")


async def test_no_account_at_all(doctor: Doctor) -> None:
    (doctor.world.folder / "purser.toml").unlink()
    assert not await doctor.examine()
    assert doctor.finding("accounts") == ("failed", "there are none", "add [[accounts]] to purser.toml")


async def test_a_clock_that_is_wrong(doctor: Doctor) -> None:
    assert not await doctor.examine(clock=lambda: datetime.now(UTC) + timedelta(minutes=10))
    mark, says, mend = doctor.finding("clock")
    assert re.match(r"(599|600|601) s from that of Slack, ", says)
    assert (mark, mend) == ("failed", "let NTP set this machine's clock")
    assert "this machine's clock" in doctor.finding(APPLE)[2]  # Apple believes no token from the future


# --- Where Purser lives -----------------------------------------------------------------------


async def test_a_database_that_is_not_there(doctor: Doctor) -> None:
    assert not await doctor.examine(DATABASE_URL=NOWHERE)
    mark, says, mend = doctor.finding("database")
    assert (mark, says) == ("failed", "the database cannot be used (unreachable)")
    assert mend.startswith("check DATABASE_URL")


async def test_a_database_file_that_cannot_be_made(doctor: Doctor) -> None:
    (doctor.world.folder / "file").touch()
    assert not await doctor.examine(DATABASE_URL=f"sqlite:///{doctor.world.folder}/file/data/purser.db")
    assert doctor.finding("database")[:2] == ("failed", "its folder cannot be written to")


async def test_a_doctor_makes_no_database(doctor: Doctor, tmp_path: Path) -> None:
    assert await doctor.examine(DATABASE_URL=f"sqlite:///{tmp_path}/data/purser.db")
    assert doctor.finding("database")[:2] == ("ok", "SQLite; made at the first start")
    assert entries(tmp_path) == []


async def test_an_account_that_is_down_for_a_while(doctor: Doctor, tmp_path: Path) -> None:
    address, noon = f"sqlite:///{tmp_path}/purser.db", datetime(2026, 5, 4, 12, tzinfo=UTC)
    down = "down since 2026-05-04 12:30 UTC (timeout), 2 times in a row, last tried 2026-05-04 12:35 UTC"
    upgrade(address)
    async with aclosing(Database(address)) as store:

        def fail(repositories: Repositories) -> None:
            repositories.catalogue.register_account(APPLE, "app_store_connect")
            for minute in (30, 35):
                at = noon + timedelta(minutes=minute)
                repositories.catalogue.record_failure(APPLE, at, "timeout", next_at=at + timedelta(minutes=20))

        await store.write(fail)
    for minute, says in ((40, f"{down}, next try 2026-05-04 12:55 UTC"), (55, down)):
        now = noon + timedelta(minutes=minute)
        await doctor.examine(clock=lambda now=now: now, DATABASE_URL=address)  # type: ignore[misc]
        assert doctor.finding(f"polls of {APPLE}")[:2] == ("warning", says)
    assert "`purser sync`" in doctor.report


def entries(folder: Path) -> list[Path]:
    return list(folder.iterdir())


async def test_a_public_address_that_nobody_answers(doctor: Doctor) -> None:
    elsewhere = f"http://127.0.0.1:{free_port()}"
    assert await doctor.examine(PUBLIC_URL=elsewhere)
    expected = ("warning", "does not answer; Purser does not run here", "start Purser, then look again")
    assert doctor.finding("PUBLIC_URL") == expected
    assert doctor.finding("https")[0] == "warning", "said also while nobody answers"
    async with started(doctor.world, Watch()):
        assert not await doctor.examine(PUBLIC_URL=elsewhere)
    mark, says, mend = doctor.finding("PUBLIC_URL")
    assert (mark, says) == ("failed", "does not answer, though Purser runs here")
    assert "HOST and PORT" in mend


@pytest.fixture
async def another_site() -> AsyncIterator[str]:
    """What a proxy shows that does not pass everything on."""

    async def welcome(request: object) -> HTMLResponse:
        return HTMLResponse("<h1>Welcome to nginx!</h1>")

    async with LoopbackServer(Starlette(routes=[Route("/{path:path}", welcome)])) as server:
        yield server.url


async def test_a_public_address_of_somebody_else(doctor: Doctor, another_site: str) -> None:
    assert not await doctor.examine(PUBLIC_URL=another_site)
    mark, says, mend = doctor.finding("PUBLIC_URL")
    assert (mark, says) == ("failed", "somebody else answers there (200)")
    assert "proxy" in mend


async def test_no_public_address(doctor: Doctor) -> None:
    assert await doctor.examine(PUBLIC_URL="")
    assert doctor.finding("PUBLIC_URL")[:2] == ("warning", "is not set")


# --- How it looks -----------------------------------------------------------------------------


async def test_in_a_terminal_lines_are_broken_between_words_only(doctor: Doctor) -> None:
    doctor.world.slack.api.scopes = set(list(scopes())[:1])
    doctor.world.apple.block_agreements()
    await doctor.examine(APPLIVERY_TOKEN="sa_wrong")
    piped = doctor.report
    await doctor.examine(APPLIVERY_TOKEN="sa_wrong", console=Console(file=io.StringIO(), width=80, force_terminal=True))
    shown = re.sub(r"\x1b\[[0-9;]*m", "", doctor.report)
    assert "\x1b[31mfailed   \x1b[0mSlack scopes" in doctor.report
    assert "\x1b" not in piped
    assert max(len(line) for line in shown.splitlines() if "FORBIDDEN" not in line) <= 80
    assert shown.split() == piped.split()
    assert not re.search(r" $", shown + piped, re.MULTILINE)
