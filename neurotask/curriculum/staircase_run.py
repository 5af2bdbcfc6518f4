"""`StaircaseRun`: what a staircase finds of a subject that does not learn from it."""

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from scipy.special import stdtrit

from neurotask._checks import number
from neurotask.curriculum.staircase import Staircase

if TYPE_CHECKING:
    from matplotlib.axes import Axes

# Reversals at the start of each track, on the way to where it hovers, that do not count: so many
# at least, and this share of them.
DROPPED, DROPPED_SHARE = 4, 0.25
# Where more of the trials behind the first quarter are at a bound, the bound is what was found.
MOST_AT_A_BOUND = 0.25


@dataclass(frozen=True, eq=False, repr=False)
class StaircaseRun:
    """Tracks of a staircase on a frozen subject, and the level at which it hovers.

    A reversal is a level from which the track turns: it came from the one side and goes back to it.
    The estimate of a track is the mean over its reversals but the first four, or the first quarter
    where that is more (and one more where an odd number is left, so that peaks and troughs count
    alike); with a factor the mean is taken of logarithms. The estimate of all is the mean over
    tracks.

    Steps of finite size bias it, since the psychometric function is not straight between the levels
    that are visited. With a cumulative Gaussian it comes out too low by about 4 % with
    a factor of 2**0.25, 10 % with 2**0.5 and 22 % with 2 (2-down-1-up); the interval knows nothing
    of that. Small steps from a start that is near help, or a fit to the answers:
    `psychometric(run.table, axis="level", guess_rate=0.5).threshold_at(run.target)`.

    Args:
        staircase: the staircase.
        levels: the level of each trial, as the task took it, (track, trial).
        correct: 1 for a right answer, 0 for a wrong one, NaN where none was right, (track, trial).

    Example:
        >>> from neurotask.tasks.perceptual_discrimination import PerceptualDiscrimination
        >>> task = PerceptualDiscrimination()
        >>> run = Staircase(task, "coherence", start=0.256).measure(task.observer, trials=60)
        >>> low, high = run.interval(0.95)
        >>> bool(low < run.estimate < high)
        True
    """

    staircase: Staircase
    levels: np.ndarray
    correct: np.ndarray

    @property
    def target(self) -> float:
        """Share of right answers at the level that is estimated."""
        return self.staircase.target

    @cached_property
    def reversed(self) -> np.ndarray:
        """Whether the track turns at a trial, (track, trial): the last trial at the level."""
        return np.stack([_turns(track) for track in self.levels])

    @cached_property
    def reversals(self) -> tuple[np.ndarray, ...]:
        """The levels at the reversals of each track."""
        return tuple(track[turns] for track, turns in zip(self.levels, self.reversed, strict=True))

    @cached_property
    def estimates(self) -> np.ndarray:
        """The estimate of each track, (track,); NaN where it has fewer than six reversals."""
        return np.array([self._mean(_settled(levels)) for levels in self.reversals])

    @cached_property
    def status(self) -> str:
        """Either "determined" or why there is no estimate: "undetermined: ..."."""
        settled = self.levels[:, self.levels.shape[1] // 4 :]
        for end in (settled.min(), settled.max()):
            share = float((settled == end).mean())
            if share > MOST_AT_A_BOUND and self.staircase.is_bound(end):
                return f"undetermined: {share:.0%} of the trials are at {end:g}, a bound"
        if np.isnan(self.estimates).all():
            return "undetermined: no track has six reversals"
        return "determined"

    @property
    def estimate(self) -> float:
        """The level at which the share of right answers is `target`; NaN where undetermined."""
        if self.status != "determined":
            return np.nan
        return self._mean(self.estimates[~np.isnan(self.estimates)])

    def interval(self, level: float = 0.95) -> tuple[float, float]:
        """Return the confidence interval of the estimate: Student's t over tracks.

        Args:
            level: its confidence, between 0 and 1.

        Returns:
            Its ends; NaN with fewer than two tracks that have an estimate, or undetermined.
        """
        number("level", level, low=0.0, high=1.0)
        values = self._scaled(self.estimates[~np.isnan(self.estimates)])
        if len(values) < 2 or self.status != "determined":
            return np.nan, np.nan
        half = values.std(ddof=1) / np.sqrt(len(values))
        half *= float(stdtrit(len(values) - 1, (1 + level) / 2))
        low, high = values.mean() - half, values.mean() + half
        return self._unscaled(low), self._unscaled(high)

    @property
    def table(self) -> pd.DataFrame:
        """One row a trial: `track`, `trial`, `level`, `correct`, `reversal`."""
        track, trial = np.indices(self.levels.shape)
        columns = {"track": track, "trial": trial, "level": self.levels}
        columns |= {"correct": self.correct, "reversal": self.reversed}
        return pd.DataFrame({name: values.ravel() for name, values in columns.items()})

    @property
    def mean_level(self) -> np.ndarray:
        """The mean over tracks at each trial, of logarithms with a factor, (trial,)."""
        return np.array([self._mean(levels) for levels in self.levels.T])

    def plot(self, ax: "Axes | None" = None) -> "Axes":
        """Draw the levels of all tracks, their mean, and the estimate with its interval."""
        from neurotask.curriculum._staircase_plot import draw

        return draw(self, ax)

    def __repr__(self) -> str:
        n_tracks, n_trials = self.levels.shape
        low, high = self.interval()
        return (
            f"<StaircaseRun: {self.staircase.parameter} {self.estimate:.4g} "
            f"[{low:.4g}, {high:.4g}] for {self.target:.1%} correct; "
            f"{n_tracks} tracks of {n_trials} trials>"
        )

    # With a factor, steps are equal in logarithms.
    def _scaled(self, levels: Any) -> Any:
        return np.log(levels) if self.staircase.step is None else levels

    def _unscaled(self, value: float) -> float:
        return float(np.exp(value) if self.staircase.step is None else value)

    def _mean(self, levels: np.ndarray) -> float:
        return self._unscaled(self._scaled(levels).mean()) if len(levels) else np.nan


def _turns(levels: np.ndarray) -> np.ndarray:
    """Return whether a track turns after a trial, (trial,)."""
    moves = np.sign(np.diff(levels))
    at = np.flatnonzero(moves)
    turns = np.zeros(len(levels), bool)
    turns[at[1:][moves[at[1:]] != moves[at[:-1]]]] = True
    return turns


def _settled(levels: np.ndarray) -> np.ndarray:
    """Return the levels at reversals without the first ones, as many peaks as troughs."""
    kept = levels[max(DROPPED, int(DROPPED_SHARE * len(levels))) :]
    return kept[len(kept) % 2 :]
