"""What a neurogym environment holds of a trial that it has just made."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from neurotask._checks import listed


@dataclass(frozen=True, eq=False)
class RawTrial:
    """A trial as an environment has laid it out.

    Args:
        inputs: the observations, (time, input), float32.
        wanted: the ground truth: actions, (time,), int; or values, (time, output), float32.
        conditions: entries of the trial's dict that are one number, one truth value or one string.
        phases: first step of each period and the step after its last, in order of time.
    """

    inputs: np.ndarray
    wanted: np.ndarray
    conditions: dict[str, Any]
    phases: dict[str, tuple[int, int]]


def attribute(env: Any, name: str, default: Any = None) -> Any:
    """Return an attribute of the environment, of its outermost wrapper that has it.

    Newer versions of gymnasium no longer pass on what is inside a wrapper.
    """
    get = getattr(env, "get_wrapper_attr", None)
    try:
        return getattr(env, name) if get is None else get(name)
    except AttributeError:
        return default


def core(env: Any) -> Any:
    """Return what is inside all wrappers, which a wrapper may exchange from trial to trial."""
    return getattr(env, "unwrapped", env)


def name_of(env: Any) -> str:
    """Return the name of an environment, for messages."""
    return type(core(env)).__name__


def n_actions(env: Any) -> int | None:
    """Return how many actions there are to choose from, None where an action is a value."""
    n = getattr(attribute(env, "action_space"), "n", None)
    return None if n is None else int(n)


def read(env: Any, trial: Mapping[str, Any]) -> RawTrial:
    """Return the current trial of an environment, whose dict is `trial`."""
    wanted = _ground_truth(env)
    inputs = observations(env)
    if len(wanted) != len(inputs):
        raise ValueError(
            f"`gt` of {name_of(env)} must have one entry for each of the {len(inputs)} steps of "
            f"`ob`, got {len(wanted)}. Set it after all periods are added."
        )
    scalars = {name: _scalar(value) for name, value in trial.items()}
    conditions = {name: value for name, value in scalars.items() if value is not None}
    return RawTrial(inputs, wanted, conditions, _periods(env, len(inputs)))


def observations(env: Any) -> np.ndarray:
    """Return the observations of the current trial, (time, input), as a copy."""
    inside = core(env)
    ob = getattr(inside, "ob", None)
    if ob is None or not getattr(inside, "_ob_built", True):
        raise ValueError(
            f"`env` must lay out the observations of a trial in `ob`, but new_trial() of "
            f"{name_of(env)} makes none. Environments that are played step by step cannot be tasks."
        )
    values = np.array(ob, dtype=np.float32)
    if values.ndim < 2 or not len(values):
        raise ValueError(
            f"`ob` of {name_of(env)} must have the shape (time, channel), got {values.shape}."
        )
    if not np.isfinite(values).all():
        step = int(np.argwhere(~np.isfinite(values))[0][0])
        raise ValueError(
            f"`ob` of {name_of(env)} must be finite, got {values[step]} in step {step}."
        )
    return values.reshape(len(values), -1)


def check_supervised(env: Any) -> None:
    """Raise unless the current trial has a ground truth."""
    inside = core(env)
    # Where a trial of neurogym sets none, `gt` is still that of the trial before.
    if getattr(inside, "gt", None) is None or not getattr(inside, "_gt_built", True):
        raise ValueError(
            f"`env` must be supervised, but new_trial() of {name_of(env)} makes no ground truth "
            "`gt`. Choose an environment in which each step has a right action."
        )


def _ground_truth(env: Any) -> np.ndarray:
    check_supervised(env)
    gt = core(env).gt
    n = n_actions(env)
    if n is None:
        return np.array(gt, dtype=np.float32).reshape(len(gt), -1)
    values = np.array(gt)
    if values.ndim != 1 or ((values < 0) | (values >= n) | (values % 1 != 0)).any():
        raise ValueError(
            f"`gt` of {name_of(env)} must hold an action of each step, 0 to {n - 1}, got "
            f"{np.unique(values)}."
        )
    return values.astype(int)


def _periods(env: Any, length: int) -> dict[str, tuple[int, int]]:
    inside = core(env)
    starts, ends = inside.start_ind, inside.end_ind
    lacking = [name for name in starts if name not in ends]
    if lacking:
        raise ValueError(
            f"`end_ind` of {name_of(env)} must have the periods of `start_ind`, but lacks "
            f"{listed(lacking)}. Set both for each period."
        )
    periods = {str(k): (int(starts[k]), int(ends[k])) for k in starts}
    for name, (start, stop) in periods.items():
        if not 0 <= start <= stop <= length:
            raise ValueError(
                f"`{name}` of {name_of(env)} must lie within the {length} steps of the trial, got "
                f"steps {start} to {stop}."
            )
    # An environment without periods is one long one.
    return dict(sorted(periods.items(), key=lambda item: item[1][0])) or {"trial": (0, length)}


def _scalar(value: Any) -> Any:
    """Return a number, truth value or string as Python's own, None for anything else."""
    if isinstance(value, (np.ndarray, np.generic)) and np.ndim(value) == 0:
        value = value.item()
    return value if isinstance(value, (bool, int, float, str)) else None
