"""What to do about a database that cannot be used: for terminals, whose readers run Purser."""

from bot.domain.errors import StoreUnavailable

_OF_DATABASES = {
    "folder": "let DATABASE_URL name a file in a folder that this user can make",
    "cantopen": "let this user write to the file of DATABASE_URL and to its folder",
    "perm": "let this user write to the file of DATABASE_URL and to its folder",
    "readonly": "let this user write to the file of DATABASE_URL and to its folder",
    "notadb": "let DATABASE_URL name another file: this one is no SQLite database",
    "corrupt": "restore the file of DATABASE_URL from a backup: it is damaged",
    "full": "make room on the disk",
    "busy": "try again: another process holds the database",
    "not_migrated": "run `purser migrate`",
}


def database_remedy(error: StoreUnavailable) -> str:
    return _OF_DATABASES.get(error.reason, "check DATABASE_URL, and that its server runs and lets this user in")
