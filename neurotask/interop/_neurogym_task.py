"""A task whose trials a neurogym environment makes."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np

from neurotask._checks import listed, nearest, number
from neurotask.canvas import Canvas
from neurotask.decisions import DecisionRule
from neurotask.distributions import Derived
from neurotask.interop._columns import column_name
from neurotask.interop._neurogym_batch import as_batch
from neurotask.interop._neurogym_copy import copied
from neurotask.interop._neurogym_env import run
from neurotask.interop._neurogym_probe import Layout, check_effect, check_remade, probe
from neurotask.interop._neurogym_reading import LastAnswer, LastPhaseDistance
from neurotask.interop._neurogym_registry import registered
from neurotask.interop._neurogym_trial import name_of
from neurotask.task import Task
from neurotask.trials import Trials


@dataclass(frozen=True, kw_only=True)
class NeurogymTask(Task):
    """A task whose trials a neurogym environment makes; see `neurotask.interop.neurogym.task`.

    Trials of different length are padded to the longest. Each batch is made by a fresh copy of the
    environment from a seed of its own.

    Args:
        source: the environment, or its id.
        make_kwargs: settings of the environment, with an id.
        balance: whether decision steps weigh as much, in sum, as the others.
        tolerance: the largest error that is still correct, where an action is a value.
        dt: length of a step in ms: that of the environment.
    """

    source: Any
    make_kwargs: Mapping[str, Any] = field(default_factory=dict, hash=False)
    balance: bool = False
    tolerance: float | None = None
    dt: float = math.nan

    def __post_init__(self) -> None:
        if not isinstance(self.source, str):
            if self.make_kwargs:
                raise TypeError(
                    f"`{next(iter(self.make_kwargs))}` must not be given with an environment, "
                    "which is made already. Make it with this setting, or give its id."
                )
            object.__setattr__(self, "source", copied(self.source))
        if not isinstance(self.balance, bool):
            raise TypeError(f"`balance` must be True or False, got {self.balance!r}.")
        if self.tolerance is not None:
            number("tolerance", self.tolerance, low=0.0)
            if not self.layout.continuous:
                raise ValueError(
                    f"`tolerance` must be None for {name_of(self.environment)}, whose actions are "
                    f"{listed(self.outputs)}, got {self.tolerance!r}. It is for answers that are "
                    "values."
                )
        if not math.isnan(self.dt) and self.dt != self.layout.dt:
            raise ValueError(
                f"`dt` must be that of the environment, {self.layout.dt:g} ms, got {self.dt!r}. "
                "Make another task from the environment with this dt."
            )
        object.__setattr__(self, "dt", self.layout.dt)
        super().__post_init__()

    @cached_property
    def environment(self) -> Any:
        """The environment as it is copied for each batch."""
        if isinstance(self.source, str):
            return registered(self.source, self.make_kwargs)
        return self.source

    @cached_property
    def layout(self) -> Layout:
        """What all trials of the environment have in common."""
        layout = probe(self.environment)
        if isinstance(self.source, str):
            check_remade(self.environment, registered(self.source, self.make_kwargs))
        return layout

    @property
    def inputs(self) -> tuple[str, ...]:
        """Names of the observations."""
        return self.layout.inputs

    @property
    def outputs(self) -> tuple[str, ...]:
        """Names of the actions."""
        return self.layout.outputs

    @property
    def choices(self) -> tuple[str, ...]:
        """The actions that are answers."""
        layout = self.layout
        if layout.continuous:
            return ()
        return tuple(n for at, n in enumerate(layout.outputs) if at != layout.fixation)

    @property
    def decision_rule(self) -> DecisionRule:
        """How the answer is read."""
        if not self.layout.continuous:
            return LastAnswer()
        return LastPhaseDistance(0.1 if self.tolerance is None else self.tolerance)

    @cached_property
    def durations(self) -> dict[str, Any]:
        """The phases; how long they last is for the environment to say."""
        return {name: Derived() for name in self.layout.phases}

    def build(self, t: Canvas) -> None:
        raise NotImplementedError("The environment makes the trials; see `_make`.")

    def _make(
        self,
        n: int,
        conditions: Mapping[str, Any],
        what: np.random.Generator,
        how: np.random.Generator,
    ) -> Trials:
        # One seed for both: an environment draws conditions and noise from one generator.
        seeds = (int(what.integers(2**31)), int(what.integers(2**31)))
        held = {
            self._key(name): self._one_a_trial(name, value, n) for name, value in conditions.items()
        }
        trials = run(self.environment, n, seeds, held)
        check_effect(self.environment, seeds, held, trials)
        return as_batch(self, trials, self.layout)

    def _key(self, name: str) -> str:
        """Return the name that the environment has for a condition, or raise."""
        keys = {column_name(key): key for key in self.layout.conditions}
        if name in keys:
            return keys[name]
        raise ValueError(
            f"`{name}` must be a condition of {name_of(self.environment)}, whose trials have "
            f"{listed(keys)}.{nearest(name, keys)}"
        )

    def _one_a_trial(self, name: str, value: Any, n: int) -> list[Any]:
        values = np.asarray(np.asarray(value).tolist())  # strings of pandas are objects
        if values.dtype.kind not in "biufU" or values.shape not in ((), (n,)):
            raise ValueError(
                f"`{name}` must be one value or one a trial, shape ({n},), got {value!r}."
            )
        return np.broadcast_to(values, (n,)).tolist()
