"""What training minimises beside the loss: penalties of weights and of rates.

Weights are effective weights, those that the network computes with, (post, pre), or (gate, post,
pre) where a kernel has gates; a penalty over entries takes all gates together. Frozen synapses are
included: they add a constant to the value and nothing to the gradient. Rates are (time, trial,
unit).
"""

from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar

import keras
import tensorflow as tf

from neurotask._checks import choose, number
from neurotask.backend._types import Tensor
from neurotask.backend.dynamics.base import State
from neurotask.backend.functions import registered
from neurotask.backend.losses import one_number
from neurotask.backend.settings import Setting

if TYPE_CHECKING:
    from neurotask.backend.models.base import RecurrentModel
    from neurotask.backend.rules.base import Batch


class Regularizer(Setting, ABC):
    """A penalty that is added to the loss. A subclass is a frozen dataclass that gives `__call__`.

    Attributes:
        of: name of the kernel that is penalised; None where it is not one kernel.
    """

    of: ClassVar[str | None] = None

    @abstractmethod
    def __call__(self, model: "RecurrentModel", batch: "Batch", states: State) -> Tensor:
        """Return the penalty, shape (); runs inside a compiled graph.

        Args:
            model: the network.
            batch: what it ran on; `batch.present` is (trial, time).
            states: each variable of its state, (time, trial, unit); `model.rates_of(states)` are
                its rates.
        """

    def check(self, model: "RecurrentModel") -> None:
        """Raise a ValueError where a network has no kernel `of`."""
        if self.of is not None:
            choose("of", self.of, model.kernels)


@dataclass(frozen=True)
class L1(Regularizer):
    """The mean size of a kernel's weights; it drives weights to 0.

    Args:
        strength: factor of the penalty, 0 or more.
        of: name of the kernel.
        mean: "existing": over the synapses that exist; "all": over all entries of the matrix, as
            PsychRNN's `L1_rec` and the like; "sum": the sum, as Keras has it.

    Source: Tibshirani (1996) J R Stat Soc B 58:267. PsychRNN: Ehrlich et al. (2021) eNeuro
    8:ENEURO.0427-20.2020, as its code has it.

    Example:
        >>> L1(1e-3)
        L1(strength=0.001, of='recurrent', mean='existing')
    """

    strength: float
    of: str = "recurrent"
    mean: str = "existing"

    def __post_init__(self) -> None:
        _check_weights(self)

    def __call__(self, model: "RecurrentModel", batch: "Batch", states: State) -> Tensor:
        # P = k mean |w|
        kernel = model.kernels[self.of]
        return self.strength * _over_weights(self.mean, kernel, tf.abs(kernel.effective()))


@dataclass(frozen=True)
class L2(Regularizer):
    """The mean square of a kernel's weights; it keeps weights small.

    Args:
        strength: factor of the penalty, 0 or more.
        of: name of the kernel.
        mean: "existing": over the synapses that exist; "all": over all entries of the matrix, as
            PsychRNN's `L2_rec` and the like; "sum": the sum, as Keras has it.

    Source: Krogh & Hertz (1991) NIPS 4:950. PsychRNN: Ehrlich et al. (2021) eNeuro
    8:ENEURO.0427-20.2020, as its code has it.

    Example:
        >>> L2(1e-3, of="input", mean="sum")
        L2(strength=0.001, of='input', mean='sum')
    """

    strength: float
    of: str = "recurrent"
    mean: str = "existing"

    def __post_init__(self) -> None:
        _check_weights(self)

    def __call__(self, model: "RecurrentModel", batch: "Batch", states: State) -> Tensor:
        # P = k mean w^2
        kernel = model.kernels[self.of]
        return self.strength * _over_weights(self.mean, kernel, tf.square(kernel.effective()))


@dataclass(frozen=True)
class RateL1(Regularizer):
    """The mean size of the units' rates: few spikes, few active units.

    Args:
        strength: factor of the penalty, 0 or more.
        mean: "present": over the steps inside trials and the units; "all": padding included.

    Source: Olshausen & Field (1996) Nature 381:607, |x| among its sparseness costs.

    Example:
        >>> RateL1(0.01)
        RateL1(strength=0.01, mean='present')
    """

    strength: float
    mean: str = "present"

    def __post_init__(self) -> None:
        _check_rates(self)

    def __call__(self, model: "RecurrentModel", batch: "Batch", states: State) -> Tensor:
        # P = k mean |r|
        return self.strength * _over_steps(self.mean, tf.abs(model.rates_of(states)), batch)


@dataclass(frozen=True)
class RateL2(Regularizer):
    """The mean square of the units' rates: a metabolic cost, which makes dynamics simpler.

    Args:
        strength: factor of the penalty, 0 or more.
        mean: "present": over the steps inside trials and the units; "all": padding included, as
            PsychRNN's `L2_firing_rate`.

    Source: Sussillo, Churchland, Kaufman & Shenoy (2015) Nat Neurosci 18:1025. PsychRNN: Ehrlich et
    al. (2021) eNeuro 8:ENEURO.0427-20.2020, as its code has it.

    Example:
        >>> RateL2(0.01)
        RateL2(strength=0.01, mean='present')
    """

    strength: float
    mean: str = "present"

    def __post_init__(self) -> None:
        _check_rates(self)

    def __call__(self, model: "RecurrentModel", batch: "Batch", states: State) -> Tensor:
        # P = k mean r^2
        return self.strength * _over_steps(self.mean, tf.square(model.rates_of(states)), batch)


@dataclass(frozen=True)
class RateHomeostasis(Regularizer):
    """The squared distance of each unit's mean rate from a target: no unit silent, none saturated.

    The rate of a unit is its mean over the steps inside the trials of a batch.

    Args:
        strength: factor of the penalty, 0 or more.
        target: mean rate that every unit should have, in the units of the transfer function.

    Source: Bellec et al. (2020) Nat Commun 11:3625, firing rate regularization in its Methods.

    Example:
        >>> RateHomeostasis(0.1, target=0.2)
        RateHomeostasis(strength=0.1, target=0.2)
    """

    strength: float
    target: float

    def __post_init__(self) -> None:
        number("strength", self.strength, low=0.0)
        number("target", self.target)

    def __call__(self, model: "RecurrentModel", batch: "Batch", states: State) -> Tensor:
        # P = k mean_i (r_i - target)^2, r_i the mean rate of unit i
        rates = model.rates_of(states)
        inside = _inside(batch, rates)
        mean_rates = tf.reduce_sum(inside * rates, (0, 1)) / tf.reduce_sum(inside)
        return self.strength * tf.reduce_mean(tf.square(mean_rates - self.target))


@dataclass(frozen=True)
class KerasPenalty(Regularizer):
    """A Keras regularizer of a kernel's effective weights.

    It sees the matrix (post, pre), the transpose of what Keras' layers show it. Where a kernel has
    gates, it acts on the matrix of each, and their penalties are added. Keras keeps the numbers of
    its regularizers in its own precision (`keras.config.floatx()`, single unless said), so the
    penalty is computed in that, also in a network in double precision.

    Args:
        regularizer: a Keras regularizer, its name, or its serialized form, which is what is kept.
        of: name of the kernel.

    Raises:
        ValueError: for an unknown name, or a class that is not registered with Keras.

    Example:
        >>> penalty = KerasPenalty(keras.regularizers.L2(0.5), of="output")
        >>> penalty.regularizer["config"]
        {'l2': 0.5}
    """

    regularizer: Any = field(hash=False)  # a dictionary
    of: str = "recurrent"

    def __post_init__(self) -> None:
        _check_kernel(self.of)
        object.__setattr__(self, "regularizer", _serialized(self.regularizer))

    def __call__(self, model: "RecurrentModel", batch: "Batch", states: State) -> Tensor:
        penalty = keras.regularizers.get(self.regularizer)
        weights = tf.cast(model.kernels[self.of].effective(), keras.config.floatx())
        matrices = [weights] if weights.shape.rank == 2 else tf.unstack(weights)
        return tf.cast(tf.add_n([penalty(matrix) for matrix in matrices]), model.compute_dtype)


@dataclass(frozen=True, repr=False)
class CustomPenalty(Regularizer):
    """A penalty of one's own: a function of the model, the batch and the states.

    Args:
        function: takes what `Regularizer.__call__` takes and returns the penalty, shape (), in
            TensorFlow; registered with Keras, so that files can name it. The name it is registered
            under serves too.

    Raises:
        ValueError: for a function that is not registered, or does not return one number.

    Example:
        >>> @keras.saving.register_keras_serializable("example")
        ... def bias_size(model, batch, states):
        ...     return tf.reduce_sum(model.bias**2)
        >>> CustomPenalty(bias_size)
        CustomPenalty(function='example>bias_size')
    """

    function: Any

    def __post_init__(self) -> None:
        object.__setattr__(self, "function", registered("function", self.function))

    def __call__(self, model: "RecurrentModel", batch: "Batch", states: State) -> Tensor:
        return one_number(self.function, model, batch, states)

    def __repr__(self) -> str:
        return f"CustomPenalty(function={keras.saving.get_registered_name(self.function)!r})"


def get(regularizers: Any) -> tuple[Regularizer, ...]:
    """Return regularizers as a tuple, from None, one, or a list or tuple of them.

    Functions registered with Keras are taken as `CustomPenalty`.

    Example:
        >>> get(L2(1e-3))
        (L2(strength=0.001, of='recurrent', mean='existing'),)
        >>> get(None)
        ()
    """
    if regularizers is None:
        return ()
    given = regularizers if isinstance(regularizers, (list, tuple)) else (regularizers,)
    return tuple(_regularizer(one) for one in given)


def _regularizer(value: Any) -> Regularizer:
    if isinstance(value, Regularizer):
        return value
    if isinstance(value, keras.regularizers.Regularizer):
        raise TypeError(
            f"`regularizers` must say which kernel is meant, got {value!r}. Give "
            'regularizers.KerasPenalty(regularizer, of="recurrent").'
        )
    if callable(value) and not isinstance(value, type):
        return CustomPenalty(registered("regularizers", value))
    raise TypeError(
        f"`regularizers` must be regularizers or functions registered with Keras, got {value!r}. "
        "Give an object such as regularizers.L2(1e-3)."
    )


def _over_weights(mean: str, kernel: Any, values: Tensor) -> Tensor:
    """Return the mean or sum of values of weights, 0 for a kernel without synapses."""
    total = tf.reduce_sum(values)
    if mean == "sum":
        return total
    counted = tf.ones_like(values)
    if mean == "existing":
        counted *= tf.cast(tf.not_equal(kernel.strength, 0), values.dtype)
    return tf.math.divide_no_nan(total, tf.reduce_sum(counted))


def _over_steps(mean: str, values: Tensor, batch: "Batch") -> Tensor:
    """Return the mean of values of rates (time, trial, unit)."""
    if mean == "all":
        return tf.reduce_mean(values)
    inside = _inside(batch, values)
    return tf.reduce_sum(inside * values) / tf.reduce_sum(inside * tf.ones_like(values))


def _inside(batch: "Batch", values: Tensor) -> Tensor:
    """Return 1 within trials and 0 in their padding, (time, trial, 1)."""
    return tf.expand_dims(tf.cast(tf.transpose(batch.present), values.dtype), -1)


def _check_weights(penalty: L1 | L2) -> None:
    number("strength", penalty.strength, low=0.0)
    _check_kernel(penalty.of)
    choose("mean", penalty.mean, ("existing", "all", "sum"))


def _check_rates(penalty: RateL1 | RateL2) -> None:
    number("strength", penalty.strength, low=0.0)
    choose("mean", penalty.mean, ("present", "all"))


def _check_kernel(of: Any) -> None:
    if not isinstance(of, str):
        raise TypeError(f'`of` must be the name of a kernel, such as "recurrent", got {of!r}.')


def _serialized(regularizer: Any) -> dict[str, Any]:
    """Return the serialized form of a Keras regularizer as data of its own."""
    try:
        made = keras.regularizers.get(regularizer)
    except (TypeError, ValueError):
        made = None
    if not isinstance(made, keras.regularizers.Regularizer):
        raise ValueError(
            f'`regularizer` must be a Keras regularizer or its name, such as "l2", got '
            f"{regularizer!r}."
        )
    form = keras.regularizers.serialize(made)
    name = form["registered_name"]  # None for Keras' own
    if name is not None and ">" not in name:
        raise ValueError(
            f"`regularizer` must be of a registered class, got {made!r}, which would save and not "
            "load. Put @keras.saving.register_keras_serializable() above the class."
        )
    return form
