"""`simulate`: a network run in NumPy, without TensorFlow."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from neurotask._checks import choose
from neurotask._streams import Stream, generator
from neurotask.backend.arrays import NumPyOps
from neurotask.backend.fitting import check_trials
from neurotask.backend.parameters import Parameters
from neurotask.backend.perturbation import listed
from neurotask.backend.perturbed import Perturbed, Plan
from neurotask.session import session
from neurotask.trials import Trials

if TYPE_CHECKING:
    import xarray as xr

# Trials that run at once, which bounds memory. The noise is drawn a chunk at a time: another number
# here would give other noise for the same seed.
CHUNK = 256
RECORDS = ("states", "rates")


def simulate(
    weights: Any,
    trials: Trials,
    *,
    seed: int = 0,
    noise: bool | np.ndarray = True,
    record: Sequence[str] = RECORDS,
    perturbation: Any = None,
) -> "xr.Dataset":
    """Run a network on trials in NumPy and return the Session, as `model.run` does.

    Without noise both agree to float precision. With it they draw other numbers for the same seed;
    to compare them, give the model's own: `noise=model.noise(len(trials), n_steps, seed=0)`.

    Args:
        weights: `Parameters`, a file of them, or a model.
        trials: what to run, any number and length, at the network's dt.
        seed: seed of the network's noise.
        noise: whether the network is noisy, or the normals themselves, (trial, time,
            noise_per_step).
        record: what to keep beside outputs and behaviour: "states", "rates".
        perturbation: a `Perturbation`, or a list of them.

    Returns:
        A Session; see `neurotask.session`.

    Raises:
        TypeError: if `weights` is no network.
        ValueError: if trials, noise or perturbation do not fit it.

    Example:
        >>> import neurotask as nt
        >>> task = nt.load("rdm")
        >>> model = nt.RateRNN.for_task(task, units=5)
        >>> simulate(model.parameters(), task.trials(4)).sizes["unit"]
        5
    """
    parameters = _parameters(weights)
    network = parameters.network
    kind = type(weights).__name__ if hasattr(weights, "parameters") else "RateRNN"
    check_trials(trials, network.inputs, network.outputs, network.dt, kind)
    record = names("record", record)
    plan = Plan(network, listed(perturbation), trials)
    ops = NumPyOps(parameters.dtype)
    drawn = _noise(noise, trials, network.dynamics.noise_per_step(len(network.units)))
    kernels, vectors = (
        {name: ops.array(values) for name, values in group.items()}
        for group in (parameters.kernels, parameters.vectors)
    )
    factors = {name: ops.array(values) for name, values in plan.factors.items()}
    perturbed = Perturbed(ops, network, kernels, vectors, factors)
    arrays: dict[str, np.ndarray] = {}
    for chunk, start in enumerate(range(0, len(trials), CHUNK)):
        rows = slice(start, start + CHUNK)
        noise_here = drawn(rows, seed, chunk)
        part = _unrolled(
            perturbed, ops.array(trials.inputs[rows]), noise_here, plan.at(rows), record
        )
        place(arrays, part, rows, len(trials))
    outputs, units = arrays.pop("outputs"), network.units
    variables = network.dynamics.state_variables
    return session(trials, outputs, arrays, units.cell_type, units.area, variables=variables)


def names(name: str, given: Any) -> tuple[str, ...]:
    """Return what is to be recorded, or raise."""
    if isinstance(given, str):
        raise ValueError(f"`{name}` must be names in a tuple, got {given!r}. Write (name,).")
    return tuple(choose(name, one, RECORDS) for one in given)


def _unrolled(
    perturbed: Perturbed,
    inputs: np.ndarray,
    noise: np.ndarray | None,
    happening: dict[str, np.ndarray],
    record: tuple[str, ...],
) -> dict[str, np.ndarray]:
    """Return outputs and what is recorded of a chunk, each (trial, time, ...)."""
    state, kept = perturbed.start(len(inputs)), {"outputs": [], **{name: [] for name in record}}
    for t in range(inputs.shape[1]):
        at = {name: values[t] for name, values in happening.items()}
        state = perturbed.step(state, inputs[:, t], None if noise is None else noise[:, t], at)
        rates = perturbed.rates(state, at)
        kept["outputs"].append(perturbed.output(rates, at))
        if "states" in record:
            kept["states"].append(stacked(list(state.values()), np.stack))
        if "rates" in record:
            kept["rates"].append(rates)
    return {name: np.stack(values, axis=1) for name, values in kept.items()}


def place(arrays: dict[str, np.ndarray], part: Any, rows: slice, n: int) -> None:
    """Put a chunk in its place at once: chunks that are joined later take twice the memory.

    Args:
        arrays: where to put it, by name; arrays are made for the first chunk.
        part: the chunk, each array (trial, ...).
        rows: its rows.
        n: number of rows in all.
    """
    for name, values in part.items():
        values = np.asarray(values)
        arrays.setdefault(name, np.empty((n, *values.shape[1:]), values.dtype))[rows] = values


def stacked(variables: list[Any], stack: Any) -> Any:
    """Return the variables of a state as one array: (..., unit), or (..., variable, unit)."""
    return variables[0] if len(variables) == 1 else stack(variables, axis=-2)


def _parameters(weights: Any) -> Parameters:
    if isinstance(weights, Parameters):
        return weights
    if isinstance(weights, (str, Path)):
        return Parameters.load(weights)
    if hasattr(weights, "parameters"):
        return weights.parameters()
    raise TypeError(
        f"`weights` must be Parameters, a file of them or a model, got {type(weights).__name__}. "
        "Take model.parameters()."
    )


def _noise(given: Any, trials: Trials, n: int) -> Any:
    """Return a function that gives the normals of a chunk, (trial, time, n), or None."""
    n_trials, n_steps, _ = trials.inputs.shape
    is_flag = isinstance(given, (bool, np.bool_))
    if is_flag and (not given or n == 0):
        return lambda rows, seed, chunk: None
    if is_flag:

        def drawn(rows: slice, seed: int, chunk: int) -> np.ndarray:
            shape = len(trials.inputs[rows]), n_steps, n
            return generator(seed, Stream.RUN_NOISE, chunk).standard_normal(shape, np.float32)

        return drawn
    array = np.asarray(given)
    if array.shape != (n_trials, n_steps, n):
        raise ValueError(
            f"`noise` must be True, False, or an array (trial, time, noise_per_step) = "
            f"{(n_trials, n_steps, n)}, got the shape {array.shape}."
        )
    return lambda rows, seed, chunk: array[rows] if n else None
