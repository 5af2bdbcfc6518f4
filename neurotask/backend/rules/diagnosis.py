"""What was found of a rule on a probe batch, and the numbers that it is told in."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from neurotask.backend.rules.base import LearningRule

# Singular values of the learning signal below so many roundings of the largest are rounding.
_ROUNDINGS = 100


@dataclass(frozen=True, eq=False)
class Diagnosis:
    """What a rule does to a network on a probe batch. What cannot be said is NaN.

    With g what the rule hands to its optimizer for the batch and b the gradient of BPTT (both
    before clipping, penalties included), F the feedback, e the errors and q = F e,

        cosine to BPTT = g.b / |g||b|,      feedback alignment = <F, W_out^T> / |F||W_out|,
        participation ratio = (sum s²)² / sum s⁴ of the singular values s of q

    Args:
        rule: the rule.
        updates: how many updates the network has had.
        n_trials: number of trials of the probe batch.
        of: what was compared with BPTT: the "gradient" that the rule descends over whole trials,
            weights held; or, of a rule that computes none (FORCE, Miconi's, one of your own without
            `gradients`), minus the "change" of the weights by one update on the probe batch, with
            all that clips or scales it.
        cosines: cosine to BPTT by kernel and vector, of raw weights, as an optimizer sees them.
        cosine_to_bptt: the same over all weights together. Most rules give the readout its
            gradient: of credit among units the cosines of the other kernels tell.
        gradient_norms: norm of g by kernel and vector; with of="change", of that.
        bptt_norms: norm of b by kernel and vector.
        update_norms: norm of the change that one update on the probe batch makes, by kernel and
            vector, of the weights as the network uses them; clipping and the optimizer as it now is
            are in it.
        feedback_alignment: cosine between F and W_out^T; NaN for rules without such feedback.
        feedback_correlation: correlation over units of F with W_out^T, by output.
        signal_rank: rank of q, (time x trial, unit); NaN as above.
        signal_participation_ratio: over how many directions q is spread, from 1 to its rank.

    Source: feedback alignment: Lillicrap et al. (2016) Nat Commun 7:13276; alignment of gradients:
    Marschall, Cho & Savin (2020) JMLR 21:135; participation ratio: Gao et al. (2017) bioRxiv
    214262.
    """

    rule: LearningRule
    updates: int
    n_trials: int
    of: str
    cosines: Mapping[str, float]
    cosine_to_bptt: float
    gradient_norms: Mapping[str, float]
    bptt_norms: Mapping[str, float]
    update_norms: Mapping[str, float]
    feedback_alignment: float
    feedback_correlation: Mapping[str, float]
    signal_rank: float
    signal_participation_ratio: float

    def table(self) -> pd.DataFrame:
        """Return one row a kernel or vector, and "all" of them together."""
        norms = {
            "gradient_norm": self.gradient_norms,
            "bptt_norm": self.bptt_norms,
            "update_norm": self.update_norms,
        }
        table = pd.DataFrame({"cosine_to_bptt": self.cosines, **norms})
        together = {name: float(np.linalg.norm(list(of.values()))) for name, of in norms.items()}
        table.loc["all"] = {"cosine_to_bptt": self.cosine_to_bptt, **together}
        return table.rename_axis("weights")

    def row(self) -> dict[str, float]:
        """Return all that may be followed over training, flat, as `Diagnostics` logs it."""
        return {
            "cosine_to_bptt": self.cosine_to_bptt,
            "feedback_alignment": self.feedback_alignment,
            "signal_rank": self.signal_rank,
            "signal_participation_ratio": self.signal_participation_ratio,
            **{f"cosine_to_bptt_{name}": value for name, value in self.cosines.items()},
            **{f"update_norm_{name}": value for name, value in self.update_norms.items()},
        }

    def __repr__(self) -> str:
        return f"<Diagnosis of {self._about()}>"

    def _repr_html_(self) -> str:
        return f"<p>{self._about()}</p>{self.table().to_html(float_format='{:.3g}'.format)}"

    def _about(self) -> str:
        cosines = f"cosine of its {self.of} to BPTT {self.cosine_to_bptt:.3f}"
        if "recurrent" in self.cosines:
            cosines += f", of recurrent weights {self.cosines['recurrent']:.3f}"
        feedback = "no feedback of errors to units"
        if not np.isnan(self.signal_rank):
            feedback = (
                f"feedback alignment {self.feedback_alignment:.3f}, learning signal of rank "
                f"{self.signal_rank:g}, participation ratio {self.signal_participation_ratio:.2f}"
            )
        trials = f"{self.n_trials} trials"
        return f"{self.rule!r} after {self.updates} updates, {trials}: {cosines}; {feedback}"


def cosine(one: np.ndarray, two: np.ndarray) -> float:
    """Return the cosine between two arrays; NaN where one of them is 0."""
    one, two = np.ravel(one).astype(float), np.ravel(two).astype(float)
    size = np.linalg.norm(one) * np.linalg.norm(two)
    return float(one @ two / size) if size > 0 else np.nan


def dimensions(signal: np.ndarray) -> tuple[float, float]:
    """Return rank and participation ratio of learning signals, (..., unit).

        (sum s²)² / sum s⁴,   s the singular values of (step x trial, unit)

    Example:
        >>> dimensions(np.eye(3))
        (3.0, 3.0)
    """
    rows = np.reshape(signal, (-1, signal.shape[-1]))
    rows = rows[rows.any(1)].astype(float)
    if not np.isfinite(rows).all():
        return np.nan, np.nan
    if not len(rows):
        return 0.0, np.nan
    s = np.linalg.svd(rows, compute_uv=False)
    s = s / s[0]
    least = _ROUNDINGS * np.finfo(signal.dtype).eps
    return float((s > least).sum()), float((s**2).sum() ** 2 / (s**4).sum())
