"""Functions of a user, which files hold by the name that they are registered with Keras under."""

from typing import Any


def registered(name: str, function: Any) -> Any:
    """Return a function registered with Keras, from it or the name it is registered under.

    Raises:
        ValueError: for a function that is not registered, such as a lambda.
        TypeError: for what is no function.
    """
    import keras

    if isinstance(function, str):
        found = keras.saving.get_registered_object(function)
        if found is None:
            raise ValueError(
                f"`{name}` must be a registered function or its name, got {function!r}, under "
                "which nothing is registered. Run the file that defines it first."
            )
        return found
    if not callable(function):
        raise TypeError(f"`{name}` must be a function registered with Keras, got {function!r}.")
    known = hasattr(function, "__name__") and keras.saving.get_registered_name(function)
    if not known or keras.saving.get_registered_object(known) is not function:
        raise ValueError(
            f"`{name}` must be a registered function, got {function!r}, which would save and not "
            "load. Put @keras.saving.register_keras_serializable() above the function."
        )
    return function
