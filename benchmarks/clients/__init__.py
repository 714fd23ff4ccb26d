"""Clients to compare, by name. Each is imported only where it runs, in a worker of its own.

A client is made for the base URLs of the models it may ask, and then reads answers; it tells
`mark` of the first chunk, and returns how many chunks with content it saw (at least: those whose
library joins chunks count by another way).
"""

from __future__ import annotations

import importlib
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager
from typing import TypeAlias

Mark: TypeAlias = Callable[[], None]
Read: TypeAlias = Callable[[str, Mark], Awaitable[int]]
"""Asks with a prompt and reads the whole answer."""
Client: TypeAlias = Callable[[Sequence[str]], AbstractAsyncContextManager[Read]]

CLIENTS = {
    "bare": "raw.bare",
    "bare tools": "raw.bare_tools",
    "httpx2": "raw.over_httpx2",
    "openai": "sdks.openai",
    "openai helper": "sdks.openai_helper",
    "openai tools": "sdks.openai_tools",
    "anthropic": "sdks.anthropic",
    "litellm": "sdks.litellm",
    "langchain": "sdks.langchain",
    "index": "sdks.index",
    "ours": "ours.text",
    "ours held": "ours.held",
    "ours logprobs": "ours.logprobs",
    "ours anthropic": "ours.anthropic",
    "ours tools": "ours.tools",
    "ours run": "ours.run",
}
MODULES = {
    "httpx2": "httpx2",
    "openai": "openai",
    "openai helper": "openai",
    "openai tools": "openai",
    "anthropic": "anthropic",
    "litellm": "litellm",
    "langchain": "langchain_openai",
    "index": "cascadeflow",
}
"""What must be installed for a client that is not ours."""


def client(name: str) -> Client:
    """The client of a name.

    Raises:
        ImportError: what it needs is not installed here.
    """
    module, function = CLIENTS[name].split(".")
    found: Client = vars(importlib.import_module(f".{module}", __name__))[function]
    return found
