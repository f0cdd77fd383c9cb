"""The Slack app that Purser needs, as a manifest: https://docs.slack.dev/reference/app-manifest"""

from collections.abc import Mapping
from typing import Any

from bot.config import Commands, Settings

# Scopes that a Web API method wants, by method: https://docs.slack.dev/reference/methods
METHOD_SCOPES: Mapping[str, tuple[str, ...]] = {
    "auth.test": (),  # any token: which workspace this is
    "apps.connections.open": (),  # Socket Mode; the app-level token has its own scope
    "views.open": (),  # any token, like those below: the subscribe dialog, Get a build
    "views.push": (),  # an answer on top of the modal where it was asked for
    "views.update": (),  # in its place
    "views.publish": (),  # the Home tab
    # Answers and alerts; ".public" for public channels that subscribed without inviting the bot.
    "chat.postMessage": ("chat:write", "chat:write.public"),
    "chat.postEphemeral": ("chat:write",),  # answers to a mention
    "chat.update": ("chat:write",),  # an answer that became fresher
    "usergroups.users.list": ("usergroups:read",),  # products that only some user groups may have
    "conversations.members": ("channels:read", "groups:read"),  # products of some channels, asked for in a direct message
    "users.conversations": ("channels:read", "groups:read"),  # which channels are shared with other organisations
    "conversations.info": ("channels:read", "groups:read"),  # the same of one that it is not in
    "conversations.open": ("im:write",),  # the same for a direct message; which one a Home tab is about
    "users.info": ("users:read",),  # guests, and people of other organisations
    # An alert that was sent when a process died is looked for before it is sent again.
    "conversations.history": ("channels:history", "groups:history", "im:history"),
    "conversations.join": ("channels:join",),  # ... and in a public channel that it is not in, it has to come in to look
    "conversations.replies": ("channels:history", "groups:history", "im:history"),
}

# Scopes that an event wants: https://docs.slack.dev/reference/events
EVENT_SCOPES: Mapping[str, tuple[str, ...]] = {
    "app_mention": ("app_mentions:read",),
    "message.im": ("im:history",),
    "app_home_opened": (),  # none
}

# In Slack's menus: callback id, name (24 characters at the most), description, and "global" or "message".
SHORTCUTS = (
    ("get_a_build", "Get a build", "The newest builds of a product, to download", "global"),
    ("find_builds", "Find builds mentioned", "The builds that this message is about, to download", "message"),
)

COMMAND_SCOPE = "commands"


def scopes() -> tuple[str, ...]:
    """The bot token's scopes: what the methods, the events and the slash commands want, and no other."""
    wanted = {scope for table in (METHOD_SCOPES, EVENT_SCOPES) for needed in table.values() for scope in needed}
    return tuple(sorted({COMMAND_SCOPE, *wanted}))


def manifest(settings: Settings[Any]) -> dict[str, Any]:
    """A manifest that Slack takes under "Create an app > From a manifest".

    Slack sends its requests to https addresses only: without such a PUBLIC_URL, or with a token for it, the app uses Socket Mode.
    """
    public_url = settings.environment.public_url or ""
    url = f"{public_url}/slack/events" if public_url.startswith("https://") and not settings.socket_mode else None
    return {
        "display_information": {
            "name": "Purser",
            "description": "Every build of every app, a fresh link at the click, agreements told honestly.",
            "background_color": "#1d3557",
        },
        "features": {
            "app_home": {"home_tab_enabled": True, "messages_tab_enabled": True, "messages_tab_read_only_enabled": False},
            "bot_user": {"display_name": "Purser", "always_online": True},
            "shortcuts": [
                {"name": name, "type": kind, "callback_id": callback, "description": what}
                for callback, name, what, kind in SHORTCUTS
            ],
            "slash_commands": _slash_commands(settings.purser.commands, url),
        },
        "oauth_config": {"scopes": {"bot": list(scopes())}},
        "settings": {
            "event_subscriptions": {**_only_with("request_url", url), "bot_events": sorted(EVENT_SCOPES)},
            "interactivity": {
                "is_enabled": True,
                **_only_with("request_url", url),
                **_only_with("message_menu_options_url", url),
            },
            "org_deploy_enabled": False,
            "socket_mode_enabled": url is None,
            "token_rotation_enabled": False,
        },
    }


def _slash_commands(commands: Commands, url: str | None) -> list[dict[str, Any]]:
    described = (
        (commands.versions, "Builds of an app, newest first", "[app] [platform] [version]"),
        (commands.download, "A link to a build", "app [platform] [version or build number]"),
        (commands.root, "Status, agreements and what this channel hears about", "help"),
    )
    return [
        {"command": name, **_only_with("url", url), "description": what, "usage_hint": hint, "should_escape": False}
        for name, what, hint in described
    ]


def _only_with(key: str, url: str | None) -> dict[str, str]:
    return {key: url} if url else {}
