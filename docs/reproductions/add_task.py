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
UNITS, LAGS = 32, (3, 5)
STEPS, BIN = 20_000, 500  # that are scored; those of a point of a curve, and of an online trial
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
    warm_up: nt.Duration = 20.0
    scored: nt.Duration = float(BIN)

    def build(self, t):
        x = (t.rng.random((t.n_trials, t.n_steps)) < 0.5).astype(float)
        late, early = (np.pad(x, ((0, 0), (lag, 0)))[:, : t.n_steps] for lag in self.lags)
        y = 0.5 + 0.5 * late - 0.25 * early
        t.input(self.inputs, np.stack([x, 1 - x], -1))
        t.target(self.outputs, np.stack([y, 1 - y], -1), phase="scored")


@dataclass(frozen=True)
class Above(nt.losses.CategoricalCrossEntropy):
    """Cross-entropy less the entropy of the targets: the same gradient, less luck of the draw."""

    def errors(self, targets, outputs):
        least = -tf.reduce_sum(tf.math.xlogy(targets, targets), -1, keepdims=True)
        return super().errors(targets, outputs) - least


def surprise(p: np.ndarray) -> np.ndarray:
    """Return the entropy of y (nats) where its chance is p."""
    return entr(p) + entr(1 - p)


CHANCES = 0.5 + 0.5 * np.array([[0], [1]]) - 0.25 * np.array([[0, 1]])  # of y, (late, early)
FLOORS = {  # the least cross-entropy of an observer, by what it knows of x
    "x of both lags": float(surprise(CHANCES).mean()),
    f"x of lag {LAGS[0]} alone": float(surprise(CHANCES.mean(1)).mean()),
    f"x of lag {LAGS[1]} alone": float(surprise(CHANCES.mean(0)).mean()),
    "x of neither lag": float(surprise(CHANCES.mean())),
}
LEAST = FLOORS["x of both lags"]
LUCK = float(surprise(CHANCES).std() / np.sqrt(2000))  # sd of the least of 2,000 steps


@dataclass(frozen=True)
class Kind:
    """A way to learn.

    Args:
        rules: the rule, or several that differ in a rate of their own, which is tuned too.
        style: colour (of seaborn's colour-blind palette, -1 black) and line.
        reference: cross-entropy of the paper's code over steps 6,001 to 8,000, one seed, untuned.
        every: steps after which a rule that learns after trials changes weights; 0: at each step.
        frozen: whether the readout alone learns.
    """

    rules: tuple[Any, ...]
    style: tuple[int, str]
    reference: float | None = None
    every: int = 0
    frozen: bool = False


def online(rule: Any, **settings: Any) -> Any:
    """Return a rule that changes weights at each step."""
    return rule(when=1, update=FREE, **settings)


FREE = nt.rules.Descent(clip_norm=None)
BLOCK = nt.rules.TruncatedBPTT(steps=10, update=FREE)
SLIDING = nt.rules.TruncatedBPTT(steps=10, form="sliding", update=FREE)
KERNELS = tuple(online(nt.rules.KeRNL, credit=LearnedKernel(rate=a)) for a in (0.01, 0.1))
SYNTHETIC = tuple(online(nt.rules.DNI, credit=Synthetic(rate=a)) for a in (0.1, 0.3))
LOCAL = online(nt.rules.RFLO, feedback="symmetric")
KINDS = {
    "BPTT": Kind((nt.rules.BPTT(clip_norm=None),), (-1, "-"), every=10),
    "E-BPTT(10)": Kind((BLOCK,), (-1, "--"), 0.4656, every=10),
    "F-BPTT(10)": Kind((SLIDING,), (-1, ":"), 0.4644, every=10),
    "RTRL": Kind((online(nt.rules.RTRL),), (0, "-"), 0.4693),
    "KF-RTRL": Kind((online(nt.rules.KFRTRL),), (1, "-"), 0.4836),
    "reverse KF-RTRL": Kind((online(nt.rules.ReverseKFRTRL),), (1, "--")),
    "UORO": Kind((online(nt.rules.UORO),), (1, ":"), 0.4828),
    "KeRNL": Kind(KERNELS, (2, "-"), 0.4799),
    "SnAp-1": Kind((online(nt.rules.SnAp1),), (2, "--")),
    "RFLO symmetric": Kind((LOCAL,), (2, ":"), 0.4794),
    "RFLO random": Kind((online(nt.rules.RFLO),), (8, "-"), 0.4805),
    "DNI": Kind(SYNTHETIC, (4, "-"), 0.605),
    "fixed recurrent": Kind((LOCAL,), (3, "-"), 0.4839, frozen=True),
}
GRADIENTS, FIXED = ("BPTT", "E-BPTT(10)", "F-BPTT(10)", "RTRL"), "fixed recurrent"

STYLE: dict[Any, Any] = {"font.size": 7, "axes.linewidth": 0.6, "legend.frameon": False}
DPI = 200
LETTER = {"fontsize": 10, "fontweight": "bold", "va": "bottom", "ha": "right"}
PALETTE = [*sns.color_palette("colorblind"), (0.1, 0.1, 0.1)]
ABOVE = "cross-entropy above the least, nats"


# --- training ------------------------------------------------------------------------------------


def network(kind: Kind, rule: Any, rate: float, seed: int) -> nt.RateRNN:
    """Return the paper's network: h <- tanh(W h + W_in x + b), p = softmax(W_out h + b_out)."""
    import keras

    orthogonal, normal = nt.initializers.Orthogonal(), nt.initializers.Gaussian()
    weights: dict[str, Any] = {
        "recurrent": nt.Connectivity(initializer=orthogonal, frozen=kind.frozen),
        "input": nt.Connectivity(initializer=normal, frozen=kind.frozen),
        "output": nt.Connectivity(initializer=normal),
        "initial_state": 0.0,
        "trainable": {"initial_state": False, "bias": not kind.frozen},
    }
    with warnings.catch_warnings():
        # Units without a leak, dt = tau, are the paper's.
        warnings.filterwarnings("ignore", "`dt` should be at most half of tau")
        how: dict[str, Any] = {"tau": Add().dt, "form": "rate", "activation": "tanh"}
        model = nt.RateRNN.for_task(Add(), units=UNITS, seed=seed, **how, **weights)
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
    how: dict[str, Any] = {"updates": steps // size, "batch_size": 1, "verbose": 0}
    try:
        task = Add(scored=float(size))
        made = nt.Networks(models).fit(task, seeds=[*seeds] * len(rates), **how)
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
        tuned: lost in the last quarter by networks of other seeds, mean, (rule, rate).
        lost: while learning, by the best rule at its best rate, (bin, seed).
        fresh: on fresh streams, by the weights at the end, (seed,).
        seconds: length of all of it.
    """

    tuned: np.ndarray
    lost: np.ndarray
    fresh: np.ndarray
    seconds: float

    @property
    def last(self) -> np.ndarray:
        """Lost in the last quarter, (seed,)."""
        return quarter(self.lost)

    @property
    def at_8000(self) -> np.ndarray:
        """Lost in steps 6,001 to 8,000, of which the values of the paper's code are, (seed,)."""
        return self.lost[6000 // BIN : 8000 // BIN].mean(0)

    @property
    def best(self) -> tuple[int, int]:
        """Which of the rules, and which rate, lost least."""
        rule, rate = np.unravel_index(self.tuned.argmin(), self.tuned.shape)
        return int(rule), int(rate)


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
    rule, rate = Learned(np.array(tuned), np.zeros(0), np.zeros(0), 0.0).best
    lost, models = train(kind, kind.rules[rule], [rates[rate]], seeds, steps)
    fresh = nt.Networks(models).evaluate(Add(), **FRESH)["loss"].to_numpy()
    return Learned(np.array(tuned), lost[:, 0], fresh, time.perf_counter() - begun)


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


def ranked(results: Results) -> list[str]:
    """Return the rules, the best first, by the mean of the last quarter."""
    return sorted(results, key=lambda name: float(results[name].last.mean()))


def rules_table(results: Results) -> str:
    """Return what each rule came to, the best first, as a table."""

    def spread(lost: np.ndarray) -> str:
        mean, low, high = (LEAST + f(lost) for f in (np.mean, np.min, np.max))
        return f"{mean:.4f} ({low:.4f} to {high:.4f})"

    head = ("rule", "rate", "steps 6,001 to 8,000", "the paper's code", "last quarter")
    rows = []
    for name in ranked(results):
        learned, kind = results[name], KINDS[name]
        rule, rate = learned.best
        own = getattr(getattr(kind.rules[rule], "credit", None), "rate", None)
        rates = f"{RATES[rate]:g}" + ("" if own is None else f", own {own:g}")
        reference = "" if kind.reference is None else f"{kind.reference:.4f}"
        columns = (spread(learned.at_8000), reference, spread(learned.last), spread(learned.fresh))
        rows.append((name, rates, *columns))
    return reproduction_page.table((*head, "fresh streams, at the end"), rows)


def verdict(results: Results) -> str:
    """Return what is asked for, and whether it is so."""
    means = {name: LEAST + float(results[name].last.mean()) for name in ranked(results)}
    both, others = ("E-BPTT(10)", "RTRL"), [name for name in means if name not in GRADIENTS]
    moving = [name for name in means if name != FIXED]
    worse = np.array([results[FIXED].last > results[name].last for name in moving])
    above = {
        name: LEAST + float(results[name].at_8000.mean()) - kind.reference
        for name, kind in KINDS.items()
        if kind.reference is not None
    }
    most = max(above, key=lambda name: above[name])

    def told(*names: str) -> str:
        return ", ".join(f"{name} {means[name]:.4f}" for name in names)

    worst = max(means[name] for name in both)
    figure = f"{told(FIXED, moving[-1])}; of pairs of equal seeds {worse.sum()} of {worse.size}"
    luck = f"2 sd of the least of 2,000 steps, {2 * LUCK:.3f}"
    return reproduction_page.verdict([
        ("E-BPTT and RTRL are better than all that is no gradient", worst < means[others[0]],
         told(*both, others[0])),
        ("fixed recurrent weights are the worst that learn", means[FIXED] > means[moving[-1]],
         figure),
        (f"E-BPTT and RTRL come within 0.01 of the least, {LEAST:.4f}", worst < LEAST + 0.01,
         told(*both)),
        (f"no rule is above the paper's code by more than {luck}", above[most] <= 2 * LUCK,
         f"largest: {most}, {above[most]:+.4f}"),
    ])  # fmt: skip


# --- figure --------------------------------------------------------------------------------------


def draw(results: Results) -> Figure:
    """Draw learning (A), what it came to (B) and how learning rates were chosen (C)."""
    with plt.rc_context(STYLE):
        figure, axes = plt.subplots(1, 3, figsize=(7.2, 3.4), layout="constrained")
        for panel, ax in zip((draw_curves, draw_last, draw_tuning), axes, strict=True):
            panel(ax, results)
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
    """Draw what is lost above the least over the steps that are scored, and what observers lose."""
    for name, learned in results.items():
        steps = BIN * (np.arange(len(learned.lost)) + 0.5)
        ax.plot(steps, learned.lost.mean(1), **look(name))
    for words, floor in list(FLOORS.items())[1::2]:
        ax.axhline(floor - LEAST, color="0.6", linewidth=0.6, zorder=0)
        at = {"xycoords": ("axes fraction", "data"), "textcoords": "offset points", "ha": "right"}
        ax.annotate(words, (1, floor - LEAST), (0, 2), color="0.4", **at)
    ax.set(yscale="log", xlabel="steps", ylabel=ABOVE, xlim=(0, None))


def draw_last(ax: Axes, results: Results) -> None:
    """Draw the cross-entropy of each network in the last quarter, and the least."""
    names = ranked(results)[::-1]
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
        (rule, rate), color = learned.best, look(name)["color"]
        rates = RATES[: learned.tuned.shape[1]]
        ax.plot(rates, learned.tuned[rule], **look(name))
        ax.plot(rates[rate], learned.tuned[rule, rate], "o", color=color, markersize=3)
    ax.set(xscale="log", yscale="log", xlabel="learning rate of a step", ylabel=ABOVE)
    ax.set_ylim(top=1.0)


def main() -> None:
    """Train, draw, report."""
    parser = argparse.ArgumentParser(description="The Add task, learned by all rules.")
    parser.add_argument("--cache", type=Path, help="folder that keeps what has been trained")
    parser.add_argument("--write", action="store_true", help=f"write {PAGE.name} and its figure")
    arguments = parser.parse_args()
    results = learn_all(cache=arguments.cache)
    minutes = sum(float(learned.seconds) for learned in results.values()) / 60
    observers = [(words, f"{floor:.4f}") for words, floor in FLOORS.items()]
    text = "\n\n".join([
        "## Cross-entropy, nats a step: mean and range over networks",
        rules_table(results),
        verdict(results),
        reproduction_page.table(("an observer who knows", "loses at least"), observers),
        reproduction_page.provenance(
            COMMAND,
            ("tensorflow", "keras", "numpy"),
            seeds=f"{SEEDS[0]} to {SEEDS[-1]}, the same for every rule",
            training=f"{minutes:.0f} minutes in all",
        ),
    ])  # fmt: skip
    print(text)
    figure = draw(results)
    if arguments.write:
        reproduction_page.write(PAGE, text)
        figure.savefig(PAGE.with_suffix(".png"), dpi=DPI)


if __name__ == "__main__":
    main()
