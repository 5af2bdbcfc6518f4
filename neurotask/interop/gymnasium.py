"""Every task as a gymnasium environment: to be acted in, by any agent that speaks that interface.

Needs the package gymnasium (0.29 or newer): `pip install "neurotask-rnn[gymnasium]"`.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np

from neurotask._checks import choose, listed, nearest, number
from neurotask._episode import Episode, check_held, takes_choices
from neurotask.load import library, load
from neurotask.task import Task

try:
    import gymnasium
except ImportError:
    raise ImportError(
        '`gymnasium` must be installed for environments. Do pip install "neurotask-rnn[gymnasium]".'
    ) from None

# What is drawn to see how far inputs and targets reach.
SAMPLE = 32


class TaskEnv(gymnasium.Env):
    """A task as an environment: an observation is the inputs of a step.

    Where answers are choices, an action is 0 to wait (keep fixating) or k + 1 for choice k; it
    counts when first made, in the phase that the task's decision rule reads. Before that it breaks
    fixation, or is ignored in tasks that have no output "fixation". Where answers are values (a
    direction, a time, a movement) an action is a value for each output. An episode is a trial, over
    when it is answered, or a block of trials; where what comes next depends on the subject's own
    choices, it does here.

    `info` tells of the observation it comes with: `trial` (its number in the episode), `new_trial`
    (whether one begins) and `gt` (the action that is wanted now). The step that decides a trial
    also has its conditions and how it was scored, under `behavior`.

    Args:
        task: the task.
        correct: reward for a right answer. A trial that has none (evidence of zero, say) pays 0,
            whatever is chosen.
        wrong: reward for a wrong or a missing one.
        aborted: reward for breaking fixation.
        continuing: whether trial follows trial without end, in one endless episode.

    Example:
        >>> import neurotask as nt
        >>> world = nt.load("perceptual_discrimination").env()
        >>> seen, info = world.reset(seed=0, options={"conditions": {"coherence": 0.512}})
        >>> seen.tolist(), world.action_space
        ([1.0, 0.0, 0.0], Discrete(3))
    """

    metadata = {"render_modes": []}  # noqa: RUF012 (gymnasium's own attribute)

    def __init__(
        self,
        task: Task,
        *,
        correct: float = 1.0,
        wrong: float = 0.0,
        aborted: float = -0.1,
        continuing: bool = False,
    ):
        if not isinstance(task, Task):
            raise TypeError(f"`task` must be a Task, got {task!r}. Load one with neurotask.load().")
        self.task = task
        self._rewards = {
            name: number(name, value)
            for name, value in (("correct", correct), ("wrong", wrong), ("aborted", aborted))
        }
        self._continuing = continuing
        sample = task.trials(SAMPLE, seed=0)
        seen, asked = _reach(10.0 * sample.inputs), _reach(sample.targets)
        self.observation_space = gymnasium.spaces.Box(-seen, seen, (len(task.inputs),), np.float32)
        self.action_space = (
            gymnasium.spaces.Discrete(1 + len(task.choices))
            if takes_choices(task)
            else gymnasium.spaces.Box(-asked, asked, (len(task.outputs),), np.float32)
        )
        self._seed: int | None = None
        self._episodes = 0
        self._conditions: dict[str, Any] = {}

    @property
    def episode(self) -> Episode:
        """The episode that is under way."""
        if self._seed is None:
            raise RuntimeError("`reset` must be called before the first step.")
        return self._episode

    def reset(
        self, *, seed: int | None = None, options: Mapping[str, Any] | None = None
    ) -> tuple[np.ndarray, dict[str, Any]]:
        """Start an episode.

        Args:
            seed: starts the sequence of episodes anew; the same seed gives the same ones.
            options: {"conditions": {...}} holds conditions of the task in this episode (and in
                what follows it without end, if `continuing`). What the subject does in it (an
                `OwnChoice`) cannot be held.
        """
        if options is not None and not isinstance(options, Mapping):
            raise TypeError(
                f"`options` must be a dict, got {options!r}. Write "
                'options={"conditions": {name: value}}.'
            )
        for name in options or {}:
            choose("options", name, ("conditions",))
        conditions = (options or {}).get("conditions", {})
        check_held(self.task, conditions)
        super().reset(seed=seed)
        if seed is not None or self._seed is None:
            drawn = int(self.np_random.integers(2**31)) if seed is None else seed
            self._seed, self._episodes = drawn, 0
        self._conditions = dict(conditions)
        return self._begin()

    def step(self, action: Any) -> tuple[np.ndarray, float, bool, bool, dict[str, Any]]:
        """Make a step; see the class for actions and `info`."""
        episode, at = self.episode, self._step
        if at >= episode.n_steps or self._ended:
            raise RuntimeError("`reset` must be called after the end of an episode.")
        if isinstance(self.action_space, gymnasium.spaces.Box):
            action = np.asarray(action, np.float32)
        if not self.action_space.contains(action):
            raise ValueError(f"`action` must be in {self.action_space}, got {action!r}.")
        decided = episode.act(at, action)
        reward, told = 0.0, {}
        if decided is not None:
            behavior = episode.behavior().iloc[decided].to_dict()
            reward, told = self._reward(behavior), {"behavior": behavior}
        self._step = at + 1
        single = self.task.trials_per_block is None
        over = self._step == episode.n_steps or (single and decided is not None)
        if over and self._continuing:
            seen, info = self._begin()
            return seen, reward, False, False, info | told
        self._ended = over
        now = min(self._step, episode.n_steps - 1)
        return episode.observation(now), reward, over, False, self._info(now) | told

    def _begin(self) -> tuple[np.ndarray, dict[str, Any]]:
        assert self._seed is not None
        self._episode = Episode(self.task, self._seed, self._episodes, self._conditions)
        self._episodes += 1
        self._step, self._ended = 0, False
        return self._episode.observation(0), self._info(0)

    def _info(self, step: int) -> dict[str, Any]:
        trial, first = self._episode.place(step)
        discrete = isinstance(self.action_space, gymnasium.spaces.Discrete)
        wanted = self._episode.wanted(step) if discrete else self._episode.target(step)
        return {"trial": trial, "new_trial": first, "gt": wanted}

    def _reward(self, behavior: Mapping[str, Any]) -> float:
        if behavior["outcome"] == "broken_fixation":
            return self._rewards["aborted"]
        if np.isnan(behavior["correct"]):
            return 0.0
        return self._rewards["correct" if behavior["correct"] == 1 else "wrong"]


def env(task: Task, **settings: Any) -> TaskEnv:
    """Return a task as a gymnasium environment.

    Args:
        task: the task.
        **settings: those of `TaskEnv`: rewards, and whether episodes follow without end.
    """
    for name in settings:
        if name not in SETTINGS:
            raise TypeError(
                f"`{name}` must be a setting of an environment, which has {listed(SETTINGS)}."
                f"{nearest(name, SETTINGS)}"
            )
    return TaskEnv(task, **settings)


def make(name: str, **settings: Any) -> TaskEnv:
    """Return a task of the library as an environment: what `gymnasium.make` calls.

    Args:
        name: name of the task.
        **settings: settings of the task, and those of `TaskEnv`.
    """
    own = {key: settings.pop(key) for key in SETTINGS if key in settings}
    return TaskEnv(load(name, **settings), **own)


SETTINGS = ("correct", "wrong", "aborted", "continuing")


def _reach(values: np.ndarray) -> float:
    """Return the power of ten, 1 or more, that holds all values."""
    return float(10.0 ** np.ceil(np.log10(max(1.0, np.abs(values).max()))))


for _stem, _task in library().items():
    _name = f"neurotask/{_task.__name__}-v0"
    if _name not in gymnasium.registry:
        gymnasium.register(_name, entry_point=f"{__name__}:make", kwargs={"name": _stem})
