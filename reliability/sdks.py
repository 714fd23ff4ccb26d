"""The same faults for the official SDKs of OpenAI and Anthropic, read in the plainest way.

    python -m reliability.faults --sdk

Each client has its retries (two) and no second model, and the text is all that is read. It is
right if it gives the whole text where that can be had, and raises where it cannot: then a caller
could ask another model. The deadline of its network reads is set to 1 s.
"""

from __future__ import annotations

import asyncio
import traceback
from collections import Counter
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from typing import Literal, TypeAlias

import anthropic
import openai

from .catalogue import MEBIBYTE, ROWS, Row
from .expectations import Completes, Either, Expectation
from .staging import DIALECTS, KEY, QUESTION, Dialect, World

Verdict: TypeAlias = Literal[
    "right", "silently wrong", "error instead of survival", "hang", "unbounded", "leaked key"
]
PATIENCE = 8.0
"""Seconds after which a client that is still at work hangs."""
MOST = 64 * MEBIBYTE
"""Bytes that no client should read of a line."""
READ = 1.0
"""Seconds."""


async def _openai(url: str, model: str) -> AsyncGenerator[str, None]:
    async with (
        openai.AsyncOpenAI(base_url=url, api_key=KEY, timeout=READ) as client,
        await client.chat.completions.create(
            model=model, messages=[{"role": "user", "content": QUESTION}], stream=True
        ) as stream,
    ):
        async for chunk in stream:
            for choice in chunk.choices:
                yield choice.delta.content or ""


async def _anthropic(url: str, model: str) -> AsyncGenerator[str, None]:
    async with (
        anthropic.AsyncAnthropic(
            base_url=url.removesuffix("/v1"), api_key=KEY, timeout=READ
        ) as client,
        client.messages.stream(
            model=model, messages=[{"role": "user", "content": QUESTION}], max_tokens=100
        ) as stream,
    ):
        async for text in stream.text_stream:
            yield text


CLIENTS: dict[Dialect, Callable[[str, str], AsyncGenerator[str, None]]] = {
    "openai": _openai,
    "anthropic": _anthropic,
}


def applies(row: Row) -> bool:
    """Whether the row is about a client, and not about a cascade."""
    return not row.scene.tools and not row.scene.settings and "verifier" in row.positions


async def ask(world: World, row: Row, dialect: Dialect) -> Verdict:
    """What comes of this fault."""
    spec = row.scene.last or row.scene.fault
    model, url = world.own(spec), world.url(row.scene.place)
    pieces: list[str] = []
    failure: Exception | None = None
    try:
        async with asyncio.timeout(PATIENCE), aclosing(CLIENTS[dialect](url, model)) as stream:
            pieces.extend([piece async for piece in stream])
    except TimeoutError:
        return "hang"
    except Exception as error:  # noqa: BLE001 -- whatever a client raises is its answer
        failure = error
    if any(request["sent_bytes"] > MOST for request in world.requests([model])):
        return "unbounded"
    if failure is not None and KEY in "".join(traceback.format_exception(failure)):
        return "leaked key"
    return judge(whole_text(row.expect), "".join(pieces), failure)


def judge(expected: str | None, text: str, failure: Exception | None) -> Verdict:
    """`expected`: the whole text; None: there is none."""
    if expected is None:
        return "silently wrong" if failure is None else "right"
    if failure is not None:
        return "error instead of survival"
    return "right" if text == expected else "silently wrong"


def whole_text(expect: Expectation) -> str | None:
    """The text that one model alone can give in spite of the fault; None: it cannot."""
    match expect:
        case Completes(text=text):
            return text
        case Either(verifier=verifier):
            return whole_text(verifier)
        case _:
            return None


async def compare(world: World) -> list[tuple[Row, Dialect, Verdict]]:
    """Every row that applies, for both SDKs."""
    gate = asyncio.Semaphore(16)

    async def one(row: Row, dialect: Dialect) -> tuple[Row, Dialect, Verdict]:
        async with gate:
            return row, dialect, await ask(world, row, dialect)

    return await asyncio.gather(
        *(one(row, dialect) for row in ROWS if applies(row) for dialect in row.dialects)
    )


def main(world: World) -> None:
    """Print the table, and how often each verdict came."""
    found = asyncio.run(compare(world))
    for row, dialect, verdict in found:
        print(
            f"{row.id:4} {row.fault:48.48} {dialect:10} {row.expect.told('verifier'):40} {verdict}"
        )
    for dialect in DIALECTS:
        counts = Counter(verdict for _, asked, verdict in found if asked == dialect)
        told = ", ".join(f"{count} {verdict}" for verdict, count in counts.most_common())
        print(f"{dialect} SDK, {sum(counts.values())} rows: {told}")
