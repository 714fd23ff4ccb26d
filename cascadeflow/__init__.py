"""cascadeflow: stream LLM answers through a cascade of models.

A cheap draft model answers first and is judged while it streams; only when its answer will not do
does a stronger model take over.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

__version__ = "0.1.0"

if TYPE_CHECKING:
    from .agent import CascadeAgent
    from .config import ModelConfig, RetryPolicy, Timeouts
    from .consume import VisibleText, collect
    from .core.economics import ExpectedCostPolicy, ShareOfStrongPolicy
    from .core.policy import Estimator, Observer, Policy, ThresholdPolicy
    from .errors import BudgetExceeded, CascadeError, CascadeflowError, ConfigError, ProviderError
    from .result import CascadeResult
    from .types import Estimate

_HOMES = {
    "BudgetExceeded": "errors",
    "CascadeAgent": "agent",
    "CascadeError": "errors",
    "CascadeResult": "result",
    "CascadeflowError": "errors",
    "ConfigError": "errors",
    "Estimate": "types",
    "Estimator": "core.policy",
    "ExpectedCostPolicy": "core.economics",
    "ModelConfig": "config",
    "Observer": "core.policy",
    "Policy": "core.policy",
    "ProviderError": "errors",
    "RetryPolicy": "config",
    "ShareOfStrongPolicy": "core.economics",
    "ThresholdPolicy": "core.policy",
    "Timeouts": "config",
    "VisibleText": "consume",
    "collect": "consume",
}
"""Where each public name lives: it is imported when it is first asked for."""

__all__ = [
    "BudgetExceeded",
    "CascadeAgent",
    "CascadeError",
    "CascadeResult",
    "CascadeflowError",
    "ConfigError",
    "Estimate",
    "Estimator",
    "ExpectedCostPolicy",
    "ModelConfig",
    "Observer",
    "Policy",
    "ProviderError",
    "RetryPolicy",
    "ShareOfStrongPolicy",
    "ThresholdPolicy",
    "Timeouts",
    "VisibleText",
    "__version__",
    "collect",
]


def __getattr__(name: str) -> object:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(importlib.import_module(f".{home}", __name__), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
