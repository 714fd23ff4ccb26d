"""A server of pre-encoded streams in a process of its own, so that only the client is measured.

It speaks just enough HTTP/1.1 for one `POST` after the other on a connection. `GET /cost` tells
the CPU seconds it has used so far.
"""

from __future__ import annotations

import asyncio
import gc
import multiprocessing
import time
import urllib.request
from collections.abc import Generator
from contextlib import contextmanager
from functools import lru_cache
from multiprocessing.connection import Connection

from .scripts import Script, encoded

HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"


def _chunked(payload: bytes) -> bytes:
    return f"{len(payload):x}\r\n".encode() + payload + b"\r\n"


@lru_cache(maxsize=32)
def _frames(script: Script, *, anthropic: bool) -> list[bytes]:
    """What is written at each tick; at once, it is one."""
    first, *others = [_chunked(event) for event in encoded(script, anthropic=anthropic)]
    others[-1] += b"0\r\n\r\n"
    frames = [HEAD + first, *others]
    return frames if script.pause else [b"".join(frames)]


class _Connection(asyncio.Protocol):
    """One request at a time; frames are due at fixed times, and catch up when late."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._transport: asyncio.WriteTransport | None = None
        self._unread = b""
        self._frames: list[bytes] = []
        self._sent = 0
        self._began = 0.0
        self._pause = 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        if isinstance(transport, asyncio.WriteTransport):
            self._transport = transport

    def connection_lost(self, exc: Exception | None) -> None:
        self._transport = None

    def data_received(self, data: bytes) -> None:
        self._unread += data
        head, found, body = self._unread.partition(b"\r\n\r\n")
        if not found or len(body) < _length(head):
            return
        self._unread = b""
        path = head.split(b" ", 2)[1].decode()
        if path == "/cost":
            cost = repr(time.process_time()).encode()
            self._begin([b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n" % len(cost) + cost], 0.0)
        else:
            script = Script.of(path)
            frames = _frames(script, anthropic=path.endswith("/messages"))
            self._begin(frames, script.pause)

    def _begin(self, frames: list[bytes], pause: float) -> None:
        self._frames, self._sent, self._pause = frames, 0, pause
        self._began = self._loop.time()
        self._tick()

    def _tick(self) -> None:
        if self._transport is None:
            return
        due = len(self._frames)
        if self._pause:
            due = min(due, int((self._loop.time() - self._began) / self._pause + 0.01) + 1)
        self._transport.write(b"".join(self._frames[self._sent : due]))
        self._sent = due
        if due < len(self._frames):
            self._loop.call_at(self._began + due * self._pause, self._tick)


def _length(head: bytes) -> int:
    """The length of a request's body."""
    _, found, rest = head.lower().partition(b"content-length:")
    return int(rest.split(b"\r\n", 1)[0]) if found else 0


async def _serve(pipe: Connection) -> None:
    loop = asyncio.get_running_loop()
    server = await loop.create_server(_Connection, "127.0.0.1", 0, backlog=4096)
    pipe.send(server.sockets[0].getsockname()[1])
    await server.serve_forever()


def _run(pipe: Connection) -> None:
    gc.disable()  # it makes no cycles worth a pause
    asyncio.run(_serve(pipe))


@contextmanager
def serving() -> Generator[str]:
    """The URL of a server that plays scripts; add `script.path`."""
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=_run, args=(theirs,), daemon=True)
    process.start()
    try:
        yield f"http://127.0.0.1:{ours.recv()}"
    finally:
        process.terminate()
        process.join()


def cost(url: str) -> float:
    """CPU seconds the server has used."""
    with urllib.request.urlopen(f"{url}/cost", timeout=10) as answer:
        return float(answer.read())
