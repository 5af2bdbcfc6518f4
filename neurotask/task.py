"""`Task`: the settings of an experiment, from which batches of trials are made and scored."""

import dataclasses
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy as np
import pandas as pd

from neurotask._batches import crossed, make_trials
from neurotask._checks import choose, count, listed, nearest, number
from neurotask._streams import Stream, generator
from neurotask._task_checks import check_names, check_phases
from neurotask._trial_lists import trials_from
from neurotask.behavior import behavior
from neurotask.canvas import Canvas
from neurotask.conditions import Conditions
from neurotask.decisions import DecisionRule
from neurotask.distributions import (
    Derived,
    Duration,
    Factor,
    as_factor,
    plain,
)
from neurotask.observers import Seen
from neurotask.phases import check_duration, longest
from neurotask.trials import Trials

if TYPE_CHECKING:
    import gymnasium
    from matplotlib.figure import Figure


@dataclass(frozen=True, kw_only=True)
class Task:
    """A cognitive task. Subclass it as a frozen dataclass; a page of NumPy is enough.

    A subclass names its `inputs` and `outputs`, declares its phases as settings of type `Duration`
    (they follow each other in that order), says in `factors` what varies from trial to trial, in
    `derive` what follows from that, and in `build` what is shown and wanted. A batch is a pure
    function of the task, a seed, a stream and an index. What depends on a setting (channels, say)
    may be a property instead of a class attribute.

    A task with `trials_per_block` strings that many trials into one row, a block, so that a network
    carries its state from one to the next. There `derive` sees each condition as an array of shape
    (block, trial), so that a trial can depend on those before it.

    Args:
        dt: length of a time step in ms.

    Attributes:
        inputs: names of the input channels.
        outputs: names of the output channels.
        choices: outputs that are answers; unless said, all outputs but "fixation". With two choices
            and a signed axis the first belongs to negative values, the second to positive ones.
        decision_rule: how the answer is read from the outputs.
        psychometric_axis: the condition that psychometric functions are drawn over.
        go_cue: the phase whose start tells when to respond, for tasks that show such a cue.
        trials_per_block: trials a row, for a block task.
        easy: settings under which its ideal observer is right in 99 % of trials or more.
        hard: settings under which even that one is wrong more often.
        expected_score: share correct that a rate network of 100 units reaches from scratch within
            2,500 updates of 64 trials; None where it does not, and has to be shaped to it.
        function: the cognitive function it probes, for the list of tasks.
        aliases: other names of the task.

    Raises:
        ValueError: for a setting that cannot be, at construction.

    Example:
        >>> from neurotask.tasks.perceptual_discrimination import PerceptualDiscrimination
        >>> task = PerceptualDiscrimination(coherences=(0.1, 0.5))
        >>> task.trials(3, seed=0, coherence=0.1).conditions["coherence"].tolist()
        [0.1, 0.1, 0.1]
    """

    inputs: ClassVar[tuple[str, ...]]
    outputs: ClassVar[tuple[str, ...]]
    decision_rule: ClassVar[DecisionRule | None] = None
    psychometric_axis: ClassVar[str | None] = None
    go_cue: ClassVar[str | None] = None
    trials_per_block: ClassVar[int | None] = None
    easy: ClassVar[Mapping[str, Any]] = MappingProxyType({"noise": 0.0})
    hard: ClassVar[Mapping[str, Any]] = MappingProxyType({})
    expected_score: ClassVar[float | None] = None
    function: ClassVar[str] = "other"
    aliases: ClassVar[tuple[str, ...]] = ()

    dt: float = 20.0

    @property
    def choices(self) -> tuple[str, ...]:
        """The outputs that are answers."""
        return tuple(name for name in self.outputs if name != "fixation")

    def factors(self) -> Mapping[str, Any]:
        """Return what varies from trial to trial: for each name its levels or a distribution."""
        return {}

    def derive(self, c: Conditions) -> Mapping[str, Any]:
        """Return the conditions that follow from the factors `c`, each of shape (trial,)."""
        return {}

    def block_factors(self) -> Mapping[str, Any]:
        """Return what varies from block to block and is the same in all trials of one."""
        return {}

    def build(self, t: Canvas) -> None:
        """Paint inputs and targets of a whole batch on the canvas `t`."""
        raise NotImplementedError

    def observe(self, seen: Seen) -> np.ndarray:
        """Return the outputs (row, time, output) of an ideal observer, which sees inputs alone."""
        raise ValueError(
            f"`observe` must be defined for an ideal observer of {type(self).__name__}. "
            "Define observe(self, seen) in the class."
        )

    # --- making trials -------------------------------------------------------------------------

    def trials(self, n: int, *, seed: int = 0, **conditions: Any) -> Trials:
        """Return `n` trials drawn at random.

        Args:
            n: number of trials; of blocks, for a task that has them.
            seed: seed of the draw.
            **conditions: factors, or durations (ms) of phases, held at a value or at one value a
                trial, shape (trial,); in blocks (block,) or (block, trial). What is not named stays
                as it would have been.

        Raises:
            ValueError: for an unknown name or a value out of its range.
        """
        return self.batch(n, seed=seed, stream=Stream.TRIALS, index=0, conditions=conditions)

    def grid(self, *, repeats: int = 1, seed: int = 0, **levels: Any) -> Trials:
        """Return the full factorial of the named conditions, `repeats` trials a cell.

        Args:
            repeats: trials a cell.
            seed: seed of what is drawn.
            **levels: a value or list of values for each condition to cross. Those not named are
                balanced within each cell. With no name, all factors that have levels are crossed.
                In a block task a cell is a block: named conditions are held over it, those of
                single trials are drawn as they always are.
        """
        rng = generator(seed, Stream.GRID, 0)
        n, conditions = crossed(self, levels, count("repeats", repeats), rng)
        return self.batch(n, seed=seed, stream=Stream.GRID, index=1, conditions=conditions)

    def batch(
        self,
        n: int,
        *,
        seed: int,
        stream: Stream,
        index: int,
        conditions: Mapping[str, Any] = MappingProxyType({}),
    ) -> Trials:
        """Return batch number `index` of a stream: the pure function behind all batches."""
        # Conditions and picture have generators of their own: noise or dt change no condition.
        what, how = (generator(seed, stream, index, part) for part in (0, 1))
        return self._make(count("n", n), conditions, what, how)

    def _make(
        self,
        n: int,
        conditions: Mapping[str, Any],
        what: np.random.Generator,
        how: np.random.Generator,
    ) -> Trials:
        """Return `n` rows. A task whose trials come from elsewhere overrides this, not `build`."""
        return make_trials(self, n, conditions, what, how)

    def trials_from(self, table: Any, *, seed: int = 0) -> Trials:
        """Return the trials of an animal's list: what it was shown, for a network to see.

        Args:
            table: one row a trial, a DataFrame or what makes one. Columns named as factors or
                phases of the task are shown; the others are carried along as conditions. Rows of a
                block task have a column "block", all blocks as long as the task's.
            seed: seed of what the table does not say.

        Returns:
            Trials in the order of the table.

        Raises:
            ValueError: if a column has the name of something behaviour is scored by (rename it,
                as in "animal_choice"), a value is missing, or a block has the wrong length.

        Example:
            >>> from neurotask.tasks.perceptual_discrimination import PerceptualDiscrimination
            >>> table = {"coherence": [-0.128, 0.512], "animal_choice": ["left", "right"]}
            >>> trials = PerceptualDiscrimination().trials_from(table)
            >>> trials.conditions["coherence"].tolist()
            [-0.128, 0.512]
        """
        return trials_from(self, table, seed)

    def observer(self, trials: Trials) -> np.ndarray:
        """Return the outputs (row, time, output) of the task's ideal observer on a batch.

        It is given the inputs alone: no condition, no phase, no target.
        """
        return self.observe(Seen(self, trials.inputs))

    def env(self, **settings: Any) -> "gymnasium.Env":
        """Return the task as a gymnasium environment; see `neurotask.interop.gymnasium.env`."""
        from neurotask.interop.gymnasium import env

        return env(self, **settings)

    def replace(self, **changes: Any) -> Self:
        """Return this task with other settings: the harder one, the longer one.

        Example:
            >>> from neurotask.tasks.perceptual_discrimination import PerceptualDiscrimination
            >>> PerceptualDiscrimination().replace(stimulus=400.0).stimulus
            400.0
        """
        self.check_settings(changes)
        return dataclasses.replace(self, **changes)

    # --- reading the answers -------------------------------------------------------------------

    def behavior(self, trials: Trials, outputs: np.ndarray) -> pd.DataFrame:
        """Score outputs (trial, time, output) as behaviour; see `neurotask.behavior`."""
        return behavior(trials, outputs)

    def plot(self, *, seed: int = 0, **conditions: Any) -> "Figure":
        """Draw one trial: inputs, targets and mask in time, phases shaded."""
        from neurotask._trial_figure import draw_trial

        return draw_trial(self.trials(1, seed=seed, **conditions))

    # --- settings ------------------------------------------------------------------------------

    def __post_init__(self) -> None:
        self._check_class()
        for field in dataclasses.fields(self):
            object.__setattr__(self, field.name, plain(getattr(self, field.name)))
        number("dt", self.dt, low=0.0, above=True)
        for name, duration in self.durations.items():
            check_duration(name, duration, self.dt)
        check_names(self)
        if type(self)._make is Task._make:
            check_phases(self)
        # Two trials painted now show a mistake in a task before anything is spent on it.
        trials = self.batch(2, seed=0, stream=Stream.TRIALS, index=0)
        if self.psychometric_axis is not None:
            choose("psychometric_axis", self.psychometric_axis, trials.columns)
        if self.decision_rule is not None:
            if not isinstance(self.decision_rule, DecisionRule):
                raise TypeError(
                    f"`decision_rule` must be a decision rule, got {self.decision_rule!r}. "
                    'Write decision_rule = Argmax("decision"), for example.'
                )
            behavior(trials, trials.targets)

    @classmethod
    def check_settings(cls, names: Iterable[str]) -> None:
        """Raise a TypeError unless all names are settings of the task."""
        settings = [field.name for field in dataclasses.fields(cls)]
        for name in names:
            if name not in settings:
                raise TypeError(
                    f"`{name}` must be a setting of {cls.__name__}, which has {listed(settings)}."
                    f"{nearest(name, settings)}"
                )

    @cached_property
    def durations(self) -> dict[str, Any]:
        """The phases in order, each with its duration in ms or the law of it."""
        fields = dataclasses.fields(self)
        return {field.name: getattr(self, field.name) for field in fields if _is_phase(field)}

    @cached_property
    def _longest(self) -> int | None:
        """Number of steps of the longest trial there can be; None where only trials show it."""
        return longest(self.durations, self.dt)

    @property
    def settable(self) -> tuple[str, ...]:
        """The conditions that can be held by hand: factors, and phases not `Derived`."""
        free = (name for name, law in self.durations.items() if not isinstance(law, Derived))
        return (*self.varying, *free)

    @cached_property
    def varying(self) -> dict[str, Factor]:
        """The factors, each as its `Levels` or its distribution."""
        factors = self.factors()
        if not isinstance(factors, Mapping):
            raise TypeError(f"`factors` must return a dict of levels, got {factors!r}.")
        for name in self.of_blocks:
            if name in factors:
                raise ValueError(f"`{name}` must be in `factors` or `block_factors`, not in both.")
        both = {**factors, **self.of_blocks}
        return {name: as_factor(name, value) for name, value in both.items()}

    @cached_property
    def of_blocks(self) -> Mapping[str, Any]:
        """The factors that are the same in all trials of a block."""
        factors = self.block_factors()
        if factors and self.trials_per_block is None:
            raise TypeError(
                f"`block_factors` must be those of a block task, but {type(self).__name__} has no "
                "`trials_per_block`. Declare `trials_per_block: int = 20`, or use `factors`."
            )
        return factors

    @classmethod
    def _check_class(cls) -> None:
        if "__dataclass_fields__" not in vars(cls):
            raise TypeError(
                f"`{cls.__name__}` must be a dataclass. "
                "Put `@dataclass(frozen=True, kw_only=True)` above the class."
            )
        if cls.build is Task.build and cls._make is Task._make:
            raise TypeError(
                f"`{cls.__name__}` must say what is shown and wanted. Define build(self, t) in it."
            )
        for name in ("factors", "block_factors", "derive", "build", "observe"):
            if not callable(getattr(cls, name)):
                raise TypeError(
                    f"`{cls.__name__}.{name}` must be a method, got {getattr(cls, name)!r}. Write "
                    f"def {name}(self, ...) in the class."
                )
        for name in ("inputs", "outputs"):
            if not hasattr(cls, name):
                raise TypeError(
                    f"`{cls.__name__}.{name}` must name the {name}: a tuple of strings."
                )


def under(task: Task, which: str) -> Task:
    """Return a task under its `easy` or its `hard` settings."""
    settings = dict(getattr(task, which))
    if settings == dict(Task.easy):  # what is easy unless said, where there is such a setting
        settings = {k: v for k, v in settings.items() if k in task.__dataclass_fields__}
    return task.replace(**settings)


def _is_phase(field: dataclasses.Field) -> bool:
    # A string where the file has `from __future__ import annotations`.
    if isinstance(field.type, str):
        return field.type.split(".")[-1] == "Duration"
    return field.type == Duration
