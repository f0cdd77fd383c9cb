"""Draws docs/conversation.png: what the real bot answers in the sandbox, as a Slack channel shows it.

`.venv/bin/python docs/make_pictures.py` wants Chromium; with the fonts Lato and Noto Color Emoji it looks most like Slack.
"""

import asyncio
import html
import re
import shutil
import subprocess
import sys
import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path

from rich.emoji import Emoji

from bot.sandbox.process import BotProcess
from bot.sandbox.slack import Message, View
from bot.sandbox.slack.content import Block
from bot.sandbox.world import World

PICTURE = Path(__file__).parent / "conversation.png"
WIDTH, HEIGHT = 900, 1004
CHROMIUM = ("--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking", "--hide-scrollbars")
NOTES = "Checkout in two steps instead of four.\nFixes the rounding of prices in the cart."
STYLE = """
* { box-sizing: border-box; margin: 0 }
body { background: #f1efe9; padding: 28px; color: #1d1c1d; font: 15px/22px Lato, "Liberation Sans", "Noto Color Emoji", sans-serif }
main { background: #fff; border: 1px solid #e2dfd7; border-radius: 12px; padding-bottom: 10px }
h1 { font-size: 18px; padding: 15px 24px; border-bottom: 1px solid #e8e8e8 }
article { display: flex; gap: 10px; padding: 10px 24px }
article > div { flex: 1 }
p { padding: 8px 24px 8px 70px }
i { flex: none; width: 36px; height: 36px; border-radius: 8px; font: bold 17px/36px Lato; color: #fff; text-align: center }
u { background: #e8e8e8; border-radius: 3px; color: #616061; font: bold 10px/14px Lato; padding: 1px 4px; margin: 0 2px 0 5px }
p, time { color: #616061; font-size: 12px; line-height: 18px; text-decoration: none }
u { text-decoration: none }
h2 { font-size: 18px; font-weight: 900; margin: 3px 0 4px }
.purser { background: #1d3557 } .ada { background: #c9704a } .private { background: #faf9f6 }
.section { display: flex; gap: 16px; margin: 4px 0; align-items: start }
.section > div { flex: 1; padding: 3px 0 }
.context { color: #616061; font-size: 12px; line-height: 18px; margin: 2px 0 6px }
.actions { margin: 5px 0 2px }
blockquote { border-left: 4px solid #ddd; padding-left: 12px }
code { font: 80%/18px "DejaVu Sans Mono"; background: #f6f6f6; border: 1px solid #e0e0e0; border-radius: 3px; padding: 1px 3px; color: #b5304c }
button { font: bold 13px/26px Lato; border: 1px solid #c9c8c9; border-radius: 6px; background: #fff; color: #1d1c1d; padding: 0 11px }
.primary { background: #007a5a; border-color: #007a5a; color: #fff }
"""  # noqa: E501


async def conversation() -> list[str | Message | View]:
    """A question, a click, and what the channel is told; strings are what Ada types and does."""
    async with World() as world, BotProcess(world.environment, world.folder, world.public_url):
        slack, ada, mobile, shop = world.slack, world.town.ada, world.town.mobile, world.in_applivery.shop
        earlier = datetime.now(UTC) - timedelta(hours=2)
        world.applivery.upload(shop, "3.1.1", "1415", uploaded_at=earlier, size=48_311_220)
        asked = await slack.command(ada, mobile, "/versions shop")
        while not has(asked, "TestFlight", "Appcircle", "3.1.1"):  # the bot is still reading the accounts for the first time
            asked = await slack.command(ada, mobile, "/versions shop")
        ticket = await slack.press(ada, asked, "Download", "Applivery")
        await slack.command(ada, mobile, "/purser subscribe all")
        world.applivery.upload(shop, "3.2.0", "1420", notes=NOTES, branch="release/3.2", size=48_702_914)
        told = await slack.wait_for(lambda message: has(message, "3.2.0 (1420)", NOTES[:20]))
        world.apple.block_agreements()
        blocked = await slack.wait_for(lambda message: has(message, "An agreement blocks"))
        return ["/versions shop", asked, "ada presses Download beside Applivery", ticket, told, blocked]


def has(message: Message, *words: str) -> bool:
    return all(word in message.text_content for word in words)


def words(text: Block) -> str:
    """A text object as HTML: Slack's markup as far as Purser's views use it. They have escaped mrkdwn already."""
    if text["type"] == "plain_text":
        return html.escape(text["text"])
    quoted = re.sub(r"(?m)(?:^> .*\n?)+", lambda m: f"<blockquote>{m[0].replace('> ', '').strip()}</blockquote>", text["text"])
    styled = re.sub(r"`([^`]+)`", r"<code>\1</code>", re.sub(r"\*([^*\n]+)\*", r"<b>\1</b>", quoted))
    return Emoji.replace(styled).replace("\n", "<br>")


def element(it: Block) -> str:
    if it["type"] == "button":
        return f'<button class="{it.get("style", "")}">{words(it["text"])}</button>'
    return f"<button>{words(it['placeholder'])} ▾</button>" if "placeholder" in it else words(it)


def drawn(block: Block) -> str:
    if block["type"] == "header":
        return f"<h2>{words(block['text'])}</h2>"
    if block["type"] == "section":
        beside = element(block["accessory"]) if "accessory" in block else ""
        return f'<div class="section"><div>{words(block["text"])}</div>{beside}</div>'
    return f'<div class="{block["type"]}">{" ".join(map(element, block["elements"]))}</div>'


def row(scene: str | Message | View) -> str:
    if isinstance(scene, Message):
        when = f"{datetime.fromtimestamp(float(scene.ts), UTC):%H:%M}" + (" · Only visible to you" if scene.is_ephemeral else "")
        body = f"<b>Purser</b><u>APP</u> <time>{when}</time>{''.join(map(drawn, scene.blocks))}"
        return f'<article class="{"private" if scene.is_ephemeral else ""}"><i class="purser">P</i><div>{body}</div></article>'
    if str(scene).startswith("/"):
        return f'<article><i class="ada">A</i><div><b>ada</b><br><code>{scene}</code></div></article>'
    return f"<p>{scene}</p>"


def main(chromium: str) -> None:
    rows = "".join(map(row, asyncio.run(conversation())))
    with tempfile.TemporaryDirectory() as folder:
        page = Path(folder, "page.html")
        page.write_text(
            f'<!doctype html><meta charset="utf-8"><style>{STYLE}</style><main><h1># mobile</h1>{rows}</main>', "utf-8"
        )
        size = (f"--window-size={WIDTH},{HEIGHT}", "--force-device-scale-factor=2")
        subprocess.run([chromium, *CHROMIUM, *size, f"--screenshot={PICTURE}", page.as_uri()], check=True, capture_output=True)  # noqa: S603


if __name__ == "__main__":
    main(shutil.which("chromium") or shutil.which("google-chrome") or sys.exit("Chromium is not on the PATH."))
