"""Kernel RNN learning."""

from dataclasses import dataclass

from neurotask.backend.rules.base import Price
from neurotask.backend.rules.composed import Composed
from neurotask.backend.rules.credit.base import Credit
from neurotask.backend.rules.credit.learned_kernel import LearnedKernel


@dataclass(frozen=True, kw_only=True)
class KeRNL(Composed):
    """Kernel RNN learning: leaky traces, and a learned matrix that sends credit between units.

    The matrix, and how fast traces fade, come from a regression on what small noise does in a copy
    of the network (see `credit.learned_kernel.LearnedKernel`). Before it has learned anything the
    rule is `RFLO`. The learning signal of a unit is all it needs from others.

    In the code that is published of it, noise that has not reached the copy yet is compared with
    its state: without recurrence A then comes to (1 - dt/tau)² instead of 1. Here each state is
    compared with the noise that is in it.

    Args:
        credit: with how fast the matrix learns: `LearnedKernel(rate=0.5)`.
        feedback: how errors reach the units.
        when: "trial", or the number of steps after which weights change.
        update: how a gradient becomes a change.

    Raises:
        ValueError: at `compile`, for units whose state has several variables, such as an LSTM's.

    Source: Roth, Kanitscheider & Fiete (2019) ICLR.

    Example:
        >>> KeRNL(feedback="random").credit
        LearnedKernel(rate=0.5, noise=0.001, decay=None)
    """

    credit: Credit = LearnedKernel()

    price = Price("N M", "N M + N²", causal=True, local=True)
