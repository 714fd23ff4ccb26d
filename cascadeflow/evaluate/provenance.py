"""Where the shipped weights come from: what they were fitted on, and what they are worth elsewhere.

Figures over rows that weights were fitted on flatter. So an evaluation says which of its files bear
the name of one of those, and tells beside them what cross-validation found when the weights were
fitted.
"""

from __future__ import annotations

from collections.abc import Mapping
from importlib.resources import files

from ..quality.fitted import Provenance, read


def shipped() -> Mapping[str, Provenance]:
    """Form -> where its weights come from. Forms without fitted weights are not in it."""
    folder = files("cascadeflow.quality") / "weights"
    if not folder.is_dir():
        return {}
    texts = [each for each in folder.iterdir() if each.name.endswith(".json")]
    found = [read(each.read_bytes()) for each in sorted(texts, key=lambda each: each.name)]
    return {weights.form: weights.provenance for weights in found}


def fitted_on() -> frozenset[str]:
    """Names, without endings, of the files whose rows the shipped weights were fitted on."""
    return frozenset(name for each in shipped().values() for name in each.files)
