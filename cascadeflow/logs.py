"""Loggers whose records are one line each.

Names of models and tools, paths and the words of errors come from outside, and might forge a line
or command a terminal. So each argument of a record becomes one line of valid Unicode without
control characters, at most 2 KiB of UTF-8. No content of queries and answers is logged at all.
"""

from __future__ import annotations

import logging

from .providers.excerpt import excerpt


def logger_named(name: str) -> logging.Logger:
    """The logger of that name, with bounded arguments."""
    logger = logging.getLogger(name)
    logger.addFilter(_bound)
    return logger


def _bound(record: logging.LogRecord) -> bool:
    if isinstance(record.args, tuple):
        record.args = tuple(
            arg if isinstance(arg, int | float) else excerpt(str(arg)) for arg in record.args
        )
    return True
