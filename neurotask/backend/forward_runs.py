"""A network run forward by kernels: NumPy arrays in, NumPy arrays out, and no TensorFlow."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from neurotask.backend.arrays import NumPyOps
from neurotask.backend.chunks import Arrays, place
from neurotask.backend.kernels.networks import can_be_perturbed, cell_of, weights_of
from neurotask.backend.network import Network
from neurotask.backend.perturbed import Plan

_DONE = ("rate_gain", "rate_offset", "current", "kick_gain", "kick")  # in the order of `Done`


def covers(network: Network, plan: Plan | None) -> bool:
    """Return whether kernels that can run a network can do to it what is planned."""
    if plan is None:
        return True
    return plan.steady and (can_be_perturbed(network) or not plan.to_any_unit)


def by_kernels(
    network: Network,
    kernels: Mapping[str, Any],
    vectors: Mapping[str, Any],
    inputs: np.ndarray,
    noise: int | np.ndarray | None,
    record: tuple[str, ...],
    chunk: int,
    plan: Plan | None = None,
) -> Arrays:
    """Return "outputs" and what is recorded of a network that kernels cover.

    Args:
        network: the network.
        kernels: effective weights, (post, pre).
        vectors: the other parameters.
        inputs: (trial, time, input).
        noise: 64 bits that name it, or the normals, (trial, time, noise_per_step), or None.
        record: what is recorded of "states" and "rates".
        chunk: trials that share a stream of noise.
        plan: what is done to the network, of which `covers` says yes; None: nothing.

    Returns:
        Arrays (trial, time, output) and (trial, time, unit), in float32.
    """
    ops, n = NumPyOps(), len(inputs)
    # Numbers that are not finite are for whoever reads the outputs.
    with np.errstate(all="ignore"):
        factors = {} if plan is None else plan.factors
        kernels = {
            name: k * factors[name][0] if name in factors else k for name, k in kernels.items()
        }
        prepared = network.prepare(ops, ops.arrays(kernels), ops.arrays(vectors))
        weights = [_writable(w) for w in weights_of(ops, network, prepared)]
        # What a stage before the units sends grows with that stage, and what is done to units
        # with the units: a chunk of it at a time.
        at_once = n if network.feedforward is None and plan is None else chunk
        arrays: Arrays = {}
        for start in range(0, n, at_once):
            rows = slice(start, start + at_once)
            named = _named(network, noise, rows, start // chunk)
            part = _part(
                network,
                weights,
                _writable(network.stage(ops, prepared, ops.array(inputs[rows]))),
                named,
                record,
                chunk,
                {} if plan is None else plan.to_units(rows),
            )
            if at_once == n:
                arrays = part
            else:
                place(arrays, part, rows, n)
        outputs = ops.function(network.output_activation)(arrays["outputs"])
    return arrays | {"outputs": ops.array(outputs)}


def _named(network: Network, noise: int | np.ndarray | None, rows: slice, number: int) -> Any:
    """Return the noise of some rows, the first of which are of this chunk, as kernels take it."""
    from neurotask.backend.kernels.run import NONE, Noise

    size = network.dynamics.noise_per_step(len(network.units))
    if isinstance(noise, np.ndarray):
        return Noise(size, np.uint64(0), number, _writable(noise[rows]))
    return Noise(0 if noise is None else size, np.uint64(noise or 0), number, NONE)


def _part(
    network: Network,
    weights: list[np.ndarray],
    inputs: np.ndarray,
    noise: Any,
    record: tuple[str, ...],
    chunk: int,
    at: Arrays,
) -> Arrays:
    """Return what the outputs receive, and what is recorded; `at` is of `Plan.to_units`."""
    from neurotask.backend.kernels import run

    cell = cell_of(network)
    done = run.Done(*(_writable(at[name]) if name in at else run.NONE for name in _DONE))
    course = run.run(
        cell, cell.weights(*weights), inputs, noise, bool(record), True, chunk, done=done
    )
    part = {"outputs": course.outputs}
    if "states" in record:
        part["states"] = course.states
    if "rates" in record:
        rates = run.rates(cell, course.states, in_place="states" not in record)
        if "rate_gain" in at:
            rates *= at["rate_gain"].swapaxes(0, 1)
            rates += at["rate_offset"].swapaxes(0, 1)
        part["rates"] = rates
    return part


def _writable(values: np.ndarray) -> np.ndarray:
    """Return an array as kernels take it: for one that cannot be written numba compiles anew."""
    return np.require(values, np.float32, ["C", "W"])
