"""Random feedback local online learning beside the rules that it approximates: Murray's results.

    python docs/reproductions/rflo.py                   # nine networks a rule, size and period
    python docs/reproductions/rflo.py --cache FOLDER    # keeps and reuses them
    python docs/reproductions/rflo.py --write           # also page and figure

Source: Murray (2019) eLife 8:e43299, figure 2 with its supplement 1, and the paper's notebook.
"""

import argparse
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import reproduction_page
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

import neurotask as nt

PAGE = Path(__file__).with_suffix(".md")
COMMAND = "python docs/reproductions/rflo.py --write"
TAU, ETA, TRIALS, NETWORKS = 10.0, 0.03, 10_000, 9
EVERY = 100  # trials between two measurements of the alignment
SPAN = 50  # trials over which a loss is averaged
UNITS, PERIOD = 50, 10  # of the notebook; periods are in units of tau
PAPER_UNITS, PAPER_PERIODS = 30, (20, 40, 80, 160)
FREE = nt.rules.Descent(clip_norm=None)
RULES = {
    "BPTT": nt.rules.BPTT(clip_norm=None),
    "RFLO": nt.rules.RFLO(update=FREE),
    "RFLO, Dale's law": nt.rules.RFLO(update=FREE),
    "local, symmetric feedback": nt.rules.RFLO(feedback="symmetric", update=FREE),
    "not local, random feedback": nt.rules.BPTT(clip_norm=None, feedback="random"),
}
FOUR = [name for name in RULES if "Dale" not in name]
PAPER = ["BPTT", "RFLO", "RFLO, Dale's law"]
MARKS = (100, 300, 1000, 3000, 10_000)
# Nine networks of a NumPy loop from other seeds, recorded once: medians, quartiles where kept.
NUMPY = {
    "BPTT": ".111 (.097 to .12)|.0435|.0117 (.011 to .012)|.0064 (.0051 to .0068)|"
    "8.1e-4 (7.8e-4 to 1.2e-3)",
    "RFLO": ".095 (.081 to .10)|.0266|.0151 (.013 to .016)|.0081 (.0067 to .011)|"
    "7.3e-4 (5.9e-4 to 1.2e-3)",
    "local, symmetric feedback": ".142|.067|.0244|.0132|9.0e-3",
    "not local, random feedback": ".054|.0168|.0074|1.0e-3|1.1e-4 (7e-5 to 1.3e-4)",
}
NUMPY_PAPER = dict(zip(FOUR, ("2.0e-3", "6.2e-3", ".019", "6.7e-3"), strict=True))  # 20 tau

STYLE: dict[Any, Any] = {"font.size": 7, "axes.titlesize": 7, "axes.linewidth": 0.6}
STYLE |= {"legend.frameon": False}
DPI = 200
LETTER = {"fontsize": 10, "fontweight": "bold", "va": "bottom", "ha": "right"}
PALETTE = sns.color_palette("colorblind")
COLORS = dict(zip(RULES, [(0.15, 0.15, 0.15), *(PALETTE[k] for k in (0, 2, 4, 1))], strict=True))
UNTRAINED = {"color": "0.6", "linewidth": 1.0, "linestyle": ":"}


@dataclass(frozen=True, kw_only=True)
class Sines(nt.Task):
    """One trial, always the same: a period of three sines from a network without input."""

    inputs = ("silent",)
    outputs = ("z",)
    dt: float = 1.0
    period: nt.Duration = PERIOD * TAU

    def build(self, t):
        phase = 2 * np.pi * (t.time + self.dt) / t.n_steps / self.dt
        wave = np.sin(phase) + np.sin(2 * phase) / 2 + np.sin(4 * phase) / 4
        t.target("z", wave[None])


def network(
    name: str, rule: Any, units: int, period: float, seed: int, dtype: str = "float32"
) -> nt.RateRNN:
    """Return the notebook's network, of which recurrent and output weights learn by a rule."""
    import keras

    dale, largest = "Dale" in name, 0.1 / np.sqrt(units)
    start = {"minval": -largest, "maxval": largest}
    # Magnitudes vary less than normals, so that the spectral radius needs the larger gain.
    gain = 1.5 / np.sqrt(1 - 2 / np.pi) if dale else 1.5
    model = nt.RateRNN.for_task(
        Sines(period=period * TAU),
        units=nt.Units(units, excitatory=0.5) if dale else units,
        tau=TAU,
        form="rate",
        activation="tanh",
        initial_state=0.1,
        recurrent=nt.Connectivity(initializer=nt.initializers.Gaussian(gain)),
        input=nt.Connectivity(frozen=True),
        output=nt.Connectivity(initializer=nt.initializers.Keras("random_uniform", start)),
        trainable={"initial_state": False, "bias": False, "output_bias": False},
        seed=seed,
        dtype=dtype,
    )
    # The notebook descends half of the mean squared error, this package all of it.
    model.compile(keras.optimizers.SGD(learning_rate=ETA / 2), rule=rule, engine="xla")
    return model


@dataclass(frozen=True, eq=False)
class Learned:
    """How networks of one kind learned.

    Args:
        losses: half the mean squared error of each trial, (trial, network).
        alignment: cosine of readout and feedback at every 100th trial, from the start, (point,
            network); NaN without fixed feedback.
        seconds: length of the training of all of them.
    """

    losses: np.ndarray
    alignment: np.ndarray
    seconds: float

    def loss(self, trial: int) -> np.ndarray:
        """Return the mean loss of the 50 trials that end with a trial, (network,)."""
        return self.losses[max(trial - SPAN, 0) : trial].mean(0)

    @property
    def last(self) -> np.ndarray:
        """The mean loss of the last 50 trials, (network,)."""
        return self.loss(len(self.losses))


Run = tuple[str, int, int]  # rule, units, and period in units of tau
Results = Mapping[Run, Learned]


# --- training ------------------------------------------------------------------------------------


def train(name: str, units: int, period: int, trials: int, networks: int) -> Learned:
    """Return how networks of seeds 0, 1, ... learned, all in one loop."""
    task, begun = Sines(period=period * TAU), time.perf_counter()
    models = [network(name, RULES[name], units, period, seed) for seed in range(networks)]
    together = nt.Networks(models)
    losses, alignment = [], [[align(model) for model in models]]
    for done in range(0, trials, EVERY):
        size = min(EVERY, trials - done)
        made = together.fit(task, updates=size, batch_size=1, seeds=[0] * networks, verbose=0)
        losses.append(made["loss"].to_numpy() / 2)
        alignment.append([align(model) for model in models])
    seconds = time.perf_counter() - begun
    return Learned(np.concatenate(losses), np.array(alignment), seconds)


def align(model: nt.RateRNN) -> float:
    """Return the cosine of the angle between readout and fixed feedback; NaN without one."""
    carried = model.trainer.rule_state
    if not carried or isinstance(carried["feedback"], tuple):  # the readout's own, transposed
        return np.nan
    feedback = carried["feedback"].numpy().ravel()
    readout = model.effective_weights()["output"].to_numpy().ravel()
    return float(feedback @ readout / np.linalg.norm(feedback) / np.linalg.norm(readout))


def all_runs() -> list[Run]:
    """Return what is trained."""
    notebook = [(name, UNITS, PERIOD) for name in FOUR]
    paper = [(name, PAPER_UNITS, period) for name in PAPER for period in PAPER_PERIODS]
    return [*notebook, *paper, *((n, PAPER_UNITS, period) for n in FOUR[2:] for period in (20, 80))]


def train_all(
    runs: Iterable[Run], trials: int = TRIALS, networks: int = NETWORKS, cache: Path | None = None
) -> dict[Run, Learned]:
    """Return how all learned, taken from a folder where it has them."""
    results = {}
    for run in runs:
        name = "-".join(map(str, (*run, trials, networks))).replace(" ", "_")
        path = None if cache is None else cache / f"{name}.npz"
        if path is not None and path.is_file():
            results[run] = Learned(**np.load(path, allow_pickle=False))
            continue
        results[run] = train(*run, trials, networks)
        if path is not None:
            path.parent.mkdir(parents=True, exist_ok=True)
            np.savez(path, **vars(results[run]))
        print(*run, results[run].last, f"{results[run].seconds:.0f} s", flush=True)
    return results


def exactness(units: int = UNITS, trials: int = 150) -> tuple[float, float]:
    """Return by how much RTRL and BPTT differ after trials in float64: losses, and weights.

    Both are the largest difference, in units of the largest value.
    """
    losses, weights = [], []
    for rule in (RULES["BPTT"], nt.rules.RTRL(update=FREE)):
        model = network("", rule, units, PERIOD, seed=0, dtype="float64")
        made = nt.Networks([model]).fit(Sines(), updates=trials, batch_size=1, verbose=0)
        losses.append(made["loss"].to_numpy())
        learned = model.effective_weights()
        weights.append(np.vstack([learned["recurrent"], learned["output"]]))
    of_losses, of_weights = (np.abs(a - b).max() / np.abs(a).max() for a, b in (losses, weights))
    return float(of_losses), float(of_weights)


# --- what came out -------------------------------------------------------------------------------


def spread(values: np.ndarray) -> str:
    """Return median and quartiles as a cell."""
    low, middle, high = np.nanpercentile(values, (25, 50, 75))
    return f"{middle:.2g} ({low:.2g} to {high:.2g})"


def notebook_table(results: Results, marks: Sequence[int] = MARKS) -> str:
    """Return the losses of the notebook's networks after some trials, and the alignment."""
    rows = []
    for name in FOUR:
        learned = results[name, UNITS, PERIOD]
        aligned = "" if np.isnan(learned.alignment).all() else spread(learned.alignment[-1])
        rows.append((name, *(spread(learned.loss(mark)) for mark in marks), aligned))
        rows.append(("in NumPy", *NUMPY[name].split("|"), ".85" if name == "RFLO" else ""))
    return reproduction_page.table(("rule", *(f"{m:,} trials" for m in marks), "alignment"), rows)


def periods_table(results: Results) -> str:
    """Return the last losses of the paper's networks at each period."""
    rows = []
    for period in PAPER_PERIODS:
        found = {name: results.get((name, PAPER_UNITS, period)) for name in RULES}
        cells = ["" if one is None else spread(one.last) for one in found.values()]
        untrained = spread(results["RFLO", PAPER_UNITS, period].losses[0])
        rows.append((f"{period} τ", untrained, *cells))
    return reproduction_page.table(("period", "untrained", *RULES), rows)


def early_table(results: Results, trial: int = 2500) -> str:
    """Return the losses of the paper's networks at 20 tau beside those of NumPy."""
    early = [results[name, PAPER_UNITS, 20].loss(trial) for name in FOUR]
    rows = [("here", *map(spread, early)), ("in NumPy", *NUMPY_PAPER.values())]
    return reproduction_page.table((f"20 τ, {trial:,} trials", *FOUR), rows)


def verdict(results: Results, exact: tuple[float, float]) -> str:
    """Return what the notebook's experiment should show, and whether it does."""
    bptt, rflo, local = (results[name, UNITS, PERIOD] for name in FOUR[:3])
    checks = []
    for name, learned, low, high in (("RFLO", rflo, 0.010, 0.017), ("BPTT", bptt, 0.008, 0.018)):
        early, last = learned.loss(1000), learned.last
        for what, loss in (("median", np.median(early)), ("mean of three", early[:3].mean())):
            asked = f"{name} at trial 1,000 in {low:.3f} to {high:.3f}, {what}"
            checks.append((asked, bool(low <= loss <= high), f"{loss:.4f}"))
        figure = f"{np.median(last):.2g}; largest {last.max():.2g}"
        checks.append((f"{name} below 0.002 at the end, median", np.median(last) < 2e-3, figure))
    aligned, stays = np.median(rflo.alignment[-1]), np.median(local.last)
    figure = f"off by {exact[0]:.0e} and {exact[1]:.0e} of the largest"
    checks += [
        ("alignment of RFLO above 0.75, median", aligned > 0.75, f"{aligned:.2f}"),
        ("local with symmetric feedback above 0.004, median", stays > 4e-3, f"{stays:.2g}"),
        ("losses and weights of RTRL are BPTT's, 150 trials, 1e-10", max(exact) < 1e-10, figure),
    ]
    return reproduction_page.verdict(checks)


# --- figure --------------------------------------------------------------------------------------


def draw(results: Results) -> Figure:
    """Draw the notebook's experiment (A, B), the paper's figure 2 and its supplement (C to F)."""
    with plt.rc_context(STYLE):
        figure, axes = plt.subplots(2, 3, figsize=(7.2, 4.4), layout="constrained")
        draw_losses(axes[0, 0], results, FOUR, UNITS, PERIOD)
        draw_alignment(axes[0, 1], results)
        draw_losses(axes[0, 2], results, FOUR, PAPER_UNITS, 80)
        draw_losses(axes[1, 0], results, PAPER, PAPER_UNITS, 20)
        draw_losses(axes[1, 1], results, PAPER, PAPER_UNITS, 40)
        draw_periods(axes[1, 2], results)
        lines = [Line2D([], [], color=color, label=name) for name, color in COLORS.items()]
        lines.append(Line2D([], [], **UNTRAINED, label="untrained"))
        figure.legend(handles=lines, loc="outside lower center", ncols=3)
        for letter, ax in zip("ABCDEF", axes.flat, strict=True):
            ax.text(-0.14, 1.02, letter, transform=ax.transAxes, **LETTER)
            sns.despine(ax=ax)
    return figure


def draw_quartiles(ax: Axes, x: np.ndarray, values: np.ndarray, name: str, **style: Any) -> None:
    """Draw the median of values (point, network) as a line and the quartiles as a band."""
    low, middle, high = np.percentile(values, (25, 50, 75), axis=1)
    ax.fill_between(x, low, high, color=COLORS[name], alpha=0.25, linewidth=0)
    ax.plot(x, middle, color=COLORS[name], linewidth=1.0, **style)


def draw_losses(ax: Axes, results: Results, names: list[str], units: int, period: int) -> None:
    """Draw the loss over trials, means of 50."""
    for name in names:
        losses = results[name, units, period].losses
        trials = np.arange(SPAN, len(losses) + 1, SPAN)
        means = losses[: trials[-1]].reshape(len(trials), SPAN, -1).mean(1)
        draw_quartiles(ax, trials, means, name)
    ax.axhline(np.median(results[names[0], units, period].losses[0]), **UNTRAINED)
    ax.set(yscale="log", xlabel="trials", ylabel="loss, ½ mean squared error")
    ax.set_title(f"{units} units, period {period} τ")


def draw_alignment(ax: Axes, results: Results) -> None:
    """Draw how readout and fixed feedback come to align."""
    for name in ("RFLO", "not local, random feedback"):
        values = results[name, UNITS, PERIOD].alignment
        draw_quartiles(ax, EVERY * np.arange(len(values)), values, name)
    ax.axhline(0, **UNTRAINED)
    ax.set(xlabel="trials", ylabel="alignment, cosine", ylim=(-0.3, 1.0))
    ax.set_title(f"{UNITS} units, period {PERIOD} τ")


def draw_periods(ax: Axes, results: Results) -> None:
    """Draw the loss at the end over the period."""
    periods = np.array(PAPER_PERIODS)
    for name in PAPER:
        last = np.array([results[name, PAPER_UNITS, period].last for period in periods])
        draw_quartiles(ax, periods, last, name, marker="o", markersize=3)
    untrained = [np.median(results["RFLO", PAPER_UNITS, p].losses[0]) for p in periods]
    ax.plot(periods, untrained, **UNTRAINED)
    ax.set(xscale="log", yscale="log", xlabel="period, τ", ylabel="loss at the end")
    ax.set_xticks(periods, [str(period) for period in periods])
    ax.minorticks_off()
    ax.set_title(f"{PAPER_UNITS} units")


def main() -> None:
    """Train, draw, report."""
    parser = argparse.ArgumentParser(description="RFLO beside BPTT, in nine networks each.")
    parser.add_argument("--cache", type=Path, help="folder that keeps what has been trained")
    parser.add_argument("--write", action="store_true", help=f"write {PAGE.name} and its figure")
    arguments = parser.parse_args()
    exact = exactness()
    results = train_all(all_runs(), cache=arguments.cache)
    seconds = sum(float(learned.seconds) for learned in results.values())
    minutes = f"{seconds / 60:.0f} minutes for all {NETWORKS * len(results)} networks"
    about = {"seeds": f"0 to {NETWORKS - 1}, the same for every rule", "training": minutes}
    parts = [
        "## The notebook: 50 units, a period of 10 τ",
        notebook_table(results),
        verdict(results, exact),
        "## The paper: 30 units, periods of 20 to 160 τ, after 10,000 trials",
        periods_table(results),
        early_table(results),
        reproduction_page.provenance(COMMAND, ("tensorflow", "keras", "numpy"), **about),
    ]
    text = "\n\n".join(parts)
    print(text)
    figure = draw(results)
    if arguments.write:
        reproduction_page.write(PAGE, text)
        figure.savefig(PAGE.with_suffix(".png"), dpi=DPI)


if __name__ == "__main__":
    main()
