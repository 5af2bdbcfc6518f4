"""Synthetic gradients: decoupled neural interfaces."""

from dataclasses import dataclass

from neurotask.backend.rules.base import Price
from neurotask.backend.rules.composed import Composed
from neurotask.backend.rules.credit.base import Credit
from neurotask.backend.rules.credit.synthetic import Synthetic


@dataclass(frozen=True, kw_only=True)
class DNI(Composed):
    """Decoupled neural interfaces: the gradient of all later steps is predicted from the state.

    The prediction is linear and learns from itself, one step later (see
    `credit.synthetic.Synthetic`). It starts from 0: the units begin to learn when it has learned
    something. With a prediction that is right the rule is BPTT. It serves every network.

    Args:
        credit: with how fast the prediction learns: `Synthetic(rate=0.5)`.
        feedback: how errors reach the units.
        when: "trial", or the number of steps after which weights change.
        update: how a gradient becomes a change.

    Source: Jaderberg et al. (2017) ICML; for recurrent networks, learning at each step: Marschall,
    Cho & Savin (2020) JMLR 21(135).

    Example:
        >>> DNI(when=1).credit
        Synthetic(rate=0.5)
    """

    credit: Credit = Synthetic()

    price = Price("N²", "N (N + O)", causal=True, local=False)
