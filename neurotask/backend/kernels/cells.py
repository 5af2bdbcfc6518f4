"""Kinds of units as kernels run them: one way to call the kernels of each."""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from neurotask.backend.kernels import gated, gru, leaky, leaky_back, lstm
from neurotask.backend.kernels.blocks import Noise

Shard = tuple[int, int]


class AnyCell(ABC):
    """What kind of units there are.

    Attributes:
        variables: variables of a unit's state.
        activation: number of the transfer function that rates are of, its place in
            `transfer.NAMES`; None: rates are the first variable of the state.
        by_states: whether the way back needs the states.
        past: numbers that it needs of each unit and step beside.
    """

    variables: ClassVar[int] = 1
    activation: int | None = None
    by_states: bool = True
    past: int = 0

    @abstractmethod
    def weights(self, *weights: np.ndarray) -> Any:
        """Return weights, in the order of `networks.weights_of`, by name."""

    def entering(self, w: Any) -> Any:
        """Return weights as the kernels of these units take them."""
        return w

    def leaving(self, w: Any) -> Any:
        """Return weights as they were before `entering`."""
        return w

    @abstractmethod
    def forward(
        self,
        shard: Shard,
        w: Any,
        inputs: np.ndarray,
        noise: Noise,
        done: leaky.Done,
        trial_first: bool,
        states: np.ndarray,
        past: np.ndarray,
        outputs: np.ndarray,
    ) -> None:
        """Run the trials of a shard.

        Args:
            shard: the first trial, and the one behind the last.
            w: what `entering` returned.
            inputs: (trial, time, input).
            noise: the noise.
            done: what is done to the units; to units with gates: nothing.
            trial_first: whether states are (trial, time, ...); else (time, trial, ...).
            states: room for (time, trial, variable x unit); without units: they are not kept.
            past: room for what the way back needs beside, (time x past, trial, unit), or no units.
            outputs: room for W_out r + b_out, (trial, time, output).
        """

    @abstractmethod
    def adjoint(
        self,
        shard: Shard,
        w: Any,
        back: tuple[np.ndarray, np.ndarray],
        inputs: np.ndarray,
        noise: Noise,
        kept: tuple[np.ndarray, np.ndarray],
        by: tuple[np.ndarray, np.ndarray],
        passes: int,
        every: int,
        factors: bool,
        total: Any,
        by_inputs: np.ndarray,
    ) -> None:
        """Add the gradients of the trials of a shard to `total`.

        Args:
            shard: the first trial, and the one behind the last.
            w: what `entering` returned.
            back: recurrent and output weights, each transposed.
            inputs: (trial, time, input).
            noise: the noise.
            kept: states and past, as `forward` left them.
            by: how the loss depends on outputs and states.
            passes: what passes from a step to the one before; see `leaky_back`.
            every: steps of a block to which credit is confined; 0: the whole trial.
            factors: whether leak, gain and the factors of noise are wanted.
            total: gradients, of the form of `w`.
            by_inputs: room for how the loss depends on the inputs; without trials: not wanted.
        """


@dataclass(frozen=True)
class Cell(AnyCell):
    """Leaky rate units.

    Args:
        rate_form: whether the state is what units send; else it is what they receive.
        transfer: number of the transfer function, its place in `transfer.NAMES`.
    """

    rate_form: bool
    transfer: int

    @property
    def activation(self) -> int | None:
        return None if self.rate_form else self.transfer

    @property
    def past(self) -> int:
        return int(self.rate_form)  # what the transfer function was of

    def weights(self, *weights: np.ndarray) -> leaky.Weights:
        return leaky.Weights(*weights)

    def entering(self, w: leaky.Weights) -> leaky.Weights:
        return w._replace(input=np.concatenate([w.input, w.bias[np.newaxis]]))

    def leaving(self, w: leaky.Weights) -> leaky.Weights:
        return w._replace(input=w.input[:-1], bias=w.input[-1])

    def forward(self, shard, w, inputs, noise, done, trial_first, states, past, outputs):
        leaky.forward(
            *shard, self.rate_form, self.transfer, w, inputs, noise, done, trial_first, states,
            past, outputs,
        )  # fmt: skip

    def adjoint(
        self, shard, w, back, inputs, noise, kept, by, passes, every, factors, total, by_inputs
    ):
        total = total if factors else total._replace(leak=np.zeros(0, np.float32))
        leaky_back.adjoint(
            *shard, self.rate_form, self.transfer, passes, every, w, *back, inputs, noise, *kept,
            *by, total, by_inputs,
        )  # fmt: skip


class _Gated(AnyCell):
    """Units with gates: no noise, and all credit passes."""

    def weights(self, *weights: np.ndarray) -> gated.Weights:
        return gated.Weights(*weights)

    def entering(self, w: gated.Weights) -> gated.Gates:
        return gated.by_gate(w)

    def leaving(self, w: gated.Gates) -> gated.Weights:
        return gated.side_by_side(w)


@dataclass(frozen=True)
class LSTMCell(_Gated):
    """Long short-term memory."""

    variables = 2
    by_states = False
    past = lstm.KEPT

    def forward(self, shard, w, inputs, noise, done, trial_first, states, past, outputs):
        lstm.forward(*shard, w, inputs, trial_first, states, past, outputs)

    def adjoint(
        self, shard, w, back, inputs, noise, kept, by, passes, every, factors, total, by_inputs
    ):
        lstm.adjoint(*shard, w, *back, inputs, kept[1], *by, total, by_inputs)


@dataclass(frozen=True)
class GRUCell(_Gated):
    """Gated recurrent units.

    Args:
        reset_after: whether the reset gate acts behind the recurrent weights.
    """

    reset_after: bool

    def forward(self, shard, w, inputs, noise, done, trial_first, states, past, outputs):
        gru.forward(*shard, self.reset_after, w, inputs, trial_first, states, outputs)

    def adjoint(
        self, shard, w, back, inputs, noise, kept, by, passes, every, factors, total, by_inputs
    ):
        gru.adjoint(*shard, self.reset_after, w, *back, inputs, kept[0], *by, total, by_inputs)
