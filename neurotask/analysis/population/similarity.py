"""How alike two populations are, whatever their units are called: CKA, Procrustes, CCA."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from neurotask._checks import number
from neurotask.analysis.population.matching import Reading, matched
from neurotask.analysis.population.samples import Window


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class Similarity:
    """How alike two populations are; `cka`, `procrustes` and `cca` make it.

    Args:
        value: the figure; NaN where the data do not determine it.
        measure: its name.
        n_samples: number of samples (conditions x times).
        n_units: number of units of each.
        status: "ok", or "undetermined: " and why.
        correlations: the canonical correlations, from large to small ("cca"); else empty.
    """

    value: float
    measure: str
    n_samples: int
    n_units: tuple[int, int]
    status: str = "ok"
    correlations: np.ndarray = field(default_factory=lambda: np.empty(0))

    def __float__(self) -> float:
        return self.value

    @property
    def table(self) -> pd.DataFrame:
        """Return the figures as one row."""
        names = ("measure", "value", "n_samples", "status")
        row: dict[str, Any] = {name: getattr(self, name) for name in names}
        row |= {"n_units_a": self.n_units[0], "n_units_b": self.n_units[1]}
        return pd.DataFrame([row])

    def __repr__(self) -> str:
        a, b = self.n_units
        return (
            f"<Similarity ({self.measure}) {self.value:.4g}: {a} and {b} units, "
            f"{self.n_samples} samples; {self.status}>"
        )


def cka(
    a: Any,
    b: Any,
    *,
    debiased: bool = False,
    condition: str | Sequence[str] | None = None,
    of: str = "rates",
    align: str | None = None,
    window: Window | None = None,
    bin: float | None = None,
    trials: str = "all",
) -> Similarity:
    """Compare two populations by which samples are alike in each: centred kernel alignment.

    1 if one is a rotation and scaling of the other, 0 if they are uncorrelated. It does not change
    if either is rotated, scaled or shifted. Large components count more than small ones.

    Args:
        a: a Session, or an array (sample, unit).
        b: another; the numbers of units may differ. Two Sessions (networks, or a network and a
            recording) are compared by their condition averages at the same conditions and times.
        debiased: whether to take off what chance adds where units are many and samples few; it
            takes samples to be independent, and is 0 on average where populations are.
        condition: of Sessions: coordinate of `trial` whose levels are the conditions, or several;
            their attribute `psychometric_axis` unless given.
        of: of Sessions: the activity.
        align: of Sessions: phase whose start is time 0.
        window: of Sessions: (start, stop) in ms from there.
        bin: of Sessions: width in ms that averages are averaged over.
        trials: of Sessions: "all" or "correct".

    Returns:
        A `Similarity`.

    Raises:
        TypeError: if one is an array and the other a Session.
        ValueError: if conditions, times or samples do not match.

    Source: Kornblith, Norouzi, Lee & Hinton (2019), ICML, equations 4 and 5; debiased after Song et
        al. (2012), Journal of Machine Learning Research 13, 1393-1434, equation 5.

    Example:
        >>> import numpy as np
        >>> from neurotask.analysis import cka
        >>> a = np.random.default_rng(0).normal(size=(50, 3))
        >>> rotated = a @ np.linalg.qr(np.random.default_rng(1).normal(size=(3, 3)))[0]
        >>> round(cka(a, 2 * rotated + 1).value, 6)
        1.0
    """
    reading = Reading(
        condition=condition, of=of, align=align, window=window, bin=bin, trials=trials
    )
    return _cka(*matched(a, b, reading), debiased)


def procrustes(
    a: Any,
    b: Any,
    *,
    condition: str | Sequence[str] | None = None,
    of: str = "rates",
    align: str | None = None,
    window: Window | None = None,
    bin: float | None = None,
    trials: str = "all",
) -> Similarity:
    """Return the angle between two populations after the best rotation of one onto the other.

    0 if one is a rotation, reflection and scaling of the other, pi / 2 if no rotation aligns them.
    It is a metric: populations may be clustered by it. Of different numbers of units, the smaller
    is taken to have further units that are constant.

    Args:
        a: a Session, or an array (sample, unit); see `cka`.
        b: another.
        condition: see `cka`, as for all that follows.
        of: the activity.
        align: phase whose start is time 0.
        window: (start, stop) in ms from there.
        bin: width in ms.
        trials: "all" or "correct".

    Returns:
        A `Similarity`, whose value is a distance in radians.

    Raises:
        TypeError: if one is an array and the other a Session.
        ValueError: if conditions, times or samples do not match.

    Source: Williams, Kunz, Kornblith & Linderman (2021), NeurIPS 34, section 2 (angular distance).

    Example:
        >>> import numpy as np
        >>> from neurotask.analysis import procrustes
        >>> procrustes([[0, 0], [1, 0], [0, 1]], [[0, 0], [0, 2], [-2, 0]]).value < 1e-7
        True
    """
    reading = Reading(
        condition=condition, of=of, align=align, window=window, bin=bin, trials=trials
    )
    return _procrustes(*matched(a, b, reading))


def cca(
    a: Any,
    b: Any,
    *,
    variance: float = 0.99,
    condition: str | Sequence[str] | None = None,
    of: str = "rates",
    align: str | None = None,
    window: Window | None = None,
    bin: float | None = None,
    trials: str = "all",
) -> Similarity:
    """Return the mean canonical correlation of two populations.

    Each is first reduced to the principal components that hold a share of its variance, so that
    directions of noise do not count as much as those of signal (SVCCA). With variance=1 it does
    not change under any invertible linear map of the units of either. The mean is over the
    correlations of the population with fewer components.

    Args:
        a: a Session, or an array (sample, unit); see `cka`.
        b: another.
        variance: share of the variance of each that is kept, above 0 to 1.
        condition: see `cka`, as for all that follows.
        of: the activity.
        align: phase whose start is time 0.
        window: (start, stop) in ms from there.
        bin: width in ms.
        trials: "all" or "correct".

    Returns:
        A `Similarity` with `correlations`. Its value is NaN where the components of both are
        no fewer than the samples: then some correlation is 1 whatever the data.

    Raises:
        TypeError: if one is an array and the other a Session.
        ValueError: if conditions, times or samples do not match.

    Source: Raghu, Gilmer, Yosinski & Sohl-Dickstein (2017), NeurIPS 30; by singular values after
        Björck & Golub (1973), Mathematics of Computation 27, 579-594.

    Example:
        >>> import numpy as np
        >>> from neurotask.analysis import cca
        >>> a = np.random.default_rng(0).normal(size=(50, 3))
        >>> round(cca(a, a @ [[1, 2, 0], [0, 1, 5], [0, 0, 3]], variance=1).value, 6)
        1.0
    """
    number("variance", variance, low=0, high=1, above=True)
    reading = Reading(
        condition=condition, of=of, align=align, window=window, bin=bin, trials=trials
    )
    return _cca(*matched(a, b, reading), variance)


def _cka(a: np.ndarray, b: np.ndarray, debiased: bool = False) -> Similarity:
    name = "debiased cka" if debiased else "cka"
    about: dict[str, Any] = {"measure": name, "n_samples": len(a), "n_units": _n_units(a, b)}
    lost = _flat(a, b)
    if lost or (debiased and len(a) < 4):
        return Similarity(value=np.nan, status=lost or "undetermined: < 4 samples", **about)
    a, b = a - a.mean(axis=0), b - b.mean(axis=0)
    if not debiased:
        # |A'B|^2 / (|A'A| |B'B|), Frobenius norms of centred arrays
        scale = np.linalg.norm(a.T @ a) * np.linalg.norm(b.T @ b)
        return Similarity(value=float(np.linalg.norm(a.T @ b) ** 2 / scale), **about)
    first, second = a @ a.T, b @ b.T
    own = _hsic(first, first) * _hsic(second, second)
    if own <= 0:
        return Similarity(value=np.nan, status="undetermined: too few samples", **about)
    return Similarity(value=float(_hsic(first, second) / np.sqrt(own)), **about)


def _hsic(a: np.ndarray, b: np.ndarray) -> float:
    """The unbiased estimate of the Hilbert-Schmidt independence criterion."""
    n = len(a)
    k, m = (one - np.diag(np.diag(one)) for one in (a, b))
    # [tr KM + 1'K1 1'M1 / (n - 1)(n - 2) - 2 1'KM1 / (n - 2)] / n(n - 3), diagonals 0
    rest = k.sum() * m.sum() / ((n - 1) * (n - 2)) - 2 * (k.sum(0) @ m.sum(0)) / (n - 2)
    return float(((k * m).sum() + rest) / (n * (n - 3)))


def _procrustes(a: np.ndarray, b: np.ndarray) -> Similarity:
    about: dict[str, Any] = {
        "measure": "procrustes",
        "n_samples": len(a),
        "n_units": _n_units(a, b),
    }
    lost = _flat(a, b)
    if lost:
        return Similarity(value=np.nan, status=lost, **about)
    a, b = ((one - one.mean(axis=0)) for one in (a, b))
    a, b = a / np.linalg.norm(a), b / np.linalg.norm(b)
    # arccos of the largest tr(A'BQ) over rotations Q, which is the sum of singular values of A'B
    alike = np.linalg.svd(a.T @ b, compute_uv=False).sum()
    return Similarity(value=float(np.arccos(np.clip(alike, 0.0, 1.0))), **about)


def _cca(a: np.ndarray, b: np.ndarray, variance: float = 0.99) -> Similarity:
    about: dict[str, Any] = {"measure": "cca", "n_samples": len(a), "n_units": _n_units(a, b)}
    lost = _flat(a, b)
    if lost:
        return Similarity(value=np.nan, status=lost, **about)
    u, v = _basis(a, variance), _basis(b, variance)
    correlations = np.clip(np.linalg.svd(u.T @ v, compute_uv=False), 0.0, 1.0)
    n = u.shape[1] + v.shape[1]
    if len(a) <= n:
        why = f"undetermined: {len(a)} samples for {n} components, of which some must correlate"
        return Similarity(value=np.nan, status=why, correlations=correlations, **about)
    return Similarity(value=float(correlations.mean()), correlations=correlations, **about)


def _basis(x: np.ndarray, variance: float) -> np.ndarray:
    """Orthonormal scores of the components that hold the variance, (sample, component)."""
    u, s, _ = np.linalg.svd(x - x.mean(axis=0), full_matrices=False)
    held = np.cumsum(s**2) / (s**2).sum()
    rank = int((s > s[0] * max(x.shape) * np.finfo(float).eps).sum())
    return u[:, : min(rank, int(np.searchsorted(held, variance - 1e-12)) + 1)]


def _n_units(a: np.ndarray, b: np.ndarray) -> tuple[int, int]:
    return a.shape[1], b.shape[1]


def _flat(a: np.ndarray, b: np.ndarray) -> str:
    """Why two populations cannot be compared, or nothing."""
    for name, one in (("a", a), ("b", b)):
        if (np.ptp(one, axis=0) <= 1e-12 * np.abs(one).max()).all():
            return f"undetermined: the activity of `{name}` does not vary"
    return ""
