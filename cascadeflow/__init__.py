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
    "agent": "CascadeAgent",
    "config": "ModelConfig RetryPolicy Timeouts",
    "consume": "VisibleText collect",
    "core.economics": "ExpectedCostPolicy ShareOfStrongPolicy",
    "core.policy": "Estimator Observer Policy ThresholdPolicy",
    "errors": "BudgetExceeded CascadeError CascadeflowError ConfigError ProviderError",
    "result": "CascadeResult",
    "types": "Estimate",
}
"""Where the public names live: each is imported when it is first asked for."""

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
    for home, names in _HOMES.items():
        if name in names.split():
            globals()[name] = value = vars(importlib.import_module(f".{home}", __name__))[name]
            return value
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
