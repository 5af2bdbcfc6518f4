"""Trials of a task in PsychRNN's form, one by one: its chance seeded, what it returns checked."""

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import numpy as np

from neurotask._checks import count, listed, nearest, number
from neurotask.interop._psychrnn_base import Task, n_steps

Arrays = tuple[np.ndarray, np.ndarray, np.ndarray]

# NumPy's global state is one for all threads: one borrower at a time.
_GLOBAL_STATE = threading.RLock()


def check(old: Any) -> None:
    """Raise unless an object is a task in PsychRNN's form."""
    if isinstance(old, type):
        raise TypeError(
            f"`old_task` must be a task, got the class {old.__name__}. Make one: "
            f"{old.__name__}(...)."
        )
    name = type(old).__name__
    for attribute in ("N_in", "N_out", "dt", "T"):
        if not hasattr(old, attribute):
            raise TypeError(
                f"`old_task` must be a task as PsychRNN has them, got {name} without "
                f"`{attribute}`. Call super().__init__(N_in, N_out, dt, tau, T, N_batch) in its "
                "__init__."
            )
    for attribute in ("N_in", "N_out"):
        count(f"{name}.{attribute}", getattr(old, attribute))
    for attribute in ("dt", "T"):
        number(f"{name}.{attribute}", getattr(old, attribute), low=0.0, above=True)
    forms = {
        "generate_trial_params": "(self, batch, trial)",
        "trial_function": "(self, time, params)",
    }
    for method, arguments in forms.items():
        if not callable(getattr(old, method, None)):
            raise TypeError(
                f"`old_task` must be a task as PsychRNN has them, got {name} without the method "
                f"`{method}`. Define {method}{arguments}."
            )
    for method in ("batch_generator", "get_trial_batch"):
        if len(_definitions(old, method)) > 1:
            raise TypeError(
                f"`old_task` must make its trials in generate_trial_params, trial_function and "
                f"generate_trial, got {name} with a `{method}` of its own, which would not be "
                "called. Move what it does there."
            )


def steps_of(old: Any) -> int:
    """Return the number of steps of a trial: T / dt rounded up, or what the task itself has set."""
    said = getattr(old, "N_steps", None)
    by_rule = int(np.ceil(old.T / old.dt))
    return n_steps(old.T, old.dt) if said is None or said == by_rule else int(said)


def step_in_ms(old: Any, ms_per_unit: float) -> float:
    """Return the length of a step in ms."""
    # 0.0041 s times 1000 is 4.1000000000000005 ms: 12 digits are enough for a time step.
    return float(f"{old.dt * ms_per_unit:.12g}")


@contextmanager
def global_state() -> Iterator[None]:
    """Lend NumPy's global random state, and put it back as it was whatever happens."""
    with _GLOBAL_STATE:
        before = np.random.get_state()  # noqa: NPY002 - the state that old tasks draw from
        try:
            yield
        finally:
            np.random.set_state(before)  # noqa: NPY002


def seed_global_state(words: np.ndarray) -> None:
    """Seed NumPy's global random state with 128 bits, (4,) of uint32."""
    np.random.seed(words)  # noqa: NPY002


def params_of(old: Any, trial: int) -> dict[str, Any]:
    """Return the parameters of a trial, drawn from NumPy's global state.

    PsychRNN counts batches as it makes them. Here a batch has no predecessors: each is the first.
    """
    params = old.generate_trial_params(1, trial)
    if not isinstance(params, Mapping):
        raise TypeError(
            f"`{type(old).__name__}.generate_trial_params` must return a dict, got "
            f"{type(params).__name__}. Return the parameters of the trial by name."
        )
    return dict(params)


def held(
    old: Any, conditions: Mapping[str, Any], params: list[dict[str, Any]]
) -> list[dict[str, Any]]:
    """Return the parameters of trials with some of them replaced by hand.

    Args:
        old: the task, for its name.
        conditions: for each parameter one value, or one a trial.
        params: the parameters of each trial.
    """
    known = list(dict.fromkeys(name for trial in params for name in trial))
    replaced = [dict(trial) for trial in params]
    for name, value in conditions.items():
        if name not in known:
            raise ValueError(
                f"`{name}` must be a parameter of a trial of {type(old).__name__}, which has "
                f"{listed(known)}.{nearest(name, known)}"
            )
        # An array of strings or numbers comes apart into Python's own.
        values = np.asarray(value)
        each = values.tolist() if values.ndim else [values.item()] * len(params)
        if len(each) != len(params):
            raise ValueError(
                f"`{name}` must be one value or one a trial, {len(params)} of them, got "
                f"{len(each)}."
            )
        for trial, new in zip(replaced, each, strict=True):
            was_array = isinstance(trial.get(name), np.ndarray)
            trial[name] = np.asarray(new) if was_array else new
    return replaced


@contextmanager
def blamed(old: Any, given: Mapping[str, Any]) -> Iterator[None]:
    """Let what fails while parameters are held by hand name them."""
    try:
        yield
    except Exception as error:
        if not given:
            raise
        reason = str(error).rstrip(".")
        raise ValueError(
            f"`{', '.join(given)}` must be what trials of {type(old).__name__} are made from, got "
            f"{dict(given)}, which ended in {type(error).__name__}: {reason}."
        ) from error


def trial_of(old: Any, params: dict[str, Any], n: int) -> Arrays:
    """Return inputs (time, N_in), targets and mask (time, N_out) of a trial.

    Args:
        old: the task.
        params: the parameters of the trial.
        n: number of steps.
    """
    name, widths = type(old).__name__, dict(input=old.N_in, target=old.N_out, mask=old.N_out)
    if _has_own_loop(old):
        arrays = old.generate_trial(params)
        _check_three(f"{name}.generate_trial", arrays)
        n_theirs = getattr(old, "N_steps", n)
        for (what, width), array in zip(widths.items(), arrays, strict=True):
            _check_shape(f"{name}.generate_trial", what, array, (n_theirs, width))
            _check_numbers(f"{name}.generate_trial", what, array)
        x, y, mask = (np.asarray(array)[:n] for array in arrays)
        return x, y, mask
    x, y, mask = (np.zeros((n, width)) for width in widths.values())
    row_in, row_out = (old.N_in,), (old.N_out,)
    for step in range(n):
        shown = old.trial_function(step * old.dt, params)
        try:  # arrays of the right shapes, the usual case, are let through at once
            in_t, out_t, mask_t = shown
            usual = in_t.shape == row_in and out_t.shape == row_out and mask_t.shape == row_out
            usual = usual and all(array.dtype.kind in "biuf" for array in (in_t, out_t, mask_t))
        except (AttributeError, TypeError, ValueError):
            usual = False
        if not usual:
            _check_three(f"{name}.trial_function", shown)
            for (what, width), values in zip(widths.items(), shown, strict=True):
                if np.ndim(values):  # one number for all channels is as good
                    _check_shape(f"{name}.trial_function", what, values, (width,))
                _check_numbers(f"{name}.trial_function", what, values)
        x[step], y[step], mask[step] = shown
    return x, y, mask


def _definitions(old: Any, method: str) -> list[type]:
    return [cls for cls in type(old).__mro__ if method in vars(cls)]


def _has_own_loop(old: Any) -> bool:
    """Return whether a task brings its own loop over time: a faster one, for example."""
    defined = _definitions(old, "generate_trial")
    stock = defined and (defined[0] is Task or defined[0].__module__ == "psychrnn.tasks.task")
    return bool(defined) and not stock


def _check_three(method: str, shown: Any) -> None:
    if not isinstance(shown, (tuple, list)) or len(shown) != 3:
        got = f"{len(shown)} things" if isinstance(shown, (tuple, list)) else type(shown).__name__
        raise TypeError(
            f"`{method}` must return input, target and mask, got {got}. Return the three of them."
        )


def _check_shape(method: str, what: str, values: Any, shape: tuple[int, ...]) -> None:
    if np.shape(values) != shape:
        raise ValueError(
            f"`{method}` must return the {what} in the shape {shape}, got {np.shape(values)}."
        )


def _check_numbers(method: str, what: str, values: Any) -> None:
    kind = np.asarray(values).dtype.kind
    if kind == "O":  # None, fractions: what is a number becomes one
        try:
            kind = np.asarray(values, dtype=float).dtype.kind
        except (TypeError, ValueError):
            pass
    if kind not in "biuf":
        raise TypeError(
            f"`{method}` must return numbers for the {what}, got {values!r}. Return an array of "
            "floats."
        )
