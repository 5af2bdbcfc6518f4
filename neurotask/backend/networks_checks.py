"""What networks must share to be trained together, and the error messages where they do not."""

from collections.abc import Sequence
from dataclasses import fields
from typing import Any

import numpy as np

from neurotask._checks import count
from neurotask.backend.models.base import RecurrentModel
from neurotask.backend.rules.base import LearningRule
from neurotask.backend.rules.feedback import Feedback


def check_alike(models: Sequence[Any]) -> None:
    """Raise unless models are compiled networks of one structure, each there once."""
    if isinstance(models, RecurrentModel):
        raise TypeError(
            f"`networks` must be several networks, got one {type(models).__name__}. Give "
            "nt.Networks([one, other]) or nt.Networks.like(model, 9)."
        )
    if not models:
        raise ValueError("`networks` must hold at least one network, got none.")
    for model in models:
        if not isinstance(model, RecurrentModel):
            raise TypeError(
                f"`networks` must be networks, got {model!r}. Make one: nt.RateRNN.for_task(task)."
            )
        model.trainer  # noqa: B018 - raises where the network is not compiled
    if len({id(model) for model in models}) < len(models):
        raise ValueError(
            "`networks` must be different networks, got one of them twice. Make copies: "
            "nt.Networks.like(model, 9)."
        )
    first = _structure(models[0])
    for at, model in enumerate(models):
        for name, own in _structure(model).items():
            if own != first[name]:
                raise ValueError(
                    f"`networks` must have the same {name}, got {first[name]!r} in network 0 and "
                    f"{own!r} in network {at}. Train those apart that differ in it."
                )
        _check_rule(models[0].rule, model.rule, at)


def numbers_of(name: str, values: Any, n: int, low: int = 0) -> list[int]:
    """Return `n` whole numbers, or raise."""
    given = list_of(name, values, n, "numbers")
    return [count(f"{name}[{at}]", value, low=low) for at, value in enumerate(given)]


def list_of(name: str, values: Any, n: int, what: str) -> list[Any]:
    """Return `n` values as a list, or raise."""
    if not isinstance(values, (list, tuple, range, np.ndarray)):
        raise ValueError(f"`{name}` must be a list of {n} {what}, one a network, got {values!r}.")
    if len(values) != n:
        raise ValueError(f"`{name}` must be {n} {what}, one a network, got {len(values)}.")
    return list(values)


def _structure(model: RecurrentModel) -> dict[str, Any]:
    """Return what must be equal in all networks, by the words of a message."""
    network = model.network
    return {
        "class": type(model).__name__,
        "input channels": network.inputs,
        "output channels": network.outputs,
        "number of units": len(network.units),
        "dt": network.dt,
        "settings of the dynamics": network.dynamics,
        "stage between inputs and units": None
        if network.feedforward is None
        else (network.feedforward.units, network.feedforward.activation),
        "kernels": tuple(model.kernels),
        "output_activation": network.output_activation,
        "precision": str(model.dtype),
        "vectors that learn": tuple(
            name for name, variable in model._vectors.free.items() if variable.trainable
        )
        + tuple(model._vectors.times),
        "kernels that learn": tuple(
            name for name, kernel in model.kernels.items() if kernel.raw.trainable
        ),
        "law of signs": tuple((name, kernel.law) for name, kernel in model.kernels.items()),
        "loss": model.loss_function,
        "regularizers": model.penalties,
        "engine": model.engine,
        "number of updates behind them": int(model.updates.numpy()),
    }


def _check_rule(first: LearningRule, rule: LearningRule, at: int) -> None:
    """Raise unless two rules are equal, but for a fixed matrix of feedback."""
    if type(rule) is type(first):
        names = [field.name for field in fields(first)]  # pyright: ignore[reportArgumentType]
        differ = [name for name in names if getattr(rule, name) != getattr(first, name)]
        if not differ or (differ == ["feedback"] and _fixed(first, rule)):
            return
    raise ValueError(
        f"`networks` must have the same rule, but for a matrix of feedback that does not change, "
        f"got {first!r} in network 0 and {rule!r} in network {at}. Train them apart."
    )


def _fixed(*rules: Any) -> bool:
    """Return whether the feedback of rules is a matrix that is drawn once and used as it is."""
    kept = ("matrix", "signal", "learn")
    return all(
        getattr(type(rule.feedback), name) is getattr(Feedback, name)
        for rule in rules
        for name in kept
    )
