"""The settings of a `Connectivity` as plain data: checked one by one, and merged two by two."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from neurotask._checks import number
from neurotask.backend.sides import ARROW, synapse_labels
from neurotask.distributions import plain

LAWS = ("magnitude", "projection")


def mask(value: Any) -> Any:
    """Return factors of the weights as nested tuples: booleans where all are 0 or 1."""
    if value is None:
        return None
    array = _matrix("mask", value, "must be an array (post, pre) of numbers of 0 or more")
    if not (np.isfinite(array).all() and (array >= 0).all()):
        wrong = array[~(np.isfinite(array) & (array >= 0))]
        raise ValueError(
            f"`mask` must be an array (post, pre) of numbers of 0 or more, got {wrong[0]:g}. "
            "The sign of a weight is no matter of the mask: use `sign`, or units with types."
        )
    return plain(array.astype(bool) if np.isin(array, (0, 1)).all() else array.astype(float))


def frozen(value: Any) -> Any:
    """Return True, labels, or nested tuples of booleans; None where nothing is frozen."""
    if value is None or isinstance(value, bool):
        return value or None
    if isinstance(value, (str, tuple, list)) and has_labels(value):
        return synapse_labels("frozen", value) or None
    must = 'must be True, labels such as "E->I", or an array (post, pre) of 0 and 1'
    array = _matrix("frozen", value, must)
    if not np.isin(array, (0, 1)).all():
        wrong = array[~np.isin(array, (0, 1))]
        raise ValueError(f"`frozen` {must}, got {wrong[0]:g}.")
    return plain(array.astype(bool))


def density(value: Any) -> Any:
    """Return a share, or shares by label in the order of the labels."""
    if not isinstance(value, Mapping):
        return number("density", value, low=0.0, high=1.0, above=True)
    shares = {}
    for label, share in value.items():
        (one,) = synapse_labels("density", (label,))
        if one in shares:
            raise ValueError(f"`density` must give one share for each label, got two of {one!r}.")
        shares[one] = number(f"density[{one!r}]", share, low=0.0, high=1.0, above=True)
    return dict(sorted(shares.items())) or 1.0


def unit_labels(name: str, value: Any) -> tuple[str, ...] | None:
    """Return labels of units or channels in a tuple."""
    labels = (value,) if isinstance(value, str) else value
    if labels is None:
        return None
    if isinstance(labels, (tuple, list)) and labels:
        if all(isinstance(one, str) and ARROW not in one for one in labels):
            return tuple(labels)
    raise ValueError(f'`{name}` must be a label such as "PPC.E", or several, got {value!r}.')


def sign(value: Any) -> Any:
    """Return a sign, or one for each that sends."""
    if value is None:
        return None
    array = np.asarray(value)
    if array.dtype.kind in "iuf" and array.ndim <= 1 and np.isin(array, (-1, 0, 1)).all():
        return plain(array.astype(int)) if array.ndim else int(array)
    raise ValueError(
        f"`sign` must be 1, -1, 0 for any, or one of them for each that sends, got {value!r}."
    )


def _matrix(name: str, value: Any, must: str) -> np.ndarray:
    """Return an array with two dimensions of numbers, else raise."""
    try:
        array = np.asarray(value)
    except ValueError:
        raise ValueError(f"`{name}` {must}, got rows of different length.") from None
    if array.ndim != 2 or array.dtype.kind not in "biuf":
        raise ValueError(f"`{name}` {must}, got {array.dtype} of shape {array.shape}.")
    return array


def has_labels(value: Any) -> bool:
    """Return whether `frozen` is made of labels, not of rows."""
    return value is not None and all(isinstance(one, str) for one in value)


def product(one: Any, two: Any) -> Any:
    """Return the product of two masks."""
    if one is None or two is None:
        return one if two is None else two
    return np.multiply(*_alike("mask", one, two))


def united(one: Any, two: Any) -> Any:
    """Return what either of two says is frozen."""
    if one is None or two is None:
        return one if two is None else two
    if one is True or two is True:
        return True
    if has_labels(one) != has_labels(two):
        raise ValueError("`frozen` must be labels in both or an array in both, got one of each.")
    return (*one, *two) if has_labels(one) else np.logical_or(*_alike("frozen", one, two))


def _alike(name: str, one: Any, two: Any) -> tuple[np.ndarray, np.ndarray]:
    if np.shape(one) != np.shape(two):
        raise ValueError(
            f"`{name}` must have one shape (post, pre) in both, got {np.shape(one)} and "
            f"{np.shape(two)}."
        )
    return np.asarray(one), np.asarray(two)
