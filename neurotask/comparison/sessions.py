"""Sessions of many networks on the same trials as one, with dimensions `variant` and `network`."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import xarray as xr

# What a network did; all else that lies on trials is what it was shown.
DONE = ("choice", "correct", "rt", "error", "reported_direction", "outcome")
NONE = "none"  # choice of a network that did not get as far as the test


def joined(
    sessions: Mapping[tuple[str, int], xr.Dataset | None],
    variants: Sequence[str],
    seeds: Sequence[int],
) -> xr.Dataset:
    """Return one Session, (variant, network, trial, time, ...), from one for each network.

    Where numbers of units differ there is no activity. What a network without a test (None) did is
    NaN, its choices "none".

    Args:
        sessions: by variant and seed.
        variants: names of the variants, in order.
        seeds: the seeds, in order.
    """
    known = [one for one in sessions.values() if one is not None]
    if not known:
        raise ValueError("`runs` must hold a network that was tested, got none.")
    if len({one.sizes.get("unit") for one in known}) > 1:
        known = [one.drop_dims("unit") for one in known]
        sessions = {k: s if s is None else s.drop_dims("unit") for k, s in sessions.items()}
    first = known[0]
    names = [str(name) for name in first.variables if _is_own(str(name), known)]
    stacked = {}
    for name in names:
        like = first[name].variable
        grid = [
            [_values(sessions[variant, seed], name, like) for seed in seeds] for variant in variants
        ]
        stacked[name] = (("variant", "network", *like.dims), np.array(grid), like.attrs)
    shared = first.drop_vars(names)
    for name, variable in stacked.items():
        put = shared.assign_coords if name in first.coords else shared.assign
        shared = put({name: variable})
    shared.attrs = {
        name: value
        for name, value in first.attrs.items()
        if all(_same(value, one.attrs.get(name)) for one in known)
    }
    return shared.assign_coords(variant=list(variants), network=list(seeds))


def _is_own(name: str, sessions: Sequence[xr.Dataset]) -> bool:
    """Whether networks may differ in a variable."""
    if name in DONE or name in ("outputs", "states", "rates"):
        return True
    first = sessions[0].variables[name]
    return not all(name in one.variables and first.equals(one.variables[name]) for one in sessions)


def _values(session: xr.Dataset | None, name: str, like: xr.Variable) -> np.ndarray:
    if session is not None:
        return session[name].to_numpy()
    values: Any = np.nan if like.dtype.kind == "f" else NONE if like.dtype.kind in "UO" else 0
    return np.full(like.shape, values, None if like.dtype.kind in "UO" else like.dtype)


def _same(one: Any, other: Any) -> bool:
    return other is not None and np.array_equal(np.asarray(one), np.asarray(other))
