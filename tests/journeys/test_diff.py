"""`/purser diff`: two versions side by side, as people in Slack meet it."""

import pytest

from bot.sandbox.slack import Message

from .conftest import Journey, asking
from .test_downloading import opened
from .test_who_may import restricted, said_to_ben

__all__ = ["restricted"]  # the fixture


def columns(answer: Message) -> list[list[list[str]]]:
    """The lines of each column of each section that has two."""
    sections = [block["fields"] for block in answer.blocks if "fields" in block]
    return [[field["text"].splitlines() for field in fields] for fields in sections]


def labels(answer: Message) -> list[str]:
    return [button.label for button in answer.buttons]


async def test_two_versions_stand_side_by_side_where_both_are(journey: Journey) -> None:
    world = journey.world
    world.appcircle.upload(world.in_appcircle.shop, "3.2.0", "1420", notes="Smaller basket", size=1_400_000)
    await journey.check("acme-store")
    answer = await journey.ask("/purser diff shop 3.1 3.2")
    assert answer.is_ephemeral
    assert "Shop · 3.1 and 3.2" in answer.text_content
    (android, notes, ios, _) = columns(answer)  # the platform with the newest build first
    assert [column[0] for column in ios] == ["*3.1.0* (412)", "*3.2.0* (418)"]
    assert "iOS 15.0 or later" in ios[0]
    assert "still processing" in ios[1]
    assert [column[0] for column in android] == ["*3.1.0* (1412)", "*3.2.0* (1420)"]
    assert "1.4 MB (+1.2 MB)" in android[1]
    assert notes[1] == ["Notes of 3.2.0", "> Smaller basket"]
    assert "Checked just now" in answer.text_content


@asking
async def test_a_platform_with_one_of_them_is_said_in_a_line(asked: Journey) -> None:
    answer = await asked.ask("/purser diff shop 3.2 3.1")
    assert [column[0] for column in columns(answer)[0]] == ["*3.1.0* (412)", "*3.2.0* (418)"]
    assert "Android has 3.1.0 (1412), but no 3.2." in answer.text_content


@pytest.mark.parametrize("words", ["shop ios 2.9 3.1", "3.1 vs 2.9 iphone acme shop", "apple shop 377 412", "shop 2.9..3.1"])
@asking
async def test_words_may_stand_anywhere(asked: Journey, words: str) -> None:
    answer = await asked.ask(f"/purser diff {words}")
    assert [column[0] for column in columns(answer)[0]] == ["*2.9.0* (377)", "*3.1.0* (412)"]


@asking
async def test_with_one_version_the_newest_other_one_stands_beside_it(asked: Journey) -> None:
    answer = await asked.ask("/purser diff shop 3.0.12")
    assert "3.0.12 and the newest other version" in answer.text_content
    assert [column[0] for column in columns(answer)[0]] == ["*3.0.12* (1398)", "*3.1.0* (1412)"]
    assert "iOS has 3.2.0 (418), but no 3.0.12." in answer.text_content


@asking
async def test_without_a_version_the_two_newest(asked: Journey) -> None:
    answer = await asked.ask("/purser diff shop")
    assert "the two newest versions" in answer.text_content
    heads = [column[0] for section in columns(answer) for column in section if column[0].startswith("*")]
    assert heads == ["*3.1.0* (412)", "*3.2.0* (418)", "*3.0.13* (1399)", "*3.1.0* (1412)"]


@asking
async def test_a_typo_in_the_name_keeps_the_question(asked: Journey) -> None:
    answer = await asked.ask("/purser diff shpo 3.1 3.2 ios")
    assert "Did you mean Shop?" in answer.text_content
    assert "*3.2.0* (418)" in columns(await asked.press(answer, "Shop"))[0][1]


@asking
async def test_without_a_name_the_products_are_offered(asked: Journey) -> None:
    answer = await asked.ask("/purser diff 3.1 3.2")
    assert answer.text_content == "Which product?"
    assert labels(answer) == ["Courier", "Scanner", "Shop", "All products"]
    assert "*3.2.0* (418)" in columns(await asked.press(answer, "Shop"))[0][1]


@asking
async def test_a_version_that_does_not_exist_is_answered_with_the_nearest(asked: Journey) -> None:
    answer = await asked.ask("/purser diff shop ios 9.9 3.1")
    assert "No build of Shop matches iOS 9.9." in answer.text_content
    assert "The nearest versions are 3.2.0 and 2.9.0." in answer.text_content
    assert "*3.2.0* (418)" in columns(await asked.press(answer, "3.2.0"))[0][1]


@asking
async def test_the_same_version_twice(asked: Journey) -> None:
    answer = await asked.ask("/purser diff shop ios 3.1 3.1.0")
    assert "the same build of Shop twice" in answer.text_content
    assert "iOS: both mean 3.1.0 (412)." in answer.text_content
    assert labels(answer) == ["2.9.0", "3.2.0", "What there is"]
    assert "*2.9.0* (377)" in columns(await asked.press(answer, "2.9.0"))[0][0]


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("shop 412 1412", "iOS has 3.1.0 (412), but no 1412."),
        ("courier", "Android has nothing to compare with 1.8.1 (206)."),
        ("shop windows 3.1 3.2", "No build of Shop matches Windows."),
        ("shop 3.0 3.1 3.2", "I compare two versions at a time."),
        ("zzzzzz 3.1 3.2", "I do not know zzzzzz."),
    ],
)
@asking
async def test_what_cannot_be_compared_is_a_plain_sentence(asked: Journey, words: str, expected: str) -> None:
    assert expected in (await asked.ask(f"/purser diff {words}")).text_content


@pytest.mark.parametrize(
    "words", ["🛒 3.1 3.2", "x" * 4000, "3.1 " * 800, "shop \u202e3.1 3.2", "<!channel> 3.1", "shop `*_~ 3.1", "shop 1.1.1.1..2"]
)
@asking
async def test_any_text_gets_a_sentence(asked: Journey, words: str) -> None:
    answer = await asked.ask(f"/purser diff {words}")
    assert answer.text_content
    assert not answer.pings
    assert "Reference" not in answer.text_content


@asking
async def test_download_beside_the_facts(asked: Journey) -> None:
    answer = await asked.ask("/purser diff shop android 3.0.13 3.1")
    assert labels(answer) == ["Download 3.0.13 (1399)", "Download 3.1.0 (1412)", "Share here"]
    assert opened(await asked.press(answer, "Download 3.0.13 (1399)"))


@asking
async def test_share_here_shows_everybody_a_card_that_mints_for_each(asked: Journey) -> None:
    shared = await asked.press(await asked.ask("/purser diff shop android"), "Share here")
    assert not shared.is_ephemeral
    assert "*3.1.0* (1412)" in columns(shared)[0][1]
    assert " ago" not in shared.text_content
    town = asked.world.town
    bens = await asked.world.slack.press(town.ben, shared, "Download 3.1.0 (1412)")
    assert isinstance(bens, Message)
    assert bens.to == town.ben.id


@asking
async def test_the_same_words_work_in_a_mention_and_a_direct_message(asked: Journey) -> None:
    town, slack = asked.world.town, asked.world.slack
    mentioned = await slack.mention(town.ada, town.mobile, "diff shop 3.1 3.2")
    assert mentioned.is_ephemeral
    assert "*3.2.0* (418)" in columns(mentioned)[0][1]
    assert "*3.2.0* (418)" in columns(await slack.dm(town.ada, "diff shop 3.1 3.2"))[0][1]


@asking
async def test_help_lists_it(asked: Journey) -> None:
    assert "/purser diff shop 3.1 3.2" in (await asked.ask("/purser help")).text_content


async def test_what_is_stale_is_read_again_behind_the_answer(journey: Journey) -> None:
    journey.clock.advance(hours=3)
    world = journey.world
    world.applivery.upload(world.in_applivery.shop, "3.2.0", "1500")
    answer = await journey.ask("/purser diff shop android")
    assert "checking again now" in answer.text_content
    newer = await world.slack.wait_for(lambda message: "3.2.0 (1500)" in message.text_content)
    assert newer.is_ephemeral


@pytest.mark.parametrize("who", ["gus", "eve"])
@asking
async def test_guests_and_strangers_see_nothing_and_are_told_why(asked: Journey, who: str) -> None:
    town = asked.world.town
    channel = town.mobile if who == "gus" else town.partners
    answer = await asked.world.slack.command(getattr(town, who), channel, "/purser diff shop 3.1 3.2")
    assert "3.1.0" not in answer.text_content
    assert not answer.buttons


async def test_only_the_group_sees_a_restricted_product(restricted: Journey) -> None:
    assert "user groups" in (await said_to_ben(restricted, "/purser diff shop 3.1 3.2")).text_content
    assert "Shop" not in labels(await said_to_ben(restricted, "/purser diff shpo 3.1"))
    assert "Shop" not in labels(await said_to_ben(restricted, "/purser diff"))
    shown = await restricted.ask("/purser diff shop 3.1 3.2")
    assert columns(shown)
    refused = await restricted.world.slack.press(restricted.world.town.ben, shown, "Share here")
    assert isinstance(refused, Message)
    assert "user groups" in refused.text_content


@asking
async def test_vendor_text_can_neither_ping_nor_format(asked: Journey) -> None:
    answer = await asked.ask("/purser diff shop applivery")
    assert answer.pings == []
    assert any("&lt;!channel&gt;" in line for section in columns(answer) for column in section for line in column)
