"""What an initializer is, and the one place where mask factors and signs meet a draw."""

from abc import ABC, abstractmethod
from collections.abc import Callable

import numpy as np

from neurotask.backend.settings import Setting


class Initializer(Setting, ABC):
    """Draws the effective weights that a kernel starts from.

    One of your own is a frozen dataclass with a `sample`; `folded` sees to masks and signs.

    Example:
        >>> from dataclasses import dataclass
        >>> @dataclass(frozen=True)
        ... class Sparse(Initializer):
        ...     share: float = 0.1
        ...
        ...     def sample(self, rng, strength, sign):
        ...         values = rng.random(strength.shape) < self.share
        ...         return folded(values, strength, sign)
        >>> Sparse(0.5).sample(np.random.default_rng(0), np.ones((2, 2)), np.array([1, -1]))
        array([[ 0., -1.],
               [ 1., -1.]])
    """

    @abstractmethod
    def sample(
        self, rng: np.random.Generator, strength: np.ndarray, sign: np.ndarray
    ) -> np.ndarray:
        """Return effective weights, shape of `strength`, with exact 0 where no synapse exists.

        Args:
            rng: generator of the draw.
            strength: shape (..., post, pre): 0 where no synapse exists, elsewhere the factor that
                the mask gives it, 1 by default. Leading axes are gates, each a kernel of its own.
            sign: sign of each presynaptic unit, (pre,): 1, -1, or 0 for any.
        """


def folded(values: np.ndarray, strength: np.ndarray, sign: np.ndarray) -> np.ndarray:
    """Return values with the sign of their source and the factor of their synapse.

    Args:
        values: finite values, (..., post, pre) or what broadcasts to it.
        strength: factor of each synapse, (..., post, pre); 0: there is none.
        sign: sign of each source, (pre,); where it is 0 the values keep theirs.

    Returns:
        Effective weights, (..., post, pre).

    Example:
        >>> folded(np.array([[1.0, 2.0, -3.0]]), np.array([[0.0, 0.5, 1.0]]), np.array([-1, -1, 0]))
        array([[ 0., -1., -3.]])
    """
    # + 0.0 turns the -0.0 of absent inhibitory synapses into 0.0.
    return np.where(sign == 0, values, np.abs(values) * sign) * strength + 0.0


def by_gate(draw: Callable[[np.ndarray], np.ndarray], strength: np.ndarray) -> np.ndarray:
    """Return `draw(strength)` of each gate, (..., post, pre), for what needs single matrices."""
    weights = np.empty(strength.shape)
    for gate in np.ndindex(strength.shape[:-2]):
        weights[gate] = draw(strength[gate])
    return weights


def check_square(name: str, strength: np.ndarray) -> None:
    """Raise where the sources of a kernel are not its own units."""
    post, pre = strength.shape[-2:]
    if post != pre:
        raise ValueError(
            f"`{name}` needs a square kernel, got (post, pre) = ({post}, {pre}). Keep it for "
            "recurrent synapses or use initializers.Gaussian()."
        )


def check_size(name: str, value: float, sign: np.ndarray) -> None:
    """Raise where a value is negative though its sign comes from the source."""
    if value < 0 and (sign != 0).any():
        raise ValueError(
            f"`{name}` must be 0 or more where units have types, since the sign is that of the "
            f"source (Dale's law), got {value!r}. Give {-value!r}."
        )
