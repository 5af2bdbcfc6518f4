"""How the state after a step depends on the state before it, for one state or many."""

from typing import Any

import numpy as np
import tensorflow as tf

from neurotask.backend.dynamics.base import State, Weights
from neurotask.backend.network import Network
from neurotask.backend.tensors import TensorOps, derivatives

_AT_ONCE = 2_000_000  # entries of an array that the copies of states may take: 16 MB


def derived_by_state(
    network: Network, ops: TensorOps, weights: Weights, state: State, inputs: Any
) -> np.ndarray:
    """Return d after / d before of noise-free steps, (trial, variable * unit, variable * unit).

    Each state is stepped once for each of its entries, and each copy is differentiated by one.

    Args:
        network: what the network is beside its weights.
        ops: the engine.
        weights: what its `prepare` returned.
        state: the state before, each variable (trial, unit).
        inputs: what comes in, (trial, input).
    """
    one = next(iter(state.values()))
    n_trials, n = one.shape[0], len(state) * one.shape[-1]
    found = np.empty((n_trials, n, n))
    size = max(1, _AT_ONCE // n**2)
    for first in range(0, n_trials, size):
        rows = slice(first, first + size)
        part = {name: tf.repeat(values[rows], n, 0) for name, values in state.items()}
        with tf.GradientTape() as tape:
            tape.watch(part)
            after = network.step(ops, weights, part, tf.repeat(inputs[rows], n, 0), None)
            joined = tf.concat(list(after.values()), -1)
        eye = tf.tile(tf.eye(n, dtype=joined.dtype), (joined.shape[0] // n, 1))
        by = derivatives(tape, joined, list(part.values()), eye)
        found[rows] = tf.concat(by, -1).numpy().reshape(-1, n, n)
    return found
