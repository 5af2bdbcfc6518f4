"""Demixed principal components: directions that each tell of one factor of the task."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, overload

import numpy as np
import pandas as pd
import xarray as xr

from neurotask._blocks import by_trial
from neurotask._checks import choose, count, number
from neurotask.analysis._alignment import Averages, activity
from neurotask.analysis._arguments import names_of
from neurotask.analysis._groups import Grouped, each_group
from neurotask.analysis.population.conditions import (
    Which,
    Window,
    averaged,
    condition_of,
    counting,
    known_names,
    single_trials,
)
from neurotask.analysis.population.demixing import Whole, demix, rows, shares
from neurotask.analysis.population.dpca_result import DPCA
from neurotask.analysis.population.marginals import lattice, marginalize
from neurotask.analysis.population.pseudotrials import cross_validate


@overload
def dpca(
    session: xr.Dataset,
    *,
    factors: str | Sequence[str],
    n_components: int | Mapping[str, int] = 3,
    of: str = "rates",
    align: str | None = None,
    window: Window | None = None,
    trials: Which = "all",
    regularization: float | Literal["cv"] = 0.0,
    separate_time: bool = False,
    n_repeats: int = 10,
    seed: int = 0,
    by: None = None,
) -> DPCA: ...
@overload
def dpca(
    session: xr.Dataset,
    *,
    factors: str | Sequence[str],
    n_components: int | Mapping[str, int] = 3,
    of: str = "rates",
    align: str | None = None,
    window: Window | None = None,
    trials: Which = "all",
    regularization: float | Literal["cv"] = 0.0,
    separate_time: bool = False,
    n_repeats: int = 10,
    seed: int = 0,
    by: str | Sequence[str],
) -> Grouped[DPCA]: ...
def dpca(
    session: xr.Dataset,
    *,
    factors: str | Sequence[str],
    n_components: int | Mapping[str, int] = 3,
    of: str = "rates",
    align: str | None = None,
    window: Window | None = None,
    trials: Which = "all",
    regularization: float | Literal["cv"] = 0.0,
    separate_time: bool = False,
    n_repeats: int = 10,
    seed: int = 0,
    by: str | Sequence[str] | None = None,
) -> DPCA | Grouped[DPCA]:
    """Find components of a population that each depend on one factor of the task.

    Activity is averaged over the trials of each combination of the factors, and the averages are
    taken apart into marginalizations: what depends on time alone ("time"), on each factor
    ("coherence", with or without time), on each pair ("coherence:choice"), and so on. Of each one,
    decoders read it from the whole activity and encoders give it back, with the least squared
    error. Every combination weighs the same, whatever its number of trials.

    Args:
        session: a Session with (trial, time, unit) activity; blocks are cut into their trials.
        factors: coordinates of `trial`, such as ("coherence", "choice"). Every combination of
            their levels needs a trial.
        n_components: number of components of each marginalization, or a mapping from its name to
            it (0 where it is not named). Fewer are found where it has fewer dimensions.
        of: the activity, "rates" or "states".
        align: phase whose start is time 0; trials without it are left out. The start of the trial
            unless given.
        window: (start, stop) in ms from the event: times that are used; all times that half of the
            trials of each combination have unless given.
        trials: "all", or "correct" to leave out errors (see `pca`).
        regularization: weight r of the penalty (r |X|)^2 |F D|^2, which keeps decoders from reading
            noise; or "cv" for the value that predicts left-out trials best.
        separate_time: whether what depends on factors and time is a marginalization of its own,
            such as "coherence:time", in place of a part of "coherence".
        n_repeats: repeats of the cross-validation.
        seed: of the trials it leaves out.
        by: name or names of what to group by: each group is analysed by itself.

    Returns:
        A `DPCA`, or with `by` a mapping from group to `DPCA`.

    Raises:
        TypeError: if `session` is no Session.
        ValueError: if a name is unknown, a combination has no trial, no time is common to all, or
            the activity does not vary.

    Source: Kobak, Brendel, Constantinidis, Feierstein, Kepecs, Mainen, Qi, Romo, Uchida & Machens
        (2016), Demixed principal component analysis of neural population data, eLife 5:e10989.

    Example:
        >>> import numpy as np, xarray as xr
        >>> from neurotask.analysis import dpca
        >>> coherence = np.repeat([-0.5, 0.5], 10)
        >>> time = np.arange(5) * 10.0
        >>> rates = np.zeros((20, 5, 3)) + time[:, None] * [0.0, 1.0, 0.0]
        >>> rates[..., 0] += coherence[:, None]
        >>> session = xr.Dataset(
        ...     {"rates": (("trial", "time", "unit"), rates)},
        ...     {"coherence": ("trial", coherence), "time": time},
        ... )
        >>> fit = dpca(session, factors="coherence")
        >>> fit.table["component"].tolist()
        ['time 1', 'coherence 1']
        >>> (fit.encoders_ + 0.0).round(6).to_numpy().tolist()
        [[0.0, 1.0, 0.0], [1.0, 0.0, 0.0]]
    """
    names = names_of("factors", factors)
    if not names or len(set(names)) < len(names) or "time" in names:
        raise ValueError(
            f"`factors` must name conditions, each once and without time, got {names}. "
            'Try ("coherence", "choice").'
        )
    if regularization != "cv":
        number("regularization", regularization, low=0.0)
    count("n_repeats", n_repeats, low=2)
    settings = _Settings(
        names,
        n_components,
        of,
        align,
        window,
        trials,
        regularization,
        separate_time,
        n_repeats,
        seed,
    )
    return each_group(session, by, lambda part: _analyse(by_trial(part), settings), together=False)


@dataclass(frozen=True)
class _Settings:
    factors: tuple[str, ...]
    n_components: int | Mapping[str, int]
    of: str
    align: str | None
    window: Window | None
    trials: Which
    regularization: float | Literal["cv"]
    separate_time: bool
    n_repeats: int
    seed: int


def _analyse(session: xr.Dataset, asked: _Settings) -> DPCA:
    activity(session, asked.of)
    known_names("factors", session, asked.factors)
    which = counting(session, asked.trials)
    averages = averaged(session, asked.of, asked.align, asked.factors, which, asked.window)
    cube, place = lattice(averages, asked.factors)
    offset = cube.mean(tuple(range(cube.ndim - 1)))
    centred = cube - offset
    if np.allclose(centred, 0, atol=1e-12):
        raise ValueError(
            f"`of` must be activity that varies with factors or time, got {asked.of!r}, which is "
            "constant. Look at the network, or take another variable."
        )
    parts = marginalize(centred, asked.factors, separate_time=asked.separate_time)
    numbers = _numbers(asked.n_components, list(parts))
    strength, errors = asked.regularization, None
    if strength == "cv":
        time = averages.values["time"].to_numpy()
        values = single_trials(session, asked.of, asked.align, time, len(offset)).to_numpy()
        member = condition_of(session, averages, asked.factors)
        used = which & (member >= 0) & np.asarray(~np.isnan(values).all(axis=(1, 2)))
        errors = cross_validate(
            values[used],
            place[member[used]],
            cube.shape[:-2],
            asked.factors,
            numbers,
            separate_time=asked.separate_time,
            n_repeats=asked.n_repeats,
            seed=asked.seed,
        )
        strength = float(errors["regularization"][int(errors["error"].argmin())])
    fit = _fit(averages, centred, parts, numbers, strength)
    return DPCA(
        **fit,
        mean_=offset,
        n_trials=averages.n_trials,
        regularization=strength,
        cross_validation=errors,
        of=asked.of,
        align=asked.align,
        factors=asked.factors,
        trials=asked.trials,
    )


def _numbers(given: int | Mapping[str, int], labels: list[str]) -> dict[str, int]:
    if not isinstance(given, Mapping):
        return dict.fromkeys(labels, count("n_components", given))
    for name in given:
        choose("n_components", name, labels)
    numbers = {label: count("n_components", given.get(label, 0), low=0) for label in labels}
    if not any(numbers.values()):
        raise ValueError(f"`n_components` must ask for one component or more, got {dict(given)}.")
    return numbers


def _fit(
    averages: Averages,
    centred: np.ndarray,
    parts: dict[str, np.ndarray],
    numbers: dict[str, int],
    strength: float,
) -> dict[str, Any]:
    """Return what the components are and explain, as the fields of a `DPCA`."""
    whole, total = Whole.of(centred), float((centred**2).sum())
    found = {label: demix(whole, part, numbers[label], strength) for label, part in parts.items()}
    decoders = np.concatenate([d for d, _ in found.values()])
    encoders = np.concatenate([e for _, e in found.values()])
    explained = shares(decoders, encoders, parts, total)
    owners = np.repeat(list(found), [len(d) for d, _ in found.values()])
    names = [f"{name} {i + 1}" for name, (d, _) in found.items() for i in range(len(d))]

    order = np.argsort(-explained.sum(1), kind="stable")
    decoders, encoders, explained = decoders[order], encoders[order], explained[order]
    component = {
        "component": np.array(names)[order],
        "marginalization": ("component", owners[order]),
    }
    values = averages.values
    coords = {name: c for name, c in values.coords.items() if "unit" not in c.dims}
    unit, dims = {"unit": values["unit"]}, ("component", "unit")
    along = (values.to_numpy() - values.to_numpy().mean((0, 1))) @ decoders.T
    residual = rows(centred) - encoders.T @ (decoders @ rows(centred))
    return dict(
        decoders_=xr.DataArray(decoders, component | unit, dims),
        encoders_=xr.DataArray(encoders, component | unit, dims),
        variance_by_marginalization=xr.DataArray(
            explained, {**component, "part": list(parts)}, ("component", "part")
        ),
        marginal_variance_ratio=pd.Series(
            {name: float((part**2).sum() / total) for name, part in parts.items()},
            name="variance_ratio",
        ),
        total_explained_variance_ratio=1 - float((residual**2).sum()) / total,
        trajectories=xr.DataArray(along, coords | component, ("condition", "time", "component")),
    )
