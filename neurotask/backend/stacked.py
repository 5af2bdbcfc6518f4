"""Several networks of one structure as one, their variables stacked on an axis in front.

A learning rule takes it for a model: what it computes for one network, it computes for each, since
all equations leave room for axes in front. That is the whole of it; no rule knows of this file.
"""

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from neurotask.backend.engines import without_kernels
from neurotask.backend.kernel import Kernel
from neurotask.backend.models.base import RecurrentModel
from neurotask.backend.models.forward import ForwardModel
from neurotask.backend.stacked_ops import StackedOps
from neurotask.backend.stacked_penalty import StackedPenalty
from neurotask.backend.vectors import ParameterVectors
from neurotask.backend.weights import ConstrainedWeights

# A stacked variable and, for each network, its own. One without axes is a count that they share.
Pair = tuple[Any, Sequence[Any]]


class StackedModel(ForwardModel):
    """Several compiled networks as one, for learning rules.

    Args:
        models: the networks, of one structure; see `Networks`.

    Attributes:
        networks: how many there are.
        optimizer: what `Descent` calls; see `StackedOptimizer`.
    """

    optimizer: Any

    def __init__(self, models: Sequence[RecurrentModel]):
        first = models[0]
        super().__init__(dtype=first.dtype)
        self.networks, self.network = len(models), first.network
        self.ops = StackedOps(first.dtype, len(models))
        self.draws_ahead = without_kernels(first) == "xla" and first.dtype == "float32"
        self.rule, self.loss_function = first.rule, first.loss_function
        self.penalties = tuple(StackedPenalty(penalty) for penalty in first.penalties)
        # In the order of a model's own, so that `trainable_variables` correspond.
        self._vectors = _vectors([model._vectors for model in models], first.dtype)
        for name, variable in self._vectors.free.items():
            setattr(self, name, variable)
        for name in first.kernels:
            kernel = _kernel([model.kernels[name] for model in models], first.dtype)
            setattr(self, f"{name}_kernel", kernel)
        self.updates = self.add_weight((), "zeros", dtype="int64", trainable=False, name="updates")
        self.built = True

    def pairs(self, models: Sequence[RecurrentModel]) -> list[Pair]:
        """Return each stacked variable with those of the networks."""
        own = [_variables(self), *map(_variables, models)]
        return [(stacked, alone) for stacked, *alone in zip(*own, strict=True)]


def gather(pairs: Sequence[Pair]) -> None:
    """Set stacked variables to what the networks have.

    Raises:
        ValueError: where a count that they share is not the same in all.
    """
    for stacked, alone in pairs:
        values = np.stack([variable.numpy() for variable in alone])
        if len(stacked.shape):
            stacked.assign(values.reshape(stacked.shape))
        elif (values == values[0]).all():
            stacked.assign(values[0])
        else:
            raise ValueError(
                "`networks` must have had equally many updates, of optimizer and rule too, got "
                f"counts of {values.tolist()}. Train those apart that differ in it."
            )


def scatter(pairs: Sequence[Pair]) -> None:
    """Set the variables of the networks to what the stacked ones have."""
    for stacked, alone in pairs:
        shared = not len(stacked.shape)
        values = [stacked.numpy()] * len(alone) if shared else stacked.numpy()
        for variable, own in zip(alone, values, strict=True):
            variable.assign(own.reshape(variable.shape))


def stacked_shape(shape: Sequence[int], networks: int) -> tuple[int, ...]:
    """Return the shape that variables of one shape have in front of trials, for all networks.

    Vectors (n,) become (network, 1, n), which broadcasts over trials; all else gets one axis more.
    """
    return (networks, 1, *shape) if len(shape) == 1 else (networks, *shape)


def _variables(model: ForwardModel) -> list[Any]:
    """Return the variables of kernels and vectors, of a model or a stacked one, in one order."""
    names = ("raw", "sign", "strength", "plastic", "constant")
    kernels = [getattr(kernel, name) for kernel in model.kernels.values() for name in names]
    times = [raw for _, raw in model._vectors.times.values()]
    return [*kernels, *model._vectors.free.values(), *times]


def _vectors(vectors: Sequence[ParameterVectors], dtype: str) -> ParameterVectors:
    def stack(arrays: Sequence[Any]) -> np.ndarray:
        values = np.stack([np.asarray(values) for values in arrays])
        return values.reshape(stacked_shape(values.shape[1:], len(vectors)))

    first = vectors[0]
    times = [one.times for one in vectors]
    return ParameterVectors(
        {name: stack([one.constants[name] for one in vectors]) for name in first.constants},
        {name: stack([one.free[name] for one in vectors]) for name in first.free},
        [name for name, variable in first.free.items() if variable.trainable],
        {
            name: (stack([one[name][0] for one in times]), stack([one[name][1] for one in times]))
            for name in first.times
        },
        first.dt,
        dtype,
    )


def _kernel(kernels: Sequence[Kernel], dtype: str) -> ConstrainedWeights:
    first = kernels[0]

    def stack(name: str) -> np.ndarray:
        return np.stack([getattr(kernel, name).numpy() for kernel in kernels])

    sign, strength, plastic = stack("sign")[:, np.newaxis], stack("strength"), stack("plastic")
    if first.gates:  # they share their synapses
        sign, strength, plastic = (values[:, np.newaxis] for values in (sign, strength, plastic))
    return ConstrainedWeights(
        first.name,
        raw=stack("raw"),
        sign=sign,
        strength=strength,
        plastic=plastic,
        constant=stack("constant"),
        law=first.law,
        axes=("network", *(("gate",) if first.gates else ()), "post", "pre"),
        dtype=dtype,
    )


def stacked_state(states: Sequence[Any]) -> tuple[Any, list[Pair]]:
    """Return what a rule carries along, stacked, and its variables beside those of the networks.

    Args:
        states: what `rule.init` returned for each network.
    """
    pairs: list[Pair] = []

    def stack(*alone: Any) -> Any:
        if alone[0] is None:
            return None
        shape, dtype = tuple(alone[0].shape), alone[0].dtype
        # A whole number without axes counts updates or trials, which are the same for all.
        counts = not shape and np.issubdtype(dtype, np.integer)
        zeros = np.zeros(() if counts else stacked_shape(shape, len(alone)))
        made = keras.Variable(zeros, dtype=dtype, trainable=False)
        pairs.append((made, alone))
        return made

    return tf.nest.map_structure(stack, *states), pairs
