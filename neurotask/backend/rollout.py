"""`rollout`: a network acts in a task, step by step, and what it does decides what it sees next."""

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import tensorflow as tf

from neurotask._checks import count, number
from neurotask._episode import Episode, joined, takes_choices
from neurotask._streams import Stream, key
from neurotask.backend._types import Tensor
from neurotask.backend.dynamics.base import State, Weights
from neurotask.backend.models.base import RecurrentModel
from neurotask.backend.simulation import stacked
from neurotask.session import session
from neurotask.task import Task

if TYPE_CHECKING:
    import xarray as xr

# Halfway from the target of a choice that is not wanted (0.2) to that of one that is (1).
COMMIT = 0.6


def rollout(
    model: RecurrentModel,
    env: Any,
    *,
    episodes: int = 128,
    seed: int = 0,
    noise: bool = True,
    commit: float | None = None,
    conditions: dict[str, Any] | None = None,
) -> "xr.Dataset":
    """Let a network act in a task and return the Session: the closed loop.

    Where an answer is a choice, the network makes it at the first step at which the highest of its
    choices reaches a level and exceeds the output "fixation"; a trial without blocks is then over.
    In tasks where the subject's own choices matter (`OwnChoice`), it sees what follows from them.

    Args:
        model: the network.
        env: the task's environment (`task.env()`), or the task.
        episodes: number of trials, or of blocks.
        seed: seed of the episodes and of the network's noise.
        noise: whether the network is noisy, as in training.
        commit: level at which a choice is made; None: that of the task's `Threshold`, else 0.6.
        conditions: conditions held in all episodes; the network's own choice cannot be.

    Returns:
        A Session, as `model.run` gives it: NaN behind the end of a trial, behaviour as it happened.

    Raises:
        TypeError: if `model` is no network, or `env` no environment of a task.
        ValueError: if the task does not fit the network, or an output is NaN.
    """
    if not isinstance(model, RecurrentModel):
        raise TypeError(
            f"`model` must be a network, got {model!r}. Make one: nt.RateRNN.for_task(task)."
        )
    task = getattr(getattr(env, "unwrapped", env), "task", env)
    if not isinstance(task, Task):
        raise TypeError(
            f"`env` must be the environment of a task, got {env!r}. Make one with task.env()."
        )
    model.check_fits(task)
    held = {} if conditions is None else conditions
    worlds = [Episode(task, seed, i, held) for i in range(count("episodes", episodes))]
    if commit is not None and not takes_choices(task):
        raise ValueError(
            f"`commit` must be None where answers are values, as in {type(task).__name__}, got "
            f"{commit!r}."
        )
    levels = np.array([_level(world, commit) for world in worlds])
    noise_key = key(seed, Stream.ROLLOUT_NOISE)
    outputs, activity = _unrolled(model, task, worlds, noise_key, noise, levels)
    rows = joined([world.row for world in worlds])
    table = pd.concat([world.behavior() for world in worlds], ignore_index=True)
    units = model.units
    variables = model.network.dynamics.state_variables
    return session(rows, outputs, activity, units.cell_type, units.area, table, variables)


def _unrolled(
    model: RecurrentModel,
    task: Task,
    worlds: list[Episode],
    noise_key: int,
    noise: bool,
    levels: np.ndarray,
) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """Run all episodes at once; return outputs and activity, NaN where an episode is over."""
    step = _stepper(model, noise_key, noise)
    n, n_steps = len(worlds), max(world.n_steps for world in worlds)
    weights = model.prepare()
    state = model.start(weights, tf.constant(n))
    outputs = np.full((n, n_steps, len(task.outputs)), np.nan)
    first = np.asarray(_packed(state))
    shapes = {"states": first.shape[1:], "rates": (len(model.units),)}
    kept = {name: np.full((n, n_steps, *shape), np.nan) for name, shape in shapes.items()}
    discrete, single = takes_choices(task), task.trials_per_block is None
    seen = np.zeros((n, len(task.inputs)), np.float32)
    acting = list(range(n))
    for t in range(n_steps):
        for i in acting:
            seen[i] = worlds[i].observation(t)
        state, rates, z = step(weights, state, tf.constant(seen), tf.constant(t, tf.int64))
        values = z.numpy()
        if np.isnan(values[acting]).any():
            raise ValueError(
                f"`outputs` must be numbers, got NaN at {t * task.dt:g} ms. Look for NaN in the "
                "weights."
            )
        outputs[acting, t] = values[acting]
        kept["states"][acting, t] = _packed(state)[acting]
        kept["rates"][acting, t] = rates.numpy()[acting]
        actions = _choices(task, values, levels) if discrete else values
        decided = {i: worlds[i].act(t, actions[i]) is not None for i in acting}
        acting = [i for i in acting if t + 1 < worlds[i].n_steps and not (single and decided[i])]
    return outputs, kept


def _stepper(model: RecurrentModel, noise_key: int, noise: bool) -> Any:
    """Return a step of a network; what it is compiled to is kept for further calls."""
    noisy = noise and model.noise_per_step > 0

    def step(weights: Weights, state: State, inputs: Tensor, t: Tensor, name: Tensor) -> Any:
        drawn = model.normals(name, t, tf.shape(inputs)[0]) if noisy else None
        state = model.transition(weights, state, tf.cast(inputs, model.compute_dtype), drawn)
        rates = model.rates_of(state)
        return state, rates, model.readout(weights, rates)

    compiled = model.runner.kept(("step", noisy), lambda: tf.function(step, autograph=False))
    name = tf.constant([noise_key, 0], tf.int64)
    return lambda weights, state, inputs, t: compiled(weights, state, inputs, t, name)


def _packed(state: State) -> np.ndarray:
    return stacked([variable.numpy() for variable in state.values()], np.stack)


def _choices(task: Task, outputs: np.ndarray, levels: np.ndarray) -> np.ndarray:
    """Return the action of each row: 0 to wait, k + 1 for choice k."""
    places = [task.outputs.index(name) for name in task.choices]
    best = outputs[:, places].max(1)
    made = best >= levels
    if "fixation" in task.outputs:
        made &= best > outputs[:, task.outputs.index("fixation")]
    return np.where(made, outputs[:, places].argmax(1) + 1, 0)


def _level(world: Episode, commit: float | None) -> float:
    if commit is not None:
        return number("commit", commit)
    return COMMIT if world.level is None else world.level
