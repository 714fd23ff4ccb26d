"""Measures decisions against recorded outcomes: replay, metrics, reports. Extra `[eval]`.

The core never imports this package, which says what is missing if the extra is not installed.
"""

from __future__ import annotations

from importlib import import_module
from importlib.util import find_spec

from ..errors import CascadeflowError


class ExtraMissing(CascadeflowError, ImportError):
    """The extra `[eval]` is not installed, or a part of it. The message says how to install it."""


try:
    import_module("numpy")
    # Those that draw take a second to import: they are looked for, and imported when they draw.
    _missing = [f"no module {name}" for name in ("altair", "vl_convert") if find_spec(name) is None]
except ImportError as error:
    _missing = [str(error)]
if _missing:
    raise ExtraMissing(
        f"cascadeflow.evaluate needs the extra [eval], which is not installed ({_missing[0]}); "
        'install it from the checkout: pip install ".[eval]"'
    )
