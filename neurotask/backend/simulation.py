"""`simulate`: a network run without TensorFlow, by kernels or in NumPy."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from neurotask._checks import choose
from neurotask._streams import Stream, key
from neurotask.backend import philox
from neurotask.backend.arrays import NumPyOps
from neurotask.backend.chunks import CHUNK, Arrays, place
from neurotask.backend.fitting import check_trials
from neurotask.backend.forward_runs import by_kernels, covers
from neurotask.backend.kernels import networks
from neurotask.backend.parameters import Parameters
from neurotask.backend.perturbation import listed
from neurotask.backend.perturbed import Perturbed, Plan
from neurotask.session import session
from neurotask.trials import Trials

if TYPE_CHECKING:
    import xarray as xr

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
    """Run a network on trials without TensorFlow and return the Session, as `model.run` does.

    Both agree to rounding: a seed names the same noise in both. Kernels run it where they cover the
    network and nothing perturbs it, else NumPy, which takes many times as long.

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
    perturbations = listed(perturbation)
    plan = Plan(network, perturbations, trials) if perturbations else None
    noise = _noise(noise, trials, network.dynamics.noise_per_step(len(network.units)))
    named = key(seed, Stream.RUN_NOISE) if noise is True else noise
    uncovered = networks.uncovered_network(network, parameters.dtype)
    if uncovered is None and covers(network, plan):
        kernels, vectors = parameters.kernels, parameters.vectors
        arrays = by_kernels(network, kernels, vectors, trials.inputs, named, record, CHUNK, plan)
    else:
        arrays = _by_steps(parameters, plan, trials, named, record)
    outputs, units = arrays.pop("outputs"), network.units
    variables = network.dynamics.state_variables
    return session(trials, outputs, arrays, units.cell_type, units.area, variables=variables)


def names(name: str, given: Any) -> tuple[str, ...]:
    """Return what is to be recorded, or raise."""
    if isinstance(given, str):
        raise ValueError(f"`{name}` must be names in a tuple, got {given!r}. Write (name,).")
    return tuple(choose(name, one, RECORDS) for one in given)


def _by_steps(
    parameters: Parameters,
    plan: Plan | None,
    trials: Trials,
    noise: int | np.ndarray | None,
    record: tuple[str, ...],
) -> Arrays:
    """Return what `by_kernels` returns, of any network, by NumPy; `plan` is done to it."""
    network, ops = parameters.network, NumPyOps(parameters.dtype)
    size, dtype = network.dynamics.noise_per_step(len(network.units)), parameters.dtype
    groups = parameters.kernels, parameters.vectors, {} if plan is None else plan.factors
    perturbed = Perturbed(ops, network, *map(ops.arrays, groups))
    arrays: Arrays = {}
    for chunk, start in enumerate(range(0, len(trials), CHUNK)):
        rows = slice(start, start + CHUNK)
        inputs = ops.array(trials.inputs[rows])
        here = noise[rows] if isinstance(noise, np.ndarray) else noise
        drawn = _drawn(here, chunk, len(inputs), size, dtype)
        happening = {} if plan is None else plan.at(rows)
        part = _unrolled(perturbed, inputs, drawn, happening, record)
        place(arrays, part, rows, len(trials))
    return arrays


def _unrolled(
    perturbed: Perturbed,
    inputs: np.ndarray,
    drawn: Callable[[int], np.ndarray | None],
    happening: Arrays,
    record: tuple[str, ...],
) -> Arrays:
    """Return outputs and what is recorded of a chunk, each (trial, time, ...)."""
    state, kept = perturbed.start(len(inputs)), {"outputs": [], **{name: [] for name in record}}
    for t in range(inputs.shape[1]):
        at = {name: values[t] for name, values in happening.items()}
        state = perturbed.step(state, inputs[:, t], drawn(t), at)
        rates = perturbed.rates(state, at)
        kept["outputs"].append(perturbed.output(rates, at))
        if "states" in record:
            kept["states"].append(stacked(list(state.values()), np.stack))
        if "rates" in record:
            kept["rates"].append(rates)
    return {name: np.stack(values, axis=1) for name, values in kept.items()}


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
    """Return whether there is noise, True or None, or the normals themselves."""
    if isinstance(given, (bool, np.bool_)):
        return True if given and n else None
    array, wanted = np.asarray(given), (*trials.inputs.shape[:2], n)
    if array.shape != wanted:
        raise ValueError(
            "`noise` must be True, False, or an array (trial, time, noise_per_step) = "
            f"{wanted}, got the shape {array.shape}."
        )
    return array if n else None


def _drawn(
    noise: int | np.ndarray | None, chunk: int, n_trials: int, size: int, dtype: str
) -> Callable[[int], np.ndarray | None]:
    """Return a function that gives the normals of a step, (trial, noise_per_step), or None."""
    if noise is None:
        return lambda t: None
    if isinstance(noise, np.ndarray):
        return lambda t: noise[:, t]
    n = n_trials * size
    if dtype == "float32" and networks.missing() is None:
        from neurotask.backend.kernels.noise import draw

        def by_kernel(t: int) -> np.ndarray:
            drawn = np.empty((1, n), np.float32)
            draw(np.uint64(noise), chunk, t, drawn)
            return drawn.reshape(n_trials, size)

        return by_kernel
    return lambda t: philox.normals(noise, chunk, t, n, dtype).reshape(n_trials, size)
