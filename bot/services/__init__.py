"""What the product does. Services know protocols, never Slack, a vendor or a database."""
