"""The arguments of models: their signature, and what is wrong with those that were given."""

import inspect
from collections.abc import Callable, Sequence
from typing import Any

import keras
import numpy as np

from neurotask._checks import nearest
from neurotask.backend.dynamics.base import Dynamics
from neurotask.backend.network import FeedForward


def signature(init: Callable[..., None], dynamics: type) -> inspect.Signature:
    """Return the arguments of a model with these dynamics, for `help` and for notebooks."""
    own = inspect.signature(init).parameters.values()
    kept = [p for p in own if p.name != "self" and p.kind is not p.VAR_KEYWORD]
    of_dynamics = inspect.signature(dynamics).parameters.values()
    names = {p.name for p in kept}
    return inspect.Signature([*kept, *(p for p in of_dynamics if p.name not in names)])


def check_dynamics(name: str, init: Callable[..., None], dynamics: Any) -> None:
    """Raise unless a class of models names dynamics whose settings are not those of all models."""
    if not (isinstance(dynamics, type) and issubclass(dynamics, Dynamics)):
        raise TypeError(
            f"`dynamics_type` of {name} must be a subclass of Dynamics, got {dynamics!r}. Write "
            "dynamics_type = MyDynamics in its body."
        )
    taken = set(inspect.signature(init).parameters) & set(inspect.signature(dynamics).parameters)
    if taken:
        raise TypeError(
            f"`{dynamics.__name__}` must have settings other than {sorted(taken)}, which every "
            "model has. Rename them."
        )


def check_known(kind: type, given: dict[str, Any]) -> None:
    """Raise a TypeError for an argument that a model does not have."""
    known = inspect.signature(kind).parameters
    for name in given:
        if name not in known:
            raise TypeError(
                f"`{kind.__name__}` must be given arguments that it has, got `{name}`."
                f"{nearest(name, known)}"
            )


def channels(kind: str, names: Sequence[str]) -> tuple[str, ...]:
    """Return names of channels, or raise."""
    if isinstance(names, str) or not names or len(set(names)) < len(names):
        raise ValueError(f"`{kind}` must be a sequence of different names, got {names!r}.")
    return tuple(names)


def stage(feedforward: Any) -> FeedForward | None:
    """Return a feed-forward stage from one, a number of units, or None."""
    if isinstance(feedforward, int) and not isinstance(feedforward, bool):
        return FeedForward(feedforward)
    if not isinstance(feedforward, FeedForward | None):
        raise TypeError(
            f"`feedforward` must be a FeedForward, a number of units or None, got {feedforward!r}."
        )
    return feedforward


def optimizer_of(optimizer: Any) -> keras.optimizers.Optimizer:
    """Return a Keras optimizer from one or its name."""
    try:
        made = keras.optimizers.get(optimizer)
    except (TypeError, ValueError):
        made = None
    if not isinstance(made, keras.optimizers.Optimizer):
        raise ValueError(
            f'`optimizer` must be a Keras optimizer or its name, such as "adam", got {optimizer!r}.'
        )
    return made


def check_last(name: str, values: Any, size: int, form: str, rank: int | None = None) -> None:
    """Raise unless the last axis of an array has a size, and the array a rank."""
    shape = tuple(values.shape) if hasattr(values, "shape") else np.shape(values)
    if not shape or shape[-1] != size or (rank is not None and len(shape) != rank):
        raise ValueError(f"`{name}` must have the shape {form}, with {size} last, got {shape}.")
