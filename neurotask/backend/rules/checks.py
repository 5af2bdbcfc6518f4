"""Whether a rule can serve a network, said before anything is spent."""

import os
from typing import TYPE_CHECKING, Any

import numpy as np

from neurotask.backend.rules.base import LearningRule

if TYPE_CHECKING:
    from neurotask.backend.models.base import RecurrentModel


class _Asked:
    """A network with the loss and the penalties that it is to be compiled with."""

    def __init__(self, model: "RecurrentModel", loss: Any, penalties: Any):
        self._model, self.loss_function, self.penalties = model, loss, penalties

    def __getattr__(self, name: str) -> Any:
        return getattr(self._model, name)


def check_rule(model: "RecurrentModel", rule: LearningRule, loss: Any, penalties: Any) -> None:
    """Raise a ValueError where a rule cannot serve a network."""
    rule.check(_Asked(model, loss, penalties))  # pyright: ignore[reportArgumentType]


def check_memory(model: "RecurrentModel", rule: LearningRule, n_trials: int) -> None:
    """Raise a ValueError where what a rule keeps for trials is more than the machine's memory."""
    needed = rule.traces(model) * n_trials * np.dtype(model.dtype).itemsize
    if not needed or not hasattr(os, "sysconf"):  # Windows does not say how much there is
        return
    there = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    if needed > there:
        raise ValueError(
            f"`rule` must fit into memory, but {type(rule).__name__} keeps {needed / 1e9:,.1f} GB "
            f"for {_trials(n_trials)} of {len(model.units)} units, and there are "
            f"{there / 1e9:,.1f} GB. Give fewer units or a smaller `batch_size`, or a rule that "
            'keeps nothing for each synapse: rule="bptt", "rflo".'
        )


def _trials(n: int) -> str:
    return "1 trial" if n == 1 else f"{n} trials"
