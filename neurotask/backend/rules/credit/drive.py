"""Whether all that learns enters one common drive, as factorised credit needs it."""

from typing import TYPE_CHECKING

import numpy as np
import tensorflow as tf

from neurotask.backend._types import Tensor
from neurotask.backend.rules.linear import Step, joined
from neurotask.backend.rules.prepared import Prepared

if TYPE_CHECKING:
    from neurotask.backend.models.base import RecurrentModel

# Kernels onto the units. The input is always there; what it brings is the drive.
DRIVE, _ONTO_UNITS = "input", ("input", "recurrent", "feedback")


def entering(prepared: Prepared) -> list[str]:
    """Return the names of the kernels onto the units that learn."""
    return [n for n in _ONTO_UNITS if n in prepared.weights and prepared.learns(n)]


def check_drive(model: "RecurrentModel") -> None:
    """Raise a ValueError unless all that learns acts on the state through one common drive.

    The network itself is asked: a step from an arbitrary state is derived by what each kernel
    brings, and by each vector. In the drive is what acts as the input does.
    """
    prepared = Prepared(model)
    step = _probe(model, prepared)
    after = joined(step.after)
    credit = tf.random.stateless_normal(tf.shape(after), (1, 2), dtype=after.dtype)
    received, vectors = step.back(credit, [step.received, step.vectors])
    bad = [
        name
        for name, by in received.items()
        if prepared.learns(name) and not (name in _ONTO_UNITS and _same(by, received[DRIVE]))
    ]
    of_vectors = [
        name for name, by in vectors.items() if not (name == "bias" and _same(by, received[DRIVE]))
    ]
    # Of what follows from a parameter (as the leak from tau), the parameter alone is named.
    own = model.vectors()
    bad += [name for name in of_vectors if name in own] or of_vectors
    if bad:
        raise ValueError(
            "`rule` must have all that learns enter the units in one common drive where credit is "
            f"a Kronecker product, but {', '.join(bad)} of this network "
            f"({type(model.network.dynamics).__name__}) learn and act elsewhere. Freeze them, or "
            'give rule="uoro", "rtrl" or "bptt", which serve every network.'
        )


def _probe(model: "RecurrentModel", prepared: Prepared) -> Step:
    """Return a step of a few trials from an arbitrary state."""
    random = np.random.default_rng(0)

    def arbitrary(values: Tensor, n: int) -> Tensor:
        shape = (*values.shape[:-1], n)
        return tf.constant(random.standard_normal(shape), values.dtype)

    start = model.start(prepared.weights, tf.constant(8))
    before = {name: arbitrary(values, values.shape[-1]) for name, values in start.items()}
    one = next(iter(start.values()))
    vectors = list(prepared.vectors)
    if model.network.feedback and prepared.learns("output_bias"):
        vectors.append("output_bias")
    inputs = arbitrary(one, len(model.network.inputs))
    return Step(model, prepared.weights, before, inputs, None, vectors=vectors)


def _same(one: Tensor, other: Tensor) -> bool:
    one, other = one.numpy(), other.numpy()
    return one.shape == other.shape and np.allclose(one, other, rtol=1e-4, atol=1e-6)
