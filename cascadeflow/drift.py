"""Warns once when live scores leave those that a threshold was calibrated on."""

from __future__ import annotations

from .core.calibrated import CalibratedPolicy
from .core.cascade import Cascade
from .forking import Lock
from .logs import logger_named
from .recording import judged

logger = logger_named("cascadeflow")


class DriftAlarm:
    """Feeds the decisions of an agent to a `Drift`. Safe from several threads."""

    def __init__(self, policy: CalibratedPolicy) -> None:
        self._drift = policy.watch()
        self._lock = Lock()
        self._raised = not policy.scores

    def note(self, cascade: Cascade) -> None:
        """Take in the first draft that a finished cascade judged."""
        first = judged(cascade)
        if first is None:
            return
        with self._lock:
            if self._raised or not self._drift.observe(first[1].estimate.p_good):
                return
            self._raised = True
        logger.warning(
            "scores have left the calibrated ones (distance %.2f): the promise of the calibration "
            "file may not hold any more; label new queries and calibrate again",
            self._drift.distance,
        )
