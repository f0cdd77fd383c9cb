"""A pretend Slack workspace that speaks Slack's own protocols on loopback."""

from bot.sandbox.slack.line import Undelivered
from bot.sandbox.slack.pretend import PretendSlack
from bot.sandbox.slack.workspace import Channel, ChannelKind, Message, NothingSeen, User, View

__all__ = ["Channel", "ChannelKind", "Message", "NothingSeen", "PretendSlack", "Undelivered", "User", "View"]
