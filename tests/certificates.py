"""Imported where processes are forked: the certificates are read once for all of them, which takes each a tenth of its start."""

from providers.connections import CALL_LIMITS, new_client

new_client(CALL_LIMITS)
