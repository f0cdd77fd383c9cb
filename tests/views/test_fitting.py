"""Blocks and messages stay inside Slack's limits whatever they are made of."""

from hypothesis import given
from hypothesis import strategies as st

from bot.domain.message import Block
from bot.domain.model import Product
from bot.views.ids import Action
from bot.views.limits import (
    BLOCKS,
    MESSAGE,
    Element,
    actions,
    button,
    context,
    header,
    listing,
    message,
    open_button,
    product_menu,
    section,
    weight,
)
from bot.views.text import escape
from tests.views.validate import all_elements, all_strings, problems

WORDS = st.text(max_size=50) | st.integers(0, 5000).map(lambda length: "x&" * length)


@st.composite
def buttons(draw: st.DrawFn) -> Element:
    url = draw(st.none() | st.just("https://purser.acme.com/" + "d" * 2900))
    if url:
        opening = open_button(draw(WORDS), url, draw(st.integers(0, 9)))
        assert opening is not None
        return opening
    return button(draw(WORDS), Action.DOWNLOAD, draw(WORDS), draw(st.integers(0, 9)))


@st.composite
def blocks(draw: st.DrawFn) -> Block:
    words = escape(draw(WORDS), 5000)
    kind = draw(st.sampled_from(["section", "header", "context", "menu", "actions"]))
    if kind == "section":
        return section(words, draw(st.none() | buttons()))
    if kind == "header":
        return header(words)
    if kind == "context":
        return context(words, words)
    if kind == "menu":
        return actions(product_menu([Product("1", draw(WORDS))] * draw(st.integers(1, 101)), "versions"))[0]
    return actions(*draw(st.lists(buttons(), min_size=1, max_size=40)))[0]


@given(blocks())
def test_weight_is_never_too_small(block: Block) -> None:
    assert sum(map(len, all_strings(block))) <= weight(block)


@given(st.lists(blocks(), max_size=12))
def test_messages_fit(drawn: list[Block]) -> None:
    made = message("Something", [section("first"), *drawn])
    assert sum(map(len, all_strings(made.blocks))) + len(made.text) <= MESSAGE
    assert made.blocks[0] == section("first")


def test_small_messages_are_whole() -> None:
    drawn = [section(f"row {place}") for place in range(BLOCKS)]
    assert message("Rows", drawn).blocks == tuple(drawn)
    assert len(message("Rows", [*drawn, section("one more")]).blocks) == BLOCKS


def test_rows_give_way_to_what_stands_around_them() -> None:
    rows = [section("x" * 900) for _ in range(100)]
    made = listing("Rows", (header("Shop"),), rows, (context("Checked just now"),), 100, lambda left: f"and {left} more")
    shown = len(made.blocks) - 3
    assert problems(made) == []
    assert 0 < shown < 100
    assert made.blocks[-2:] == (context(f"and {100 - shown} more"), context("Checked just now"))


def test_listing_of_everything_has_no_note() -> None:
    made = listing("Rows", (), [section("one")], (), 1, lambda left: f"and {left} more")
    assert made.blocks == (section("one"),)


def test_empty_texts_become_acceptable() -> None:
    assert problems(message("x", [section(""), header(""), context(""), *actions(button("", Action.SHARE))])) == []


def test_no_buttons_make_no_block() -> None:
    assert actions(None, product_menu([], "versions")) == ()


def test_too_long_an_address_makes_no_button() -> None:
    assert open_button("Open", "https://purser.acme.com/" + "x" * 3000) is None


def test_buttons_beyond_slacks_limit_are_left_out() -> None:
    many = [button(str(place), Action.DOWNLOAD, position=place) for place in range(40)]
    made = message("Buttons", actions(*many))
    assert problems(made) == []
    assert len(list(all_elements(made))) == 25


def test_menu_is_in_the_order_of_names() -> None:
    menu = product_menu([Product("1", "shop"), Product("2", "Driver")], "versions")
    assert menu is not None
    assert [option["value"] for option in menu["options"]] == ["versions Driver", "versions shop"]


def test_notifications_have_no_marks() -> None:
    assert message("New: *Shop* `3.2`", [section("x")]).text == "New: Shop 3.2"
