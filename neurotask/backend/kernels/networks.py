"""Networks as kernels take them: which they cover, what their weights are as arrays.

Nothing here needs TensorFlow, and numba is loaded when it is first asked for, not before.
"""

from typing import Any

from neurotask.backend.arrays import Ops
from neurotask.backend.dynamics.base import Array
from neurotask.backend.dynamics.base import Weights as Prepared
from neurotask.backend.kernels.kinds import KINDS
from neurotask.backend.network import Network


def missing() -> str | None:
    """Return why there are no kernels at all, as the end of a sentence; None where there are."""
    try:
        import numba  # noqa: F401
    except Exception as error:  # one that is broken, or finds another's modules, is missing too
        return f"numba cannot be imported ({error})"
    return None


def uncovered_network(network: Network, dtype: str) -> str | None:
    """Return why kernels cannot run a network, whatever it is used in; None where they can."""
    reason = missing()
    if reason is not None:
        return reason
    kind = KINDS.get(type(network.dynamics))
    if dtype != "float32":
        return f"they compute in float32, and not in {dtype}"
    if kind is None:
        return f"there is none for {type(network.dynamics).__name__}"
    reason = kind.uncovered(network)
    if reason is None and network.feedback and network.output_activation != "linear":
        return "there is none for feedback from outputs that are not linear"
    return reason


def lets_pass(network: Network) -> bool:
    """Return whether kernels can confine what credit passes from a step to the one before."""
    kind = KINDS.get(type(network.dynamics))
    return kind is not None and kind.passes


def can_be_perturbed(network: Network) -> bool:
    """Return whether kernels can silence, drive and kick units while they run."""
    return KINDS[type(network.dynamics)].perturbed


def cell_of(network: Network) -> Any:
    """Return what kind of units a network has, as kernels take it; see `cells`."""
    return KINDS[type(network.dynamics)].cell(network.dynamics)


def weights_of(ops: Ops, network: Network, prepared: Prepared) -> list[Array]:
    """Return prepared weights as kernels take them; see `kinds`.

    What comes back from outputs goes the way of the recurrent synapses:
    W r + W_fb (W_out r + b_out) = (W + W_fb W_out) r + W_fb b_out.

    Args:
        ops: the engine that prepared them.
        network: the network.
        prepared: what `Network.prepare` returned.
    """
    if "feedback" in prepared:
        back = prepared["feedback"]
        prepared = {
            **prepared,
            "recurrent": prepared["recurrent"] + ops.product(prepared["output"], back),
            "bias": prepared["bias"] + ops.product(prepared["output_bias"], back),
        }
    return KINDS[type(network.dynamics)].weights(ops, network, prepared)
