"""A server of pre-encoded streams in a process of its own, so that only the client is measured.

It speaks just enough HTTP/1.1 for one `POST` after the other on a connection.
"""

from __future__ import annotations

import asyncio
import json
import multiprocessing
from collections.abc import Generator
from contextlib import contextmanager
from multiprocessing.connection import Connection

HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"


def events(chunks: int, *, logprobs: bool) -> list[bytes]:
    """The events of one answer of so many chunks, each ` word`, in the dialect of OpenAI."""
    base = {"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1, "model": "bench"}

    def event(**more: object) -> bytes:
        return b"data: " + json.dumps({**base, **more}).encode() + b"\n\n"

    def choice(delta: dict[str, object], finish: str | None = None) -> dict[str, object]:
        token = {"token": " word", "logprob": -0.1, "bytes": [32, 119], "top_logprobs": []}
        probable = {"logprobs": {"content": [token]}} if logprobs and delta else {}
        return {"index": 0, "delta": delta, "finish_reason": finish, **probable}

    words = ("alpha", "beta", "gamma", "delta", "epsilon", "zeta", "eta", "theta", "iota", "kappa")
    out = [event(choices=[choice({"role": "assistant", "content": ""})])]
    texts = (f" {words[number * 7 % 10]}{number}" for number in range(chunks))
    out += [event(choices=[choice({"content": text})]) for text in texts]
    out.append(event(choices=[choice({}, "stop")]))
    usage = {"prompt_tokens": 9, "completion_tokens": chunks, "total_tokens": chunks + 9}
    return [*out, event(choices=[], usage=usage), b"data: [DONE]\n\n"]


def _chunked(payload: bytes) -> bytes:
    return f"{len(payload):x}\r\n".encode() + payload + b"\r\n"


async def _serve(pipe: Connection, body: list[bytes], pause: float) -> None:
    frames = [_chunked(event) for event in body]
    whole = HEAD + b"".join(frames) + b"0\r\n\r\n"

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                size = next(
                    int(line.split(b":")[1])
                    for line in head.lower().split(b"\r\n")
                    if line.startswith(b"content-length:")
                )
                await reader.readexactly(size)
                if not pause:
                    writer.write(whole)
                else:
                    writer.write(HEAD)
                    for frame in frames:
                        writer.write(frame)
                        await asyncio.sleep(pause)
                    writer.write(b"0\r\n\r\n")
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    pipe.send(server.sockets[0].getsockname()[1])
    await server.serve_forever()


def _run(pipe: Connection, body: list[bytes], pause: float) -> None:
    asyncio.run(_serve(pipe, body, pause))


@contextmanager
def serving(chunks: int, *, logprobs: bool = False, pause: float = 0.0) -> Generator[str]:
    """The base URL of a server whose every answer has so many chunks, `pause` seconds apart."""
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    body = events(chunks, logprobs=logprobs)
    process = context.Process(target=_run, args=(theirs, body, pause), daemon=True)
    process.start()
    try:
        yield f"http://127.0.0.1:{ours.recv()}/v1"
    finally:
        process.terminate()
        process.join()
