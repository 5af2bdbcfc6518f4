"""How many principal components hold from one half of the trials to the other."""

from collections.abc import Sequence
from typing import overload

import numpy as np
import xarray as xr

from neurotask._blocks import by_trial
from neurotask._checks import choose, count
from neurotask.analysis._alignment import activity
from neurotask.analysis._groups import Grouped, each_group
from neurotask.analysis.population.conditions import (
    Which,
    Window,
    averaged,
    condition_names,
    condition_of,
    counting,
    single_trials,
)
from neurotask.analysis.population.cross_validated_result import CrossValidatedPCA
from neurotask.analysis.population.halves import halves
from neurotask.analysis.population.pca import Center


@overload
def cross_validated_pca(
    session: xr.Dataset,
    *,
    of: str = "rates",
    align: str | None = None,
    condition: str | Sequence[str] | None = None,
    trials: Which = "all",
    center: Center = "mean",
    window: Window | None = None,
    n_repeats: int = 20,
    seed: int = 0,
    by: None = None,
) -> CrossValidatedPCA: ...
@overload
def cross_validated_pca(
    session: xr.Dataset,
    *,
    of: str = "rates",
    align: str | None = None,
    condition: str | Sequence[str] | None = None,
    trials: Which = "all",
    center: Center = "mean",
    window: Window | None = None,
    n_repeats: int = 20,
    seed: int = 0,
    by: str | Sequence[str],
) -> Grouped[CrossValidatedPCA]: ...
def cross_validated_pca(
    session: xr.Dataset,
    *,
    of: str = "rates",
    align: str | None = None,
    condition: str | Sequence[str] | None = None,
    trials: Which = "all",
    center: Center = "mean",
    window: Window | None = None,
    n_repeats: int = 20,
    seed: int = 0,
    by: str | Sequence[str] | None = None,
) -> CrossValidatedPCA | Grouped[CrossValidatedPCA]:
    """Find how many components of the condition averages are more than the noise of their trials.

    The trials of each condition are divided at random into two halves. Principal components v_i
    come from the averages A over the first; B are those over the other. Noise of the two halves is
    independent, so that

        reliable variance of component i = sum over conditions and times of (A v_i)(B v_i)

    is 0 on average where a component holds nothing but noise. Predicting B from the first k
    components of A leaves the error |B - sum over i <= k of (A v_i) v_i'|^2, which falls as
    long as components hold more signal than noise and then grows.

    Args:
        session: a Session with (trial, time, unit) activity; blocks are cut into their trials.
        of: the activity, "rates" or "states".
        align: phase whose start is time 0; trials without it are left out. The start of the trial
            unless given.
        condition: coordinate of `trial` whose levels are the conditions, or several, whose
            combinations are; the Session's attribute `psychometric_axis` unless given.
        trials: "all", or "correct" to leave out errors (see `pca`).
        center: "mean" or "time" (see `pca`); done in each half by itself.
        window: (start, stop) in ms from the event: times that are used.
        n_repeats: how often the trials are divided.
        seed: of the divisions.
        by: name or names of what to group by: each group is analysed by itself.

    Returns:
        A `CrossValidatedPCA`, or with `by` a mapping from group to it.

    Raises:
        TypeError: if `session` is no Session.
        ValueError: if a name is unknown, a condition has fewer than two trials at a time, or the
            activity does not vary.

    Source: Stringer, Pachitariu, Steinmetz, Carandini & Harris (2019), Nature 571, 361-365 (the
        reliable variance).

    Example:
        >>> import numpy as np, xarray as xr
        >>> from neurotask.analysis import cross_validated_pca
        >>> random = np.random.default_rng(0)
        >>> coherence = np.repeat([-0.5, 0.0, 0.5], 40)
        >>> rates = 0.2 * random.normal(size=(120, 10, 8))
        >>> rates[..., 0] += coherence[:, None] * np.arange(10)
        >>> session = xr.Dataset(
        ...     {"rates": (("trial", "time", "unit"), rates)},
        ...     {"coherence": ("trial", coherence), "time": np.arange(10) * 10.0},
        ... )
        >>> cross_validated_pca(session, condition="coherence").n_components
        1
    """
    choose("center", center, ("mean", "time"))
    count("n_repeats", n_repeats, low=2)

    def analyse(part: xr.Dataset) -> CrossValidatedPCA:
        part = by_trial(part)
        n_units = activity(part, of).sizes["unit"]
        names = condition_names(part, condition)
        which = counting(part, trials)
        averages = averaged(part, of, align, names, which, window)
        time = averages.values["time"].to_numpy()
        values = single_trials(part, of, align, time, n_units).to_numpy()
        used = which & np.asarray(~np.isnan(values).all(axis=(1, 2)))
        place = condition_of(part.isel(trial=used), averages, names)
        pairs = halves(values[used], place, n_repeats, seed)
        held = [_held(_centred(a, center), _centred(b, center), of) for a, b in pairs]
        fitted, shared, error = (np.array(one) for one in zip(*held, strict=True))
        # Over the mean of all divisions: in a single one, the sum may come near 0 or below.
        whole = shared.sum(axis=1).mean()
        return CrossValidatedPCA(
            fitted_by_repeat=fitted,
            reliable_by_repeat=shared / whole if whole > 0 else np.full(shared.shape, np.nan),
            error_by_repeat=error,
            n_trials=averages.n_trials,
            of=of,
            align=align,
            condition=names,
            center=center,
            trials=trials,
        )

    return each_group(session, by, analyse, together=False)


def _centred(values: np.ndarray, center: Center) -> np.ndarray:
    """Averages less their mean, as (sample, unit)."""
    axes = (0, 1) if center == "mean" else 0
    return (values - values.mean(axes, keepdims=True)).reshape(-1, values.shape[-1])


def _held(a: np.ndarray, b: np.ndarray, of: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """What components of A fit of A and hold in B, (component,), and the errors, (component + 1,).

    As shares of the variance of A, in the unit of the variance, and as shares of that of B.
    """
    if np.allclose(a, 0, atol=1e-12) or np.allclose(b, 0, atol=1e-12):
        raise ValueError(
            f"`of` must be activity that varies with condition or time, got {of!r}, which is "
            "constant after centring. Look at the network, or take another variable."
        )
    components = np.linalg.svd(a, full_matrices=False)[2]
    along, other = a @ components.T, b @ components.T
    fitted, shared = (along**2).sum(0), (along * other).sum(0)
    total = (b**2).sum()
    # |B - sum of (A v_i) v_i'|^2, one component after the other.
    error = (total + np.concatenate([[0.0], np.cumsum(fitted - 2 * shared)])) / total
    return fitted / fitted.sum(), shared, error
