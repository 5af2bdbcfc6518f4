"""What runs a training's loop over time: kernels, TensorFlow's graph, or XLA."""

import logging
from typing import TYPE_CHECKING

import tensorflow as tf

from neurotask._checks import choose
from neurotask.backend.fused import Fused, uncovered

if TYPE_CHECKING:
    from neurotask.backend.models.base import RecurrentModel
    from neurotask.backend.rules.base import LearningRule

ENGINES = ("auto", "fused", "graph", "xla")

# Up to so many trials an update costs less under XLA than the call of a kernel does.
FEW_TRIALS = 8

_log = logging.getLogger("neurotask")
_said: set[str] = set()


def check(engine: str, model: "RecurrentModel", rule: "LearningRule") -> None:
    """Raise a ValueError unless an engine can run a rule on a model."""
    if choose("engine", engine, ENGINES) != "fused":
        return
    reason = uncovered(model)
    if reason is None and not rule.fuses(model):
        reason = f"{type(rule).__name__} needs more of a step than they give"
    if reason is not None:
        raise ValueError(
            f'`engine` must be "auto", "graph" or "xla" here, got "fused": kernels cannot run this '
            f"training, since {reason}."
        )


def engage(model: "RecurrentModel", n_trials: int | None = None) -> None:
    """Let a compiled model be trained by what suits it; of several choices the last holds.

    Args:
        model: the network.
        n_trials: trials an update; None: not known yet, and taken to be many.
    """
    model.runs_on = chosen(model.engine, model, model.rule, n_trials)
    model.fused = Fused(model) if model.runs_on == "fused" else None
    model.draws_ahead = model.runs_on == "xla" and model.compute_dtype == "float32"


def chosen(
    engine: str, model: "RecurrentModel", rule: "LearningRule", n_trials: int | None = None
) -> str:
    """Return what an engine comes to: "fused", "graph" or "xla".

    Where kernels would be chosen but cannot run the model, that is said, once a process.
    """
    if engine != "auto":
        return engine
    otherwise = _otherwise(rule)
    few = n_trials is not None and n_trials <= FEW_TRIALS and otherwise == "xla"
    if few or not rule.fuses(model) or tf.config.list_physical_devices("GPU"):
        return otherwise
    reason = uncovered(model)
    if reason is None:
        return "fused"
    if reason not in _said:
        _said.add(reason)
        _log.warning(
            "neurotask trains by TensorFlow's %s, which is slower than its own kernels: %s.",
            {"xla": "XLA", "graph": "graph"}[otherwise],
            reason,
        )
    return otherwise


def without_kernels(model: "RecurrentModel") -> str:
    """Return what runs a compiled model where kernels cannot: several networks at once, say."""
    return _otherwise(model.rule) if model.runs_on == "fused" else model.runs_on


def _otherwise(rule: "LearningRule") -> str:
    return "xla" if rule.compiled else "graph"
