"""Pure functions from answers to Slack messages, one file per screen."""
