"""Clients that want nothing but bytes: `python -m tests.bench.fetching`, a process that costs the machine as little as can be."""

import json
import socket
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.parse import urlsplit

BUFFER = 1024 * 1024


class WrongFile(Exception):
    """What came is not the whole file; the message is the head of the answer."""


def fetch(url: str, size: int) -> None:
    """Raises WrongFile, OSError."""
    parts = urlsplit(url)
    target = f"{parts.path}?{parts.query}" if parts.query else parts.path
    with socket.create_connection((parts.hostname or "", parts.port or 80), timeout=60) as line:
        line.sendall(f"GET {target} HTTP/1.1\r\nHost: {parts.netloc}\r\nConnection: close\r\n\r\n".encode())
        buffer = bytearray(BUFFER)
        head = b""
        while b"\r\n\r\n" not in head:
            count = line.recv_into(buffer)
            head += buffer[:count]
            if not count:
                break
        head, _, body = head.partition(b"\r\n\r\n")
        got = len(body)
        while count := line.recv_into(buffer):
            got += count
    if not head.startswith(b"HTTP/1.1 200 ") or got != size:
        raise WrongFile(f"{got} bytes after {head[:300]!r}")


def fetched(order: dict[str, Any]) -> dict[str, float]:
    """Seconds until the last of `users` has its file of `size` bytes."""
    started = time.perf_counter()
    with ThreadPoolExecutor(order["users"]) as pool:
        for done in [pool.submit(fetch, order["url"], order["size"]) for _ in range(order["users"])]:
            done.result()
    return {"seconds": time.perf_counter() - started}


if __name__ == "__main__":
    json.dump(fetched(json.load(sys.stdin)), sys.stdout)
