"""FORCE learning: a chaotic network learns, from its own output fed back, to make a pattern.

    python docs/reproductions/force.py            # three networks of 1,000 units
    python docs/reproductions/force.py --write    # also page and figure

Source: Sussillo & Abbott (2009) Neuron 63:544, figure 1A and 2; numbers of its published scripts.
"""

import argparse
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import keras
import matplotlib.pyplot as plt
import numpy as np
import reproduction_page
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.figure import Figure

import neurotask as nt

PAGE = Path(__file__).with_suffix(".md")
COMMAND = "python docs/reproductions/force.py --write"
SEEDS = range(3)
UNITS, DENSITY, GAIN, AMPLITUDE = 1000, 0.1, 1.5, 1.3
TAU, DT = 10.0, 1.0  # ms; the source counts time in units of tau
PERIOD = 120 * TAU
PERIODS = 12  # of training, and of the test
LEAST_CORRELATION, MOST_ERROR, MOST_MS = 0.98, 0.010, 0.2

# Mean absolute error in training; of several networks, from the least to the most.
OTHERS = (
    "NumPy, three | 1.5 | | 0.0042-0.0048 | 0.22-0.24 | 0.053-0.086 | 0.984-0.994 | 0.36-0.64 |",
    "MATLAB, one | 1.5 | | 0.0054 | | 0.0364 | 0.9971 | |",
)
LINES = ("-", "--", ":")

STYLE: dict[Any, Any] = {"font.size": 7, "axes.linewidth": 0.6, "legend.frameon": False}
DPI = 200
LETTER = {"fontsize": 10, "fontweight": "bold", "va": "bottom", "ha": "right"}
TARGET, OUTPUT = sns.color_palette("colorblind", 4)[2:0:-1]


@dataclass(frozen=True, kw_only=True)
class FourSines(nt.Task):
    """Make a pattern of four sines, without an input to tell of it.

    f = (A sin wt + A/2 sin 2wt + A/6 sin 3wt + A/3 sin 4wt) / 1.5,   w = 2 pi / period
    """

    inputs = ("silence",)
    outputs = ("pattern",)
    choices = ()

    pattern: nt.Duration = PERIOD
    dt: float = DT

    def build(self, t: nt.Canvas):
        w = 2 * np.pi * self.dt * np.arange(1, round(self.pattern / self.dt) + 1) / PERIOD
        sines = np.sin(w) + np.sin(2 * w) / 2 + np.sin(3 * w) / 6 + np.sin(4 * w) / 3
        t.target("pattern", AMPLITUDE / 1.5 * sines[None])


@dataclass(frozen=True, eq=False)
class Result:
    """What one network did.

    Args:
        seed: its seed.
        gain: standard deviation of its recurrent weights times sqrt(density * units), at the start.
        radius: their spectral radius.
        errors: root mean squared error while it learned, of each period.
        norms: length of the readout after each.
        target: the pattern over the test, (time,).
        before, after: outputs without learning, before and after it, (time,).
        rates: of a few units over the test, (time, unit).
        step: ms of wall time that a step of learning takes, compilation left out.
        processor: ms of processor time that it takes, of all cores together.
    """

    seed: int
    gain: float
    radius: float
    errors: np.ndarray
    norms: np.ndarray
    target: np.ndarray
    before: np.ndarray
    after: np.ndarray
    rates: np.ndarray
    step: float
    processor: float

    @property
    def error(self) -> float:
        """Root mean squared error over all of learning; the mean absolute one is no larger."""
        return float(np.sqrt(np.mean(self.errors**2)))

    @property
    def test_error(self) -> float:
        """Mean absolute error of the test."""
        return float(np.abs(self.after - self.target).mean())

    @property
    def correlation(self) -> float:
        """Of output and pattern in the test."""
        return float(np.corrcoef(self.after, self.target)[0, 1])


def network(seed: int, units: int = UNITS) -> nt.RateRNN:
    """Return the network of the source: sparse, chaotic, with a readout of 0 that feeds back."""
    uniform = nt.initializers.Keras("random_uniform", {"minval": -1.0, "maxval": 1.0})
    model = nt.RateRNN.for_task(
        FourSines(),
        units=units,
        tau=TAU,
        activation="tanh",
        recurrent=nt.Connectivity(density=DENSITY, initializer=nt.initializers.Gaussian(gain=GAIN)),
        feedback=nt.Connectivity(initializer=uniform),
        output=nt.Connectivity(initializer="zeros"),
        seed=seed,
    )
    start = np.random.default_rng(seed).standard_normal(units)
    model.initial_state.assign(0.5 * start)
    return model


def train(seed: int, units: int = UNITS, periods: int = PERIODS) -> Result:
    """Train a network over some periods, each going on where the last one ended, and test it."""
    model, test = network(seed, units), FourSines(pattern=periods * PERIOD).trials(1, seed=0)
    weights = model.effective_weights()["recurrent"].to_numpy()
    exist = weights[model.recurrent_kernel.exists.numpy()]
    before = model.run(test, record=()).outputs.to_numpy()[0, :, 0]
    model.compile("sgd", rule=nt.rules.FORCE(update=nt.rules.RLS(alpha=1.0), when=2, carry=True))
    lengths = Lengths()
    fit = {"updates": periods, "batch_size": 1, "segment": 1, "verbose": 0}
    history = model.fit(FourSines(), callbacks=[lengths], **fit)
    session = model.run(test, record=("rates",))
    further = [timed(lambda: model.fit(FourSines(), **fit)) for _ in range(4)]
    wall, processor = zip(*further, strict=True)
    steps = periods * PERIOD / DT
    return Result(
        seed=seed,
        gain=float(exist.std() * np.sqrt(DENSITY * units)),
        radius=float(np.abs(np.linalg.eigvals(weights)).max()),
        errors=np.sqrt(history.history["loss"]),
        norms=np.array(lengths.seen),
        target=test.targets[0, :, 0],
        before=before,
        after=session.outputs.to_numpy()[0, :, 0],
        rates=session.rates.to_numpy()[0, :, :5],
        step=1000.0 * min(wall) / steps,
        processor=1000.0 * min(processor) / steps,
    )


def timed(work: Callable[[], Any]) -> tuple[float, float]:
    """Return the seconds of wall time and of processor time that work takes."""
    wall, processor = time.perf_counter(), time.process_time()
    work()
    return time.perf_counter() - wall, time.process_time() - processor


class Lengths(keras.callbacks.Callback):
    """Notes the length of the readout after each segment."""

    def __init__(self):
        super().__init__()
        self.seen: list[float] = []

    def on_epoch_end(self, epoch, logs=None):
        """Note it."""
        self.seen.append(float(np.linalg.norm(self.model.output_kernel.effective().numpy())))


# --- what came out -------------------------------------------------------------------------------


def table(results: Sequence[Result]) -> str:
    """Return the results as a Markdown table, those of other programs below."""
    head = ("network", "gain", "spectral radius", "error in training", "length of readout")
    head += ("error in test", "correlation in test", "ms a step", "of processor time")
    rows = [
        (
            f"seed {r.seed}",
            f"{r.gain:.3f}",
            f"{r.radius:.3f}",
            f"{r.error:.4f} (rms)",
            f"{r.norms[-1]:.3f}",
            f"{r.test_error:.4f}",
            f"{r.correlation:.4f}",
            f"{r.step:.3f}",
            f"{r.processor:.3f}",
        )
        for r in results
    ]
    return reproduction_page.table(
        head, [*rows, *([cell.strip() for cell in row.split("|")] for row in OTHERS)]
    )


def verdict(results: Sequence[Result]) -> str:
    """Return whether what was asked for is met, by the worst network."""
    error, step = max(r.error for r in results), max(r.step for r in results)
    correlation = min(r.correlation for r in results)
    n = f"{len(results)} of {len(results)} networks"
    return reproduction_page.verdict(
        (
            (
                f"error in training of {MOST_ERROR:.3f} or less in {n}",
                error <= MOST_ERROR,
                f"largest {error:.4f}",
            ),
            (
                f"correlation of {LEAST_CORRELATION} or more in the test in {n}",
                correlation >= LEAST_CORRELATION,
                f"least {correlation:.4f}",
            ),
            (f"{MOST_MS} ms a step or less", step <= MOST_MS, f"longest {step:.3f} ms"),
        )
    )


def draw(results: Sequence[Result]) -> Figure:
    """Return the first network before and after learning, and the course of learning of all."""
    one = results[0]
    seconds = DT * np.arange(1, len(one.target) + 1) / 1000
    two = seconds <= 2 * PERIOD / 1000
    with plt.rc_context(STYLE):
        figure, axes = plt.subplots(2, 3, figsize=(7.2, 3.8), constrained_layout=True)
        for ax, letter in zip(axes.flat, "ABCDEF", strict=True):
            ax.set_title(letter, x=-0.12, **LETTER)
            ax.spines[["top", "right"]].set_visible(False)
        outputs(axes[0, 0], seconds[two], one.target[two], one.before[two])
        outputs(axes[0, 1], seconds[two], one.target[two], one.after[two])
        last = slice(len(one.target) - two.sum(), None)
        outputs(axes[0, 2], seconds[last], one.target[last], one.after[last])
        for at, rates in enumerate(one.rates.T):
            axes[1, 0].plot(seconds[two], rates[two] + 2.2 * at, color="0.3", linewidth=0.7)
        axes[1, 0].set(
            xlabel="time without learning (s)", ylabel="rate of five units (a.u.)", yticks=()
        )
        for r, style in zip(results, LINES, strict=False):
            periods = np.arange(1, len(r.errors) + 1)
            look = {"color": "0.15", "linestyle": style, "linewidth": 0.9}
            axes[1, 1].plot(periods, r.errors, **look)
            axes[1, 2].plot(periods, r.norms, **look, label=f"seed {r.seed}")
        axes[1, 1].set(xlabel="period of learning", ylabel="rms error")
        axes[1, 2].set(xlabel="period of learning", ylabel="length of readout")
        for ax in axes[1, 1:]:
            ax.set_ylim(bottom=0)
        axes[0, 0].legend(loc="upper right", ncols=2)
        axes[1, 2].legend(loc="lower right")
    return figure


def outputs(ax: Axes, seconds: np.ndarray, target: np.ndarray, output: np.ndarray) -> None:
    """Draw an output over its target."""
    ax.plot(seconds, target, color=TARGET, linewidth=2.2, alpha=0.7, label="pattern")
    ax.plot(seconds, output, color=OUTPUT, linewidth=0.9, label="output")
    ax.set(xlabel="time without learning (s)", ylabel="output", ylim=(-1.6, 2.1))


def main() -> None:
    """Train, test, draw, report."""
    parser = argparse.ArgumentParser(description="FORCE learning, reproduced.")
    parser.add_argument("--write", action="store_true", help=f"write {PAGE.name} and its figure")
    arguments = parser.parse_args()
    results = [train(seed) for seed in SEEDS]
    made = reproduction_page.provenance(
        COMMAND, ("tensorflow", "keras", "numpy"), seeds=f"{SEEDS[0]} to {SEEDS[-1]}"
    )
    text = f"{table(results)}\n\n{verdict(results)}\n\n{made}"
    print(text)
    figure = draw(results)
    if arguments.write:
        reproduction_page.write(PAGE, text)
        figure.savefig(PAGE.with_suffix(".png"), dpi=DPI)


if __name__ == "__main__":
    main()
