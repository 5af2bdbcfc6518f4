"""Trials that a neurogym environment made one by one, as one labelled batch."""

from typing import TYPE_CHECKING

import numpy as np

from neurotask.interop._columns import as_phases, column, column_name, merged
from neurotask.interop._neurogym_probe import Layout
from neurotask.interop._neurogym_reading import answer_due, last_phase, right_answer
from neurotask.interop._neurogym_trial import RawTrial
from neurotask.phases import Phases
from neurotask.trials import UNSCORED, Trials

if TYPE_CHECKING:
    from neurotask.interop._neurogym_task import NeurogymTask


def as_batch(task: "NeurogymTask", trials: list[RawTrial], layout: Layout) -> Trials:
    """Return trials as a batch, padded to the longest of them and of those known before."""
    lengths = np.array([len(trial.inputs) for trial in trials])
    n_steps = max(layout.n_steps, int(lengths.max()))
    names = merged([layout.phases, *(trial.phases for trial in trials)])
    phases = as_phases([trial.phases for trial in trials], names, lengths, layout.dt)
    wanted = _padded([trial.wanted for trial in trials], n_steps)
    present = np.arange(n_steps) < lengths[:, None]
    if layout.continuous:
        targets, answers = wanted, np.full(len(trials), UNSCORED)
    else:
        n, fixation = len(layout.outputs), layout.fixation
        targets = np.eye(n, dtype=np.float32)[wanted] * present[..., None]
        answers = np.array([right_answer(trial.wanted, fixation, n) for trial in trials])
    weight = _balanced(wanted, present, phases, layout) if task.balance else present
    return Trials(
        task=task,
        inputs=_padded([trial.inputs for trial in trials], n_steps),
        targets=targets.astype(np.float32),
        mask=np.repeat(weight[..., None], targets.shape[2], axis=2).astype(np.float32),
        columns=_columns(trials, layout),
        phases=phases,
        answers=answers,
    )


def _balanced(
    wanted: np.ndarray, present: np.ndarray, phases: Phases, layout: Layout
) -> np.ndarray:
    """Return weights (trial, time): 1, and such that the steps of the answer weigh as the rest."""
    if layout.continuous:
        due = last_phase(phases, present.shape[1])
    else:
        due = answer_due(wanted, present, layout.fixation)
    n_due = due.sum(1)
    n_others = phases.lengths - n_due
    weight = np.where((n_due > 0) & (n_others > 0), n_others / np.maximum(n_due, 1), 1.0)
    return np.where(due, weight[:, None], present)


def _columns(trials: list[RawTrial], layout: Layout) -> dict[str, np.ndarray]:
    known = layout.conditions
    names = dict.fromkeys([*known, *(name for trial in trials for name in trial.conditions)])
    return {
        column_name(name): column(
            [trial.conditions.get(name) for trial in trials], known.get(name, [None])
        )
        for name in names
    }


def _padded(arrays: list[np.ndarray], n_steps: int) -> np.ndarray:
    """Return arrays (time, ...) of different length as one (trial, time, ...), 0 behind them."""
    out = np.zeros((len(arrays), n_steps, *arrays[0].shape[1:]), arrays[0].dtype)
    for row, array in zip(out, arrays, strict=True):
        row[: len(array)] = array
    return out
