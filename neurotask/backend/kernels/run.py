"""A network run forward and backward by kernels: NumPy arrays in, NumPy arrays out."""

import itertools
from dataclasses import dataclass
from typing import Any

import numpy as np

from neurotask.backend.kernels.blocks import Noise
from neurotask.backend.kernels.cells import AnyCell, Cell
from neurotask.backend.kernels.crew import CREW, shards
from neurotask.backend.kernels.leaky import Done, Weights
from neurotask.backend.kernels.transfer import NAMES, apply
from neurotask.backend.memory import ROOMS, aligned

__all__ = [
    "NAMES", "NONE", "UNTOUCHED", "Cell", "Course", "Done", "Noise", "Weights", "gradients",
    "rates", "run",
]  # fmt: skip

NONE = np.zeros((0, 0, 0), np.float32)
UNTOUCHED = Done(NONE, NONE, NONE, NONE, NONE)


@dataclass(frozen=True, eq=False)
class Course:
    """What a network did.

    Args:
        outputs: W_out r + b_out, (trial, time, output).
        states: after each step, (time, trial, variable x unit), or (trial, time, unit), or (trial,
            time, variable, unit) of several variables; without units where they are not kept.
        received: what the way back needs beside, such as what the transfer function was of where
            that is not the state, (time x numbers, trial, unit); without units: nothing.
    """

    outputs: np.ndarray
    states: np.ndarray
    received: np.ndarray


def run(
    cell: AnyCell,
    w: Any,
    inputs: np.ndarray,
    noise: Noise,
    keep: bool,
    trial_first: bool = False,
    chunk: int = 0,
    states: bool = True,
    done: Done = UNTOUCHED,
) -> Course:
    """Run trials forward.

    Args:
        cell: what kind of units there are.
        w: their weights, `cell.weights(...)`.
        inputs: (trial, time, input).
        noise: the noise.
        keep: whether to keep what the way back needs, or, with trials first, the states alone.
        trial_first: whether what is kept is (trial, time, unit); else (time, trial, unit).
        chunk: trials that share the noise of an update, the next having that of the next, with
            trials first; 0: all share it.
        states: whether states are kept even if the way back can do without.
        done: what is done to the units of a single chunk.
    """
    n_trials, n_steps, _ = inputs.shape
    n, taken = w.output.shape[0], cell.entering(w)
    _check_inputs(w, inputs)
    outputs = aligned(n_trials, n_steps, w.output.shape[1])
    room = _room(cell, keep, keep and (states or cell.by_states), trial_first, inputs, n)
    chunk = chunk or max(n_trials, 1)
    chunks = [slice(at, min(at + chunk, n_trials)) for at in range(0, n_trials, chunk)]
    parts = [
        (number, rows, shard)
        for number, rows in enumerate(chunks)
        for shard in shards(rows.stop - rows.start)
    ]

    def work(at: int) -> None:
        number, rows, shard = parts[at]
        here = noise._replace(update=noise.update + number, given=noise.given[rows])
        kept, past = (room[0][rows], room[1][rows]) if trial_first else room
        cell.forward(shard, taken, inputs[rows], here, done, trial_first, kept, past, outputs[rows])

    CREW.run(work, len(parts))
    kept, past = room
    if trial_first and cell.variables > 1:
        shape = cell.variables, kept.shape[2] // cell.variables
        kept = kept.reshape(n_trials, n_steps, *shape)
    return Course(outputs, kept, past)


def _room(
    cell: AnyCell, past: bool, states: bool, trial_first: bool, inputs: np.ndarray, n_units: int
) -> tuple[np.ndarray, np.ndarray]:
    """Return room for states, and for what else the way back needs; without units for nothing."""
    n_trials, n_steps, _ = inputs.shape
    width = cell.variables * n_units if states else 0
    if trial_first:
        return aligned(n_trials, n_steps, width), aligned(n_trials, n_steps, 0)
    beside = cell.past if past else 0
    past_room = ROOMS.take(n_steps * max(beside, 1), n_trials, n_units if beside else 0)
    return ROOMS.take(n_steps, n_trials, width), past_room


def _check_inputs(w: Any, inputs: np.ndarray) -> None:
    """Raise unless inputs are those of the weights: kernels write where they are told to."""
    if inputs.shape[2] != w.input.shape[0]:
        raise ValueError(f"`inputs` must have {w.input.shape[0]} channels, got {inputs.shape[2]}.")


def rates(cell: AnyCell, states: np.ndarray, in_place: bool) -> np.ndarray:
    """Return what the units send, (trial, time, unit).

    Args:
        cell: what kind of units there are.
        states: their states, trials first.
        in_place: whether the room of the states may be used.
    """
    number = cell.activation
    if number is None:
        if cell.variables > 1:
            return states[:, :, 0].copy()
        return states if in_place else states.copy()
    sent = states if in_place else aligned(*states.shape)
    parts = shards(len(states))

    def work(at: int) -> None:
        rows = slice(*parts[at])
        apply(number, states[rows].reshape(-1), sent[rows].reshape(-1))

    CREW.run(work, len(parts))
    return sent


def gradients(
    cell: AnyCell,
    w: Any,
    inputs: np.ndarray,
    noise: Noise,
    course: Course,
    by_outputs: np.ndarray,
    by_states: np.ndarray = NONE,
    *,
    passes: int = 0,
    every: int = 0,
    factors: bool = False,
    wants_inputs: bool = False,
) -> tuple[Any, np.ndarray]:
    """Return how a loss depends on the weights, and on the inputs.

    Args:
        cell: what kind of units there are.
        w: their weights, `cell.weights(...)`.
        inputs: (trial, time, input).
        noise: the noise.
        course: what `run` returned, with time first.
        by_outputs: how the loss depends on the outputs, (trial, time, output), or `NONE`.
        by_states: how it depends on the states beside, (time, trial, variable x unit), or `NONE`.
        passes: what passes from a step to the one before; see `leaky_back`.
        every: steps of a block to which credit is confined; 0: the whole trial.
        factors: whether leak, gain and the factors of noise are wanted; else they are 0.
        wants_inputs: whether the inputs are; else they are `NONE`.
    """
    parts, taken = shards(len(inputs)), cell.entering(w)
    _check_inputs(w, inputs)
    sums = np.zeros((len(parts), sum(values.size for values in taken)), np.float32)
    totals = [_parted(row, taken) for row in sums]
    by_inputs = aligned(*inputs.shape) if wants_inputs else NONE
    back = np.ascontiguousarray(taken.recurrent.swapaxes(-1, -2)), np.ascontiguousarray(w.output.T)

    def work(at: int) -> None:
        cell.adjoint(
            parts[at], taken, back, inputs, noise, (course.states, course.received),
            (by_outputs, by_states), passes, every, factors, totals[at], by_inputs,
        )  # fmt: skip

    CREW.run(work, len(parts))
    with np.errstate(all="ignore"):  # what is not finite is for the learning rule to see
        total = np.add.reduce(sums, 0)
    return cell.leaving(_parted(total, taken)), by_inputs


def _parted(row: np.ndarray, like: Any) -> Any:
    """Return the numbers of a row in arrays of the shapes of a named tuple."""
    ends = itertools.accumulate(values.size for values in like)
    pairs = zip(like, ends, strict=True)
    return type(like)(
        *(row[end - values.size : end].reshape(values.shape) for values, end in pairs)
    )
