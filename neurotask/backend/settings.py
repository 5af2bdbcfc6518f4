"""Settings objects of the backend: frozen, printable, and stored in model files as plain data.

Nothing here needs TensorFlow or Keras, so that a network can be described and simulated without.
"""

import dataclasses
from collections.abc import Mapping
from typing import Any, Self, cast

import numpy as np

from neurotask._checks import nearest
from neurotask.distributions import plain

_KINDS: dict[str, type["Setting"]] = {}
SETTING, FUNCTION = "__setting__", "__function__"


class Setting:
    """A frozen dataclass that files can hold. `eval(repr(x)) == x` holds for each.

    Arrays are kept as nested tuples and NumPy's numbers as Python's, so that settings can be
    compared, hashed and printed. (The connectivity of each step in a `Perturbation` is too large
    for that and stays an array.)
    """

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        register(cls)
        check = cls.__dict__.get("__post_init__")
        if check is not None:

            def post_init(self: Any) -> None:
                _plain_numbers(self)
                check(self)

            cls.__post_init__ = post_init

    def __post_init__(self) -> None:
        _plain_numbers(self)

    def get_config(self) -> dict[str, Any]:
        """Return the settings as plain data."""
        fields = dataclasses.fields(cast(Any, self))  # every subclass is a dataclass
        return {field.name: encoded(getattr(self, field.name)) for field in fields}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Self:
        """Return the object that `get_config` describes."""
        return cls(**{name: decoded(value) for name, value in config.items()})


def register(kind: type[Setting]) -> None:
    """Let files name a class; of several with one name, they mean the last that was registered."""
    _KINDS[registered_name(kind)] = kind


def registered_name(kind: type) -> str:
    """Return the name of a class in files: the package it is from, or "user", and its own."""
    package = kind.__module__.partition(".")[0]
    return f"{package if package == 'neurotask' else 'user'}>{kind.__name__}"


def encoded(value: Any) -> Any:
    """Return a value of a setting as what JSON can hold.

    Functions are held by the name under which they are registered with Keras.
    """
    if isinstance(value, Setting):
        return {SETTING: registered_name(type(value)), "values": value.get_config()}
    if isinstance(value, Mapping):
        return {str(name): encoded(one) for name, one in value.items()}
    if isinstance(value, (list, tuple)):
        return [encoded(one) for one in value]
    if callable(value):
        import keras

        return {FUNCTION: keras.saving.get_registered_name(value)}
    value = plain(value)
    return [encoded(one) for one in value] if isinstance(value, tuple) else value


def decoded(value: Any) -> Any:
    """Return the value that `encoded` describes; lists become tuples.

    Raises:
        ValueError: for a kind of setting, or a function, that nobody has defined here.
    """
    if isinstance(value, list):
        return tuple(decoded(one) for one in value)
    if not isinstance(value, dict):
        return value
    if SETTING in value:
        return _kind(value[SETTING]).from_config(value["values"])
    if FUNCTION in value:
        return _function(value[FUNCTION])
    return {name: decoded(one) for name, one in value.items()}


def _plain_numbers(setting: Any) -> None:
    for field in dataclasses.fields(setting):
        value = getattr(setting, field.name)
        if isinstance(value, np.generic) or (isinstance(value, np.ndarray) and value.ndim == 0):
            object.__setattr__(setting, field.name, value.item())


def _kind(name: str) -> type[Setting]:
    if name not in _KINDS:
        raise ValueError(
            f"`{name.partition('>')[2]}` must be defined before the file that names it is read."
            f'{nearest(name, _KINDS)} Give the file of its code: code="my_model.py".'
        )
    return _KINDS[name]


def _function(name: str) -> Any:
    import keras

    function = keras.saving.get_registered_object(name)
    if function is None:
        raise ValueError(
            f"`{name}` must be registered with Keras before the file that names it is read. Give "
            'the file of its code: code="my_model.py".'
        )
    return function
