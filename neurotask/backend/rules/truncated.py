"""Truncated backpropagation through time."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from neurotask._checks import choose, count
from neurotask.backend._types import Tensor
from neurotask.backend.rules import feedback as feedbacks
from neurotask.backend.rules.base import Batch, LearningRule, Price
from neurotask.backend.rules.composed import Composed
from neurotask.backend.rules.credit.back_in_time import Blocks, Window
from neurotask.backend.rules.update import Descent, Update

if TYPE_CHECKING:
    from neurotask.backend.models.base import RecurrentModel


@dataclass(frozen=True, kw_only=True)
class TruncatedBPTT(LearningRule):
    """Backpropagation through time that reaches back a number of steps only.

    In blocks, the trial is cut into pieces, and no credit passes their edges: it costs what BPTT
    does. Sliding, the error of each step goes back `steps` steps, its own included, for `steps`
    times the cost. With as many steps as the trial has (and one for the start), both are BPTT.
    Weights change after the trial.

    Args:
        steps: how far credit goes back.
        form: "block" or "sliding".
        feedback: how errors reach the units.
        update: how a gradient becomes a change.

    Source: Williams & Peng (1990) Neural Comput 2:490; the two forms: Marschall, Cho & Savin (2020)
    JMLR 21:135.

    Example:
        >>> TruncatedBPTT(steps=10).form
        'block'
    """

    steps: int = 20
    form: str = "block"
    feedback: Any = "symmetric"
    update: Update = Descent()

    compiled = True
    name = "truncated_bptt"
    price = Price("N M (k N M sliding)", "k N", causal=False, local=False)

    def __post_init__(self) -> None:
        count("steps", self.steps)
        choose("form", self.form, ("block", "sliding"))
        object.__setattr__(self, "feedback", feedbacks.get(self.feedback))

    @property
    def composed(self) -> Composed:
        """The rule in its four parts."""
        credit = (Blocks if self.form == "block" else Window)(self.steps)
        return Composed(credit=credit, feedback=self.feedback, update=self.update)

    def fuses(self, model: "RecurrentModel") -> bool:
        return self.composed.fuses(model)

    def check(self, model: "RecurrentModel") -> None:
        self.composed.check(model)

    def init(self, model: "RecurrentModel") -> Any:
        return self.composed.init(model)

    def learn(
        self, model: "RecurrentModel", batch: Batch, state: Any
    ) -> tuple[Tensor, Tensor, Tensor]:
        return self.composed.learn(model, batch, state)

    def gradients(
        self, model: "RecurrentModel", batch: Batch, state: Any = None
    ) -> tuple[Tensor, Tensor, list[Tensor]]:
        """Return loss, outputs and what is descended for each variable."""
        return self.composed.gradients(model, batch, state)
