"""The ASGI app: Slack's endpoint, vendors' webhooks, download pages, health and metrics."""
