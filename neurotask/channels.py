"""Channels that belong together: a ring of units, each tuned to a direction of its own."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from neurotask._checks import count, number


@dataclass(frozen=True)
class Ring:
    """A ring of channels whose preferred directions divide the circle evenly, from 0 degrees on.

    It stands for its channels wherever these are named: `inputs = ("fixation", *Ring("motion"))`,
    `t.input(Ring("motion"), ...)`.

    Args:
        name: the channels are called name_0, name_1, ...
        size: number of channels.
        width: standard deviation of the tuning curve, degrees.

    Example:
        >>> ring = Ring("motion", 4)
        >>> list(ring), ring.directions
        (['motion_0', 'motion_1', 'motion_2', 'motion_3'], array([  0.,  90., 180., 270.]))
    """

    name: str
    size: int = 32
    width: float = 22.5

    def __post_init__(self) -> None:
        count("size", self.size, low=2)
        number("width", self.width, low=0.0, above=True)

    def __iter__(self) -> Iterator[str]:
        return (f"{self.name}_{place}" for place in range(self.size))

    def __len__(self) -> int:
        return self.size

    @property
    def directions(self) -> np.ndarray:
        """Preferred direction of each channel in degrees, shape (size,)."""
        return np.arange(self.size) * 360.0 / self.size

    def bump(self, direction: Any) -> np.ndarray:
        """Return the activity of the ring for a direction, its peak 1.

        Args:
            direction: degrees, any shape.

        Returns:
            exp(-d^2 / (2 width^2)) with d the distance on the circle; shape (..., size).
        """
        distance = circular_distance(np.asarray(direction)[..., None], self.directions)
        return np.exp(-0.5 * (distance / self.width) ** 2)

    def cosine(self, direction: Any) -> np.ndarray:
        """Return cos(preferred direction - direction), shape (..., size), for broad tuning."""
        return np.cos(np.deg2rad(self.directions - np.asarray(direction)[..., None]))

    def direction(self, activity: np.ndarray) -> np.ndarray:
        """Return the direction (degrees in [0, 360)) of the population vector.

        Args:
            activity: activity of the ring, (..., size).

        Returns:
            Shape (...). NaN where the vector is zero.
        """
        vector = activity @ np.exp(1j * np.deg2rad(self.directions))
        with np.errstate(invalid="ignore"):
            silent = np.abs(vector) <= 1e-6 * np.abs(activity).sum(-1)
        # Twice, since an angle a rounding error below 0 becomes 360 in the first.
        return np.where(silent, np.nan, np.rad2deg(np.angle(vector)) % 360.0 % 360.0)


def circular_distance(one: Any, other: Any) -> np.ndarray:
    """Return the distance of two directions on the circle, degrees in [0, 180].

    Example:
        >>> circular_distance([350.0, 90.0], 20.0)
        array([30., 70.])
    """
    apart = np.abs(np.asarray(one) - np.asarray(other)) % 360.0
    return np.minimum(apart, 360.0 - apart)
