"""Keras' initializers, under our seeds, masks and signs. Making the first loads Keras."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from inspect import signature
from typing import Any

import numpy as np

from neurotask._checks import choose, count
from neurotask.backend.initializers.base import Initializer, folded
from neurotask.distributions import plain


@dataclass(frozen=True)
class Keras(Initializer):
    """Any initializer of Keras, by name.

    It draws the full kernel, in float32 as a Keras layer does; then the values get the signs of
    their sources (|value| · sign) and the factors of the mask. So Keras' fan-in and fan-out are
    those of the full matrix, whatever the mask: a sparse kernel starts weaker than its name says,
    and a unit without synapses is no division by 0. `Gaussian` counts the sources that exist.

    Args:
        name: "glorot_uniform", "he_normal", "variance_scaling" and so on, or the registered name
            of one of your own.
        settings: its arguments by name; others have Keras' defaults. Without a `seed` the seed of
            the model decides; with one, gate g is drawn with seed + g.

    Raises:
        ValueError: for a name that Keras does not have, or arguments that it refuses.

    Source: https://keras.io/api/layers/initializers

    Example:
        >>> he = Keras("variance_scaling", {"scale": 2.0})
        >>> he
        Keras(name='variance_scaling', settings={'scale': 2.0})
        >>> he.sample(np.random.default_rng(0), np.ones((3, 2)), np.zeros(2)).shape
        (3, 2)
    """

    name: str
    settings: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if find(self.name) is None:
            choose("name", self.name, names())
        kind: Any = find(self.name)
        if not isinstance(self.settings, Mapping):
            raise TypeError(f"`settings` must be a dict of arguments, got {self.settings!r}.")
        for name, value in self.settings.items():
            choose("settings", name, signature(kind).parameters)
            if not _is_plain(plain(value)):
                raise ValueError(
                    f"`settings[{name!r}]` must be a number, a string, None or a tuple of them, "
                    f"got {value!r}."
                )
        settings = {name: plain(self.settings[name]) for name in sorted(self.settings)}
        if settings.get("seed") is not None:
            count("settings['seed']", settings["seed"], low=0)
        kind(**settings)  # Keras refuses here what it does not take.
        object.__setattr__(self, "settings", settings)

    def __hash__(self) -> int:
        return hash((self.name, *self.settings.items()))

    def sample(
        self, rng: np.random.Generator, strength: np.ndarray, sign: np.ndarray
    ) -> np.ndarray:
        *gates, post, pre = strength.shape
        draws = [self._draw(rng, gate, (pre, post)) for gate in range(np.prod(gates, dtype=int))]
        return folded(np.reshape(draws, strength.shape), strength, sign)

    def _draw(self, rng: np.random.Generator, gate: int, shape: tuple[int, int]) -> np.ndarray:
        """Return what Keras draws, shape (post, pre); Keras' own `shape` is (pre, post)."""
        import keras

        kind: Any = find(self.name)
        settings = dict(self.settings)
        if "seed" in signature(kind).parameters:
            given = settings.get("seed")
            settings["seed"] = int(rng.integers(2**31)) if given is None else given + gate
        values = kind(**settings)(shape, dtype="float32")
        return np.array(keras.ops.convert_to_numpy(values), float).T


def names() -> list[str]:
    """Return the names of Keras' initializers."""
    return sorted(name for name in _public() if name.islower())


def find(name: Any) -> Any:
    """Return the class of that name, of Keras or registered with it, or None."""
    import keras

    kind = _public().get(name) or keras.saving.get_registered_object(name)
    return kind if _is_kind(kind) else None


def of(initializer: Any) -> Keras:
    """Return the `Keras` that draws as an initializer object of Keras does.

    Example:
        >>> import keras
        >>> of(keras.initializers.HeNormal(seed=3))
        Keras(name='he_normal', settings={'seed': 3})
    """
    import keras

    kind = type(initializer)
    own = [name for name in names() if _public()[name] is kind]
    name = own[0] if own else keras.saving.get_registered_name(kind)
    if find(name) is not kind:
        raise ValueError(
            f"`initializer` must be one of Keras or registered with it, got {kind.__name__}. Put "
            "@keras.saving.register_keras_serializable() above the class."
        )
    defaults = {name: one.default for name, one in signature(kind).parameters.items()}
    config = initializer.get_config()
    return Keras(
        name, {one: value for one, value in config.items() if value != defaults.get(one, value)}
    )


def _public() -> dict[str, Any]:
    import keras

    return {name: kind for name, kind in vars(keras.initializers).items() if _is_kind(kind)}


def _is_kind(kind: Any) -> bool:
    import keras

    base = keras.initializers.Initializer
    return isinstance(kind, type) and issubclass(kind, base) and kind is not base


def _is_plain(value: Any) -> bool:
    if isinstance(value, tuple):
        return all(_is_plain(one) for one in value)
    return value is None or isinstance(value, (bool, int, float, str))
