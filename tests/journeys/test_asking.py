import pytest

from .conftest import Journey, asking
from .test_downloading import opened


@asking
async def test_all_products_at_a_glance(asked: Journey) -> None:
    answer = await asked.ask("/versions")
    for name in ("Shop", "Courier", "Scanner"):
        assert name in answer.text_content
    assert answer.is_ephemeral
    assert answer.menus


@asking
async def test_one_product_over_all_systems(asked: Journey) -> None:
    answer = await asked.ask("/versions shop")
    text = answer.text_content
    assert "iOS · App Store Connect · TestFlight · 3.2.0 (418) · still processing" in text
    assert "Android · Applivery · App Distribution · 3.1.0 (1412)" in text
    assert "Android · Appcircle · Enterprise store" in text
    assert "Checked just now" in text
    assert [button.label for button in answer.buttons].count(
        "Download"
    ) == 3  # for the ready build behind the one in processing too


@asking
async def test_a_typo_is_answered_with_a_suggestion_that_works(asked: Journey) -> None:
    answer = await asked.ask("/versions shpo android")
    assert "Did you mean Shop?" in answer.text_content
    again = await asked.press(answer, "Shop")
    assert "3.1.0 (1412)" in again.text_content
    assert "iOS" not in again.text_content


@asking
async def test_many_builds_are_paged_in_place(asked: Journey) -> None:
    first = await asked.ask("/versions shop android 3.0")
    assert "3.0.13" in first.text_content
    second = await asked.press(first, "Show more")
    assert "3.0.0" in second.text_content
    assert second.ts == first.ts


@asking
async def test_share_here_shows_everybody_a_card_that_mints_for_each(asked: Journey) -> None:
    answer = await asked.ask("/versions shop android")
    shared = await asked.press(answer, "Share here")
    assert not shared.is_ephemeral
    assert "iOS" not in shared.text_content
    town = asked.world.town
    bens = await asked.world.slack.press(town.ben, shared, "Download", "Applivery")
    assert bens.to == town.ben.id


@pytest.mark.parametrize("words", ["versions shop", "shop"])
@asking
async def test_the_same_words_work_in_a_mention_and_a_direct_message(asked: Journey, words: str) -> None:
    town, slack = asked.world.town, asked.world.slack
    mentioned = await slack.mention(town.ada, town.mobile, words)
    assert "3.1.0 (1412)" in mentioned.text_content
    assert mentioned.is_ephemeral
    direct = await slack.dm(town.ada, words)
    assert "3.1.0 (1412)" in direct.text_content


@asking
async def test_the_menu_finds_products_while_one_types(asked: Journey) -> None:
    answer = await asked.ask("/versions")
    (menu,) = answer.menus
    chosen = next(value for label, value in menu.options if label == "Courier")
    courier = await asked.world.slack.choose(asked.world.town.ada, answer, menu.action_id, chosen)
    assert "1.8.1 (206)" in courier.text_content


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("/purser help", "/purser subscribe shop"),
        ("/purser", "/purser subscribe shop"),
        ("/purser apps", "acme-applivery"),
        ("/purser status", "acme-store (Appcircle) · checked just now"),
        ("/purser agreements", "Apple Developer membership"),
        ("/purser whoami", "You may see builds and get links"),
        ("/purser subscriptions", "nothing"),
        ("/purser sttus", "Did you mean /purser status?"),
        ("/purser shop", "3.1.0 (1412)"),
        ("/purser VERSIONS Shop", "3.1.0 (1412)"),
    ],
)
@asking
async def test_every_word_has_its_answer(asked: Journey, line: str, expected: str) -> None:
    assert expected in (await asked.ask(line)).text_content


@pytest.mark.parametrize("who", ["gus", "eve"])
@asking
async def test_guests_and_strangers_see_nothing_and_are_told_why(asked: Journey, who: str) -> None:
    town, slack = asked.world.town, asked.world.slack
    person = getattr(town, who)
    channel = town.mobile if who == "gus" else town.partners
    for line in ("/versions shop", "/purser shop"):
        answer = await slack.command(person, channel, line)
        assert "3.1.0" not in answer.text_content
        assert not answer.buttons
    shared = await asked.press(await asked.ask("/versions shop"), "Share here")
    refused = await slack.press(person, shared, "Download")
    assert "Open" not in [button.label for button in refused.buttons]


@pytest.mark.parametrize(
    "words", ["", "🛒🛒🛒", "x" * 4000, "shop " * 800, "\u202etset", "<!channel>", "&lt;script&gt;", "`*_~", "مرحبا", "\x00\x07"]
)
@asking
async def test_any_text_gets_a_sentence(asked: Journey, words: str) -> None:
    for command in ("/versions", "/download", "/purser", "/purser subscribe", "/purser unsubscribe"):
        answer = await asked.ask(f"{command} {words}")
        assert answer.text_content
        assert not answer.pings
        assert "Reference" not in answer.text_content


async def test_vendor_text_can_neither_ping_nor_format(journey: Journey) -> None:
    await journey.ask("/purser subscribe all")
    world = journey.world
    world.applivery.upload(
        world.in_applivery.shop, "3.2.0", "1500", notes="<!channel> *bold* <https://evil.test|click> @here `x`", branch="<!here>"
    )
    await journey.check("acme-applivery")
    (card,) = journey.in_mobile()[-1:]
    assert "3.2.0 (1500)" in card.text_content
    assert card.pings == []


# --- A Slack that does not take an answer, or does not say who asks ----------------------------


async def test_an_answer_waits_for_a_slack_that_is_asked_too_much(journey: Journey) -> None:
    slack, town = journey.world.slack, journey.world.town
    for method in ("chat.postMessage", "chat.postEphemeral", "response_url"):
        slack.rate_limit(method, times=2, retry_after=0)
    assert "3.1.0 (1412)" in (await slack.dm(town.ada, "versions shop")).text_content
    mentioned = await slack.mention(town.ada, town.mobile, "versions shop")
    assert "3.1.0 (1412)" in mentioned.text_content
    assert opened(await journey.press(mentioned, "Download", "Applivery"))
    assert [len(slack.calls(method)) for method in ("chat.postMessage", "chat.postEphemeral")] == [1, 1]
    assert not any(slack.api.faults.waits(method) for method in ("chat.postMessage", "chat.postEphemeral", "response_url"))


async def test_without_the_scope_to_see_who_asks(journey: Journey) -> None:
    slack, town = journey.world.slack, journey.world.town
    slack.fail("users.info", "missing_scope", times=10)
    assert "purser doctor" in (await slack.command(town.ben, town.mobile, "/versions")).text_content
    assert "purser doctor" in (await slack.command(town.ben, town.mobile, "/purser whoami")).text_content
    for line in ("/purser help", "/purser sttus"):
        assert "/purser subscribe shop" in (await slack.command(town.ben, town.mobile, line)).text_content
    slack.api.faults.clear()
