"""`examples/web_stream.py` over real sockets, and its page in a browser where there is one."""

from __future__ import annotations

import asyncio
import json
import runpy
import shutil
from collections.abc import AsyncGenerator
from contextlib import aclosing, asynccontextmanager
from pathlib import Path
from typing import Any, Literal, TypeAlias

import aiohttp
import pytest

from cascadeflow import CascadeAgent, ModelConfig
from cascadeflow.providers.scripted import Pause, Scripted
from cascadeflow.types import Stop, TextDelta

from .faultserver import ThreadedFaultServer

pytest.importorskip("fastapi", reason="the example needs fastapi")
pytest.importorskip("websockets", reason="the example needs websockets")
uvicorn = pytest.importorskip("uvicorn", reason="the example needs uvicorn")

EXAMPLE = Path(__file__).resolve().parents[1] / "examples" / "web_stream.py"
CHROMIUM = next(
    filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome", "chrome"))),
    None,
)
QUESTION = "Convert 32 minutes to seconds."
"""The small simulated model gets it wrong."""

Way: TypeAlias = Literal["events", "socket"]
Message: TypeAlias = dict[str, Any]
both_ways = pytest.mark.parametrize("way", ["events", "socket"])


def simulated() -> CascadeAgent:
    return CascadeAgent([ModelConfig(name, "simulated") for name in ("sim-mini", "sim-large")])


def faulty(server: ThreadedFaultServer, fault: str) -> CascadeAgent:
    return CascadeAgent([ModelConfig(f"fault:{fault}", "vllm", base_url=server.url, cost=0)])


@asynccontextmanager
async def serving(agent: CascadeAgent) -> AsyncGenerator[str, None]:
    """The address of the example's application."""
    application = runpy.run_path(str(EXAMPLE))["application"]
    server = uvicorn.Server(uvicorn.Config(application(agent), port=0, log_level="error"))
    running = asyncio.create_task(server.serve())
    try:
        while not server.started:
            await asyncio.sleep(0.01)
        yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    finally:
        server.should_exit = True
        await running


async def told(url: str, way: Way, question: str) -> AsyncGenerator[Message, None]:
    """The messages as a client gets them; closing hangs up."""
    async with aiohttp.ClientSession() as session:
        if way == "events":
            async with session.get(f"{url}/events", params={"question": question}) as response:
                assert response.content_type == "text/event-stream"
                async for line in response.content:
                    if line.strip():
                        yield json.loads(line.removeprefix(b"data: "))
        else:
            async with session.ws_connect(f"{url}/socket") as socket:
                await socket.send_str(question)
                async for message in socket:
                    yield json.loads(message.data)


async def all_told(agent: CascadeAgent, way: Way, question: str) -> list[Message]:
    async with serving(agent) as url, asyncio.timeout(20):
        return [message async for message in told(url, way, question)]


@both_ways
def test_the_messages_give_the_text_of_run_once_the_switch_is_applied(way: Way) -> None:
    texts: dict[int, str] = {}
    voided: list[str] = []
    *said, last = asyncio.run(all_told(simulated(), way, QUESTION))
    for message in said:
        attempt = message["attempt"]
        if message["type"] == "chunk":
            texts[attempt] = texts.get(attempt, "") + message["text"]
        else:
            voided.append(texts.pop(attempt))
            assert (message["type"], message["discard_chars"]) == ("switch", len(voided[-1]))
    result = simulated().run_sync(QUESTION, max_tokens=1000)
    assert len(voided) == 1
    assert result.content == last["text"] == "".join(texts.values())
    assert (last["type"], last["model"]) == ("complete", result.model_used)


@both_ways
@pytest.mark.parametrize("fault", ["ok?n=500&delay=0.02", "stall-after-3"])
def test_a_client_that_hangs_up_closes_the_upstream_within_a_second(way: Way, fault: str) -> None:
    async def body(server: ThreadedFaultServer) -> None:
        async with serving(faulty(server, fault)) as url:
            async with aclosing(told(url, way, QUESTION)) as messages:
                assert (await anext(messages))["type"] == "chunk"
            async with asyncio.timeout(1):
                while [request["outcome"] for request in server.log()] != ["client-gone"]:
                    await asyncio.sleep(0.01)

    with ThreadedFaultServer() as server:
        asyncio.run(body(server))


@both_ways
def test_an_error_comes_with_the_partial_text(way: Way) -> None:
    with ThreadedFaultServer() as server:
        *said, last = asyncio.run(all_told(faulty(server, "rst-after-3"), way, QUESTION))
    assert last["type"] == "error"
    assert last["text"] == "".join(message["text"] for message in said) != ""
    assert last["why"]


@both_ways
def test_a_question_that_cannot_be_asked_is_an_error_too(way: Way) -> None:
    (only,) = asyncio.run(all_told(simulated(), way, ""))
    assert (only["type"], only["text"]) == ("error", "")
    assert "empty" in only["why"]


def test_the_page_puts_no_markup_of_a_model_into_the_document() -> None:
    page = EXAMPLE.with_suffix(".html").read_text("utf-8")
    for way_in in ("innerHTML =", "outerHTML", "insertAdjacentHTML", "document.write"):
        assert way_in not in page


@asynccontextmanager
async def tab(address: str, profile: Path) -> AsyncGenerator[aiohttp.ClientWebSocketResponse, None]:
    """A page in headless Chromium, by its DevTools protocol."""
    flags = ("--headless", "--no-sandbox", "--disable-gpu", "--remote-debugging-port=0")
    browser = await asyncio.create_subprocess_exec(
        str(CHROMIUM),
        *flags,
        f"--user-data-dir={profile}",
        address,
        stderr=asyncio.subprocess.DEVNULL,
    )
    try:
        port = profile / "DevToolsActivePort"
        while not (port.exists() and "\n" in port.read_text()):
            if browser.returncode is not None:
                pytest.skip(f"{CHROMIUM} does not start")
            await asyncio.sleep(0.05)
        root = f"http://127.0.0.1:{port.read_text().split()[0]}/json/list"
        async with aiohttp.ClientSession() as session:
            async with session.get(root) as response:
                tabs = await response.json()
            address = next(each["webSocketDebuggerUrl"] for each in tabs if each["type"] == "page")
            async with session.ws_connect(address) as socket:
                yield socket
    finally:
        if browser.returncode is None:
            browser.terminate()
        await browser.wait()


async def value(page: aiohttp.ClientWebSocketResponse, expression: str) -> dict[str, Any] | None:
    """What JavaScript makes of an expression, a promise waited for: an object or null."""
    parameters = {"expression": expression, "awaitPromise": True, "returnByValue": True}
    await page.send_json({"id": 1, "method": "Runtime.evaluate", "params": parameters})
    told: dict[str, Any] = (await page.receive_json())["result"]["result"]
    return told.get("value")


ASK = """new Promise(resolve => {
  const [form, answer, note] = ["form", "#answer", "#note"].map(at => document.querySelector(at));
  const seen = [];
  new MutationObserver(() => seen.push(answer.textContent))
      .observe(answer, {subtree: true, childList: true, characterData: true});
  new MutationObserver(() => {
    if (form.dataset.state === "ended") {
      const marked = answer.querySelectorAll("b").length;
      resolve({seen, marked, text: answer.textContent, note: note.textContent});
    }
  }).observe(form, {attributes: true});
  document.querySelector("button[value=%s]").click();
})"""


@pytest.mark.skipif(CHROMIUM is None, reason="there is no Chromium on the PATH")
@both_ways
def test_a_browser_erases_a_rejected_draft_and_shows_markup_as_text(
    way: Way, tmp_path: Path
) -> None:
    draft = "I'm sorry, but I can't help with that. \N{GRINNING FACE}"
    final = "<b>Paris</b> \N{GRINNING FACE}"
    script = Scripted(
        {
            "small": [TextDelta(draft), Pause(0.3), Stop("stop")],
            "large": [TextDelta(final[:5]), Pause(0.1), TextDelta(final[5:]), Stop("stop")],
        }
    )
    agent = CascadeAgent([ModelConfig(name, script, cost=0) for name in ("small", "large")])

    async def shown() -> dict[str, Any]:
        async with asyncio.timeout(30), serving(agent) as url, tab(url, tmp_path) as page:
            while not await value(
                page, "document.querySelector('#stop')?.onclick && {ready: true}"
            ):
                await asyncio.sleep(0.05)
            return await value(page, ASK % way) or {}

    page = asyncio.run(shown())
    assert draft in page["seen"]
    assert (page["text"], page["marked"]) == (final, 0)
    assert page["note"] == "large, $0.000000"
