"""The regressors of a history kernel."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from neurotask.analysis._rows import unanswered
from neurotask.analysis.behavior.past import numbers_of, past, runs_of, sides

# Names of the parts of history, and what they are called in a figure: by `outcome`, or if that is
# "correct".
KERNELS = {
    "after_choice": ("choice", "choice"),
    "after_correct": ("choice, {}", "choice, correct"),
    "after_error": ("choice, no {}", "choice, error"),
    "after_unscored": ("choice, {} unknown", "choice, unscored"),
}


def kernel_label(kernel: str, outcome: str | None) -> str:
    """What a part of history is called in a figure."""
    return KERNELS[kernel][outcome == "correct"].format(str(outcome).replace("_", " "))


@dataclass(frozen=True, eq=False, kw_only=True)
class Design:
    """Regressors of choice.

    Args:
        values: 0 where a trial has no part in one, (trial, column).
        kernel: names of the columns, (column,).
        lag: trials back; 0 for a stimulus, -1 for the bias, (column,).
        side: 1 or -1 for the choice, NaN for none, (trial,).
        answered: whether there is a valid choice, (trial,).
        complete: whether all trials in the past are known, (trial,).
    """

    values: np.ndarray
    kernel: list[str]
    lag: np.ndarray
    side: np.ndarray
    answered: np.ndarray
    complete: np.ndarray

    def at(self, rows: Any) -> "Design":
        """Return the design of some trials."""
        parts = ("values", "side", "answered", "complete")
        some = {name: getattr(self, name)[rows] for name in parts}
        return Design(kernel=self.kernel, lag=self.lag, **some)


def design(
    table: pd.DataFrame,
    stimuli: list[str],
    positive: Any,
    outcome: str | None,
    edges: tuple[str, ...],
    n_back: int,
) -> Design:
    """Return the regressors of all trials: bias, stimuli, and each part of history by lag."""
    side, runs, numbers = sides(table, positive), runs_of(table, edges), numbers_of(table)
    kinds = _kinds(table, outcome)
    columns = [np.ones(len(table)), *(table[name].to_numpy(float) for name in stimuli)]
    kernel, lag = ["bias", *stimuli], [-1, *(0 for _ in stimuli)]
    complete = np.ones(len(table), bool)
    for back in range(1, n_back + 1):
        choice = past(side, runs, back, numbers)
        complete &= ~np.isnan(choice)
        for name, kind in kinds.items():
            inside = past(kind, runs, back, numbers) == 1
            columns.append(np.where(inside, np.nan_to_num(choice), 0.0))
            kernel.append(name)
            lag.append(back)
    order = sorted(range(len(kernel)), key=lambda i: (lag[i] > 0, _place(kernel[i]), lag[i]))
    return Design(
        values=np.stack([columns[i] for i in order], axis=1),
        kernel=[kernel[i] for i in order],
        lag=np.array([lag[i] for i in order]),
        side=side,
        answered=~np.isnan(side),
        complete=complete,
    )


def _place(kernel: str) -> int:
    return list(KERNELS).index(kernel) if kernel in KERNELS else -1


def _kinds(table: pd.DataFrame, outcome: str | None) -> dict[str, np.ndarray]:
    """Whether each trial belongs to each part of history."""
    if outcome is None:
        return {"after_choice": np.ones(len(table))}
    values = pd.to_numeric(table[outcome], errors="coerce").astype(float)
    bad = table[outcome][table[outcome].notna() & ~values.isin([0, 1])]
    if len(bad):
        raise ValueError(
            f"`outcome` must name what is 1, 0 or NaN, got {bad.iloc[0]} in {outcome!r}. "
            "Say which trials were correct or rewarded."
        )
    kinds = {"after_correct": values == 1, "after_error": values == 0}
    unknown = values.isna() & ~unanswered(table)
    if unknown.any():
        kinds["after_unscored"] = unknown
    return {name: kind.to_numpy(float) for name, kind in kinds.items()}
