"""Which synapses exist, which may learn, how they start, and which sign they must have.

A `Connectivity` is for one kernel and knows nothing of its units until `resolve` meets them. How
its raw weights become the weights that the network computes with is in `kernel.py`.
"""

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from neurotask._checks import choose
from neurotask.backend import _connectivity_checks as checks
from neurotask.backend import initializers
from neurotask.backend.settings import Setting
from neurotask.backend.sides import ARROW, Side, block, synapse_labels
from neurotask.backend.synapses import Synapses
from neurotask.backend.units import Units

if TYPE_CHECKING:
    from matplotlib.axes import Axes


@dataclass(frozen=True, repr=False)
class Connectivity(Setting):
    """The synapses of one kernel, (postsynaptic, presynaptic).

    Labels of synapses are "PRE->POST": "PPC.E->PFC", "E->I", "motion->PPC" for the input kernel,
    "PFC.E->left" for the output kernel; a side left empty is all of it. `a & b` has the synapses
    that both allow.

    Args:
        mask: where synapses may exist, array (post, pre): 0 for none; other numbers multiply the
            weight. None: everywhere.
        density: share of the allowed synapses that exist, in (0, 1], or one for each label of
            synapses, `{"PPC.E->PFC": 0.1}` (others all exist). Each postsynaptic unit receives
            exactly that share of its allowed sources, rounded, drawn by the model's seed.
        autapses: whether units of the recurrent kernel may project to themselves.
        forbidden: labels of synapses that do not exist.
        frozen: which synapses keep the value they start with: True for all, labels, or an array
            (post, pre) of 0 and 1. None: none.
        to: labels of the postsynaptic units that receive; None: all.
        of: labels of the presynaptic units that send; None: all.
        sign: sign of all synapses, 1 or -1; 0 for any; or one entry a presynaptic unit. None: as
            the units say, that is Dale's law where they have types. Recurrent synapses cannot
            contradict the types; outputs can, for a readout is no synapse.
        law: how a weight keeps its sign. "magnitude": its size is learned, sign * |raw|, and it
            passes zero only to grow again. "projection": the weight itself is learned, and what an
            update carries across zero is set to zero; it may grow back. So "projection" prunes a
            network and "magnitude" leaves no synapse at exactly zero; docs/explanations/dale.md
            has the figures. Weight decay acts on what is learned; under both laws frozen and
            absent synapses are out of its reach.
        initializer: how they start: an initializer of `neurotask.backend.initializers`, the name
            of one of Keras or such an object, or an array (post, pre) of weights. None: the
            kernel's own default.

    Raises:
        ValueError: for values out of range; shapes and labels are checked when a model is made.

    Example:
        >>> sparse = Connectivity(density={"E->I": 0.5}) & Connectivity(autapses=False)
        >>> sparse.autapses, sparse.density
        (False, {'E->I': 0.5})
    """

    mask: Any = None
    density: float | Mapping[str, float] = 1.0
    autapses: bool = True
    forbidden: str | Sequence[str] = ()
    frozen: Any = None
    to: str | Sequence[str] | None = None
    of: str | Sequence[str] | None = None
    sign: Any = None
    law: str = "magnitude"
    initializer: Any = None

    def __post_init__(self) -> None:
        if not isinstance(self.autapses, bool):
            raise ValueError(f"`autapses` must be True or False, got {self.autapses!r}.")
        checked = {
            "mask": checks.mask(self.mask),
            "density": checks.density(self.density),
            "forbidden": synapse_labels("forbidden", self.forbidden),
            "frozen": checks.frozen(self.frozen),
            "to": checks.unit_labels("to", self.to),
            "of": checks.unit_labels("of", self.of),
            "sign": checks.sign(self.sign),
            "law": choose("law", self.law, checks.LAWS),
            "initializer": initializers.get(self.initializer),
        }
        for name, value in checked.items():
            object.__setattr__(self, name, value)

    def __repr__(self) -> str:
        # What is as by default is left out, for ten settings hide the two that matter.
        fields = ((f.name, getattr(self, f.name), f.default) for f in dataclasses.fields(self))
        told = (f"{name}={value!r}" for name, value, usual in fields if value != usual)
        return f"Connectivity({', '.join(told)})"

    def __hash__(self) -> int:
        density = self.density
        shares = tuple(density.items()) if isinstance(density, Mapping) else density
        rest = (self.mask, self.autapses, self.forbidden, self.frozen, self.to, self.of, self.sign)
        return hash((shares, *rest, self.law, type(self.initializer)))

    def __and__(self, other: "Connectivity") -> "Connectivity":
        """Return the connectivity with the synapses that both allow, under the rules of both.

        Masks multiply, forbidden labels and frozen synapses unite. Of every other setting, one of
        the two may differ from the default.

        Raises:
            ValueError: where both say different things.
        """
        if not isinstance(other, Connectivity):
            return NotImplemented
        single = ("density", "to", "of", "sign", "law", "initializer")
        return Connectivity(
            mask=checks.product(self.mask, other.mask),
            autapses=self.autapses and other.autapses,
            forbidden=(*self.forbidden, *other.forbidden),
            frozen=checks.united(self.frozen, other.frozen),
            **{name: self._either(other, name) for name in single},
        )

    def replace(self, **changes: Any) -> Self:
        """Return this connectivity with other settings.

        Example:
            >>> Connectivity(density=0.1).replace(density=0.2).density
            0.2
        """
        return dataclasses.replace(self, **changes)

    def resolve(
        self, kernel: str, post: Side, pre: Side, sign: np.ndarray, rng: np.random.Generator
    ) -> Synapses:
        """Return the synapses among given units.

        Args:
            kernel: name of the kernel: "input", "recurrent", "output".
            post: the side that receives.
            pre: the side that sends.
            sign: sign that the presynaptic units give their synapses, (pre,): 1, -1, 0 for any.
            rng: generator that draws which synapses exist.

        Raises:
            ValueError: where settings and units do not fit.
        """
        strength = self._allowed(kernel, post, pre)
        exists = self._drawn(kernel, strength != 0, post, pre, rng)
        return Synapses(
            strength=np.where(exists, strength, 0.0),
            plastic=exists & ~self._unchanging(kernel, post, pre),
            sign=self._signs(kernel, pre, np.asarray(sign, float)),
        )

    def plot(
        self,
        post: Units | int | Sequence[str],
        pre: Units | int | Sequence[str] | None = None,
        *,
        kernel: str = "recurrent",
        seed: int = 0,
        ax: "Axes | None" = None,
    ) -> "Axes":
        """Draw which synapses exist, their signs, and which are frozen, as a matrix.

        Args:
            post: what receives: units, their number, or names of channels.
            pre: what sends, likewise; None: the same units.
            kernel: "input", "recurrent" or "output"; a model of the same seed has these synapses.
            seed: seed of the draw.
            ax: axes to draw on; None: those of a new figure.

        Returns:
            The axes.
        """
        from neurotask.backend._connectivity_plot import draw

        return draw(self, post, post if pre is None else pre, kernel, seed, ax)

    def _allowed(self, kernel: str, post: Side, pre: Side) -> np.ndarray:
        """Return the strength of synapses before any is drawn, (post, pre)."""
        if not self.autapses and kernel != "recurrent":
            raise ValueError(
                f"`{kernel}.autapses` must be True: only recurrent synapses can be autapses."
            )
        shape = len(post), len(pre)
        strength = _array(kernel, "mask", self.mask, shape, default=1.0).astype(float)
        if not self.autapses:
            strength *= ~np.eye(*shape, dtype=bool)
        for label in self.forbidden:
            strength[block(label, post, pre, f"{kernel}.forbidden")] = 0.0
        if self.to is not None:
            strength[~post.select(self.to, f"{kernel}.to")] = 0.0
        if self.of is not None:
            strength[:, ~pre.select(self.of, f"{kernel}.of")] = 0.0
        return strength

    def _drawn(
        self, kernel: str, allowed: np.ndarray, post: Side, pre: Side, rng: np.random.Generator
    ) -> np.ndarray:
        """Return where synapses exist, boolean (post, pre)."""
        name = f"{kernel}.density"
        by_label = isinstance(self.density, Mapping)
        shares: Any = self.density if by_label else {ARROW: self.density}
        blocks = {label: block(label, post, pre, name) for label in shares}
        for one, other in combinations(blocks, 2):
            if (blocks[one] & blocks[other]).any():
                raise ValueError(
                    f"`{name}` must be of synapses that do not overlap, got {one!r} and {other!r}."
                )
        if all(share == 1 for share in shares.values()):
            return allowed
        exists, ranks = allowed.copy(), rng.random(allowed.shape)
        for label, share in shares.items():
            within = allowed & blocks[label]
            n = within.sum(1)
            received = np.rint(share * n)
            each = f"{name}[{label!r}]" if by_label else name
            _check_received(each, share, n, received, post)
            # Each row keeps its sources of lowest rank; what lies outside comes last.
            order = np.where(within, ranks, 2.0).argsort(1).argsort(1)
            exists &= ~blocks[label] | (order < received[:, np.newaxis])
        return exists

    def _unchanging(self, kernel: str, post: Side, pre: Side) -> np.ndarray:
        """Return which synapses are frozen, if they exist, boolean (post, pre)."""
        name, shape, frozen = f"{kernel}.frozen", (len(post), len(pre)), self.frozen
        if frozen is True or checks.has_labels(frozen):
            labels = (ARROW,) if frozen is True else frozen
            return np.logical_or.reduce([block(label, post, pre, name) for label in labels])
        return _array(kernel, "frozen", frozen, shape, default=False)

    def _signs(self, kernel: str, pre: Side, sign: np.ndarray) -> np.ndarray:
        """Return the sign of each presynaptic unit, (pre,)."""
        if self.sign is None:
            return sign.copy()
        if np.ndim(self.sign) and len(self.sign) != len(pre):
            raise ValueError(
                f"`{kernel}.sign` must be one sign or one for each of the {len(pre)} that send, "
                f"got {len(self.sign)}."
            )
        given = np.broadcast_to(np.asarray(self.sign, float), sign.shape).copy()
        wrong = (sign != 0) & (given != sign)
        # What is given for the outputs stands: a readout is no synapse.
        if kernel == "recurrent" and wrong.any():
            i = int(wrong.argmax())
            raise ValueError(
                f"`recurrent.sign` must be that of the units' types, {sign[i]:g} for "
                f"{pre.described(i)}, got {given[i]:g}. Leave it None, or leave units untyped."
            )
        return given

    def _either(self, other: "Connectivity", name: str) -> Any:
        one, two = getattr(self, name), getattr(other, name)
        default = {field.name: field.default for field in dataclasses.fields(self)}[name]
        if one == two or two == default:
            return one
        if one == default:
            return two
        raise ValueError(
            f"`{name}` must be the same in both or the default in one, got {one!r} and {two!r}. "
            f"Write one of them: a & b.replace({name}={default!r})."
        )


def _array(kernel: str, name: str, value: Any, shape: tuple[int, int], default: Any) -> np.ndarray:
    if value is None:
        return np.full(shape, default)
    if np.shape(value) != shape:
        swapped = np.shape(value) == shape[::-1]
        raise ValueError(
            f"`{kernel}.{name}` must have the shape (post, pre) = {shape}, got {np.shape(value)}."
            f"{' Transpose it: weights are (post, pre) here.' if swapped else ''}"
        )
    return np.array(value)


def _check_received(
    name: str, share: float, n: np.ndarray, received: np.ndarray, post: Side
) -> None:
    """Raise if rounding leaves a unit without any of its sources."""
    bare = (n > 0) & (received == 0)
    if not bare.any():
        return
    i = int(np.where(bare, n, n.max() + 1).argmin())
    # Rounded to even, share * n is at least 1 from just above 1/2; told with three digits.
    least = 0.5 / n[i]
    digits = 10.0 ** (2 - np.floor(np.log10(least)))
    raise ValueError(
        f"`{name}` must be {(np.floor(least * digits + 1e-9) + 1) / digits:g} or more, or "
        f"{post.described(i)} receives none of its {n[i]} possible synapses, got {share:g}."
    )
