"""The Add task of Marschall, Cho and Savin, learned step by step by all rules of the package.

    python docs/reproductions/add_task.py                   # tunes each rule, then five networks
    python docs/reproductions/add_task.py --cache FOLDER    # keeps and reuses what is trained
    python docs/reproductions/add_task.py --write           # also page and figure

Source: Marschall, Cho & Savin (2020) JMLR 21(135), and its code.
"""

import argparse
import time
import warnings
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from itertools import product
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import reproduction_page
import seaborn as sns
import tensorflow as tf
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from scipy.special import entr

import neurotask as nt
from neurotask.backend.rules.credit.learned_kernel import LearnedKernel
from neurotask.backend.rules.credit.synthetic import Synthetic

PAGE = Path(__file__).with_suffix(".md")
COMMAND = "python docs/reproductions/add_task.py --write"
UNITS, LAGS, WARM_UP = 32, (3, 5), 20
STEPS, BIN = 20_000, 500  # that are scored; those of a point of a curve
RATES = (0.0003, 0.001, 0.003, 0.01, 0.03, 0.1, 0.3)  # learning rate of a step
TUNING, SEEDS = (100, 101, 102), (0, 1, 2, 3, 4)
FRESH = {"n": 8, "seed": 10_000}  # streams on which networks are tested when they have learned


@dataclass(frozen=True, kw_only=True)
class Add(nt.Task):
    """The chance of y is 0.5 + 0.5 x of some steps ago - 0.25 x of more steps ago, x a fair coin.

    Args:
        lags: how many steps ago both are.
        warm_up: steps at the start that are not scored.
        scored: steps that are.
    """

    inputs = ("x", "not x")
    outputs = ("y", "not y")
    choices = ()
    dt: float = 1.0
    lags: tuple[int, int] = LAGS
    warm_up: nt.Duration = float(WARM_UP)
    scored: nt.Duration = float(BIN)

    def build(self, t):
        x = (t.rng.random((t.n_trials, t.n_steps)) < 0.5).astype(float)
        late, early = (np.pad(x, ((0, 0), (lag, 0)))[:, : t.n_steps] for lag in self.lags)
        y = 0.5 + 0.5 * late - 0.25 * early
        t.input(self.inputs, np.stack([x, 1 - x], -1))
        t.target(self.outputs, np.stack([y, 1 - y], -1), phase="scored")


@dataclass(frozen=True)
class Above(nt.losses.CategoricalCrossEntropy):
    """Cross-entropy less the entropy of the targets: its gradient, without the luck of the draw."""

    def errors(self, targets, outputs):
        least = -tf.reduce_sum(tf.math.xlogy(targets, targets), -1, keepdims=True)
        return super().errors(targets, outputs) - least


CHANCES = 0.5 + 0.5 * np.array([[0], [1]]) - 0.25 * np.array([[0, 1]])  # of y, (late, early)


def surprise(p: np.ndarray) -> np.ndarray:
    """Return the entropy of y (nats) where its chance is p."""
    return entr(p) + entr(1 - p)


# The least cross-entropy of an observer, by the lags at which it knows x.
FLOORS = {
    "both": float(surprise(CHANCES).mean()),
    "first": float(surprise(CHANCES.mean(1)).mean()),
    "second": float(surprise(CHANCES.mean(0)).mean()),
    "neither": float(surprise(CHANCES.mean())),
}
LEAST = FLOORS["both"]
LUCK = float(surprise(CHANCES).std() / np.sqrt(2000))  # sd of a mean over 2,000 steps


@dataclass(frozen=True)
class Kind:
    """A way to learn.

    Args:
        rules: the rule, or several that differ in a rate of their own, which is tuned too.
        every: steps after which a rule that learns after trials changes weights; 0: at each step.
        frozen: whether the readout alone learns.
        published: cross-entropy of the reference's code over steps 6,001 to 8,000, untuned.
        style: colour (of seaborn's colour-blind palette, -1 black) and line.
    """

    rules: tuple[Any, ...]
    every: int = 0
    frozen: bool = False
    published: float | None = None
    style: tuple[int, str] = (-1, "-")


FREE = nt.rules.Descent(clip_norm=None)
ONLINE: dict[str, Any] = {"when": 1, "update": FREE}
BLOCK = nt.rules.TruncatedBPTT(steps=10, update=FREE)
SLIDING = nt.rules.TruncatedBPTT(steps=10, form="sliding", update=FREE)
KERNELS = tuple(nt.rules.KeRNL(credit=LearnedKernel(rate=a), **ONLINE) for a in (0.01, 0.1))
SYNTHETIC = tuple(nt.rules.DNI(credit=Synthetic(rate=a), **ONLINE) for a in (0.1, 0.3))
SNAP0 = nt.rules.SnAp0(**ONLINE)
KINDS = {
    "BPTT": Kind((nt.rules.BPTT(clip_norm=None),), 10),
    "E-BPTT(10)": Kind((BLOCK,), 10, published=0.4656, style=(-1, "--")),
    "F-BPTT(10)": Kind((SLIDING,), 10, published=0.4644, style=(-1, ":")),
    "RTRL": Kind((nt.rules.RTRL(**ONLINE),), published=0.4693, style=(0, "-")),
    "KF-RTRL": Kind((nt.rules.KFRTRL(**ONLINE),), published=0.4836, style=(1, "-")),
    "reverse KF-RTRL": Kind((nt.rules.ReverseKFRTRL(**ONLINE),), style=(1, "--")),
    "UORO": Kind((nt.rules.UORO(**ONLINE),), published=0.4828, style=(1, ":")),
    "KeRNL": Kind(KERNELS, published=0.4799, style=(2, "-")),
    "SnAp-1": Kind((nt.rules.SnAp1(**ONLINE),), style=(2, "--")),
    "RFLO symmetric": Kind(
        (nt.rules.RFLO(feedback="symmetric", **ONLINE),), published=0.4794, style=(2, ":")
    ),
    "RFLO random": Kind((nt.rules.RFLO(**ONLINE),), published=0.4805, style=(8, "-")),
    "DNI": Kind(SYNTHETIC, published=0.605, style=(4, "-")),
    "fixed recurrent": Kind((SNAP0,), frozen=True, published=0.4839, style=(3, "-")),
}
OBSERVERS = {
    "both": "both lags",
    "first": f"lag {LAGS[0]} alone",
    "second": f"lag {LAGS[1]} alone",
    "neither": "neither lag",
}
EXACT = ("BPTT", "E-BPTT(10)", "F-BPTT(10)", "RTRL")
FIXED = "fixed recurrent"

STYLE: dict[Any, Any] = {"font.size": 7, "axes.linewidth": 0.6, "legend.frameon": False}
DPI = 200
LETTER = {"fontsize": 10, "fontweight": "bold", "va": "bottom", "ha": "right"}
PALETTE = [*sns.color_palette("colorblind"), (0.1, 0.1, 0.1)]


# --- training ------------------------------------------------------------------------------------


def network(kind: Kind, rule: Any, rate: float, seed: int) -> nt.RateRNN:
    """Return the reference's network: h = tanh(W h + W_in x + b), the softmax of W_out h + b_out."""
    import keras

    orthogonal, normal = nt.initializers.Orthogonal(), nt.initializers.Gaussian()
    with warnings.catch_warnings():
        # Units without a leak, so that the new state is all there is.
        warnings.filterwarnings("ignore", "`dt` should be at most half of tau")
        model = nt.RateRNN.for_task(
            Add(),
            units=UNITS,
            tau=Add().dt,
            form="rate",
            activation="tanh",
            initial_state=0.0,
            recurrent=nt.Connectivity(initializer=orthogonal, frozen=kind.frozen),
            input=nt.Connectivity(initializer=normal, frozen=kind.frozen),
            output=nt.Connectivity(initializer=normal),
            trainable={"initial_state": False, "bias": not kind.frozen},
            seed=seed,
        )
    # The loss is a mean over the steps of a trial; a step's own gradient is descended at `rate`.
    model.compile(keras.optimizers.SGD(rate * (kind.every or BIN)), rule=rule, loss=Above())
    return model


def train(
    kind: Kind, rule: Any, rates: Sequence[float], seeds: Sequence[int], steps: int
) -> tuple[np.ndarray, list[nt.RateRNN]]:
    """Return what is lost above the least, (bin, rate, seed), and the networks, trained at once.

    A rate at which a network does not stay finite has lost all: inf.
    """
    models = [network(kind, rule, rate, seed) for rate, seed in product(rates, seeds)]
    size = kind.every or BIN
    shape = (steps // BIN, BIN // size, len(rates), len(seeds))
    how = {"updates": steps // size, "batch_size": 1, "verbose": 0}
    try:
        made = nt.Networks(models).fit(Add(scored=float(size)), seeds=[*seeds] * len(rates), **how)
    except FloatingPointError:
        if len(rates) == 1:
            return np.full((shape[0], *shape[2:]), np.inf), models
        alone = [train(kind, rule, [rate], seeds, steps) for rate in rates]
        return np.concatenate([lost for lost, _ in alone], 1), [m for _, ms in alone for m in ms]
    return made["loss"].to_numpy().reshape(shape).mean(1), models


@dataclass(frozen=True, eq=False)
class Learned:
    """How networks learned by a rule; what is lost is in nats a step above the least.

    Args:
        tuned: lost in the last quarter by networks of other seeds, mean, (candidate, rate).
        lost: while learning, at the best rate, (bin, seed).
        fresh: on fresh streams, by the weights at the end, (seed,).
        seconds: length of all of it.
    """

    tuned: np.ndarray
    lost: np.ndarray
    fresh: np.ndarray
    seconds: float | np.ndarray

    @property
    def last(self) -> np.ndarray:
        """Lost in the last quarter, (seed,)."""
        return quarter(self.lost)

    @property
    def best(self) -> tuple[int, int]:
        """Which candidate and which rate lost least."""
        candidate, rate = np.unravel_index(self.tuned.argmin(), self.tuned.shape)
        return int(candidate), int(rate)


def quarter(lost: np.ndarray) -> np.ndarray:
    """Return the mean of the last quarter of bins (bin, ...)."""
    return lost[-max(len(lost) // 4, 1) :].mean(0)


def learn(
    kind: Kind,
    steps: int = STEPS,
    rates: Sequence[float] = RATES,
    tuning: Sequence[int] = TUNING,
    seeds: Sequence[int] = SEEDS,
) -> Learned:
    """Return how networks learned at the rate that was best on other seeds."""
    begun = time.perf_counter()
    tuned = [quarter(train(kind, rule, rates, tuning, steps)[0]).mean(-1) for rule in kind.rules]
    found = Learned(np.array(tuned), np.zeros(0), np.zeros(0), 0.0)
    candidate, at = found.best
    lost, models = train(kind, kind.rules[candidate], [rates[at]], seeds, steps)
    fresh = nt.Networks(models).evaluate(Add(), **FRESH)["loss"].to_numpy()
    return Learned(found.tuned, lost[:, 0], fresh, time.perf_counter() - begun)


Results = Mapping[str, Learned]


def learn_all(names: Iterable[str] = KINDS, cache: Path | None = None) -> dict[str, Learned]:
    """Return how networks learned by all rules, taken from a folder where it has them."""
    results = {}
    for name in names:
        path = None if cache is None else cache / f"{name.replace(' ', '_')}.npz"
        if path is not None and path.is_file():
            with np.load(path, allow_pickle=False) as file:
                results[name] = Learned(*(file[field.name] for field in fields(Learned)))
            continue
        results[name] = learn(KINDS[name])
        if path is not None:
            path.parent.mkdir(parents=True, exist_ok=True)
            np.savez(path, **{f.name: getattr(results[name], f.name) for f in fields(Learned)})
        print(name, results[name].last, f"{results[name].seconds:.0f} s", flush=True)
    return results


# --- what came out -------------------------------------------------------------------------------


def spread(lost: np.ndarray) -> str:
    """Return mean and range over networks as cross-entropies, in a cell."""
    mean, low, high = (LEAST + f(lost) for f in (np.mean, np.min, np.max))
    return f"{mean:.4f} ({low:.4f} to {high:.4f})"


def rules_table(results: Results) -> str:
    """Return what each rule came to, the best first, as a table."""
    head = ("rule", "rate", "steps 6,001 to 8,000", "reference, untuned", "last quarter")
    rows = []
    for name in sorted(results, key=lambda name: results[name].last.mean()):
        learned, published = results[name], KINDS[name].published
        candidate, rate = learned.best
        own = getattr(getattr(KINDS[name].rules[candidate], "credit", None), "rate", None)
        rows.append((
            name,
            f"{RATES[rate]:g}" + ("" if own is None else f", own {own:g}"),
            spread(at_8000(learned)),
            "" if published is None else f"{published:.4f}",
            spread(learned.last),
            spread(learned.fresh),
        ))  # fmt: skip
    return reproduction_page.table((*head, "fresh streams, afterwards"), rows)


def at_8000(learned: Learned) -> np.ndarray:
    """Return what was lost where the reference looks, (seed,)."""
    return learned.lost[6000 // BIN : 8000 // BIN].mean(0)


def verdict(results: Results) -> str:
    """Return what is asked for, and whether it is so."""
    mean = {name: float(learned.last.mean()) for name, learned in results.items()}
    others = {name: lost for name, lost in mean.items() if name not in EXACT}
    second = min(others, key=lambda name: others[name])
    moving = {name: lost for name, lost in mean.items() if name != FIXED}
    next_to = max(moving, key=lambda name: moving[name])
    pairs = [int((results[FIXED].last > results[name].last).sum()) for name in moving]
    n = len(results[FIXED].last)
    above = {
        name: LEAST + float(at_8000(results[name]).mean()) - kind.published
        for name, kind in KINDS.items()
        if kind.published is not None
    }
    highest = max(above, key=lambda name: above[name])
    both = ("E-BPTT(10)", "RTRL")
    told = [f"{name} {LEAST + mean[name]:.4f}" for name in (*both, second, FIXED, next_to)]
    return reproduction_page.verdict([
        (
            "E-BPTT and RTRL are better than every rule that is no gradient",
            max(mean[name] for name in both) < others[second],
            ", ".join(told[:3]),
        ),
        (
            "the readout alone is the worst that learns, mean over networks",
            mean[FIXED] > moving[next_to],
            ", ".join(told[3:]),
        ),
        (
            "so it is in each network beside that of its seed",
            min(pairs) == n,
            f"{sum(pairs)} of {n * len(pairs)} pairs",
        ),
        (
            f"E-BPTT and RTRL within 0.01 of the least, {LEAST:.4f}",
            max(mean[name] for name in both) < 0.01,
            ", ".join(told[:2]),
        ),
        (
            "no rule above the reference's value by more than the luck of its 2,000 steps, 2 sd, "
            f"{2 * LUCK:.3f}",
            above[highest] <= 2 * LUCK,
            f"largest: {highest}, {above[highest]:+.4f}",
        ),
    ])  # fmt: skip


# --- figure --------------------------------------------------------------------------------------


def draw(results: Results) -> Figure:
    """Draw learning (A), what it came to (B) and how learning rates were chosen (C)."""
    with plt.rc_context(STYLE):
        figure, axes = plt.subplots(1, 3, figsize=(7.2, 3.6), layout="constrained")
        draw_curves(axes[0], results)
        draw_last(axes[1], results)
        draw_tuning(axes[2], results)
        lines = [plt.Line2D([], [], label=name, **look(name)) for name in results]
        figure.legend(handles=lines, loc="outside lower center", ncols=5)
        for letter, ax in zip("ABC", axes, strict=True):
            ax.text(-0.12, 1.02, letter, transform=ax.transAxes, **LETTER)
            sns.despine(ax=ax)
    return figure


def look(name: str) -> dict[str, Any]:
    """Return colour and line of a rule."""
    color, line = KINDS[name].style
    return {"color": PALETTE[color], "linestyle": line, "linewidth": 1.0}


def draw_curves(ax: Axes, results: Results) -> None:
    """Draw what is lost above the least over the steps that are scored."""
    for name, learned in results.items():
        steps = BIN * (np.arange(len(learned.lost)) + 0.5)
        ax.plot(steps, learned.lost.mean(1), **look(name))
    for name in ("first", "neither"):
        ax.axhline(FLOORS[name] - LEAST, color="0.6", linewidth=0.6, zorder=0)
        ax.annotate(
            f"knows {OBSERVERS[name]}", (1, FLOORS[name] - LEAST), (0, 2), xycoords=("axes fraction", "data"),
            textcoords="offset points", ha="right", va="bottom", color="0.4",
        )  # fmt: skip
    ax.set(yscale="log", xlabel="steps", xlim=(0, None))
    ax.set_ylabel("cross-entropy above the least, nats")


def draw_last(ax: Axes, results: Results) -> None:
    """Draw the cross-entropy of each network in the last quarter, and of observers."""
    names = sorted(results, key=lambda name: -results[name].last.mean())
    for at, name in enumerate(names):
        values, color = LEAST + results[name].last, look(name)["color"]
        ax.plot(values, np.full(len(values), at), "o", color=color, alpha=0.5, markersize=3)
        ax.plot(values.mean(), at, "|", color=color, markersize=9, markeredgewidth=1.5)
    ax.axvline(LEAST, color="0.6", linewidth=0.6, zorder=0)
    ax.set_yticks(range(len(names)), names)
    ax.set(xlabel="cross-entropy in the last quarter, nats")


def draw_tuning(ax: Axes, results: Results) -> None:
    """Draw what was lost at each learning rate by networks of other seeds."""
    for name, learned in results.items():
        tuned, (candidate, rate) = learned.tuned, learned.best
        ax.plot(RATES, tuned[candidate], **look(name))
        ax.plot(RATES[rate], tuned[candidate, rate], "o", color=look(name)["color"], markersize=3)
    ax.set(xscale="log", yscale="log", xlabel="learning rate of a step", ylim=(5e-4, 1))
    ax.set_ylabel("cross-entropy above the least, nats")


def main() -> None:
    """Train, draw, report."""
    parser = argparse.ArgumentParser(description="The Add task, learned by all rules.")
    parser.add_argument("--cache", type=Path, help="folder that keeps what has been trained")
    parser.add_argument("--write", action="store_true", help=f"write {PAGE.name} and its figure")
    arguments = parser.parse_args()
    results = learn_all(cache=arguments.cache)
    minutes = sum(float(learned.seconds) for learned in results.values()) / 60
    parts = [
        "## Cross-entropy, nats a step: mean and range over networks",
        rules_table(results),
        "The least for an observer that knows x at "
        + "; ".join(f"{words}, {FLOORS[name]:.4f}" for name, words in OBSERVERS.items()),
        verdict(results),
        reproduction_page.provenance(
            COMMAND,
            ("tensorflow", "keras", "numpy"),
            seeds=f"{SEEDS[0]} to {SEEDS[-1]}, the same for every rule; rates were chosen with "
            f"seeds {TUNING[0]} to {TUNING[-1]}",
            training=f"{minutes:.0f} minutes in all",
        ),
    ]
    text = "\n\n".join(parts)
    print(text)
    figure = draw(results)
    if arguments.write:
        reproduction_page.write(PAGE, text)
        figure.savefig(PAGE.with_suffix(".png"), dpi=DPI)


if __name__ == "__main__":
    main()
