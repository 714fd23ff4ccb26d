"""The states of a query, and what moves it from one to another::

    state      signal        next
    IDLE       start      -> ANSWERING | FAILED
    IDLE       close      -> CLOSED
    ANSWERING  receive    -> ANSWERING | RETRY | NEXT | DONE | FAILED
    ANSWERING  fail       -> RETRY | NEXT | DONE | FAILED
    ANSWERING  wake       -> ANSWERING | NEXT | DONE | FAILED
    ANSWERING  consulted  -> ANSWERING | NEXT | DONE | FAILED
    ANSWERING  close      -> CLOSED

RETRY: ANSWERING, the same tier again, before its first output. NEXT: ANSWERING, the next tier
(SWITCH). DONE after a failure: a rejected draft stands in. Anything else changes nothing; only of
a turn that is DONE it can still be said that its tools took too long, and then the query FAILED.
"""

from __future__ import annotations

import enum


class State(enum.Enum):
    """Where a query is."""

    IDLE = "idle"
    ANSWERING = "answering"
    DONE = "done"
    FAILED = "failed"
    CLOSED = "closed"
