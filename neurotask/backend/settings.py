"""Settings objects of the backend: frozen, printable, and stored in model files as plain data."""

import dataclasses
from typing import Any, Self, cast

import keras

from neurotask.distributions import plain


class Setting:
    """A frozen dataclass that Keras can store. `eval(repr(x)) == x` holds for each.

    Arrays are kept as nested tuples, so that settings can be compared, hashed and printed.
    """

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        keras.saving.register_keras_serializable("neurotask")(cls)

    def get_config(self) -> dict[str, Any]:
        """Return the settings as plain data."""
        fields = dataclasses.fields(cast(Any, self))  # every subclass is a dataclass
        return {field.name: getattr(self, field.name) for field in fields}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Self:
        """Return the object that `get_config` describes."""
        return cls(**{name: restored(value) for name, value in config.items()})


def restored(value: Any) -> Any:
    """Return what Keras' files made of a setting: nested objects rebuilt, lists as tuples again."""
    if isinstance(value, dict) and "class_name" in value:
        return keras.saving.deserialize_keras_object(value)
    return plain(value)
