"""The parts of an agent: what the caller gave for each, checked, else the standard part.

What cannot be a part is a `ConfigError` that says what can.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from .config import ModelConfig
from .core.policy import Estimator, Policy, ThresholdPolicy
from .core.referee import Panel, Referee
from .errors import ConfigError
from .providers.wire import Wire
from .quality import default_estimator
from .recording import Recorder
from .request import check_list, check_type

if TYPE_CHECKING:
    from .tools.config import Offered
    from .tools.executor import ToolExecutor


def estimator(given: Estimator | None) -> Estimator:
    """What tells how good a draft is; else the judge of `cascadeflow.quality`."""
    if given is None:
        return default_estimator()
    if not isinstance(given, Estimator) or isinstance(given, type):
        raise ConfigError(f"estimator is {given!r}; it must be an object with `observe`")
    return given


def policy(
    given: Policy | str | os.PathLike[str] | None,
    estimator: Estimator | None = None,
    models: Sequence[ModelConfig] = (),
    panel: Panel | None = None,
) -> Policy:
    """The policy itself, from its file if need be, which must fit the other parts."""
    if given is None:
        return ThresholdPolicy()
    if isinstance(given, Policy) and not isinstance(given, type):
        return given
    if not isinstance(given, str | os.PathLike):
        raise ConfigError(
            f"policy is {given!r}; it must be an object with a method `decide`, such as "
            "ThresholdPolicy(accept_at=0.7), or the path of a calibration file"
        )
    from .calibration import Deciding, load_policy
    from .quality.router import FormEstimator

    deciding = Deciding(
        standard=estimator is None or isinstance(estimator, FormEstimator),
        models=tuple(model.name for model in models),
        judges=tuple(judge.judge for judge in panel.judges) if panel else (),
    )
    return load_policy(given, deciding)


def tools(given: Sequence[Any] | None) -> tuple[Offered, ...]:
    """The tools in normal form."""
    if given is None:
        return ()
    from .tools.config import normalise

    return normalise(given)


def executor(given: ToolExecutor | None) -> ToolExecutor | None:
    """What runs the tools."""
    if given is not None:
        from .tools.executor import ToolExecutor

        check_type("tool_executor", given, ToolExecutor, "a cascadeflow.tools.ToolExecutor")
    return given


def panel(judges: Sequence[Referee] | Panel | None) -> Panel | None:
    """The judges as a panel."""
    if judges is None or isinstance(judges, Panel):
        return judges
    check_list("judges", judges, "a list of judges, e.g. [cascadeflow.judges.SelfCheck()]")
    return Panel(tuple(judges))


def recorder(record: str | os.PathLike[str] | Recorder | None) -> Recorder | None:
    """The recorder itself, or one that appends to a path."""
    if record is None or isinstance(record, Recorder):
        return record
    if isinstance(record, str | os.PathLike):
        return Recorder(record)
    raise ConfigError(f"record is {record!r}; it must be a path or a Recorder")


def carrier(wire: Callable[[Wire], Wire] | None, transport: Wire) -> Wire:
    """What carries the requests: `transport`, or what is put around it or in its place."""
    if wire is None:
        return transport
    made = wire(transport) if callable(wire) else None
    if isinstance(made, Wire):
        return made
    raise ConfigError(
        f"wire is {wire!r}; it must be a Recording, a Replay, or a function that returns a Wire"
    )


def check_models(models: Sequence[object]) -> None:
    """Raise `ConfigError` unless there is a model, and nothing but models."""
    check_list("models", models, "a list of ModelConfig, cheapest first")
    if not models:
        raise ConfigError("models is empty; it must hold at least one ModelConfig")
    for place, model in enumerate(models):
        if not isinstance(model, ModelConfig):
            raise ConfigError(
                f"models[{place}] is {type(model).__name__}; it must be a ModelConfig"
            )
