"""Weights that are known already."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from neurotask.backend.initializers.base import Initializer
from neurotask.distributions import plain


@dataclass(frozen=True)
class Given(Initializer):
    """The effective weights themselves, as `model.effective_weights()` returns them.

    They are used as they are: factors of a mask do not multiply them, and what contradicts the
    synapses or the types of the units is refused.

    Args:
        values: array (post, pre), or (gate, post, pre); 0 where no synapse exists.

    Raises:
        ValueError: for values that are not finite numbers, and, when a model is made, for another
            shape than the kernel's, weights of absent synapses and signs against Dale's law.

    Example:
        >>> rng = np.random.default_rng(0)
        >>> Given([[0.5, -1.0]]).sample(rng, np.ones((1, 2)), np.array([1, -1]))
        array([[ 0.5, -1. ]])
    """

    values: Any

    def __post_init__(self) -> None:
        object.__setattr__(self, "values", plain(_finite(self.values)))

    def sample(
        self, rng: np.random.Generator, strength: np.ndarray, sign: np.ndarray
    ) -> np.ndarray:
        return checked(np.array(self.values), strength, sign)


def checked(weights: np.ndarray, strength: np.ndarray, sign: np.ndarray) -> np.ndarray:
    """Return weights that a kernel can start from, or raise.

    Args:
        weights: effective weights, (..., post, pre).
        strength: 0 where there is no synapse, (..., post, pre).
        sign: sign of each presynaptic unit, (pre,).
    """
    weights = _finite(weights)
    _check_shape(weights, strength)
    _check_absent(weights, strength)
    _check_signs(weights, sign)
    return weights + 0.0


def _finite(values: Any) -> np.ndarray:
    try:
        array = np.asarray(values)
    except ValueError:  # rows of several lengths
        raise ValueError(
            "`values` must be an array (post, pre) of numbers, got rows of several lengths."
        ) from None
    if array.ndim not in (2, 3) or array.dtype.kind not in "biuf":
        raise ValueError(
            "`values` must be an array (post, pre) or (gate, post, pre) of numbers, got "
            f"{array.dtype} of shape {array.shape}."
        )
    bad = np.argwhere(~np.isfinite(array))
    if len(bad):
        raise ValueError(
            f"`values` must be finite, but {len(bad)} are not, the first, "
            f"{array[tuple(bad[0])]}, at {_place(bad[0])}."
        )
    return array.astype(float)


def _check_shape(weights: np.ndarray, strength: np.ndarray) -> None:
    if weights.shape != strength.shape:
        axes = "(post, pre)" if strength.ndim == 2 else "(gate, post, pre)"
        raise ValueError(
            f"`values` must have the shape {axes} = {strength.shape}, got {weights.shape}."
        )


def _check_absent(weights: np.ndarray, strength: np.ndarray) -> None:
    absent = np.argwhere((strength == 0) & (weights != 0))
    if len(absent):
        raise ValueError(
            f"`values` must be 0 where no synapse exists, but {len(absent)} are not, the first at "
            f"{_place(absent[0])}. Set them to 0 or allow these synapses."
        )


def _check_signs(weights: np.ndarray, sign: np.ndarray) -> None:
    against = weights * sign < 0
    if against.any():
        unit = int(np.flatnonzero(against.any(axis=tuple(range(against.ndim - 1))))[0])
        kind, wanted = (
            ("excitatory", "0 or more") if sign[unit] > 0 else ("inhibitory", "0 or less")
        )
        raise ValueError(
            f"`values` must obey Dale's law, but {against.sum()} do not, the first from unit "
            f"{unit} ({kind}, so {wanted}). Change their signs or the types of the units."
        )


def _place(index: np.ndarray) -> str:
    axes = "(post, pre)" if len(index) == 2 else "(gate, post, pre)"
    return f"{axes} = {tuple(index.tolist())}"
