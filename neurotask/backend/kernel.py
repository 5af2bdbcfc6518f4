"""The synapses of a built model: what connectivity and units make of them, and their weights."""

import numpy as np

from neurotask._streams import Stream, generator
from neurotask.backend.connectivity import Connectivity
from neurotask.backend.initializers import Initializer
from neurotask.backend.initializers.given import checked
from neurotask.backend.sides import Side
from neurotask.backend.weights import ConstrainedWeights


class Kernel(ConstrainedWeights):
    """The weights of one kernel of a network, (post, pre), or (gate, post, pre) where it has gates.

    Args:
        name: its name: "input", "recurrent" or "output".
        connectivity: which synapses there are.
        post: the side that receives.
        pre: the side that sends.
        sign: sign that the presynaptic units give their synapses, (pre,): 1, -1, or 0 for any.
        default: initializer where the connectivity names none.
        seed: seed of the model.
        index: place of the kernel among the model's, so that each has draws of its own.
        dtype: "float32" or "float64".
        gates: names of the gates, which share their synapses, but not their weights.

    Attributes:
        raw: what is learned, (..., post, pre); 0 where nothing may learn.
        sign: sign of each presynaptic unit, (pre,).
        strength: factor of each weight, (post, pre); 0 where there is no synapse.
        plastic: which synapses may learn, boolean (post, pre).
        constant: weights of those that may not, (..., post, pre).

    Raises:
        ValueError: where connectivity and units do not fit.
    """

    def __init__(
        self,
        name: str,
        connectivity: Connectivity,
        post: Side,
        pre: Side,
        *,
        sign: np.ndarray,
        default: Initializer,
        seed: int,
        index: int,
        dtype: str,
        gates: tuple[str, ...] = (),
    ):
        drawn = generator(seed, Stream.MASKS, index)
        synapses = connectivity.resolve(name, post, pre, sign, drawn)
        strength, plastic, sign = synapses.strength, synapses.plastic, synapses.sign
        all_gates = np.tile(strength, (len(gates), 1, 1)) if gates else strength.copy()
        initializer = connectivity.initializer or default
        drawn = generator(seed, Stream.WEIGHTS, index)
        start = initializer.sample(drawn, all_gates.copy(), sign.copy())
        if np.shape(start) == all_gates.shape:  # what is put where no synapse is has no effect
            start = np.where(all_gates == 0, 0.0, start)
        try:
            start = checked(start, all_gates, sign)
        except ValueError as error:
            raise ValueError(f"`{name}.initializer` must fit the synapses: {error}") from None
        raw = np.divide(start, strength, out=np.zeros_like(all_gates), where=plastic)
        if connectivity.law == "magnitude":
            raw = np.where(sign == 0, raw, np.abs(raw))
        super().__init__(
            name,
            raw=raw,
            sign=sign,
            strength=strength,
            plastic=plastic,
            constant=np.where(synapses.frozen, start, 0.0),
            law=connectivity.law,
            axes=("gate", "post", "pre") if gates else ("post", "pre"),
            dtype=dtype,
        )
        self.post, self.pre, self.gates = post, pre, tuple(gates)
