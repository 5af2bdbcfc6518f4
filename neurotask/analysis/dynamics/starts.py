"""Where a search for fixed points starts, and which constant inputs it holds."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from neurotask._blocks import by_trial
from neurotask._checks import choose, listed
from neurotask._streams import Stream, generator
from neurotask.analysis._alignment import onsets, phase_edge, step_of
from neurotask.analysis._arguments import numbers
from neurotask.analysis._rows import NETWORKS
from neurotask.analysis._sessions import of_trials

_CHANGES = 20.0  # variance over time of the mean input, relative to that of noise
_ENOUGH = 4  # trials from which on inputs that change are told from noise


@dataclass(frozen=True, eq=False)
class Visited:
    """The visited states and the constant input of one condition.

    Args:
        label: level of each condition, by name.
        states: visited states, (state, *form).
        rows: trial and time (ms) of each, (state, 2); None where they are not known.
        input: (input,).
    """

    label: dict[str, Any]
    states: np.ndarray
    rows: np.ndarray | None
    input: np.ndarray


@dataclass(frozen=True, eq=False)
class Starts:
    """What a search begins with.

    Args:
        conditions: one `Visited` a condition.
        channels: names of the inputs.
        summary: of the inputs, a row a condition and channel.
        dt: length of a step in ms, None where it is not known.
        phase: the phase whose inputs are held, or None.
    """

    conditions: list[Visited]
    channels: list[str]
    summary: pd.DataFrame
    dt: float | None
    phase: str | None


def of_session(session: xr.Dataset, given: Any, condition: tuple[str, ...]) -> Starts:
    """Read visited states and constant inputs off a Session.

    Args:
        session: a Session with "states".
        given: name of a phase, or constant inputs, (input,) or (condition, input).
        condition: coordinates of `trial` whose combinations are searched one by one.
    """
    for name in NETWORKS:
        if name in session.dims:
            raise ValueError(
                f"`session` must hold one network, got a dimension {name!r}. A step belongs to a "
                f"network: give session.isel({name}=0) and the step of that one."
            )
    session = by_trial(session)
    choose("states", "states", [str(name) for name in session.data_vars])
    states = session["states"].transpose("trial", "time", ..., "unit").to_numpy()
    steps = np.arange(states.shape[1])
    if isinstance(given, str):
        start, stop = _phase(session, given)
        inside = (steps >= start[:, None]) & (steps < stop[:, None])
    else:
        inside = np.ones(states.shape[:2], bool)
    there = np.isfinite(states).reshape(*states.shape[:2], -1).all(-1)
    if isinstance(given, str) and not inside.any():
        raise ValueError(
            f"`input` must be a phase that has a step in a trial, got {given!r}, which is empty in "
            f"all {len(inside)} of them. Name another phase."
        )
    inside &= there
    if not inside.any():
        raise ValueError("`session` must hold a state of that phase, got NaN alone. Run trials.")
    channels = [str(name) for name in session["input"].to_numpy()] if "input" in session else []
    found, parts = [], []
    for label, trials in _groups(session, condition):
        which = np.argwhere(inside & trials[:, None])
        if not len(which):
            continue
        if isinstance(given, str):
            constant, part = _constant(session, given, which, channels, label)
        else:
            constant, part = np.empty(0), pd.DataFrame()
        time = session["time"].to_numpy()[which[:, 1]]
        rows = np.stack([which[:, 0], time], axis=1)
        found.append(Visited(label, states[which[:, 0], which[:, 1]].astype(float), rows, constant))
        parts.append(part)
    if not found:
        raise ValueError("`session` must hold a state of each condition, got none. Run trials.")
    if not isinstance(given, str):
        found, channels = _held(found, given, channels)
    phase = given if isinstance(given, str) else None
    # What a step lasts, also where some of the visited states were taken.
    dt = float(session.attrs.get("dt", step_of(session)))
    return Starts(found, channels, pd.concat(parts, ignore_index=True), dt, phase)


def of_array(states: Any, given: Any) -> Starts:
    """Take visited states (..., unit), or (state, variable, unit), and constant inputs as given."""
    states = np.asarray(states)
    if isinstance(given, str):
        raise ValueError(
            f"`input` must be the constant inputs where states are an array, got {given!r}. "
            "Give a Session to name a phase."
        )
    if states.ndim < 2 or states.dtype.kind not in "biuf" or not len(states):
        raise ValueError(
            "`states` must be a Session or an array of states (state, unit), or (state, variable, "
            f"unit), got the shape {states.shape} of {states.dtype}."
        )
    if not np.isfinite(states).all():
        bad = int((~np.isfinite(states)).reshape(len(states), -1).any(1).sum())
        raise ValueError(
            f"`states` must be finite, got NaN or infinite numbers in {bad} of {len(states)}. "
            "Drop these states first."
        )
    found, channels = _held([Visited({}, states.astype(float), None, np.empty(0))], given, [])
    return Starts(found, channels, pd.DataFrame(), None, None)


def sampled(
    visited: Visited, n: int, scatter: float, spread: float, seed: int, index: int
) -> tuple[np.ndarray, np.ndarray]:
    """Return starts (start, size) drawn from the visited states, and which state each is.

    Args:
        visited: what to draw from, each state at most once where there is no scatter.
        n: how many.
        scatter: size of the noise that is added to a state, in spreads.
        spread: of the visited states.
        seed: seed of the draw.
        index: number of the condition.
    """
    rng = generator(seed, Stream.ANALYSIS, index)
    states = visited.states.reshape(len(visited.states), -1)
    again = scatter > 0 and n > len(states)
    which = rng.choice(len(states), n if again else min(n, len(states)), replace=again)
    starts = states[which]
    if scatter > 0:
        size = scatter * spread / np.sqrt(states.shape[1])
        starts = starts + size * rng.standard_normal(starts.shape)
    return starts, which


def _phase(session: xr.Dataset, name: str) -> tuple[np.ndarray, np.ndarray]:
    """Return first step of a phase and the step after its last, (trial,); both -1 without it."""
    stop = phase_edge(session, "input", name, "phase_stop")
    start = onsets(session, name)
    step = (stop - float(session["time"][0])) / step_of(session)
    return start, np.where((start < 0) | np.isnan(step), -1, np.rint(np.nan_to_num(step)))


def _groups(session: xr.Dataset, names: tuple[str, ...]) -> list[tuple[dict, np.ndarray]]:
    """Return each combination of levels that occurs, and which trials have it, (trial,)."""
    n = session.sizes["trial"]
    if not names:
        return [({}, np.ones(n, bool))]
    known = [str(name) for name, c in session.coords.items() if c.dims == ("trial",)]
    table = pd.DataFrame({of_trials("condition", k, known): session[k].to_numpy() for k in names})
    groups = table.groupby(list(names), sort=True, observed=True).indices
    found = []
    for key, rows in groups.items():
        levels = key if isinstance(key, tuple) else (key,)
        found.append((dict(zip(names, levels, strict=True)), np.isin(np.arange(n), rows)))
    if not found:
        raise ValueError(
            f"`condition` must name what trials have a value of, got {listed(names)}, which have "
            "none in common. Take another."
        )
    return found


def _constant(
    session: xr.Dataset, phase: str, which: np.ndarray, channels: list[str], label: dict
) -> tuple[np.ndarray, pd.DataFrame]:
    """Return the mean inputs over a phase, (input,), and what they are the mean of.

    Args:
        session: the Session.
        phase: the phase.
        which: trial and step of each moment in it, (moment, 2).
        channels: names of the inputs.
        label: the condition.
    """
    choose("inputs", "inputs", map(str, session.data_vars))
    inputs = session["inputs"].transpose("trial", "time", "input").to_numpy()
    values = inputs[which[:, 0], which[:, 1]].astype(float)  # (moment, input)
    trial = np.unique(which[:, 0], return_inverse=True)[1]
    since = which[:, 1] - onsets(session, phase)[which[:, 0]]
    means = _mean_by(trial, values)
    within = values - means[trial]
    mean = means.mean(0)
    # The mean over trials, as a function of time, varies by noise alone where inputs are constant.
    course, count = _mean_by(since, within), np.bincount(since)
    many = count >= 0.5 * count.max()
    varies = (count[many, None] * course[many] ** 2).mean(0)
    rest = ((within - course[since]) ** 2).mean(0)
    changing = varies > _CHANGES * rest + 1e-10 * np.square(values).mean(0)
    if changing.any() and count.max() >= _ENOUGH:
        names = [name for name, one in zip(channels, changing, strict=True) if one]
        raise ValueError(
            f"`input` must be a phase in which the inputs are constant but for noise, got "
            f"{phase!r}, in which {listed(names)} changes. Name another phase, or give the "
            "constant inputs as an array."
        )
    table = pd.DataFrame({
        **{name: [level] * len(channels) for name, level in label.items()},
        "input": channels,
        "mean": mean,
        "sd_between_trials": means.std(0),
        "sd_within_trials": np.sqrt((within**2).mean(0)),
    })  # fmt: skip
    n_steps = np.bincount(trial).mean()
    noise = np.sqrt((within**2).mean(0) / n_steps)
    table["differs"] = means.std(0) > 3.0 * noise + 1e-6 * np.abs(values).max()
    return mean, table


def _mean_by(group: np.ndarray, values: np.ndarray) -> np.ndarray:
    """Return the mean of the rows of each group, (group, column); 0 for a group without a row."""
    n = np.bincount(group)
    total = np.stack([np.bincount(group, column) for column in values.T], axis=1)
    return total / np.maximum(n, 1)[:, None]


def _held(found: list[Visited], given: Any, channels: list[str]) -> tuple[list[Visited], list[str]]:
    """Return the conditions with constant inputs that are given, and names of the inputs."""
    values = numbers(
        "input", "the name of a phase or constant inputs, (input,) or (condition, input)", given
    )
    if values.ndim not in (1, 2) or not values.size or not np.isfinite(values).all():
        raise ValueError(
            "`input` must be the name of a phase or finite constant inputs, (input,) or "
            f"(condition, input), got {given!r}."
        )
    if channels and values.shape[-1] != len(channels):
        raise ValueError(
            f"`input` must have {len(channels)} entries, one for each of {listed(channels)}, got "
            f"{values.shape[-1]}."
        )
    channels = channels or [str(i) for i in range(values.shape[-1])]
    if values.ndim == 1:
        return [Visited(v.label, v.states, v.rows, values) for v in found], channels
    if len(found) == 1:  # the same states under each of several inputs
        one = found[0]
        kept = [Visited({"input": i}, one.states, one.rows, u) for i, u in enumerate(values)]
        return kept, channels
    if len(values) != len(found):
        raise ValueError(
            f"`input` must have a row for each of the {len(found)} conditions, got {len(values)}."
        )
    paired = zip(found, values, strict=True)
    return [Visited(v.label, v.states, v.rows, u) for v, u in paired], channels
