"""Runs a neurogym environment: seeds it, makes its trials, reads what each one holds.

Nothing of neurogym is imported. Needed of an environment are `new_trial`, `seed`, `dt`,
`action_space`, `observation_space`, `start_ind` and `end_ind`, and, after a new trial, `ob` (its
observations, a step a row) and `gt` (the action that is right in each step).
"""

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from neurotask._checks import listed
from neurotask.interop._neurogym_copy import copied
from neurotask.interop._neurogym_trial import RawTrial, attribute, name_of, read

NEEDED = (
    "new_trial",
    "seed",
    "dt",
    "action_space",
    "observation_space",
    "start_ind",
    "end_ind",
)


def run(env: Any, n: int, seeds: tuple[int, int], held: Mapping[str, list[Any]]) -> list[RawTrial]:
    """Return `n` trials, made by a copy of the environment, which itself stays as it is.

    Args:
        env: the environment.
        n: number of trials.
        seeds: seeds of the environment before it is reset and after.
        held: conditions that are given, each with one value a trial.
    """
    env = started(env, seeds)
    cores = [layer for layer in _layers(env) if "start_ind" in vars(layer)]
    trials = []
    for at in range(n):
        for layer in cores:  # periods of earlier trials that this one may not have
            layer.start_ind.clear()
            layer.end_ind.clear()
        given = {name: values[at] for name, values in held.items()}
        trials.append(read(env, _new_trial(env, given)))
    return trials


def started(env: Any, seeds: tuple[int, int]) -> Any:
    """Return a copy of the environment that is seeded and reset."""
    env = copied(env)
    seed = attribute(env, "seed")
    seed(seeds[0])
    if hasattr(env, "reset"):
        env.reset()
        seed(seeds[1])  # many a `reset` draws new seeds from the system
    return env


def check_is_environment(env: Any) -> None:
    """Raise a TypeError unless the environment has what is needed of it."""
    missing = [name for name in NEEDED if attribute(env, name) is None]
    if missing or isinstance(env, type):
        raise TypeError(
            f"`env` must be a supervised neurogym environment or the id of one, got {env!r}"
            + (f", which has no {listed(missing)}" if missing else "")
            + ". Make one with neurogym.make() or give its id."
        )
    for name, arguments in (("new_trial", "self, **kwargs"), ("seed", "self, seed=None")):
        if not callable(attribute(env, name)):
            raise TypeError(
                f"`{name}` of {name_of(env)} must be a method, got {attribute(env, name)!r}. "
                f"Define {name}({arguments})."
            )


def _new_trial(env: Any, given: dict[str, Any]) -> dict[str, Any]:
    try:
        trial = attribute(env, "new_trial")(**given)
    except Exception as error:
        if not given:
            raise
        raise ValueError(
            f"`{', '.join(given)}` must be what new_trial() of {name_of(env)} takes, got {given}, "
            f"which ended in {type(error).__name__}: {error}."
        ) from error
    if not isinstance(trial, Mapping):
        raise TypeError(
            f"`new_trial` of {name_of(env)} must return a dict of what varies, got {trial!r}."
        )
    for name, value in given.items():
        if not np.array_equal(np.asarray(trial.get(name)), value):
            raise ValueError(
                f"`{name}` must be a condition that new_trial() of {name_of(env)} takes, but given "
                f"{value!r} its trial has {trial.get(name)!r}. Leave it out."
            )
    return {str(name): value for name, value in trial.items()}


def _layers(env: Any) -> Iterator[Any]:
    """Yield the environment and all that is wrapped in it."""
    yield env
    inner = vars(env)
    for layer in (inner.get("env"), *inner.get("envs", ())):
        if layer is not None:
            yield from _layers(layer)
