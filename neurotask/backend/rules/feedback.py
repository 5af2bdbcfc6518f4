"""How an error at the outputs reaches the units: the second of a rule's four parts.

An error e of the outputs, (..., trial, output), becomes a learning signal q of the units' rates,
(..., trial, unit):

    q = F e

True gradients need F = W_out^T, the readout's own synapses run backward. The others here say what
may stand in for it. What they carry along is one matrix (unit, output).
"""

import re
from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import keras
import numpy as np
import tensorflow as tf

from neurotask._checks import choose, count, number
from neurotask._streams import Stream, generator
from neurotask.backend._types import Tensor
from neurotask.backend.dynamics.base import Weights
from neurotask.backend.settings import Setting
from neurotask.distributions import plain

if TYPE_CHECKING:
    from neurotask.backend.models.base import RecurrentModel


LARGEST = float(np.finfo(np.float32).max)  # number that single precision holds


class Feedback(Setting, ABC):
    """How errors reach the units. A subclass is a frozen dataclass.

    Attributes:
        local: whether a unit gets its signal without knowing weights of other synapses.
    """

    local: ClassVar[bool] = True

    def check(self, model: "RecurrentModel") -> None:
        """Raise a ValueError where a network cannot have this feedback."""

    @abstractmethod
    def init(self, model: "RecurrentModel") -> np.ndarray | None:
        """Return the matrix that is carried along, (unit, output); None for none."""

    def matrix(self, weights: Weights, state: Any) -> Tensor:
        """Return F, (unit, output).

        Args:
            weights: prepared weights; "output" is (unit, output).
            state: the variable of what `init` returned.
        """
        return tf.convert_to_tensor(state)

    def signal(self, weights: Weights, state: Any, error: Tensor) -> Tensor:
        """Return q = F e, (..., trial, unit), for errors (..., trial, output)."""
        matrix = self.matrix(weights, state)
        if matrix.shape.rank == 2:  # one matrix product, not one a step
            return tf.tensordot(error, tf.transpose(matrix), 1)
        return tf.matmul(error, matrix, transpose_b=True)

    def learn(self, model: "RecurrentModel", state: Any, before: Tensor) -> None:
        """Change the feedback after an update.

        Args:
            model: the network after it.
            state: the variable of what `init` returned.
            before: the readout's weights before it, (output, unit).
        """


@dataclass(frozen=True)
class Symmetric(Feedback):
    """F = W_out^T: the readout's synapses run backward, as gradients have it.

    Example:
        >>> Symmetric()
        Symmetric()
    """

    local = False

    def init(self, model: "RecurrentModel") -> None:
        return None

    def matrix(self, weights: Weights, state: Any) -> Tensor:
        return weights["output"]


@dataclass(frozen=True)
class Random(Feedback):
    """F = B: drawn once, B_ij ~ N(0, scale² / outputs), and kept.

    The readout comes to align with it, so that its errors point where they should. Feedback to a
    unit of a type has the sign of what the unit sends.

    Args:
        scale: standard deviation of the sum over outputs.
        weights: the matrix itself, (unit, output), with the signs it has; None: it is drawn.

    Raises:
        ValueError: at `compile`, for a matrix that does not fit the network.

    Source: Lillicrap, Cownden, Tweed & Akerman (2016) Nat Commun 7:13276; the scale: Murray (2019)
    eLife 8:e43299, as its code has it.

    Example:
        >>> Random(scale=0.5)
        Random(scale=0.5, weights=None)
    """

    scale: float = 1.0
    weights: Any = None

    def __post_init__(self) -> None:
        number("scale", self.scale, low=0.0, above=True)
        if self.weights is not None:
            if self.scale != 1.0:
                raise ValueError(
                    f"`scale` must be left out where `weights` are given, got {self.scale:g}. "
                    "Multiply them by it."
                )
            object.__setattr__(self, "weights", _matrix(self.weights))

    def check(self, model: "RecurrentModel") -> None:
        if self.weights is None:
            return
        given, wanted = np.shape(self.weights), (len(model.units), len(model.output_names))
        if given != wanted:
            raise ValueError(
                f"`weights` of Random must have the shape (unit, output) = {wanted}, got {given}. "
                "Give such a matrix, or none, to have it drawn."
            )

    def init(self, model: "RecurrentModel") -> np.ndarray:
        if self.weights is not None:
            return np.asarray(self.weights, float)
        return drawn(model, self.scale)


@dataclass(frozen=True)
class KolenPollack(Feedback):
    """B learns as the readout does, and both decay, until they are each other's transpose.

    After an update that changed the readout by D,

        W_out <- W_out + D - decay W_out,   B <- B + D^T - decay B

    so that B - W_out^T shrinks by (1 - decay) at each update, whatever D. Where a sign or a frozen
    synapse holds the readout back, D is what it did, so that this is so there too.

    Args:
        decay: share of the weights that is lost at each update, in (0, 1].
        scale: of the start, as in `Random`.

    Source: Kolen & Pollack (1994) IEEE ICNN 3:1375; Akrout et al. (2019) NeurIPS.

    Example:
        >>> KolenPollack(decay=0.01)
        KolenPollack(decay=0.01, scale=1.0)
    """

    decay: float = 1e-3
    scale: float = 1.0

    def __post_init__(self) -> None:
        number("decay", self.decay, low=0.0, high=1.0, above=True)
        number("scale", self.scale, low=0.0, above=True)

    def check(self, model: "RecurrentModel") -> None:
        if not model.kernels["output"].raw.trainable:
            raise ValueError(
                "`output` must learn under KolenPollack, a feedback that learns as it does, but is "
                'frozen. Give feedback="random" or "symmetric".'
            )

    def init(self, model: "RecurrentModel") -> np.ndarray:
        return drawn(model, self.scale)

    def learn(self, model: "RecurrentModel", state: Any, before: Tensor) -> None:
        kernel = model.kernels["output"]
        kernel.assign(kernel.effective() - self.decay * before)
        # What came of it: signs and frozen synapses may have held some of the change back.
        change = kernel.effective() - (1.0 - self.decay) * before
        state.assign((1.0 - self.decay) * state + tf.linalg.matrix_transpose(change))


@dataclass(frozen=True)
class SignConcordant(Feedback):
    """F = |B| with the signs of the readout's synapses: they are shared, their sizes are not.

    Args:
        scale: of B, as in `Random`.

    Source: Moskovitz, Litwin-Kumar & Abbott (2018) arXiv:1812.06488; Liao, Leibo & Poggio (2016)
    AAAI.

    Example:
        >>> SignConcordant()
        SignConcordant(scale=1.0)
    """

    scale: float = 1.0

    def __post_init__(self) -> None:
        number("scale", self.scale, low=0.0, above=True)

    def init(self, model: "RecurrentModel") -> np.ndarray:
        return np.abs(drawn(model, self.scale))

    def matrix(self, weights: Weights, state: Any) -> Tensor:
        return tf.sign(weights["output"]) * tf.convert_to_tensor(state)


@dataclass(frozen=True)
class LowRank(Feedback):
    """F = U V, drawn once and kept: errors reach the units through `rank` channels.

    Entries of F have the variance scale² / outputs at every rank, so that rank and learning rate
    are not confounded.

    Args:
        rank: number of channels, at most the number of outputs and of units.
        scale: standard deviation of the sum over outputs.

    Raises:
        ValueError: at `compile`, for a rank above the number of units or outputs.

    Source: the rank of error feedback: Capone, Muratore & Paolucci (2022) PLoS Comput Biol
    18:e1010221, there of target-based rules.

    Example:
        >>> LowRank(1)
        LowRank(rank=1, scale=1.0)
    """

    rank: int
    scale: float = 1.0

    def __post_init__(self) -> None:
        count("rank", self.rank)
        number("scale", self.scale, low=0.0, above=True)

    def check(self, model: "RecurrentModel") -> None:
        numbers = (len(model.output_names), "outputs"), (len(model.units), "units")
        most, what = min(numbers)
        if self.rank > most:
            raise ValueError(
                f"`rank` must be at most the number of {what}, {most}, got {self.rank}. Errors "
                f"have no more directions than that. Give rank={most}."
            )

    def init(self, model: "RecurrentModel") -> np.ndarray:
        random = _generator(model)
        n, n_outputs = len(model.units), len(model.output_names)
        left = random.standard_normal((n, self.rank))
        right = random.standard_normal((self.rank, n_outputs))
        return self.scale * left @ right / np.sqrt(self.rank * n_outputs)


@dataclass(frozen=True)
class Broadcast(Feedback):
    """F = scale / sqrt(units): one and the same signal for all units, as a neuromodulator gives.

    Args:
        scale: its size.

    Source: Bellec et al. (2020) Nat Commun 11:3625, as its code has it ("global").

    Example:
        >>> Broadcast()
        Broadcast(scale=1.0)
    """

    scale: float = 1.0

    def __post_init__(self) -> None:
        number("scale", self.scale, low=0.0, above=True)

    def init(self, model: "RecurrentModel") -> np.ndarray:
        shape = (len(model.units), len(model.output_names))
        return np.full(shape, self.scale / np.sqrt(shape[0]))


FEEDBACKS: dict[str, type[Feedback]] = {
    "symmetric": Symmetric,
    "random": Random,
    "kolen_pollack": KolenPollack,
    "sign_concordant": SignConcordant,
    "broadcast": Broadcast,
}


def get(feedback: Any) -> Feedback:
    """Return a feedback from a feedback or its name."""
    if isinstance(feedback, Feedback):
        return feedback
    if isinstance(feedback, str):
        if re.sub("[^a-z]", "", feedback.lower()) == "lowrank":
            raise ValueError(
                f"`feedback` must be told its rank, got {feedback!r}. Give feedback=LowRank(1)."
            )
        return FEEDBACKS[choose("feedback", feedback, FEEDBACKS)]()
    given = (
        f"an array of the shape {feedback.shape}" if hasattr(feedback, "shape") else repr(feedback)
    )
    raise TypeError(
        f"`feedback` must be a feedback or its name, got {given}. Give "
        'feedback="random", or an object such as Random(weights=...).'
    )


def _matrix(weights: Any) -> Any:
    """Return a matrix as plain lists, or raise."""
    try:
        given = np.asarray(weights)
    except ValueError:
        raise ValueError(
            "`weights` must be a matrix of numbers, (unit, output), got rows of different lengths."
        ) from None
    if given.ndim != 2 or given.size == 0 or given.dtype.kind not in "biuf":
        raise ValueError(
            f"`weights` must be a matrix of numbers, (unit, output), got {given.dtype} of the "
            f"shape {given.shape}."
        )
    if not (np.abs(given) <= LARGEST).all():
        raise ValueError(
            f"`weights` must be numbers up to {LARGEST:g}, got NaN, infinite or larger ones."
        )
    return plain(given.astype(float))


def drawn(model: "RecurrentModel", scale: float) -> np.ndarray:
    """Return B ~ N(0, scale² / outputs), (unit, output), which belongs to the network's seed.

    Where Dale's law gives a unit's synapses a sign, its feedback has that sign: a readout that
    cannot change its sign could not come to align with another.
    """
    shape = (len(model.units), len(model.output_names))
    matrix = _generator(model).normal(0.0, scale / np.sqrt(shape[1]), shape)
    sign = model.kernels["output"].sign.numpy()[:, None]
    return np.where(sign == 0, matrix, sign * np.abs(matrix))


def variable(model: "RecurrentModel", matrix: np.ndarray | None) -> Any:
    """Return a variable of what `init` returned, () for none."""
    if matrix is None:
        return ()
    return keras.Variable(matrix, dtype=model.dtype, trainable=False, name="feedback")


def _generator(model: "RecurrentModel") -> np.random.Generator:
    return generator(model.seed, Stream.FEEDBACK)
