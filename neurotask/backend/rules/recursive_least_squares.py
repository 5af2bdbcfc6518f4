"""Recursive least squares: the weights that fit all steps so far, from step to step."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import keras
import numpy as np
import tensorflow as tf

from neurotask._checks import number
from neurotask.backend._types import Tensor
from neurotask.backend.kernel import Kernel
from neurotask.backend.losses import MeanSquaredError
from neurotask.backend.rules.update import Update, finite

if TYPE_CHECKING:
    from neurotask.backend.models.base import RecurrentModel


@dataclass(frozen=True)
class RLS(Update):
    """Recursive least squares: errors of a step become, at once, the best weights for all so far.

    With the rates r of the senders and the error e = W r - target of each receiver,

        k = P r / (1 + r^T P r),   P <- P - k r^T P,   W <- W - e k^T,   P_0 = I / alpha

    After any number of steps W minimises the sum of squared errors over them plus
    alpha |W - W_0|², and P = (R^T R + alpha I)^-1. Several trials at once are taken in at once,
    with the same result as one after the other. Where the mask is 0 nothing is learned and P stays;
    another number makes a step count so many times.

    P belongs to the synapses that learn. Receivers with the same senders share one, those with
    other senders have another. Frozen synapses act and stay. Signs are kept by clipping, after
    which neither W nor P is what least squares would give, and W may grow without end where alpha
    is small. Raise it, or leave the readout free (output=Connectivity(sign=0)).

    Args:
        alpha: how strongly the weights are held where they started; small against the number of
            steps times the mean squared rate. 1 / alpha sets how fast they move at first.
        shared: whether receivers with the same senders share a P. Where the mask asks for one of
            them alone, P then counts the step for all, as if the others had made no error. False:
            each has its own, which is exact for such masks too.

    Raises:
        ValueError: at `compile`, for a loss other than the squared error, penalties, a
            nonlinear output, or a readout that cannot learn.

    Source: Haykin (2002) Adaptive Filter Theory, chapter 9; Sussillo & Abbott (2009) Neuron 63:544,
    eq. 4 and 5.

    Example:
        >>> RLS(alpha=10.0)
        RLS(alpha=10.0, shared=True)
    """

    alpha: float = 1.0
    shared: bool = True

    needs = "errors"
    kernels = ("output",)
    advice = (
        "Raise alpha (FORCE(update=RLS(alpha=100.0))), leave the signs of the readout free "
        "(output=Connectivity(sign=0)), or take units of bounded rates (tanh)."
    )

    def __post_init__(self) -> None:
        number("alpha", self.alpha, low=0.0, above=True)
        if not isinstance(self.shared, bool):
            raise ValueError(f"`shared` must be True or False, got {self.shared!r}.")

    def check(self, model: "RecurrentModel") -> None:
        if not isinstance(model.loss_function, MeanSquaredError):
            raise ValueError(
                "`loss` must be the squared error for recursive least squares, got "
                f'{model.loss_function!r}. Give loss="mean_squared_error", or another rule.'
            )
        if model.penalties:
            raise ValueError(
                "`regularizers` must be left out with recursive least squares, which holds the "
                f"weights by `alpha` alone, got {model.penalties!r}. Give RLS(alpha=...)."
            )
        if model.network.output_activation != "linear":
            raise ValueError(
                '`output_activation` must be "linear" for recursive least squares, got '
                f"{model.network.output_activation!r}: its errors are linear in the weights."
            )
        for name in self.kernels:
            if not fan_in_sets(model.kernels[name], self.shared):
                raise ValueError(
                    f"`{name}.frozen` must leave some synapses to recursive least squares, but "
                    'none can learn. Give rule="bptt" or "rflo", which change others.'
                )

    def init(self, model: "RecurrentModel") -> dict[str, list[Any]]:
        lead = () if model.networks is None else (model.networks,)

        def start(name: str, n: int) -> Any:
            values = np.broadcast_to(np.eye(n) / self.alpha, (*lead, n, n))
            return keras.Variable(values, dtype=model.dtype, trainable=False, name=f"{name}_P")

        return {
            name: [start(name, len(s.pre)) for s in fan_in_sets(model.kernels[name], self.shared)]
            for name in self.kernels
        }

    def apply_errors(
        self,
        model: "RecurrentModel",
        state: dict[str, list[Any]],
        kernel: str,
        rates: Tensor,
        error: Tensor,
        weight: Tensor,
    ) -> Tensor:
        synapses = model.kernels[kernel]
        sets = fan_in_sets(synapses, self.shared)
        good = finite([rates, error])
        moved, made = synapses.effective(), good
        for one, inverse in zip(sets, state[kernel], strict=True):
            scaled, root = one.counted(weight)
            # A step that counts m times is a row sqrt(m) r with the error sqrt(m) e.
            rows = tf.where(good, root * one.of_pre(rates), 0.0)
            errors = tf.where(good, scaled * one.of_post(error), 0.0)
            through = rows @ inverse.value
            half, own = _halved(rows, through, errors)
            ok = good & finite([half, own])
            half, own = tf.where(ok, half, 0.0), tf.where(ok, own, 0.0)
            # As a product with itself what is taken off is symmetric to the last bit.
            inverse.value.assign_sub(tf.matmul(half, half, transpose_a=True))
            moved = moved - one.spread(tf.matmul(own, half, transpose_a=True))
            made = made & ok
        synapses.assign(moved)
        return made


def _halved(rows: Tensor, through: Tensor, errors: Tensor) -> tuple[Tensor, Tensor]:
    """Return A = L^-1 R P and b = L^-1 e, (..., trial, n), where L L^T = I + R P R^T.

    Then P - A^T A is the new P, and W - b^T A the new weights, by Woodbury's identity.
    """
    within = tf.matmul(rows, through, transpose_b=True)
    if rows.shape[-2] == 1:
        root = tf.sqrt(1.0 + within)
        return through / root, errors / root
    within = within + tf.eye(tf.shape(within)[-1], dtype=within.dtype)
    both = tf.linalg.triangular_solve(tf.linalg.cholesky(within), tf.concat([through, errors], -1))
    n = through.shape[-1]
    return both[..., :n], both[..., n:]


class FanIn:
    """Receivers whose plastic synapses have the same senders.

    Args:
        post: indices of the receivers.
        pre: indices of the senders.
        n_post, n_pre: how many there are on the two sides of the kernel.
    """

    def __init__(self, post: np.ndarray, pre: np.ndarray, n_post: int, n_pre: int):
        self.post, self.pre = post, pre
        self._all = len(post) == n_post, len(pre) == n_pre
        self._places = _places(post, n_post), _places(pre, n_pre)

    def of_pre(self, values: Tensor) -> Tensor:
        """Return the columns (..., sender) of (..., pre)."""
        return values if self._all[1] else tf.gather(values, self.pre, axis=-1)

    def of_post(self, values: Tensor) -> Tensor:
        """Return the columns (..., receiver) of (..., post)."""
        return values if self._all[0] else tf.gather(values, self.post, axis=-1)

    def counted(self, weight: Tensor) -> tuple[Tensor, Tensor]:
        """Return the factors of errors (..., receiver) and of rates (..., 1), for (..., post)."""
        own = self.of_post(weight)
        root = tf.sqrt(tf.reduce_max(own, -1, keepdims=True))
        return tf.math.divide_no_nan(own, root), root

    def spread(self, values: Tensor) -> Tensor:
        """Return (..., receiver, sender) as (..., post, pre), 0 elsewhere."""
        for axis, all_there, places in zip((-2, -1), self._all, self._places, strict=True):
            if not all_there:
                edge = [(0, 0)] * values.shape.rank
                edge[axis] = (0, 1)  # where those look that are not in the set
                values = tf.gather(tf.pad(values, edge), places, axis=axis)
        return values


def fan_in_sets(kernel: Kernel, shared: bool = True) -> list[FanIn]:
    """Return the receivers of a kernel by the senders that they learn from.

    Args:
        kernel: the synapses.
        shared: whether those with the same senders are put together.
    """
    with tf.init_scope():  # its values, also while a graph is made
        plastic = kernel.plastic.numpy()
    if plastic.ndim == 3:
        if (plastic != plastic[0]).any():
            raise ValueError(
                f"`{kernel.name}.mask` must be the same in all networks that learn at once by "
                "recursive least squares. Train networks with masks of their own one by one."
            )
        plastic = plastic[0]
    groups: dict[Any, list[int]] = {}
    for post, row in enumerate(plastic):
        if row.any():
            groups.setdefault(row.tobytes() if shared else post, []).append(post)
    return [
        FanIn(np.array(posts), np.flatnonzero(plastic[posts[0]]), *plastic.shape)
        for posts in groups.values()
    ]


def _places(members: np.ndarray, n: int) -> np.ndarray:
    """Return where each of n is among the members, and one past the last for those that are not."""
    places = np.full(n, len(members))
    places[members] = np.arange(len(members))
    return places
