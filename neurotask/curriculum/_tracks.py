"""How a staircase is run on a subject that does not learn: its tracks side by side."""

from collections.abc import Callable
from typing import Any

import numpy as np

from neurotask._checks import count
from neurotask._streams import Stream, generator, key
from neurotask.behavior import behavior
from neurotask.curriculum._levels import is_setting, is_strength
from neurotask.curriculum.staircase import Staircase
from neurotask.curriculum.staircase_run import StaircaseRun
from neurotask.multitask import MultiTask
from neurotask.on_channels import on_channels
from neurotask.task import Task
from neurotask.trials import Trials

# Draws that belong to a trial: `batch` has 0 and 1.
_SIGNS, _NOISE = 2, 3


def run_tracks(
    staircase: Staircase, subject: Any, n_trials: int, n_tracks: int, seed: int
) -> StaircaseRun:
    """Run a staircase trial by trial, its tracks side by side; see `Staircase.measure`."""
    count("trials", n_trials)
    count("tracks", n_tracks)
    show, answer = _Shower(staircase, subject, seed), _answerer(subject, seed)
    states = [staircase.begin() for _ in range(n_tracks)]
    levels, correct = (np.empty((n_tracks, n_trials)) for _ in range(2))
    for trial in range(n_trials):
        now = [staircase.taken(state["level"]) for state in states]
        levels[:, trial] = now
        correct[:, trial] = answer(show(now, trial), trial)
        states = [
            state if np.isnan(right) else staircase.answered(state, bool(right))
            for state, right in zip(states, correct[:, trial], strict=True)
        ]
    return StaircaseRun(staircase, levels, correct)


class _Shower:
    """Makes the trials, one a track, each at the level of its track."""

    def __init__(self, staircase: Staircase, subject: Any, seed: int):
        self._staircase, self._seed = staircase, seed
        inputs = getattr(subject, "input_names", staircase.task.inputs)
        self._channels = inputs, getattr(subject, "output_names", staircase.task.outputs)
        self._task = self._wide(staircase.task)
        self._at: dict[float, Task] = {}
        self._mixture: MultiTask | None = None

    def __call__(self, levels: list[float], trial: int) -> Trials:
        parameter, task = self._staircase.parameter, self._staircase.task
        settings: Any = {"seed": self._seed, "stream": Stream.STAIRCASE, "index": trial}
        n = len(levels)
        if is_setting(task, parameter):
            names = [repr(level) for level in levels]
            return self._mixed(levels).batch(n, conditions={"task": names}, **settings)
        signs = 1
        if is_strength(task, parameter):
            signs = generator(self._seed, Stream.STAIRCASE, trial, _SIGNS).choice([-1, 1], n)
        conditions = {parameter: np.array(levels) * signs}
        return self._task.batch(n, conditions=conditions, **settings)

    def _mixed(self, levels: list[float]) -> MultiTask:
        """Return the tasks at all levels so far as one, so that one batch can hold any of them."""
        new = [level for level in dict.fromkeys(levels) if level not in self._at]
        if new or self._mixture is None:
            self._at |= {level: self._wide(self._staircase.at(level)) for level in new}
            names = tuple(map(repr, self._at))
            self._mixture = MultiTask(tuple(self._at.values()), names=names, rule_cue=False)
        return self._mixture

    def _wide(self, task: Task) -> Task:
        return on_channels(task, *self._channels)


def _answerer(subject: Any, seed: int) -> Callable[[Trials, int], np.ndarray]:
    """Return what runs a subject on trials and says which answers are right, (trial,)."""
    if hasattr(subject, "run"):

        def answer(trials: Trials, trial: int) -> np.ndarray:
            # Noise of its own in each trial, that does not come again in any `run`.
            noise = key(seed, Stream.STAIRCASE, trial, _NOISE)
            return subject.run(trials, seed=noise, record=())["correct"].to_numpy()

        return answer
    observe: Any = subject
    if not callable(observe):
        raise TypeError(
            f"`subject` must be a network or a function of Trials, got {subject!r}. Give the "
            "model, or task.observer."
        )
    return lambda trials, trial: behavior(trials, np.asarray(observe(trials)))["correct"].to_numpy(
        float
    )
