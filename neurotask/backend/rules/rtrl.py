"""Real-time recurrent learning: the exact gradient, forward in time."""

from dataclasses import dataclass

from neurotask.backend.rules.base import Price
from neurotask.backend.rules.composed import Composed
from neurotask.backend.rules.credit.base import Credit
from neurotask.backend.rules.credit.influence import Influence


@dataclass(frozen=True, kw_only=True)
class RTRL(Composed):
    """Real-time recurrent learning: the gradient of BPTT without going back in time.

    After a trial it equals BPTT. Where weights change within a trial, what it carries along was
    gathered at weights that have changed since, by about the learning rate.

    Args: those of `Composed`.

    Raises:
        ValueError: at `compile`, where its N x N² numbers a trial would not fit into memory.

    Source: Williams & Zipser (1989) Neural Comput 1:270.

    Example:
        >>> RTRL(when=1).credit
        Influence()
    """

    credit: Credit = Influence()

    price = Price("N² N M", "N² M", causal=True, local=False)
