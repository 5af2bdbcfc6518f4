"""Random feedback local online learning."""

from dataclasses import dataclass
from typing import Any

from neurotask.backend.rules.base import Price
from neurotask.backend.rules.composed import Composed


@dataclass(frozen=True, kw_only=True)
class RFLO(Composed):
    """Random feedback local online learning: leaky traces and errors through fixed random weights.

    With B random and D_t, g_t of each unit alone (see `credit.within.LeakyCredit`),

        dW = -sum_t (slope_t B e_t) P_t,   P_t = D_t P_{t-1} + g_t r_{t-1}^T

    Both departures from the gradient can be taken apart: `feedback="symmetric"` leaves locality
    alone, `BPTT(feedback="random")` leaves the random feedback alone. The same rule with
    symmetric feedback is e-prop for rate units.

    Args:
        feedback: how errors reach the units.
        when: "trial", or the number of steps after which weights change.
        update: how a gradient becomes a change.

    Source: Murray (2019) eLife 8:e43299, eq. 9 to 11.

    Example:
        >>> RFLO().feedback
        Random(scale=1.0, weights=None)
    """

    feedback: Any = "random"

    price = Price("N M", "0 (N M where weights change within a trial)", causal=True, local=True)
