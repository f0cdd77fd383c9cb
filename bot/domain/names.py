"""When two spellings are the same name."""

import unicodedata


def normalise(text: str) -> str:
    """Letters and digits in their plainest form; text without any (an emoji) stays as it is."""
    folded = unicodedata.normalize("NFKC", text).casefold()
    return "".join(c for c in folded if c.isalnum()) or folded.strip()
