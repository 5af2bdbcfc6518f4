"""Averages of activity taken apart into what depends on time, on each factor, on several."""

from itertools import combinations, product

import numpy as np

from neurotask._checks import listed
from neurotask.analysis._alignment import Averages


def lattice(averages: Averages, factors: tuple[str, ...]) -> tuple[np.ndarray, np.ndarray]:
    """Return condition averages with an axis a factor, and the place of each condition on them.

    Args:
        averages: averages over the combinations of the factors.
        factors: the names of the factors.

    Returns:
        Values, (level of factor 1, ..., time, unit), levels in sorted order; and the place of each
        condition in the flattened axes of the factors, (condition,).
    """
    values = averages.values
    names = ("condition",) if len(factors) == 1 else factors
    columns = [values[name].to_numpy() for name in names]
    levels, places = zip(*(np.unique(c, return_inverse=True) for c in columns), strict=True)
    for name, found in zip(factors, levels, strict=True):
        if len(found) < 2:
            raise ValueError(
                f"`factors` must have two levels or more, got {name!r}, which is "
                f"{found.tolist()[0]!r} in all trials that count. Leave it out, or give more."
            )
    shape = tuple(len(found) for found in levels)
    place = np.asarray(np.ravel_multi_index(places, shape))
    missing = [
        " and ".join(f"{n} {level}" for n, level in zip(factors, combination, strict=True))
        for i, combination in enumerate(product(*(found.tolist() for found in levels)))
        if i not in place.tolist()
    ]
    if missing:
        raise ValueError(
            f"`factors` must have trials of every combination of their levels, got none of "
            f"{listed(missing)}. Give trials of these, leave a factor out, or leave levels out of "
            "the Session."
        )
    flat = np.empty(values.shape)
    flat[place] = values.to_numpy()
    return flat.reshape(*shape, *values.shape[1:]), place


def marginalize(
    values: np.ndarray, factors: tuple[str, ...], *, separate_time: bool
) -> dict[str, np.ndarray]:
    """Return the parts that values, less their mean, are the sum of, each in the shape of values.

    The part of a set of axes is what depends on these together and on no fewer: along each axis of
    the set its mean is taken off, over each other axis the mean is taken. Parts are orthogonal.

    Args:
        values: (level of factor 1, ..., time, unit).
        factors: the names of the factors.
        separate_time: whether what depends on factors and time is a part of its own. Else it is
            added to what depends on the factors alone.

    Source: Kobak et al. (2016), eLife 5:e10989, "Marginalization procedure".
    """
    axes = ("time", *factors)
    place = {"time": len(factors), **{name: i for i, name in enumerate(factors)}}
    parts: dict[str, np.ndarray] = {}
    sets = [chosen for n in range(1, len(axes) + 1) for chosen in combinations(axes, n)]
    for chosen in sets:
        part = values
        for axis in axes:
            mean = part.mean(place[axis], keepdims=True)
            part = part - mean if axis in chosen else np.broadcast_to(mean, values.shape)
        of_factors = [name for name in chosen if name != "time"]
        with_time = "time" in chosen and (separate_time or not of_factors)
        label = ":".join([*of_factors, *(["time"] if with_time else [])])
        parts[label] = parts[label] + part if label in parts else part
    return dict(sorted(parts.items(), key=lambda item: (item[0] != "time", item[0].count(":"))))
