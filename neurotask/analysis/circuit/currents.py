"""Which source drives which unit: the recurrent current decomposed."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pandas as pd
import xarray as xr
from matplotlib.axes import Axes

from neurotask._blocks import by_trial
from neurotask.analysis._alignment import average, step_of
from neurotask.analysis._arguments import numbers
from neurotask.analysis.circuit import current_plot as plotting
from neurotask.analysis.circuit._sent import Sent, check_session, sent
from neurotask.analysis.circuit._weights import kernels_of, labels_of
from neurotask.analysis.population.conditions import condition_names, counting


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class Currents:
    """What each unit receives from each source.

    `currents` makes it.

    Args:
        values: the currents, (condition, time, source, unit) or (trial, time, source, unit), in
            units of what the units receive; time in ms from the event. Sources are the groups of
            recurrent units, then "input", "feedback" and "bias" where they were given.
        excitation: the positive part of what the recurrent synapses bring, (condition, time, unit).
        inhibition: the negative part of it.
        labels: group of each unit by `by`, (unit,): what the recurrent sources are.
        by: what the sources are: "group", "cell_type", "area", or the name of the labels given.
        of: the variable of the Session that is sent.
        align: phase whose start is time 0, None for the start of the trial.
        condition: names whose levels are the conditions; ("trial",) where each trial is for itself.
        n_trials: trials averaged in each condition.
    """

    values: xr.DataArray
    excitation: xr.DataArray
    inhibition: xr.DataArray
    labels: np.ndarray
    by: str
    of: str
    align: str | None
    condition: tuple[str, ...]
    n_trials: pd.Series

    @property
    def sources(self) -> tuple[str, ...]:
        """Return the names of the sources."""
        return tuple(self.values["source"].to_numpy().tolist())

    @property
    def targets(self) -> tuple[str, ...]:
        """Return the groups of units that receive, in the order of the sources."""
        return tuple(dict.fromkeys(np.sort(self.labels).tolist()))

    @property
    def total(self) -> xr.DataArray:
        """Return the sum over sources, (condition, time, unit)."""
        return self.values.sum("source", skipna=False)

    @property
    def balance(self) -> xr.DataArray:
        """Return (E + I) / (E - I) of the recurrent synapses, (condition, time, unit).

        With E the excitation and I <= 0 the inhibition that a unit receives: 1 where it is all
        excitation, -1 where it is all inhibition, 0 where they cancel; NaN where there is neither.
        """
        size = self.excitation - self.inhibition
        return ((self.excitation + self.inhibition) / size.where(size != 0)).rename("balance")

    @property
    def table(self) -> pd.DataFrame:
        """Return one row a source and target group.

        Columns: `source`, `target`, `n_units` (that receive), `mean` (over conditions, times and
        units), `mean_absolute`, `variance` (over conditions and times, its mean over units), and
        `share`: the covariance of the current with the total current over the variance of the
        total, summed over the units. The shares of a target sum to 1; one below 0 is of a source
        that cancels others. NaN where the total current does not vary.
        """
        first = self.values.dims[0]
        every = self.values.stack(place=(first, "time")).transpose("source", "unit", "place")
        flat = every.to_numpy()
        flat = flat[:, :, ~np.isnan(flat).any(axis=(0, 1))]
        centred = flat - flat.mean(2, keepdims=True)
        along = (centred * centred.sum(0)).mean(2)  # covariance with the total, (source, unit)
        rows = []
        for target in self.targets:
            inside = self.labels == target
            total = along[:, inside].sum()
            scale = np.square(flat[:, inside]).sum() / flat.shape[2]
            varies = total > 1e-24 * scale
            for at, source in enumerate(self.sources):
                here = flat[at][inside]
                rows.append(
                    {
                        "source": source,
                        "target": target,
                        "n_units": int(inside.sum()),
                        "mean": here.mean(),
                        "mean_absolute": np.abs(here).mean(),
                        "variance": (centred[at][inside] ** 2).mean(),
                        "share": along[at, inside].sum() / total if varies else np.nan,
                    }
                )
        return pd.DataFrame(rows)

    def plot(self, ax: Any = None, *, show: Literal["mean", "units"] = "mean") -> np.ndarray | Axes:
        """Draw the current of each source into each target group, a panel each.

        They are in the arbitrary units of the network. The bias is a source only if it was given.

        Args:
            ax: axes, (source, target) of them; those of a new figure unless given.
            show: "mean": the mean over the units that receive, a line a condition; "units": each
                unit's mean over conditions, as colours.

        Returns:
            The axes, (source, target).
        """
        return plotting.draw(self, ax, show)

    def __repr__(self) -> str:
        first = "trials" if self.condition == ("trial",) else f"conditions of {self._conditions}"
        return (
            f"<Currents from {', '.join(self.sources)} into {len(self.labels)} units: "
            f"{self.values.shape[0]} {first}, {self.values.sizes['time']} times, from {self.of}>"
        )

    def _repr_html_(self) -> str:
        return self.table.to_html(float_format="{:.4g}".format, index=False)

    @property
    def _conditions(self) -> str:
        return ", ".join(self.condition)


def currents(
    session: xr.Dataset,
    weights: Any,
    *,
    by: Any = "group",
    of: str = "rates",
    condition: str | Sequence[str] | None = None,
    align: str | None = None,
    trials: Literal["all", "correct"] = "all",
    bias: Any = None,
    start: Any = None,
) -> Currents:
    """Decompose what the units receive into what each source sends them.

    The current into unit i from the units of a source S at step t is

        I_{i <- S}(t) = sum over j in S of W_ij r_j(t - 1)

    since in the network's equation the rates of step t - 1 act in step t, whereas the input of step
    t acts in it: W_in u_t. The currents of all sources sum to W r + W_in u + W_fb z + b, which is
    what a rate unit low-pass filters; the network's noise is not among them. Where synapses have
    short-term plasticity, r_j is what they let through, utilization x resources x rate.

    The rates that act in the first step are those of the state before it, which no Session holds:
    give them as `start`, else the first step is NaN, and left out of averages. (Feedback has no
    first step in either case.)

    The average of currents is the current of averaged rates: averages are as exact as trials.

    Args:
        session: a Session with `of`, recorded without a perturbation of weights; blocks are cut
            into their trials.
        weights: `model.effective_weights()`. Of a mapping with "input" and "feedback" these are
            sources too; with the recurrent matrix alone (or an array (post, pre), as a model of a
            recording gives) the units are all.
        by: what makes units one source: "group" (area and cell type), "cell_type", "area", "unit",
            or one label for each unit.
        of: what is sent, (trial, time, unit).
        condition: coordinate of `trial` whose levels are the conditions, or several, whose
            combinations are; "trial" for each trial by itself; the Session's attribute
            `psychometric_axis` unless given.
        align: phase whose start is time 0; the start of the trial unless given.
        trials: "all", or "correct" to average over correct trials alone.
        bias: the bias of each unit, (unit,), as `model.parameters().vectors["bias"]`; no source
            unless given.
        start: the rates before the first step, (unit,), as `model.rates(vectors["initial_state"])`.

    Returns:
        A `Currents`.

    Raises:
        TypeError: if `session` is no Session, or the weights are not labelled.
        ValueError: if Session and weights have different units, a name is unknown, or the weights
            are of gates, whose currents do not add.

    Source: Perich et al. (2020) bioRxiv 2020.12.18.423348, eq. 2: current-based decomposition,
        here of a network whose weights are known.

    Example:
        >>> import numpy as np, xarray as xr
        >>> from neurotask.analysis import currents
        >>> rates = np.random.default_rng(0).random((4, 3, 2))
        >>> session = xr.Dataset({"rates": (("trial", "time", "unit"), rates)}, {
        ...     "trial": range(4), "time": [0.0, 10.0, 20.0]})
        >>> weights = np.array([[0.0, -1.0], [2.0, 0.0]])
        >>> found = currents(session, weights, by=["E", "I"], condition="trial")
        >>> found.values.sel(source="I")[:, 1, 0].values == -rates[:, 0, 1]
        array([ True,  True,  True,  True])
    """
    kernels = kernels_of(weights)
    recurrent = kernels["recurrent"]
    name, labels = labels_of(recurrent, by)
    check_session(session, of, recurrent.sizes["unit"])
    session = by_trial(session)
    _check_steps(session)
    what = sent(session, kernels, of, start)
    names = condition_names(session, condition)
    if names == ("trial",):
        data, n_trials = _single(session, what), pd.Series(1, range(session.sizes["trial"]))
    else:
        laid = session.drop_dims({"unit", "input", "output"} & {*map(str, session.dims)})
        laid = laid.drop_vars(list(laid.data_vars)).assign(sent=what.values)
        averages = average(laid, "sent", align, names, counting(session, trials))
        data, n_trials = averages.values, averages.n_trials
    coords = {str(k): c for k, c in data.coords.items() if "unit" not in c.dims}
    coords |= {str(k): c for k, c in recurrent.coords.items() if c.dims == ("unit",)}
    parts = _parts(data.to_numpy(), what, kernels, labels, bias)
    first = data.dims[0]
    dims = (first, "time", "source", "unit")
    values = xr.DataArray(
        np.stack(list(parts.values()), axis=2), {**coords, "source": np.array([*parts])}, dims
    ).rename("current")
    excitation, inhibition = (
        xr.DataArray(side, coords, (first, "time", "unit"), name=kind)
        for kind, side in _sides(data.to_numpy(), what, recurrent.to_numpy().astype(float)).items()
    )
    return Currents(
        values=values,
        excitation=excitation,
        inhibition=inhibition,
        labels=labels,
        by=name,
        of=of,
        align=align,
        condition=names,
        n_trials=n_trials,
    )


def _check_steps(session: xr.Dataset) -> None:
    """Raise unless the steps of a Session follow one another."""
    step = step_of(session)
    if not np.isclose(step, session.attrs.get("dt", step), rtol=1e-3):
        raise ValueError(
            f"`session` must hold every step, since the rates of one act in the next, got steps "
            f"{step:g} ms apart where dt is {session.attrs['dt']:g} ms. Take steps of the result."
        )


def _single(session: xr.Dataset, what: Sent) -> xr.DataArray:
    """Return what is sent in each trial, (trial, time, column), with what trials are of."""
    on_trials = {k: c for k, c in session.coords.items() if c.dims == ("trial",)}
    return what.values.assign_coords(on_trials | {"time": session["time"]})


def _parts(
    data: np.ndarray, what: Sent, kernels: dict[str, xr.DataArray], labels: np.ndarray, bias: Any
) -> dict[str, np.ndarray]:
    """Return the current of each source, (condition, time, unit), from what is sent."""
    recurrent = kernels["recurrent"].to_numpy().astype(float)
    rates = what.positive(data) + what.negative(data)
    parts = {}
    for source in np.unique(labels):
        members = np.flatnonzero(labels == source)
        parts[str(source)] = rates[..., members] @ recurrent[:, members].T
    for kernel in ("input", "feedback"):
        if kernel in what.columns:
            matrix = kernels[kernel].transpose("unit", ...).to_numpy().astype(float)
            parts[_free(kernel, parts)] = data[..., what.columns[kernel]] @ matrix.T
    if bias is not None:
        given = numbers("bias", f"one number for each of the {len(labels)} units", bias)
        if given.shape != (len(labels),):
            raise ValueError(
                f"`bias` must be one number for each of the {len(labels)} units, got the shape "
                f'{given.shape}. Give model.parameters().vectors["bias"].'
            )
        missing = np.where(np.isnan(rates).any(-1, keepdims=True), np.nan, 0.0)
        parts[_free("bias", parts)] = missing + given
    return parts


def _free(name: str, parts: dict[str, np.ndarray]) -> str:
    """Return a name that no group of units has."""
    return name if name not in parts else f"{name} (outside)"


def _sides(data: np.ndarray, what: Sent, recurrent: np.ndarray) -> dict[str, np.ndarray]:
    """Return excitation and inhibition by the recurrent synapses, (condition, time, unit)."""
    above, below = what.positive(data), what.negative(data)
    excite, inhibit = recurrent.clip(min=0).T, recurrent.clip(max=0).T
    return {
        "excitation": above @ excite + below @ inhibit,
        "inhibition": above @ inhibit + below @ excite,
    }
