"""Streams as the caller sees them: events, their types, and the managers that yield them."""

from .base import StreamEvent, StreamEventType, StreamManager

__all__ = ["StreamEvent", "StreamEventType", "StreamManager"]
