"""One Keras optimizer for several networks, each with a learning rate of its own."""

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from keras.optimizers.schedules import LearningRateSchedule

from neurotask.backend._types import Tensor
from neurotask.backend.stacked import Pair, gather, scatter

# Each weight moves by its own gradients alone, so that stacking changes nothing.
ELEMENTWISE = (
    keras.optimizers.SGD,
    keras.optimizers.RMSprop,
    keras.optimizers.Adam,
    keras.optimizers.AdamW,
    keras.optimizers.Nadam,
    keras.optimizers.Adamax,
    keras.optimizers.Adagrad,
    keras.optimizers.Adadelta,
    keras.optimizers.Lion,
    keras.optimizers.Ftrl,
)


class StackedOptimizer:
    """The optimizer of several networks.

    Where learning rates differ, it takes steps of the highest rate and shortens those of each
    network: w + (rate / highest) (w' - w). That is exact where a change is proportional to the
    learning rate, decay of weights included.

    Args:
        optimizers: of the networks, built, of one class and with one set of settings.
        variables: the stacked variables that learn.

    Raises:
        ValueError: for optimizers that cannot be stacked.
    """

    def __init__(self, optimizers: Sequence[Any], variables: Sequence[Any]):
        check_optimizers(optimizers)
        self._alone, first = list(optimizers), optimizers[0]
        config, rates = first.get_config(), learning_rates(optimizers)
        self._differ = bool((rates != rates[0]).any())
        self._factors = rates / rates.max() if self._differ else np.ones(len(rates))
        if self._differ:
            config["learning_rate"] = float(rates.max())
        self._optimizer = type(first).from_config(config)
        self._optimizer.build(list(variables))

    @property
    def variables(self) -> list[Any]:
        """The stacked state."""
        return self._optimizer.variables

    def apply(self, gradients: Sequence[Tensor], variables: Sequence[Any]) -> None:
        """Change stacked variables by their gradients."""
        if not self._differ:
            self._optimizer.apply(list(gradients), list(variables))
            return
        before = [tf.identity(variable.value) for variable in variables]
        self._optimizer.apply(list(gradients), list(variables))
        for variable, old in zip(variables, before, strict=True):
            variable.assign(old + self._factor(variable) * (variable - old))

    def finalize_variable_values(self, variables: Sequence[Any]) -> None:
        """Do what the optimizer does at the end of a training."""
        self._optimizer.finalize_variable_values(list(variables))

    def gather(self) -> None:
        """Take the state that the networks' optimizers have."""
        gather(self._pairs())
        for moved in self._moved():
            moved.assign(tf.math.divide_no_nan(moved.value, self._factor(moved)))

    def scatter(self) -> None:
        """Give the state back to the networks' optimizers."""
        for moved in self._moved():
            moved.assign(moved * self._factor(moved))
        scatter(self._pairs())
        for moved in self._moved():
            moved.assign(tf.math.divide_no_nan(moved.value, self._factor(moved)))

    def _pairs(self) -> list[Pair]:
        """Return all variables but the learning rates."""
        every = (self._optimizer, *self._alone)
        own = [[v for v in one.variables if v is not one._learning_rate] for one in every]
        return [(stacked, alone) for stacked, *alone in zip(*own, strict=True)]

    def _moved(self) -> list[Any]:
        """State that is a change of weights, hence proportional to the learning rate."""
        if not self._differ:
            return []
        names = {keras.optimizers.SGD: "momentums", keras.optimizers.RMSprop: "_momentums"}
        name = names.get(type(self._optimizer))
        return [] if name is None else list(getattr(self._optimizer, name))

    def _factor(self, variable: Any) -> Tensor:
        """Return the factor of each network, to broadcast over a stacked variable."""
        shape = (-1, *[1] * (len(variable.shape) - 1))
        return tf.constant(np.reshape(self._factors, shape), variable.dtype)


def learning_rates(optimizers: Sequence[Any]) -> np.ndarray:
    """Return the learning rates, (network,), as the optimizers hold them now."""
    return np.array([float(keras.ops.convert_to_numpy(one.learning_rate)) for one in optimizers])


def check_optimizers(optimizers: Sequence[Any]) -> None:
    """Raise a ValueError where one optimizer cannot stand for those of several networks."""
    first = optimizers[0]
    kind = type(first)
    if kind not in ELEMENTWISE:
        known = ", ".join(one.__name__ for one in ELEMENTWISE)
        raise ValueError(
            "`optimizer` must move each weight by its own gradients for several networks at once, "
            f"got {kind.__name__}, which looks at whole matrices or is not known. Take one of "
            f"{known}, or train the networks one by one."
        )
    for name in ("clipnorm", "global_clipnorm"):
        if getattr(first, name) is not None:
            raise ValueError(
                f"`{name}` of the optimizer must be None for several networks at once, whose "
                f"gradients it would measure together, got {getattr(first, name):g}. Leave it out, "
                "and clip in the rule: BPTT(clip_norm=1.0)."
            )
    settings = [_settings(one) for one in optimizers]
    for one, own in zip(optimizers, settings, strict=True):
        if type(one) is not kind or own != settings[0]:
            raise ValueError(
                "`networks` must have one optimizer with one set of settings, but for the learning "
                f"rate, got {kind.__name__} with {settings[0]} and {type(one).__name__} with {own}."
            )
        if int(one.iterations.numpy()) != int(first.iterations.numpy()):
            raise ValueError(
                "`networks` must have had equally many updates of their optimizers, got "
                f"{int(first.iterations.numpy())} and {int(one.iterations.numpy())}."
            )
    rates = learning_rates(optimizers)
    if (rates == rates[0]).all():
        return
    if kind is keras.optimizers.Ftrl or first.use_ema:
        what = "an average of weights (use_ema)" if first.use_ema else "Ftrl"
        raise ValueError(
            "`learning_rate` must be the same in all networks for an optimizer whose changes are "
            f"not proportional to it, got {rates.tolist()} with {what}."
        )


def _settings(optimizer: Any) -> dict[str, Any]:
    """Return what must agree: all but the name, and a learning rate that is a number."""
    own = optimizer.get_config()
    scheduled = isinstance(optimizer._learning_rate, LearningRateSchedule)
    left_out = {"name"} if scheduled else {"name", "learning_rate"}
    return {name: value for name, value in own.items() if name not in left_out}
