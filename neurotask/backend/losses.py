"""What training minimises: settings that turn targets and outputs into one number.

Arrays are (trial, time, output). The mask weighs each entry and is 0 in the padding behind the end
of a trial; `present` (trial, time) is 1 within a trial and 0 in its padding. With an error e and a
weight m of each entry, a loss is one of three means:

    "weights"   sum(m e) / sum(m)                       per weight; NaN where nothing counts
    "steps"     sum(m e) / entries inside trials        a longer response window weighs more
    "psychrnn"  sum(m e) / all entries, with padding    the numbers of PsychRNN

Doubling the padding changes neither value nor gradient of the first two. It shrinks both for the
third, and with them the steps of an optimizer that does not normalise gradients.

Where several networks learn at once, arrays have a further axis in front, and there is a loss for
each of them.
"""

from abc import ABC
from dataclasses import dataclass
from typing import Any, ClassVar

import keras
import numpy as np
import tensorflow as tf

from neurotask._checks import choose, number
from neurotask.backend._types import Tensor
from neurotask.backend.functions import registered
from neurotask.backend.settings import Setting

# Distance that probabilities keep from 0 and 1, as in Keras and PsychRNN.
EPSILON = 1e-7

_OURS = ("weights", "steps")
_MEANS = (*_OURS, "psychrnn")


class Loss(Setting, ABC):
    """A loss: a mean over entries, of which rules that learn within a trial take some at a time.

    A subclass is a frozen dataclass that gives `errors`, or `__call__` where it is no such mean.

    Attributes:
        allowed: lowest and highest target that the loss makes sense for; None: any.
        mean: how the mean is taken.
    """

    allowed: ClassVar[tuple[float, float] | None] = None
    mean: str

    @property
    def separable(self) -> bool:
        """Whether it is a mean over entries, so that some of them have a loss of their own."""
        return type(self).errors is not Loss.errors

    def errors(self, targets: Tensor, outputs: Tensor) -> Tensor:
        """Return the error e of each entry, (..., entry), for targets and outputs (..., output)."""
        raise NotImplementedError(f"{type(self).__name__} is no mean over entries.")

    def weights(self, mask: Tensor) -> Tensor:
        """Return the weight m of each entry, (..., entry), for a mask (..., output)."""
        return mask

    def size(self, mask: Tensor, present: Tensor) -> Tensor:
        """Return what the sum over entries is divided by."""
        weights = self.weights(mask)
        if self.mean == "weights":
            return _sum(weights)
        ones = tf.ones_like(weights)
        return _sum(ones * present[..., tf.newaxis] if self.mean == "steps" else ones)

    def __call__(self, targets: Tensor, outputs: Tensor, mask: Tensor, present: Tensor) -> Tensor:
        """Return the loss, shape (); runs inside a compiled graph.

        Args:
            targets: what is wanted, (trial, time, output).
            outputs: what came, of the same shape.
            mask: weight of each entry, of the same shape, 0 or more.
            present: 1 within a trial and 0 in its padding, (trial, time).
        """
        summed = _sum(self.weights(mask) * self.errors(targets, outputs))
        return summed / self.size(mask, present)

    def check(self, targets: np.ndarray) -> None:
        """Raise a ValueError where targets (trial, time, output) cannot be used with this loss."""
        if self.allowed is None:
            return
        low, high = self.allowed
        values = np.asarray(targets)
        bad = values[~((values >= low) & (values <= high))]  # NaN is bad too
        if bad.size:
            wanted = f"{low:g} or more" if np.isinf(high) else f"in [{low:g}, {high:g}]"
            raise ValueError(
                f"`targets` must be {wanted} for {type(self).__name__}, got {bad[0]:g}. Change "
                'what the task paints, or use loss="mean_squared_error".'
            )


@dataclass(frozen=True)
class MeanSquaredError(Loss):
    """The squared distance from the targets.

    Args:
        mean: how the mean over entries is taken: "weights", "steps", or "psychrnn", which divides
            by all entries and squares the mask.

    Source: the "psychrnn" form: Ehrlich, Stone, Brandfonbrener, Atanasov & Murray (2021) eNeuro
    8:ENEURO.0427-20.2020, as its code has it.

    Example:
        >>> y, z, m = np.zeros((1, 2, 1)), np.array([[[1.0], [3.0]]]), np.array([[[1.0], [0.0]]])
        >>> float(MeanSquaredError()(y, z, m, np.ones((1, 2))))
        1.0
        >>> float(MeanSquaredError(mean="steps")(y, z, m, np.ones((1, 2))))
        0.5
    """

    mean: str = "weights"

    def __post_init__(self) -> None:
        choose("mean", self.mean, _MEANS)

    def errors(self, targets: Tensor, outputs: Tensor) -> Tensor:
        # e = (z - y)^2
        return tf.square(outputs - targets)  # its derivative costs less than that of a power

    def weights(self, mask: Tensor) -> Tensor:
        # PsychRNN's mean is that of (m (z - y))^2.
        return mask**2 if self.mean == "psychrnn" else mask


@dataclass(frozen=True)
class Huber(Loss):
    """The squared distance near the targets, the plain distance far from them.

    A few steps far off the target then pull less than under the squared error.

    Args:
        delta: distance at which the square gives way.
        mean: how the mean over entries is taken: "weights" or "steps" (PsychRNN has no such loss).

    Source: Huber (1964) Ann Math Statist 35:73.

    Example:
        >>> y, z, one = np.zeros((1, 2, 1)), np.array([[[1.0], [3.0]]]), np.ones((1, 2, 1))
        >>> float(Huber()(y, z, one, one[..., 0]))
        1.5
    """

    delta: float = 1.0
    mean: str = "weights"

    def __post_init__(self) -> None:
        number("delta", self.delta, low=0.0, above=True)
        choose("mean", self.mean, _OURS)

    def errors(self, targets: Tensor, outputs: Tensor) -> Tensor:
        # e = d^2 / 2 where d = |z - y| <= delta, delta (d - delta / 2) elsewhere. As one product,
        # its gradient is right at d = delta too, whichever side the minimum takes there.
        distance = tf.abs(outputs - targets)
        near = tf.minimum(distance, self.delta)
        return near * (distance - near / 2)


@dataclass(frozen=True)
class BinaryCrossEntropy(Loss):
    """The surprise at targets in [0, 1], each output on its own giving the probability of 1.

    Args:
        logits: whether outputs are log odds, on which the sigmoid acts here. False: they are
            probabilities, clipped to [1e-7, 1 - 1e-7]; where an output lies outside, its gradient
            is exactly 0, so a linear output that starts there never learns.
        mean: how the mean over entries is taken: "weights", "steps", or "psychrnn", which divides
            by all entries, adds 1e-7 within the logarithms, and has no logits.

    Raises:
        ValueError: for mean="psychrnn" with logits.

    Source: Bishop (2006) Pattern Recognition and Machine Learning, eq. 4.90. The "psychrnn" form:
    Ehrlich et al. (2021) eNeuro 8:ENEURO.0427-20.2020, as its code has it.

    Example:
        >>> y, z, one = np.ones((1, 1, 1)), np.zeros((1, 1, 1)), np.ones((1, 1, 1))
        >>> round(float(BinaryCrossEntropy()(y, z, one, one[..., 0])), 4)
        0.6931
    """

    logits: bool = True
    mean: str = "weights"

    allowed: ClassVar[tuple[float, float] | None] = (0.0, 1.0)

    def __post_init__(self) -> None:
        _check_logits(self.logits)
        if choose("mean", self.mean, _MEANS) == "psychrnn" and self.logits:
            raise ValueError(
                '`logits` must be False with mean="psychrnn", got True: PsychRNN takes outputs for '
                "probabilities. Give logits=False."
            )

    def errors(self, targets: Tensor, outputs: Tensor) -> Tensor:
        # e = -(y log p + (1 - y) log(1 - p)), p = 1 / (1 + exp(-z)) or z itself
        if self.logits:
            return tf.nn.sigmoid_cross_entropy_with_logits(labels=targets, logits=outputs)
        p = tf.clip_by_value(outputs, EPSILON, 1.0 - EPSILON)
        shift = EPSILON if self.mean == "psychrnn" else 0.0
        return -(targets * tf.math.log(p + shift) + (1.0 - targets) * tf.math.log(1.0 - p + shift))


@dataclass(frozen=True)
class CategoricalCrossEntropy(Loss):
    """The surprise at the wanted class, the outputs of a step together giving the probabilities.

    Targets are the probabilities of the classes. Where they do not sum to 1, their sum acts as a
    further weight of the step in the numerator; a step whose targets are all 0 adds nothing to it
    and still counts in the denominator, unless the mask is 0 there. A step weighs the mean of its
    mask over the outputs, and "entries" are steps.

    Args:
        logits: whether the softmax over the outputs of a step gives the probabilities. False:
            outputs are probabilities; they are clipped to [1e-7, 1 - 1e-7], with gradient 0
            outside, and divided by their sum, without which outputs of 1 everywhere would be best.
        mean: how the mean over steps is taken: "weights" or "steps" (PsychRNN has no such loss).

    Source: Bishop (2006) Pattern Recognition and Machine Learning, eq. 4.108.

    Example:
        >>> y, z, one = np.array([[[0.0, 1.0]]]), np.zeros((1, 1, 2)), np.ones((1, 1, 2))
        >>> round(float(CategoricalCrossEntropy()(y, z, one, one[..., 0])), 4)
        0.6931
    """

    logits: bool = True
    mean: str = "weights"

    allowed: ClassVar[tuple[float, float] | None] = (0.0, np.inf)

    def __post_init__(self) -> None:
        _check_logits(self.logits)
        choose("mean", self.mean, _OURS)

    def errors(self, targets: Tensor, outputs: Tensor) -> Tensor:
        # e = -sum_k y_k log p_k, p = softmax(z) or z / sum(z). Not TensorFlow's fused form, whose
        # gradient p - y is wrong where targets do not sum to 1.
        if self.logits:
            logs = tf.nn.log_softmax(outputs)
        else:
            p = tf.clip_by_value(outputs, EPSILON, 1.0 - EPSILON)
            logs = tf.math.log(p / tf.reduce_sum(p, -1, keepdims=True))
        return -tf.reduce_sum(targets * logs, -1, keepdims=True)

    def weights(self, mask: Tensor) -> Tensor:
        return tf.reduce_mean(mask, -1, keepdims=True)


@dataclass(frozen=True, repr=False)
class CustomLoss(Loss):
    """A loss of one's own: a function of targets, outputs and mask, each (trial, time, output).

    Args:
        function: returns the loss, shape (), in TensorFlow; registered with Keras, so that files
            can name it. The name it is registered under serves too.

    Raises:
        ValueError: for a function that is not registered, or does not return one number.

    Example:
        >>> @keras.saving.register_keras_serializable("example")
        ... def absolute_error(targets, outputs, mask):
        ...     return tf.reduce_sum(mask * tf.abs(outputs - targets)) / tf.reduce_sum(mask)
        >>> CustomLoss(absolute_error)
        CustomLoss(function='example>absolute_error')
    """

    function: Any

    def __post_init__(self) -> None:
        object.__setattr__(self, "function", registered("function", self.function))

    def __call__(self, targets: Tensor, outputs: Tensor, mask: Tensor, present: Tensor) -> Tensor:
        if outputs.shape.rank == 4:
            each = zip(*map(tf.unstack, (targets, outputs, mask)), strict=True)
            return tf.stack([one_number(self.function, *arrays) for arrays in each])
        return one_number(self.function, targets, outputs, mask)

    def __repr__(self) -> str:
        return f"CustomLoss(function={keras.saving.get_registered_name(self.function)!r})"


def get(loss: Any) -> Loss:
    """Return a loss from a loss, its name, or a function registered with Keras.

    Example:
        >>> get("huber")
        Huber(delta=1.0, mean='weights')
    """
    if isinstance(loss, Loss):
        return loss
    if isinstance(loss, str):
        return LOSSES[choose("loss", loss, LOSSES)]
    if callable(loss) and not isinstance(loss, type):
        return CustomLoss(registered("loss", loss))
    raise TypeError(
        f"`loss` must be a loss, its name, or a function registered with Keras, got {loss!r}. "
        'Give loss="mean_squared_error" or an object such as losses.Huber(delta=1.0).'
    )


def one_number(function: Any, *arguments: Any) -> Tensor:
    """Return what a user's function makes of its arguments, or raise unless its shape is ()."""
    value = tf.convert_to_tensor(function(*arguments))
    if value.shape.rank not in (0, None):
        raise ValueError(
            f"`{function.__name__}` must return one number, got the shape {value.shape}. Take a "
            "sum or a mean."
        )
    return value


def _sum(values: Tensor) -> Tensor:
    """Return the sum over trials, time and entries."""
    return tf.reduce_sum(values, (-3, -2, -1))


def _check_logits(logits: Any) -> None:
    if not isinstance(logits, bool):
        raise ValueError(f"`logits` must be True or False, got {logits!r}.")


LOSSES: dict[str, Loss] = {
    "mean_squared_error": MeanSquaredError(),
    "huber": Huber(),
    "binary_cross_entropy": BinaryCrossEntropy(),
    "categorical_cross_entropy": CategoricalCrossEntropy(),
    "psychrnn_mean_squared_error": MeanSquaredError(mean="psychrnn"),
    "psychrnn_binary_cross_entropy": BinaryCrossEntropy(logits=False, mean="psychrnn"),
}
