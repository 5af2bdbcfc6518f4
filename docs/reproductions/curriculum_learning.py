"""Training shaped by a curriculum against training on the hard task alone, as PsychRNN's paper did.

    python docs/reproductions/curriculum_learning.py                  # 24 pairs of networks, 3 ways
    python docs/reproductions/curriculum_learning.py --out FOLDER     # keeps them, and goes on
    python docs/reproductions/curriculum_learning.py --write          # also page and figure

Source: Ehrlich, Stone, Brandfonbrener, Atanasov & Murray (2021) eNeuro 8(1) ENEURO.0427-20.2020.
"""

import argparse
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import reproduction_page
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from psychrnn_hello_world import HelloWorld

import neurotask as nt
from neurotask.comparison import Comparison

PAGE = Path(__file__).with_suffix(".md")
COMMAND = "python docs/reproductions/curriculum_learning.py --write"
COHERENCES = (0.7, 0.5, 0.3, 0.1)  # one a stage
PAIRS, UPDATES, BATCH_SIZE, UNITS = 24, 1000, 50, 50
BATCH = {"every": 1, "trials": 50}  # PsychRNN's: one batch, after each update
STRICT = {"every": 5, "trials": 1000}
ARMS = ("curriculum", "direct")
CRITERIA = {
    "one batch": "0.9 of 50 trials at coherence 0.1, tested at every update in both arms",
    "strict": "0.9 of 1,000 trials at coherence 0.1, tested at every 5th update in both arms",
    "last stage": "PsychRNN's own: 0.9 of 50 trials at coherence 0.1, at every update in which "
    "the stage of that coherence is trained",
}
MEASURE = {"one batch": "updates", "strict": "updates", "last stage": "last_stage"}
ASKED_P, ASKED_RATIO = 0.01, 1.2
LEVELS = np.array([0.0125, 0.025, 0.05, 0.1, 0.2, 0.4])  # of the psychometric curves
REPEATS = 64  # test trials at each signed coherence

STYLE: dict[Any, Any] = {"font.size": 7, "axes.linewidth": 0.6, "legend.frameon": False}
DPI = 200
LETTER = {"fontsize": 10, "fontweight": "bold", "va": "bottom", "ha": "right"}
COLORS = dict(zip(ARMS, sns.color_palette("colorblind", 2), strict=True))
LINES = {"one batch": "-", "strict": "--"}


def at(coherence: float) -> nt.WithLevels:
    """Return PsychRNN's task at one coherence."""
    return nt.WithLevels(task=HelloWorld(), levels={"coherence": (coherence,)})


def stages(coherences: Sequence[float]) -> list[nt.Stage]:
    """Return a stage for each coherence, left at 0.9 of one batch."""
    return [nt.Stage(at(c), threshold=0.9, name=f"coherence {c:g}", **BATCH) for c in coherences]


def settings() -> dict[str, Any]:
    """Return PsychRNN's network and how it learns."""
    import keras

    start = nt.Connectivity(initializer="glorot_normal")
    return {
        "tau": 100.0,
        "noise": 0.0,
        "activation": "relu",
        "initial_state": 0.1,
        "recurrent": nt.Connectivity(initializer=nt.initializers.SpectralRadius(1.1)),
        "input": start,
        "output": start,
        # PsychRNN shortens the gradient of each variable to norm 1, not that of all together.
        "optimizer": keras.optimizers.Adam(learning_rate=0.001, clipnorm=1.0),
        "rule": nt.rules.BPTT(clip_norm=None),
    }


def compare(
    name: str, out: Path, pairs: int = PAIRS, updates: int = UPDATES, **changes: Any
) -> Comparison:
    """Return pairs of networks trained with and without the curriculum, to one of the criteria."""
    shaped, goal = nt.Curriculum(stages(COHERENCES)), at(COHERENCES[-1])
    if name == "last stage":
        arms: dict[str, Any] = dict(zip(ARMS, (shaped, nt.Curriculum(stages((0.1,)))), strict=True))
        criterion: dict[str, Any] = {"threshold": None}
    else:
        arms = dict(zip(ARMS, (shaped, goal), strict=True))
        criterion = {"threshold": 0.9} | (STRICT if name == "strict" else BATCH)
    plan = {"seeds": pairs, "updates": updates, "batch_size": BATCH_SIZE, "units": UNITS}
    how = plan | settings() | criterion | changes
    return nt.compare(arms, goal, out=out / name.replace(" ", "_"), **how)


# --- what came out -------------------------------------------------------------------------------


def speed_table(comparisons: Mapping[str, Comparison]) -> str:
    """Return how many updates each arm took to each criterion, and the paired test, as a table."""
    head = ("criterion", "pairs", "never: curriculum, direct", "median: curriculum", "direct")
    head += ("ratio", "curriculum faster, slower, tie", "Wilcoxon p", "rank-biserial r")
    rows = []
    for name, comparison in comparisons.items():
        test = comparison.test(MEASURE[name]).iloc[0]
        rows.append(
            (
                name,
                f"{test['pairs']:.0f}",
                f"{test['censored_a']:.0f}, {test['censored_b']:.0f}",
                f"{test['median_a']:.1f}",
                f"{test['median_b']:.1f}",
                f"{test['b_over_a']:.2f}",
                f"{test['a_smaller']:.0f}, {test['b_smaller']:.0f}, {test['ties']:.0f}",
                f"{test['p']:.2g}",
                f"{test['effect']:.2f}",
            )
        )
    return reproduction_page.table(head, rows)


def trials_table(comparisons: Mapping[str, Comparison]) -> str:
    """Return the trials that each arm took, those of tests among them, as a table."""
    head = ("criterion", "trials trained: curriculum", "direct", "with tests: curriculum", "direct")
    rows = []
    for name, comparison in comparisons.items():
        cells = []
        for column in ("trials", "trials_in_all"):
            groups = comparison.table.groupby("variant")[column].median()
            cells += [f"{groups[arm]:,.0f}" for arm in ARMS]
        rows.append((name, *cells))
    return reproduction_page.table(head, rows)


def verdict(comparisons: Mapping[str, Comparison]) -> str:
    """Return whether the curriculum speeds learning up, by each criterion."""
    checks = []
    for name, comparison in comparisons.items():
        test = comparison.test(MEASURE[name]).iloc[0]
        p, ratio = float(test["p"]), float(test["b_over_a"])
        faster = test["effect"] > 0
        checks += [
            (
                f"{name}: the curriculum is faster, p < {ASKED_P}",
                bool(p < ASKED_P and faster),
                f"p = {p:.2g}, {test['a_smaller']:.0f} of {test['pairs']:.0f} pairs",
            ),
            (f"{name}: ratio of medians above {ASKED_RATIO}", ratio > ASKED_RATIO, f"{ratio:.2f}"),
        ]
    return reproduction_page.verdict(checks)


def solutions_table(comparisons: Mapping[str, Comparison], fits: pd.DataFrame) -> str:
    """Return how well the networks of both arms do when they stop, as a table."""
    head = ("measure", "curriculum", "direct", "pairs", "Wilcoxon p", "rank-biserial r")
    rows = []
    for name, comparison in comparisons.items():
        test = comparison.test("held_out").iloc[0]
        rows.append((f"held-out accuracy at 0.1, {name}", *_compared(test)))
    strict = comparisons["strict"]
    for column in fits.columns:
        rows.append((f"{column}, strict", *_compared(strict.test(fits[column]).iloc[0])))
    return reproduction_page.table(head, rows)


def _compared(test: pd.Series) -> tuple[str, ...]:
    medians = [f"{test[name]:.3f}" for name in ("median_a", "median_b")]
    return (*medians, f"{test['pairs']:.0f}", f"{test['p']:.2g}", f"{test['effect']:.2f}")


def psychometric(comparison: Comparison, repeats: int = REPEATS) -> pd.DataFrame:
    """Return threshold and absolute bias of every network, by variant and seed.

    A threshold that the levels do not bracket is NaN.
    """
    signed = np.concatenate([-LEVELS[::-1], LEVELS])
    rows = {}
    for key in comparison.runs:
        model = comparison.model(*key)
        trials = HelloWorld().grid(
            coherence=LEVELS, direction=HelloWorld.outputs, repeats=repeats, seed=0
        )
        right = model.run(trials, record=())["choice"].to_numpy() == "right"
        towards = np.where(trials.columns["direction"] == "right", 1.0, -1.0)
        shown = trials.columns["coherence"] * towards
        counts = {"coherence": signed, "n_trials": repeats}
        counts["n_positive"] = [right[shown == level].sum() for level in signed]
        fit = nt.analysis.psychometric(pd.DataFrame(counts), axis="coherence")
        rows[key] = {"threshold": fit.threshold, "absolute bias": abs(fit.bias)}
    return pd.DataFrame.from_dict(rows, orient="index")


# --- figure --------------------------------------------------------------------------------------


def draw(comparisons: Mapping[str, Comparison], seed: int = 0) -> Figure:
    """Draw one pair as PsychRNN's figure has it, and all pairs."""
    with plt.rc_context(STYLE):
        figure = plt.figure(figsize=(7.2, 3.4), layout="constrained")
        grid = figure.add_gridspec(3, 3, width_ratios=(1.2, 1.0, 1.0))
        one = [figure.add_subplot(grid[row, 0]) for row in range(3)]
        draw_pair(one, comparisons["last stage"], seed)
        reached, pairs = (figure.add_subplot(grid[:, column]) for column in (1, 2))
        for name, line in LINES.items():
            draw_reached(reached, comparisons[name].table, line)
        reached.set(xlabel="updates", ylabel="share of networks at the criterion", ylim=(0, 1.02))
        reached.set_xlim(left=0)
        handles = [plt.Line2D([], [], color=COLORS[arm], label=arm) for arm in ARMS]
        handles += [
            plt.Line2D([], [], color="0.4", linestyle=line, label=name)
            for name, line in LINES.items()
        ]
        reached.legend(handles=handles, loc="lower right")
        draw_scatter(pairs, comparisons)
        for letter, ax in zip("ABCDE", figure.axes, strict=True):
            ax.text(-0.12, 1.02, letter, transform=ax.transAxes, **LETTER)
            sns.despine(ax=ax)
    return figure


def draw_pair(axes: Sequence[Axes], comparison: Comparison, seed: int) -> None:
    """Draw coherence, accuracy and loss of two networks that start from the same weights."""
    labels = ("coherence", "accuracy,\none batch", "loss")
    for arm in ARMS:
        log, color = comparison.runs[arm, seed].log, COLORS[arm]
        levels = COHERENCES if arm == "curriculum" else COHERENCES[-1:]
        coherence = [levels[stage] for stage in log["stage"]]
        for ax, values in zip(axes, (coherence, log["value"], log["loss"]), strict=True):
            steps = "steps-pre" if ax is axes[0] else "default"
            ax.plot(log["update"], values, color=color, linewidth=1.0, drawstyle=steps)
            ax.plot(log["update"].iloc[-1], list(values)[-1], "o", color=color, markersize=3)
    axes[1].axhline(0.9, color="0.6", linewidth=0.6, linestyle="--", zorder=0)
    for ax, label in zip(axes, labels, strict=True):
        ax.set_ylabel(label)
        ax.set_xlim(left=0)
        ax.tick_params(labelbottom=ax is axes[-1])
    axes[0].set(yticks=sorted(COHERENCES), ylim=(0, 0.78))
    axes[1].set(yticks=(0.5, 0.75, 1.0), ylim=(0.3, 1.04))
    axes[2].set_ylim(bottom=0)
    axes[2].set_xlabel("updates")


def draw_reached(ax: Axes, table: pd.DataFrame, line: str) -> None:
    """Draw the share of networks of each arm that have reached the criterion by an update."""
    end = table["updates"].max()
    for arm in ARMS:
        group = table[table["variant"] == arm]
        times = np.sort(group.loc[group["reached"], "updates"])
        shares = np.arange(len(times) + 1) / len(group)
        x, y = [0, *times, end], [*shares, shares[-1]]
        ax.step(x, y, where="post", color=COLORS[arm], linestyle=line, linewidth=1.0)


def draw_scatter(ax: Axes, comparisons: Mapping[str, Comparison]) -> None:
    """Draw each pair: updates with the curriculum over those without."""
    markers = dict(zip(LINES, "o^", strict=True))
    most = 1.0
    for name, marker in markers.items():
        wide = comparisons[name].table.pivot(index="seed", columns="variant", values="updates")
        most = max(most, wide.to_numpy().max())
        face = {"one batch": "0.15", "strict": "none"}[name]
        style = {"markersize": 4, "linestyle": "none", "markeredgecolor": "0.15", "label": name}
        ax.plot(wide["direct"], wide["curriculum"], marker, markerfacecolor=face, **style)
    ax.plot((0, 1.05 * most), (0, 1.05 * most), color="0.6", linewidth=0.6, zorder=0)
    ax.set(xlim=(0, 1.05 * most), ylim=(0, 1.05 * most), aspect="equal")
    ax.set(xlabel="updates, direct", ylabel="updates, curriculum")
    ax.legend(loc="upper left")


def main() -> None:
    """Train, test, draw, report."""
    parser = argparse.ArgumentParser(description="Curriculum against direct training, in pairs.")
    parser.add_argument("--pairs", type=int, default=PAIRS, help="pairs of networks a criterion")
    parser.add_argument("--out", type=Path, help="folder that keeps the networks")
    parser.add_argument("--write", action="store_true", help=f"write {PAGE.name} and its figure")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) if arguments.out is None else arguments.out
        comparisons = {name: compare(name, out, arguments.pairs) for name in CRITERIA}
        parts = [
            "## Updates to the criterion",
            "\n".join(f"- {name}: {what}" for name, what in CRITERIA.items()),
            speed_table(comparisons),
            verdict(comparisons),
            "## Trials, medians",
            trials_table(comparisons),
            "## What was learned by then",
            solutions_table(comparisons, psychometric(comparisons["strict"])),
            reproduction_page.provenance(
                COMMAND,
                ("tensorflow", "keras", "numpy"),
                seeds=f"0 to {arguments.pairs - 1}, the same in both arms and for every criterion",
            ),
        ]
        results = "\n\n".join(parts)
        print(results)
        figure = draw(comparisons)
        if arguments.write:
            reproduction_page.write(PAGE, results)
            figure.savefig(PAGE.with_suffix(".png"), dpi=DPI)


if __name__ == "__main__":
    main()
