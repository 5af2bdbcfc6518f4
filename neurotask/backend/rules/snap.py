"""Sparse n-step approximations of real-time recurrent learning, n = 0 and n = 1."""

from dataclasses import dataclass

from neurotask.backend.rules.base import Price
from neurotask.backend.rules.composed import Composed
from neurotask.backend.rules.credit.base import Credit
from neurotask.backend.rules.credit.within import Diagonal, Immediate


@dataclass(frozen=True, kw_only=True)
class SnAp0(Composed):
    """Credit for the present step alone: the influence of a weight does not outlast it.

    Args: those of `Composed`.

    Source: Menick et al. (2021) ICLR, "Practical real time recurrent learning with a sparse
    approximation".

    Example:
        >>> SnAp0().credit
        Immediate()
    """

    credit: Credit = Immediate()

    price = Price("N M", "0", causal=True, local=True)


@dataclass(frozen=True, kw_only=True)
class SnAp1(Composed):
    """Credit that stays in the unit, through its leak and its autapse.

    Args: those of `Composed`.

    Source: Menick et al. (2021) ICLR, for a dense network.

    Example:
        >>> SnAp1().credit
        Diagonal()
    """

    credit: Credit = Diagonal()

    price = Price("N M", "0 (N M where weights change within a trial)", causal=True, local=True)
