"""`purser run` that ends with whoever holds the other end of its standard input, also when that one is killed."""

import os
import signal
import sys
import threading

from bot import cli


def _end_when_let_go() -> None:
    while os.read(sys.stdin.fileno(), 1024):
        pass
    os.kill(os.getpid(), signal.SIGTERM)


if __name__ == "__main__":
    threading.Thread(target=_end_when_let_go, daemon=True).start()
    sys.exit(cli.main(["run"]))
