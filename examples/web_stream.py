"""A cascade in a browser: server-sent events and a websocket, with SWITCH applied to the page.

    pip install fastapi uvicorn websockets
    python examples/web_stream.py            # then open http://127.0.0.1:8000

It runs on the embedded simulated models: no key, no network. Both ways send the same messages, one
JSON object for each event that the page draws:

    {"type": "chunk", "attempt": 1, "text": "One "}
    {"type": "switch", "attempt": 1, "discard_chars": 67, "to": "sim-large", "reason": "hopeless"}
    {"type": "complete", "text": "the whole answer", "model": "sim-large", "dollars": 0.0001}
    {"type": "error", "text": "what was said so far", "why": "the server is down"}

A reader who leaves, or presses Stop, closes the model's connection at once. There is no login: keep
it on this machine, or put it behind yours.
"""

import asyncio
import json
from collections.abc import AsyncGenerator
from contextlib import aclosing, asynccontextmanager
from pathlib import Path
from typing import Any

import uvicorn
from fastapi import FastAPI, WebSocket, WebSocketDisconnect
from fastapi.responses import FileResponse, StreamingResponse

from cascadeflow import CascadeAgent, ConfigError, ModelConfig
from cascadeflow.streaming import StreamEvent, StreamEventType

PAGE = Path(__file__).with_suffix(".html")
NO_STORE = {"cache-control": "no-store", "x-accel-buffering": "no"}
"""For proxies: nginx, for one, would hold the events back until there are many."""


def message(event: StreamEvent) -> dict[str, Any] | None:
    """What the page must know of an event; None if it is nothing it draws."""
    data = event.data
    match event.type:
        case StreamEventType.CHUNK:
            return {"type": "chunk", "attempt": data["attempt"], "text": event.content}
        case StreamEventType.SWITCH:
            void = {"attempt": data["attempt"], "discard_chars": data["discard_chars"]}
            return {"type": "switch", **void, "to": data["to_model"], "reason": data["reason"]}
        case StreamEventType.COMPLETE:
            result = data["result"]
            paid = {"model": result["model_used"], "dollars": result["total_cost"]}
            return {"type": "complete", "text": result["content"], **paid}
        case StreamEventType.ERROR:
            return {"type": "error", "text": data["partial_text"], "why": event.content}
        case _:
            return None


async def messages(agent: CascadeAgent, question: str) -> AsyncGenerator[str, None]:
    """The answer as lines of JSON. Closing the generator closes the model's connection."""
    try:
        events = agent.stream_events(question, max_tokens=1000)
    except ConfigError as error:  # an empty question, for one
        yield json.dumps({"type": "error", "text": "", "why": str(error)})
        return
    async with aclosing(events):
        async for event in events:
            if told := message(event):
                yield json.dumps(told)


async def server_sent(agent: CascadeAgent, question: str) -> AsyncGenerator[str, None]:
    """The messages as server-sent events; JSON holds no line breaks, so one line is enough."""
    async with aclosing(messages(agent, question)) as lines:
        async for line in lines:
            yield f"data: {line}\n\n"


async def send_all(socket: WebSocket, agent: CascadeAgent, question: str) -> None:
    """The messages over the websocket."""
    async with aclosing(messages(agent, question)) as lines:
        async for line in lines:
            await socket.send_text(line)


async def answer(socket: WebSocket, agent: CascadeAgent) -> None:
    """One question, one answer; leaving, or another message, ends it even while a model is silent.

    Raises:
        WebSocketDisconnect: the reader has left; perhaps in an ExceptionGroup.
    """
    await socket.accept()
    question = await socket.receive_text()
    async with asyncio.TaskGroup() as tasks:
        sending = tasks.create_task(send_all(socket, agent, question))
        leaving = tasks.create_task(socket.receive())
        sending.add_done_callback(lambda _: leaving.cancel())
        leaving.add_done_callback(lambda _: sending.cancel())
    await socket.close()


def application(agent: CascadeAgent) -> FastAPI:
    """The page, and the two ways to stream to it. The agent is closed with the application."""

    async def page() -> FileResponse:
        return FileResponse(PAGE)

    async def events(question: str) -> StreamingResponse:
        told = server_sent(agent, question)
        return StreamingResponse(told, media_type="text/event-stream", headers=NO_STORE)

    async def socket(socket: WebSocket) -> None:
        try:
            await answer(socket, agent)
        except* WebSocketDisconnect:
            pass

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncGenerator[None, None]:
        async with agent:
            yield

    app = FastAPI(lifespan=lifespan)
    app.add_api_route("/", page)
    app.add_api_route("/events", events)
    app.add_api_websocket_route("/socket", socket)
    return app


if __name__ == "__main__":
    ladder = [ModelConfig("sim-mini", "simulated"), ModelConfig("sim-large", "simulated")]
    uvicorn.run(application(CascadeAgent(ladder)), host="127.0.0.1", port=8000)
