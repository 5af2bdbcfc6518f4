"""PCA of perceptual discrimination, as PsychRNN's example-task figure shows it.

    python docs/reproductions/psychrnn_pca.py            # five networks
    python docs/reproductions/psychrnn_pca.py --write    # also page and figure

Source: Ehrlich, Stone, Brandfonbrener, Atanasov & Murray (2021) eNeuro 8(1) ENEURO.0427-20.2020,
the figure of the example task, panel of the principal components.
"""

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import reproduction_page
import seaborn as sns
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure

import neurotask as nt

PAGE = Path(__file__).with_suffix(".md")
FIGURE = Path(__file__).with_suffix(".png")
COMMAND = "python docs/reproductions/psychrnn_pca.py --write"
SEEDS = range(5)
UPDATES, BATCH_SIZE, REPEATS = 400, 64, 100
COHERENCES = (0.1, 0.3, 0.5, 0.7)  # of PsychRNN's task
STIMULUS = 800.0  # ms, the same in every trial, so that trials can be averaged
MIDDLE, END = 400.0, 780.0  # ms from stimulus onset


@dataclass(frozen=True, eq=False)
class Result:
    """What the plane of the first two components of one network tells.

    Args:
        seed: seed of network and trials.
        accuracy: share of right answers.
        pca: the components, of correct trials of one set.
        middle: mean of the correct trials of another set along the axis of directions in the plane,
            at the middle of the stimulus, for each coherence, (condition,).
        separated: share of those trials that lie on the side of their direction at its end.
        untrained: `separated` before training, of all trials, since the network makes no choice.
    """

    seed: int
    accuracy: float
    pca: nt.analysis.PCA
    middle: np.ndarray
    separated: float
    untrained: float

    @property
    def in_plane(self) -> float:
        """Return the share of the variance in the first two components."""
        return float(self.pca.explained_variance_ratio_[:2].sum())

    @property
    def ordered(self) -> bool:
        """Return whether signed coherences lie in order at the middle of the stimulus."""
        return bool((np.diff(self.middle) > 0).all())


def task() -> nt.Task:
    """Return the task: PsychRNN's coherences, a stimulus of one duration."""
    return nt.load("perceptual_discrimination", coherences=COHERENCES, noise=0.1, stimulus=STIMULUS)


def network(seed: int) -> nt.RateRNN:
    """Return a network of 50 rectified-linear units."""
    import keras

    model = nt.RateRNN.for_task(task(), units=50, tau=100.0, noise=0.05, seed=seed)
    model.compile(optimizer=keras.optimizers.Adam(0.001))
    return model


def measure(seed: int, updates: int = UPDATES, repeats: int = REPEATS) -> Result:
    """Train a network, find the components of one set of trials, and look at another in them."""
    model = network(seed)
    settings = dict(condition="coherence", align="stimulus")
    before = [run(model, 2 * seed + i, repeats) for i in (0, 1)]
    plain = nt.analysis.pca(before[0], n_components=2, **settings)
    model.fit(task(), updates=updates, batch_size=BATCH_SIZE, seed=seed, verbose=0)
    first, second = (run(model, 2 * seed + i, repeats) for i in (0, 1))
    fit = nt.analysis.pca(first, n_components=3, trials="correct", **settings)
    right = second.isel(trial=np.flatnonzero(second["correct"] == 1))
    middle, separated = look(fit, right)
    return Result(
        seed=seed,
        accuracy=float(second["correct"].mean()),
        pca=fit,
        middle=middle,
        separated=separated,
        untrained=look(plain, before[1])[1],
    )


def run(model: nt.RateRNN, seed: int, repeats: int) -> xr.Dataset:
    """Return a Session of every coherence."""
    return model.run(task().grid(repeats=repeats, seed=seed), seed=seed)


def look(fit: nt.analysis.PCA, session: xr.Dataset) -> tuple[np.ndarray, float]:
    """Return where coherences lie along the axis of directions, and how well these are separated.

    The axis leads, in the plane of two components, from the mean of leftward to that of rightward
    trajectories at the end of the stimulus; half way between them is the border.
    """
    mean = fit.trajectories.isel(component=[0, 1]).sel(time=END)
    rightward = mean["condition"].to_numpy() > 0
    ends = [mean.to_numpy()[side].mean(0) for side in (~rightward, rightward)]
    axis = (ends[1] - ends[0]) / np.linalg.norm(ends[1] - ends[0])
    border = (ends[0] + ends[1]) @ axis / 2
    along = fit.transform(session).isel(component=[0, 1]) @ xr.DataArray(axis, dims="component")
    side = (along.sel(time=END) > border) == (session["coherence"] > 0)
    middle = along.sel(time=MIDDLE).groupby("coherence").mean() - border
    return middle.to_numpy(), float(side.mean())


def table(results: Sequence[Result]) -> str:
    """Return the results as a Markdown table."""
    head = ("seed", "accuracy", "PC 1", "PC 2", "PC 3", "separated", "untrained", "ordered")
    rows = [
        (
            str(r.seed),
            f"{r.accuracy:.3f}",
            *(f"{share:.1%}" for share in r.pca.explained_variance_ratio_),
            f"{r.separated:.3f}",
            f"{r.untrained:.3f}",
            "yes" if r.ordered else "no",
        )
        for r in results
    ]
    return reproduction_page.table(head, rows)


def verdict(results: Sequence[Result]) -> str:
    """Return whether each demand on the reproduction is met, by the worst of the networks."""
    share = min(r.in_plane for r in results)
    separated = min(r.separated for r in results)
    ordered = sum(r.ordered for r in results)
    return reproduction_page.verdict(
        (
            (
                "two components hold two thirds of the variance or more in every network",
                share >= 2 / 3,
                f"least {share:.1%}",
            ),
            (
                "in their plane, 95 % of held-out correct trials or more lie on the side of their "
                "direction at the end of the stimulus, in every network",
                separated >= 0.95,
                f"least {separated:.1%}",
            ),
            (
                "along the same axis, the eight signed coherences lie in order at the middle of "
                "the stimulus, in every network",
                ordered == len(results),
                f"{ordered} of {len(results)}",
            ),
        )
    )


def draw(results: Sequence[Result]) -> Figure:
    """Draw the plane and a time course of the first network, and the order in each."""
    figure, axes = plt.subplots(1, 3, figsize=(10.5, 3.0), layout="constrained")
    fit = results[0].pca
    fit.plot(axes[0])
    fit.plot_time(axes[1])
    axes[1].get_legend().remove()
    axes[1].axvspan(0, STIMULUS, color="0.93", zorder=-1)
    _order(axes[2], results)
    for ax, letter in zip(axes, "ABC", strict=True):
        ax.set_title(letter, loc="left", fontweight="bold")
    return figure


def _order(ax: Axes, results: Sequence[Result]) -> None:
    coherences = results[0].pca.trajectories["condition"].to_numpy()
    palette = sns.color_palette("colorblind", len(results))
    for result, color in zip(results, palette, strict=True):
        ax.plot(coherences, result.middle, "o-", color=color, markersize=4, label=str(result.seed))
    ax.axhline(0, color="0.7", linewidth=0.8, zorder=0)
    ax.set_xlabel("coherence, right positive")
    ax.set_ylabel(f"along the axis of directions\nat {MIDDLE:g} ms")
    ax.legend(title="network", frameon=False, fontsize="small")
    sns.despine(ax=ax)


def main() -> None:
    """Train, measure and report the networks."""
    parser = argparse.ArgumentParser(description="PsychRNN's PCA trajectories, reproduced.")
    parser.add_argument("--write", action="store_true", help=f"put the results in {PAGE.name}")
    arguments = parser.parse_args()
    results = [measure(seed) for seed in SEEDS]
    versions = ("tensorflow", "keras", "numpy", "scikit-learn")
    made = reproduction_page.provenance(COMMAND, versions, seeds=f"{SEEDS[0]} to {SEEDS[-1]}")
    told = f"{table(results)}\n\n{verdict(results)}\n\n{made}"
    print(told)
    if arguments.write:
        draw(results).savefig(FIGURE, dpi=150)
        reproduction_page.write(PAGE, told)


if __name__ == "__main__":
    main()
