"""What the trials of an environment have in common, and whether it can be a task at all."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from neurotask._checks import number
from neurotask.interop._columns import merged
from neurotask.interop._neurogym_channels import FIXATION, action_names, channel_names
from neurotask.interop._neurogym_env import check_is_environment, run, started
from neurotask.interop._neurogym_trial import (
    RawTrial,
    attribute,
    check_supervised,
    core,
    n_actions,
    name_of,
    observations,
)

N_PROBES = 64
_SEEDS, _OTHER_SEEDS = (0, 1), (2, 3)


@dataclass(frozen=True, eq=False)
class Layout:
    """What the trials of an environment have in common, as far as a few of them show.

    Args:
        dt: length of a step in ms.
        inputs: names of the input channels.
        outputs: names of the output channels.
        fixation: place of the action that is no answer, None where all actions are answers.
        continuous: whether an action is a value (or several) and not one of a number of actions.
        phases: names of the periods.
        conditions: for each condition its values in the trials that were looked at.
        n_steps: length of the longest trial.
    """

    dt: float
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    fixation: int | None
    continuous: bool
    phases: tuple[str, ...]
    conditions: dict[str, list[Any]]
    n_steps: int


def probe(env: Any) -> Layout:
    """Look at some trials of an environment.

    Raises:
        TypeError: if it is no environment.
        ValueError: if it cannot be a task: it has no ground truth, its observations depend on what
            is done, or chance in it does not come from its seed.
    """
    check_is_environment(env)
    dt = number("dt", attribute(env, "dt"), low=0.0, above=True)
    _check_shown(env)
    trials = run(env, N_PROBES, _SEEDS, {})
    _check_seed(env, trials)
    names = {name: None for trial in trials for name in trial.conditions}
    outputs = _outputs(env, trials)
    return Layout(
        dt=dt,
        inputs=channel_names("input", trials[0].inputs.shape[1], _groups(env, "observation_space")),
        outputs=outputs,
        fixation=outputs.index(FIXATION) if FIXATION in outputs else None,
        continuous=n_actions(env) is None,
        phases=merged(trial.phases for trial in trials),
        conditions={name: [trial.conditions.get(name) for trial in trials] for name in names},
        n_steps=max(len(trial.inputs) for trial in trials),
    )


def check_effect(
    env: Any, seeds: tuple[int, int], held: dict[str, list[Any]], made: list[RawTrial]
) -> None:
    """Raise if a condition that is held is written down and nothing more.

    Many an environment notes in the trial's dict whatever it is given, also where what it shows was
    drawn before. Then the same trial with and without it holds the same.
    """
    n = min(len(made), 16)
    for name, values in held.items():
        others = {other: given for other, given in held.items() if other != name}
        pairs = list(zip(run(env, n, seeds, others), made[:n], values[:n], strict=True))
        changed = [(a, b) for a, b, value in pairs if a.conditions.get(name) != value]
        if changed and all(_same(a, b) for a, b in changed):
            raise ValueError(
                f"`{name}` must be a condition that {name_of(env)} makes its trials from, but "
                "holding it changes neither observations nor ground truth. Leave it out."
            )


def check_remade(env: Any, other: Any) -> None:
    """Raise unless two environments that were made alike make the same trials."""
    pairs = zip(run(env, N_PROBES, _SEEDS, {}), run(other, N_PROBES, _SEEDS, {}), strict=True)
    if not all(_same(a, b) for a, b in pairs):
        raise ValueError(
            f"`env` must be made alike each time, but two of {name_of(env)} make different trials "
            "from one seed: it draws while it is made. Make one environment, keep it, and give it."
        )


def _outputs(env: Any, trials: list[RawTrial]) -> tuple[str, ...]:
    n, groups = n_actions(env), _groups(env, "action_space")
    if n is None:
        return channel_names("output", trials[0].wanted.shape[1], groups)
    return action_names(n, groups, waits=all(trial.wanted[0] == 0 for trial in trials))


def _groups(env: Any, space: str) -> Any:
    """Return the names of a space's channels; a wrapper's own space often has none."""
    outer, inner = attribute(env, space), getattr(core(env), space, None)
    return getattr(outer, "name", None) or getattr(inner, "name", None)


def _check_shown(env: Any) -> None:
    """Raise if acting shows observations that the trial, laid out ahead, does not hold."""
    env = started(env, _SEEDS)
    attribute(env, "new_trial")()
    check_supervised(env)
    rows = observations(env)
    shape = tuple(attribute(env, "observation_space").shape)
    if rows.shape[1] != np.prod(shape):
        raise ValueError(
            f"`ob` of {name_of(env)} must have the channels of its observation_space, "
            f"{shape}, got {rows.shape[1]}. Leave out wrappers that add observations in `step`."
        )
    space = attribute(env, "action_space")
    if hasattr(space, "seed"):
        space.seed(0)
    if not hasattr(env, "step"):
        return
    for step in range(len(rows)):
        n = n_actions(env)
        ob, *_, info = env.step(space.sample() if n is None else step % n)
        if info.get("new_trial", False):
            return
        if not (rows == np.asarray(ob, dtype=np.float32).ravel()).all(1).any():
            raise ValueError(
                f"`env` must show what its trial holds in `ob`, but `step` of {name_of(env)} "
                "returns other observations: they depend on what is done or are changed by a "
                "wrapper. Leave the wrapper out; a task cannot depend on what is done."
            )


def _check_seed(env: Any, trials: list[RawTrial]) -> None:
    """Raise unless trials follow from the seed: the same for one seed, others for another."""
    again, other = (run(env, N_PROBES, seeds, {}) for seeds in (_SEEDS, _OTHER_SEEDS))
    if not all(map(_same, trials, again)):
        raise ValueError(
            f"`env` must draw its trials from what seed() sets, but {name_of(env)} makes different "
            "trials from one seed. Draw from self.rng, not from a generator of your own."
        )
    varies = not all(_same(trials[0], trial) for trial in trials)
    if varies and all(map(_same, trials, other)):
        raise ValueError(
            f"`env` must draw its trials from what seed() sets, but {name_of(env)} makes the same "
            "trials from two seeds. Draw from self.rng, not from a generator of your own."
        )


def _same(a: RawTrial, b: RawTrial) -> bool:
    return np.array_equal(a.inputs, b.inputs) and np.array_equal(a.wanted, b.wanted)
