"""What the data of a psychometric curve cannot tell, and why."""

from dataclasses import dataclass

import numpy as np

from neurotask.analysis.psychometrics.counts import Counts
from neurotask.analysis.psychometrics.likelihood import Posterior, standard
from neurotask.analysis.psychometrics.parameters import ASYMPTOTES, PLACE, STEEPNESS, Frame

# One-sided 1 % point of the normal distribution: the trend over levels that counts as a rise.
_RISE = 2.326
# Half the 95 % point of chi-squared with one degree of freedom: two curves fit about equally well.
_AS_GOOD = 1.92


@dataclass(frozen=True)
class Verdict:
    """Why some figures are undetermined ("" where none is), and which."""

    reason: str
    undetermined: tuple[str, ...]

    @property
    def status(self) -> str:
        return f"undetermined: {self.reason}" if self.reason else "ok"


def judge(
    counts: Counts, posterior: Posterior, frame: Frame, best: np.ndarray, step: np.ndarray
) -> Verdict:
    """Return the first reason, from the gravest, for which the data leave figures undetermined.

    Args:
        counts: the data.
        posterior: the density of the parameters.
        frame: its coordinate.
        best: the most probable free parameters, (free,).
        step: the most probable ones among the steepest curves, (free,).
    """
    return (
        _flat(counts, posterior)
        or _outside(counts, posterior, frame, best)
        or _steep(counts, posterior, best, step)
        or _wide(counts, posterior, frame, best)
        or Verdict("", ())
    )


def trend(n: np.ndarray, k: np.ndarray) -> float:
    """Return z of the Cochran-Armitage test that proportions k / n rise over levels in order."""
    score, p = np.arange(len(n)), k.sum() / n.sum()
    centred = score - (n @ score) / n.sum()
    variance = p * (1 - p) * (n @ centred**2)
    return float((centred @ k) / np.sqrt(variance)) if variance > 0 else 0.0


def _flat(counts: Counts, posterior: Posterior) -> Verdict | None:
    z, share = trend(posterior.n, posterior.k), posterior.k.sum() / posterior.n.sum()
    if z > _RISE:
        return None
    free = posterior.bounds[2:4, 0] < posterior.bounds[2:4, 1]
    asymptotes = [n for n, one in zip(ASYMPTOTES[counts.form], free, strict=True) if one]
    way = "falls" if z < -_RISE else "does not rise"
    advice = "; check `choice` and the sign of the axis" if z < -_RISE else ""
    return Verdict(
        f"P({counts.event}) {way} with {counts.axis} (it is {share:.3g} over all trials, "
        f"trend z = {z:.2g}){advice}",
        (PLACE[counts.form], *STEEPNESS[counts.form], *asymptotes),
    )


def _outside(
    counts: Counts, posterior: Posterior, frame: Frame, best: np.ndarray
) -> Verdict | None:
    low, high = reach(counts, frame)
    location = float(frame.stimulus(frame.to_stimulus(posterior.full(best))[0]))
    if low <= location <= high:
        return None
    name, side = PLACE[counts.form], "above" if location > high else "below"
    return Verdict(
        f"the {name} lies {side} the levels, which go from {low:g} to {high:g}",
        (name, *STEEPNESS[counts.form]),
    )


def _steep(
    counts: Counts, posterior: Posterior, best: np.ndarray, step: np.ndarray
) -> Verdict | None:
    if posterior.log_density(best) - posterior.log_density(step) > _AS_GOOD:
        return None
    on_rise = _between_asymptotes(posterior, step)
    # One level on the rise fixes where a curve rises, but not how steeply; with none on it the
    # threshold of a step may lie anywhere in a gap.
    gone = STEEPNESS[counts.form]
    if counts.form != "signed" and not on_rise.any():
        gone = (PLACE[counts.form], *gone)
    x = counts.levels["x"].to_numpy()
    up = standard(posterior.full(step), posterior.u, posterior.sigmoid) > 0
    below, above = x[~up & ~on_rise].max(initial=x[0]), x[up & ~on_rise].min(initial=x[-1])
    return Verdict(
        f"a step between {below:g} and {above:g} fits as well as any slope; "
        "add levels between them",
        gone,
    )


def _between_asymptotes(posterior: Posterior, x: np.ndarray) -> np.ndarray:
    """Which levels lie off both asymptotes by more than two standard errors, (level,)."""
    theta = posterior.full(x)
    n, p = posterior.n, posterior.k / posterior.n
    ends = np.array([theta[2], 1 - theta[3]])[:, None]
    error = np.sqrt(ends * (1 - ends) / n) + 0.5 / n
    return np.all(np.abs(p - ends) > 2 * error, axis=0)


def _wide(counts: Counts, posterior: Posterior, frame: Frame, best: np.ndarray) -> Verdict | None:
    if counts.form == "nafc":
        return None  # its lower end is known, whether or not levels reach it
    f = posterior.sigmoid.value(standard(posterior.full(best), posterior.u, posterior.sigmoid))
    if f.min() <= 0.25 and f.max() >= 0.75:
        return None
    low, high = reach(counts, frame)
    return Verdict(
        f"the levels, from {low:g} to {high:g}, end before the curve has risen from 25 % to 75 % "
        "of its height; add levels beyond them",
        STEEPNESS[counts.form],
    )


def reach(counts: Counts, frame: Frame) -> tuple[float, float]:
    """Return the least and the largest level that tells where the curve rises.

    On a logarithmic axis that leaves out a strength of zero, where the curve is at the guess rate
    by construction.
    """
    x = counts.levels["x"].to_numpy()
    informative = x[x > 0] if frame.log else x
    return float(informative.min()), float(informative.max())
