"""`python -m bot` is `purser`, for places that install requirements.txt but not the project itself."""

import sys

from bot.cli import main

if __name__ == "__main__":
    sys.exit(main())
