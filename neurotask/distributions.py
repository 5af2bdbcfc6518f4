"""What varies from trial to trial: levels to choose from, or a distribution to draw from.

The same objects serve for conditions (`Task.factors`) and for the durations of phases.
"""

from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from typing import Annotated, Any, TypeAlias

import numpy as np

from neurotask._checks import number


class Distribution(ABC):
    """A continuous law with bounds `low` and `high`: `sample(rng, n)` draws n values."""

    low: float
    high: float

    @abstractmethod
    def sample(self, rng: np.random.Generator, n: int) -> np.ndarray:
        """Return n draws, shape (n,)."""


@dataclass(frozen=True)
class Uniform(Distribution):
    """Every value between `low` and `high` alike.

    Example:
        >>> Uniform(300.0, 500.0).sample(np.random.default_rng(0), 2).round()
        array([427., 354.])
    """

    low: float
    high: float

    def __post_init__(self) -> None:
        _check_bounds(self)

    def sample(self, rng: np.random.Generator, n: int) -> np.ndarray:
        return rng.uniform(self.low, self.high, n)


@dataclass(frozen=True)
class TruncatedExponential(Distribution):
    """An exponential kept to [low, high]: the moment of its end can hardly be foreseen.

    Args:
        mean: mean of the exponential before it is cut, as pycog and neurogym count it. Since the
            law has no memory, the draws are `low` plus an exponential of this mean, cut at `high`.
        low: shortest value.
        high: longest value.

    Example:
        >>> delay = TruncatedExponential(mean=600.0, low=300.0, high=1500.0)
        >>> bool(delay.sample(np.random.default_rng(0), 1000).max() <= 1500.0)
        True
    """

    mean: float
    low: float
    high: float

    def __post_init__(self) -> None:
        number("mean", self.mean, low=0.0, above=True)
        _check_bounds(self)

    def sample(self, rng: np.random.Generator, n: int) -> np.ndarray:
        # Inverse of F(x) = (1 - exp(-(x - low)/mean)) / (1 - exp(-(high - low)/mean)).
        cut = -np.expm1(-(self.high - self.low) / self.mean)
        return self.low - self.mean * np.log1p(-cut * rng.random(n))


@dataclass(frozen=True)
class Levels:
    """A set of values, each as likely as the others; a grid crosses them.

    Args:
        values: the levels: numbers, strings or booleans.
        low: the smallest value that may be asked for by hand (numbers only; None: any).
        high: the largest.
        weights: how often each is drawn, relative to the others; None: all alike. A grid that does
            not name such a factor draws it too, since crossing or balancing would undo the weights.
        name: the setting that holds the values, for error messages.

    Example:
        >>> Levels((0.1, 0.5), low=0.0, high=1.0).values
        (0.1, 0.5)
    """

    values: tuple[Any, ...]
    low: float | None = None
    high: float | None = None
    weights: tuple[float, ...] | None = None
    name: str = field(default="values", repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "values", plain(self.values))
        object.__setattr__(self, "weights", plain(self.weights))
        if not isinstance(self.values, tuple) or not self.values:
            raise ValueError(f"`{self.name}` must hold one level or more, got {self.values!r}.")
        if len(set(self.values)) < len(self.values):
            raise ValueError(f"`{self.name}` must differ from each other, got {self.values!r}.")
        if self.is_numeric or (self.low, self.high) != (None, None):
            for value in self.values:
                number(self.name, value, low=self.low, high=self.high)
        if self.weights is not None:
            self._check_weights(self.weights)

    def _check_weights(self, weights: tuple[float, ...]) -> None:
        if not isinstance(weights, tuple) or len(weights) != len(self.values):
            raise ValueError(
                f"`weights` must hold one number for each of the {len(self.values)} levels, got "
                f"{weights!r}."
            )
        if sum(number("weights", weight, low=0.0) for weight in weights) == 0:
            raise ValueError(f"`weights` must not all be 0, got {weights!r}.")

    @property
    def is_numeric(self) -> bool:
        """Whether the levels are numbers, which may be asked for between the levels too."""
        return np.asarray(self.values).dtype.kind in "if"

    def sample(self, rng: np.random.Generator, n: int) -> np.ndarray:
        if self.weights is None:
            return np.asarray(self.values)[rng.integers(len(self.values), size=n)]
        upto = np.cumsum(self.weights)
        return np.asarray(self.values)[np.searchsorted(upto, upto[-1] * rng.random(n), "right")]


@dataclass(frozen=True)
class Remainder:
    """The duration of a phase that fills the trial up to `total` ms.

    Example:
        >>> Remainder(2000.0).total
        2000.0
    """

    total: float

    def __post_init__(self) -> None:
        number("total", self.total, low=0.0, above=True)


@dataclass(frozen=True)
class Derived:
    """The duration of a phase that follows from the conditions: `derive` returns it, in ms.

    Example:
        >>> Derived()
        Derived()
    """


@dataclass(frozen=True)
class OwnChoice:
    """A factor that is the subject's own choice: what happens next in the block depends on it.

    In trials made ahead it is "observer": the task's own strategy chooses. In the closed loop it
    is what the network did, and in `task.trials_from` what the animal did.

    Args:
        choices: what can be chosen; "none" is a trial without a response.

    Example:
        >>> OwnChoice(("left", "right")).values
        ('observer', 'left', 'right', 'none')
    """

    choices: tuple[str, ...]

    def __post_init__(self) -> None:
        object.__setattr__(self, "choices", plain(self.choices))
        if not isinstance(self.choices, tuple) or not self.choices:
            raise ValueError(f"`choices` must be a tuple of choices, got {self.choices!r}.")

    @property
    def values(self) -> tuple[str, ...]:
        """All that can be given by hand."""
        return ("observer", *self.choices, "none")

    def sample(self, rng: np.random.Generator, n: int) -> np.ndarray:
        return np.full(n, "observer", dtype=np.asarray(self.values).dtype)


Duration: TypeAlias = Annotated[
    float | Distribution | Levels | Remainder | Derived, "a phase of the trial"
]
"""A setting of this type is the duration (ms) of a phase; phases follow each other as declared."""

Factor: TypeAlias = Distribution | Levels | OwnChoice


def chance(probability: float, name: str = "probability") -> Levels:
    """Return the factor that is True with a probability and False otherwise.

    Args:
        probability: in [0, 1]. At 0 and at 1 there is one level alone.
        name: the setting that holds it, for the error message.

    Example:
        >>> chance(0.25)
        Levels(values=(False, True), low=None, high=None, weights=(0.75, 0.25))
    """
    probability = number(name, probability, low=0.0, high=1.0)
    if probability in (0.0, 1.0):
        return Levels((bool(probability),))
    return Levels((False, True), weights=(1.0 - probability, probability))


def signed(magnitudes: tuple[float, ...], high: float = 1.0, name: str = "coherences") -> Levels:
    """Return the levels -m ... 0 ... +m of a signed strength; 0 stands there once.

    Args:
        magnitudes: strengths without sign, each in [0, high].
        high: the largest strength there is.
        name: the setting that holds the strengths, for the error message.

    Returns:
        `Levels` in rising order. 0 is a level where it is among the magnitudes.

    Example:
        >>> signed((0.0, 0.1, 0.5)).values
        (-0.5, -0.1, 0.0, 0.1, 0.5)
    """
    magnitudes = plain(magnitudes)
    if not isinstance(magnitudes, tuple) or not magnitudes:
        raise ValueError(f"`{name}` must be a tuple of strengths, got {magnitudes!r}.")
    sizes = sorted({number(name, size, low=0.0, high=high) for size in magnitudes})
    positive = [size for size in sizes if size > 0]
    zero = [0.0] if 0.0 in sizes else []
    return Levels((*[-size for size in reversed(positive)], *zero, *positive), -high, high)


def as_factor(name: str, value: Any) -> Factor:
    """Return a factor as `Levels` or a `Distribution`; a tuple is the tuple of its levels."""
    if isinstance(value, (Levels, Distribution, OwnChoice)):
        return value
    if isinstance(value, (tuple, list, np.ndarray)):
        return Levels(plain(value), name=name)
    raise TypeError(
        f"`{name}` must be a tuple of levels or a distribution, got {value!r}. "
        "Give one value as a tuple of one: (value,)."
    )


def plain(value: Any) -> Any:
    """Return lists and arrays as tuples and NumPy's numbers as Python's: then `repr` is exact."""
    if isinstance(value, (list, tuple, np.ndarray)):
        return tuple(plain(item) for item in value)
    return value.item() if isinstance(value, np.generic) else value


def _check_bounds(law: Distribution) -> None:
    number("low", law.low)
    number("high", law.high)
    if law.low > law.high:
        raise ValueError(f"`high` must be `low` ({law.low:g}) or more, got {law.high!r}.")
