"""Unbiased online recurrent optimization."""

from dataclasses import dataclass

from neurotask.backend.rules.base import Price
from neurotask.backend.rules.composed import Composed
from neurotask.backend.rules.credit.base import Credit
from neurotask.backend.rules.credit.rank_one import RankOne


@dataclass(frozen=True, kw_only=True)
class UORO(Composed):
    """Unbiased online recurrent optimization: the gradient in the mean, forward in time.

    The influence matrix of RTRL is estimated by the product of two vectors with random signs (see
    `credit.rank_one.RankOne`). The mean over the signs is the gradient of BPTT exactly; a single
    draw is far from it, the farther the more units there are, so that learning rates must be
    small and batches large. It serves every network.

    Args: those of `Composed`.

    Source: Tallec & Ollivier (2018) ICLR.

    Example:
        >>> UORO(when=1).credit
        RankOne()
    """

    credit: Credit = RankOne()

    price = Price("N² + N M", "N M", causal=True, local=False)
