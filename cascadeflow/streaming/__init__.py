"""Streams as the caller sees them: events, their types, and the managers that yield them."""

from .base import StreamEvent, StreamEventType, StreamManager
from .tools import ToolStreamEvent, ToolStreamEventType, ToolStreamManager
from .utils import JSONParseState, ParseResult, ProgressiveJSONParser

__all__ = [
    "JSONParseState", "ParseResult", "ProgressiveJSONParser", "StreamEvent", "StreamEventType",
    "StreamManager", "ToolStreamEvent", "ToolStreamEventType", "ToolStreamManager",
]  # fmt: skip
