"""Credit as a Kronecker product: one factor of the sending side, one of the receiving side."""

from abc import abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING

import tensorflow as tf

from neurotask.backend._types import Tensor
from neurotask.backend.dynamics.base import State
from neurotask.backend.rules.credit import chance
from neurotask.backend.rules.credit.base import Credit, Moment, Traces
from neurotask.backend.rules.credit.drive import DRIVE, check_drive, entering
from neurotask.backend.rules.credit.whole import balance, norm
from neurotask.backend.rules.linear import Jacobian, joined

if TYPE_CHECKING:
    from neurotask.backend.models.base import RecurrentModel


@dataclass(frozen=True)
class _Factors(Credit):
    """Credit of two factors, for networks all of whose learned weights enter one drive.

    What a unit receives is u = W s, with s = [all that is sent, 1], so that the weights act on the
    state as G_t = D_t (x) s_t, with D_t = dx_t/du_t. Where the state starts from is carried along
    exactly: it costs no more than a factor does.
    """

    def check(self, model: "RecurrentModel") -> None:
        check_drive(model)

    def memory(self, model: "RecurrentModel") -> int:
        n, network = len(model.units), model.network
        n_states = n * len(network.dynamics.state_variables)
        sides = network.sides()
        n_sent = 1 + sum(len(sides[k][1]) for k in ("input", "recurrent", "feedback") if k in sides)
        n_drive = n * max(len(network.dynamics.gates), 1)
        return n_states**2 + self._size(n_states, n_drive, n_sent)

    def begin(self, moment: Moment) -> Traces:
        weights = moment.prepared.weights
        n_sent = 1 + sum(weights[name].shape[-2] for name in entering(moment.prepared))
        zero = tf.zeros_like(joined(moment.before))
        n, starts = len(moment.model.units), {}
        for at, variable in enumerate(moment.before):
            name = f"initial_{variable}"
            if name in moment.prepared.starts:
                identity = tf.eye(zero.shape[-1], dtype=zero.dtype)[:, at * n : (at + 1) * n]
                starts[name] = identity + zero[..., :n][..., tf.newaxis, :]
        factors = self._none(zero, weights[DRIVE].shape[-1], n_sent)
        return {"factors": factors, "starts": starts}

    def advance(self, moment: Moment, traces: Traces) -> tuple[State, Traces]:
        jacobian = Jacobian(
            moment.model, moment.prepared.weights, moment.before, moment.inputs, moment.noise
        )
        sent = [jacobian.sent[name] for name in entering(moment.prepared)]
        one = tf.ones_like(jacobian.sent[DRIVE][..., :1])
        s, d = tf.concat([*sent, one], -1), jacobian.received[DRIVE]
        factors = self._advanced(moment, traces["factors"], jacobian.state, d, s)
        starts = {name: jacobian.state @ start for name, start in traces["starts"].items()}
        return jacobian.after, {"factors": factors, "starts": starts}

    def gradient(self, moment: Moment, traces: Traces, signal: Tensor) -> dict[str, Tensor]:
        names = entering(moment.prepared)
        receiver, sender = self._contracted(traces["factors"], signal)
        whole = tf.einsum("...tp,...tr->...pr", sender, receiver)
        sizes = [moment.prepared.weights[name].shape[-2] for name in names]
        credit = dict(zip([*names, "bias"], tf.split(whole, [*sizes, 1], -2), strict=True))
        for name, start in traces["starts"].items():
            credit[name] = tf.einsum("...ts,...tsn->...n", signal, start)
        return credit

    def signs(self, moment: Moment, n: int) -> Tensor:
        """Return random signs of a step, (..., trial, n)."""
        return chance.signs(moment, n)

    @abstractmethod
    def _size(self, n_states: int, n_drive: int, n_sent: int) -> int:
        """Return how many numbers both factors have."""

    @abstractmethod
    def _none(self, zero: Tensor, n_drive: int, n_sent: int) -> tuple[Tensor, Tensor]:
        """Return both factors before the first step; `zero` is (..., trial, state)."""

    @abstractmethod
    def _advanced(
        self, moment: Moment, factors: tuple[Tensor, Tensor], j: Tensor, d: Tensor, s: Tensor
    ) -> tuple[Tensor, Tensor]:
        """Return both factors after a step.

        Args:
            moment: the step.
            factors: before it.
            j: J, (..., trial, state, state).
            d: D, (..., trial, state, drive).
            s: what is sent, (..., trial, sent).
        """

    @abstractmethod
    def _contracted(self, factors: tuple[Tensor, Tensor], signal: Tensor) -> tuple[Tensor, Tensor]:
        """Return what a learning signal makes of the receiving side and of the sending side.

        Returns:
            (..., trial, drive) and (..., trial, sent): their outer product is the gradient.
        """


@dataclass(frozen=True)
class Kronecker(_Factors):
    """The influence of all weights as a vector of the senders times a matrix of the receivers.

    With what is sent s_t, D_t = dx_t/du_t of the units' common drive u = W s, and random signs n0
    and n1,

        A_t = n0 p0 A_{t-1} + n1 p1 s_t,   B_t = (n0 / p0) J_t B_{t-1} + (n1 / p1) D_t
        dL/dW = sum_t (q_t^T B_t) (x) A_t

    The mean of B_t (x) A_t over the signs is the influence M_t = J_t M_{t-1} + D_t (x) s_t. p0 and
    p1 give both factors equal norms, which keeps the variance low:

        p0 = sqrt(|J B| / |A|),   p1 = sqrt(|D| / |s|)

    Both start from 0, and p0 is 1 where a norm is 0. Signs are drawn for each trial of its own.

    Raises:
        ValueError: at `compile`, for a network whose learned weights do not all enter one drive.

    Source: Mujika, Meier & Steger (2018) NeurIPS, "Approximating real-time recurrent learning with
    random Kronecker factors".

    Example:
        >>> Kronecker().local
        False
    """

    def _size(self, n_states: int, n_drive: int, n_sent: int) -> int:
        return n_sent + n_states * n_drive

    def _none(self, zero: Tensor, n_drive: int, n_sent: int) -> tuple[Tensor, Tensor]:
        one = zero[..., :1]
        return one + tf.zeros(n_sent, zero.dtype), _matrix(zero, n_drive)

    def _advanced(
        self, moment: Moment, factors: tuple[Tensor, Tensor], j: Tensor, d: Tensor, s: Tensor
    ) -> tuple[Tensor, Tensor]:
        a, carried = factors[0], j @ factors[1]
        n0, n1 = tf.split(self.signs(moment, 2), 2, -1)
        p0, p1 = balance(_norm(carried), norm(a)), balance(_norm(d), norm(s))
        after = n0 * p0 * a + n1 * p1 * s
        return after, _times(n0 / p0, carried) + _times(n1 / p1, d)

    def _contracted(self, factors: tuple[Tensor, Tensor], signal: Tensor) -> tuple[Tensor, Tensor]:
        a, b = factors
        return tf.einsum("...s,...sr->...r", signal, b), a


@dataclass(frozen=True)
class ReverseKronecker(_Factors):
    """The influence of all weights as a vector of the receivers times a matrix of the senders.

    With what is sent s_t, D_t = dx_t/du_t of the units' common drive u = W s, and a random sign
    nu_i for each of its entries,

        A_t = p0 A_{t-1} + p1 nu_t,   B_t = J_t B_{t-1} / p0 + (D_t nu_t) s_t^T / p1
        dL/dW = sum_t A_t (x) (q_t^T B_t)

    The mean of A_t (x) B_t over the signs is the influence, as nu nu^T has the mean 1.

        p0 = sqrt(|J B| / |A|),   p1 = sqrt(|D nu| |s| / |nu|)

    Both start from 0, and p0 is 1 where a norm is 0. Signs are drawn for each trial of its own.

    Raises:
        ValueError: at `compile`, for a network whose learned weights do not all enter one drive.

    Source: Marschall, Cho & Savin (2020) JMLR 21(135), "A unified framework of online learning
    algorithms for training recurrent neural networks", reverse KF-RTRL.

    Example:
        >>> ReverseKronecker().local
        False
    """

    def _size(self, n_states: int, n_drive: int, n_sent: int) -> int:
        return n_drive + n_states * n_sent

    def _none(self, zero: Tensor, n_drive: int, n_sent: int) -> tuple[Tensor, Tensor]:
        return zero[..., :1] + tf.zeros(n_drive, zero.dtype), _matrix(zero, n_sent)

    def _advanced(
        self, moment: Moment, factors: tuple[Tensor, Tensor], j: Tensor, d: Tensor, s: Tensor
    ) -> tuple[Tensor, Tensor]:
        a, carried = factors[0], j @ factors[1]
        nu = self.signs(moment, a.shape[-1])
        mixed = tf.einsum("...sr,...r->...s", d, nu)
        p0 = balance(_norm(carried), norm(a))
        p1 = balance(norm(mixed) * norm(s), norm(nu))
        direct = mixed[..., :, tf.newaxis] * s[..., tf.newaxis, :]
        return p0 * a + p1 * nu, _times(1 / p0, carried) + _times(1 / p1, direct)

    def _contracted(self, factors: tuple[Tensor, Tensor], signal: Tensor) -> tuple[Tensor, Tensor]:
        a, b = factors
        return a, tf.einsum("...s,...sp->...p", signal, b)


def _matrix(zero: Tensor, n: int) -> Tensor:
    """Return zeros (..., trial, state, n) for zeros (..., trial, state)."""
    return zero[..., tf.newaxis] + tf.zeros(n, zero.dtype)


def _times(factor: Tensor, matrix: Tensor) -> Tensor:
    """Return (..., trial, 1) times (..., trial, state, n)."""
    return factor[..., tf.newaxis] * matrix


def _norm(matrix: Tensor) -> Tensor:
    """Return the norm of matrices (..., trial, state, n), (..., trial, 1)."""
    return tf.expand_dims(tf.sqrt(tf.reduce_sum(matrix**2, (-2, -1))), -1)
