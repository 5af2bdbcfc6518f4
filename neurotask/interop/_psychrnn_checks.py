"""Whether PsychRNN computes a network as this package does."""

from typing import Any

# What a setting must be, and what PsychRNN's networks are instead of having it.
_WANTED = {
    "form": ("current", "its state is what a unit receives"),
    "plasticity": (None, "its synapses keep their strength within a trial"),
    "feedback": (None, "its outputs do not come back"),
    "feedforward": (None, "its inputs reach the recurrent units directly"),
    "output_activation": ("linear", "its outputs are linear"),
}
_GATED = {
    "LSTM": "PsychRNN's LSTM has h = o sigmoid(c), not the standard h = o tanh(c)",
    "GRU": "PsychRNN has no GRU",
}


def check_model(model: Any) -> None:
    """Raise unless PsychRNN makes the same network of the same weights.

    Raises:
        TypeError: for another model than a `RateRNN`.
        ValueError: for a setting that its networks do not have.
    """
    from neurotask.backend.models.rate import RateRNN

    name = type(model).__name__
    if not isinstance(model, RateRNN):
        why = f": {_GATED[name]}" if name in _GATED else ""
        raise TypeError(f"`model` must be a RateRNN, got {name}{why}.")
    settings = model.settings
    for name, (wanted, instead) in _WANTED.items():
        if settings[name] != wanted:
            raise ValueError(
                f"`{name}` must be {wanted!r} in a network for PsychRNN, since {instead}, got "
                f"{settings[name]!r}. Keep this network by model.save(...), or its arrays by "
                "model.parameters().save(...)."
            )
