"""Which past a synapse remembers: the third of a rule's four parts.

A learning signal says at each step how the loss depends on the state of a unit then. Credit says
how that state has depended on a weight, at that step and in all before. All forms of it are run by
one loop forward in time; those that know of nothing but the unit itself have a second form, the
backward pass with edges cut, which keeps nothing for each synapse. Both give the same gradient.
"""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from neurotask.backend._types import Tensor
from neurotask.backend.dynamics.base import State
from neurotask.backend.rules.prepared import Prepared
from neurotask.backend.settings import Setting

if TYPE_CHECKING:
    from neurotask.backend.models.base import RecurrentModel
    from neurotask.backend.models.forward import Run

Traces = Any


@dataclass(frozen=True, eq=False)
class Moment:
    """What a step of a trial is given.

    Args:
        model: the network.
        prepared: its weights at that moment.
        memory: the variables that the credit has from `init`.
        before: the state before the step, each variable (..., trial, unit).
        inputs: what comes in, (..., trial, input).
        noise: standard normals (..., trial, noise_per_step), or None.
        fed: the outputs of the step before, (..., trial, output).
        targets: what is wanted of the outputs, (..., trial, output).
        random: two whole numbers that name random numbers of the rule's own, of this step
            (int64), or None.
        present: 1 within a trial, 0 in the padding behind its end, (..., trial, 1).
    """

    model: "RecurrentModel"
    prepared: Prepared
    memory: Any
    before: State
    inputs: Tensor
    noise: Tensor | None
    fed: Tensor
    targets: Tensor
    random: Tensor | None
    present: Tensor


class Credit(Setting, ABC):
    """How the state depends on the weights. A subclass is a frozen dataclass.

    Attributes:
        cut: where credit is cut on its way back in the form for whole trials ("synapses", or
            "others": all but autapses); None: it has the forward form alone.
        decays: whether credit passes from step to step at all.
        forward: whether it has the form forward in time.
        local: whether a synapse needs nothing but what its two units have at hand.
    """

    cut: ClassVar[str | None] = None
    decays: ClassVar[bool] = True
    forward: ClassVar[bool] = True
    local: ClassVar[bool] = False

    def check(self, model: "RecurrentModel") -> None:
        """Raise a ValueError where a network cannot be served."""

    def memory(self, model: "RecurrentModel") -> int:
        """Return how many numbers the traces of a trial have."""
        return 0

    def init(self, model: "RecurrentModel") -> Any:
        """Return what is carried from update to update: a nest of variables, () for nothing."""
        return ()

    @abstractmethod
    def begin(self, moment: Moment) -> Traces:
        """Return the traces before the first step, a nest of tensors."""

    @abstractmethod
    def advance(self, moment: Moment, traces: Traces) -> tuple[State, Traces]:
        """Return the state after a step, and the traces after it."""

    @abstractmethod
    def gradient(self, moment: Moment, traces: Traces, signal: Tensor) -> dict[str, Tensor]:
        """Return the gradient of prepared weights by name, the sum over trials.

        Args:
            moment: the step.
            traces: after it.
            signal: how the loss depends on the state after it, (..., trial, variable * unit).
        """

    def hear(self, moment: Moment, traces: Traces, signal: Tensor, last: Tensor) -> Traces:
        """Return the traces with what is kept of a learning signal; most credit keeps nothing.

        Args:
            moment: the step.
            traces: after it.
            signal: as for `gradient`.
            last: whether it is the last step of the trials.
        """
        return traces

    def back(
        self, model: "RecurrentModel", run: "Run", fed: Tensor, signal: Tensor
    ) -> list[Tensor]:
        """Return the gradient of each variable by going back through whole trials, where it can.

        Args:
            model: the network.
            run: what it did.
            fed: the outputs before each step, (time, ..., trial, output).
            signal: how the loss depends on the state after each step, and on nothing else, (time,
                ..., trial, variable * unit).
        """
        raise NotImplementedError

    def learn(self, model: "RecurrentModel", memory: Any, traces: Traces) -> Traces:
        """Change what `init` returned, at an update of the weights; return the traces after it."""
        return traces
