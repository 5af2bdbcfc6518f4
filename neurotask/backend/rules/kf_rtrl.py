"""Real-time recurrent learning with random Kronecker factors, and its reverse."""

from dataclasses import dataclass

from neurotask.backend.rules.base import Price
from neurotask.backend.rules.composed import Composed
from neurotask.backend.rules.credit.base import Credit
from neurotask.backend.rules.credit.kronecker import Kronecker, ReverseKronecker


@dataclass(frozen=True, kw_only=True)
class KFRTRL(Composed):
    """Kronecker-factored RTRL: the gradient in the mean, forward in time.

    The influence matrix of RTRL is estimated by a Kronecker product with random signs (see
    `credit.kronecker.Kronecker`). The mean over the signs is the gradient of BPTT exactly. It
    serves networks all of whose learned weights enter one drive: rate networks and LSTM.

    Args: those of `Composed`.

    Raises:
        ValueError: at `compile`, for another network, such as a GRU or one whose tau learns.

    Source: Mujika, Meier & Steger (2018) NeurIPS.

    Example:
        >>> KFRTRL(when=1).credit
        Kronecker()
    """

    credit: Credit = Kronecker()

    price = Price("N³", "N² + M", causal=True, local=False)
    name = "kf_rtrl"


@dataclass(frozen=True, kw_only=True)
class ReverseKFRTRL(Composed):
    """Kronecker-factored RTRL with the factors the other way round: a sign for each receiver.

    The mean over the signs is the gradient of BPTT exactly (see
    `credit.kronecker.ReverseKronecker`). It serves the networks that `KFRTRL` serves.

    Args: those of `Composed`.

    Raises:
        ValueError: at `compile`, for another network, such as a GRU or one whose tau learns.

    Source: Marschall, Cho & Savin (2020) JMLR 21(135).

    Example:
        >>> ReverseKFRTRL().credit
        ReverseKronecker()
    """

    credit: Credit = ReverseKronecker()

    price = Price("N² M", "N M", causal=True, local=False)
    name = "reverse_kf_rtrl"
