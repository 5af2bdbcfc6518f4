"""Networks under constraints on their synapses: the figure of connectivity in PsychRNN's paper.

    python docs/reproductions/psychrnn_constraints.py                   # ten networks a constraint
    python docs/reproductions/psychrnn_constraints.py --cache FOLDER    # keeps and reuses them
    python docs/reproductions/psychrnn_constraints.py --write           # also page and figures

Source: Ehrlich, Stone, Brandfonbrener, Atanasov & Murray (2021) eNeuro 8(1) ENEURO.0427-20.2020.
"""

import argparse
import functools
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import reproduction_page
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch, Rectangle
from psychrnn_hello_world import BATCH_SIZE, NOISE_PER_STEP, UPDATES, HelloWorld, scores
from scipy.optimize import brentq
from scipy.special import ndtr
from scipy.stats import chi2

import neurotask as nt

PAGE = Path(__file__).with_suffix(".md")
COMMAND = "python docs/reproductions/psychrnn_constraints.py --write"
LEVELS = np.array([0.0025, 0.005, 0.01, 0.02, 0.04, 0.08])
SIGNED = np.concatenate([-LEVELS[::-1], LEVELS])
REPEATS = 512  # test trials at each signed coherence
PATIENCE = 3  # times the updates, for the networks that have failed
SEGMENT = 10  # updates over which the loss is averaged
LEARNED = 0.02  # loss at which PsychRNN's networks count as trained
MODULES = {"A": 20, "B": 20, "shared": 10}
KERNELS = ("input", "recurrent", "output")
FIXED = ("Dale's law, E-I fixed", "all together")
# PsychRNN's masks, (post, pre): autapses, and synapses between its two modules.
DIAGONAL, ACROSS = np.eye(50, dtype=bool), np.zeros((50, 50), bool)
ACROSS[20:40, :20] = ACROSS[:20, 20:40] = True
# Two of PsychRNN's networks each, recorded once with these settings: the loss, the updates to 0.02,
# and P(correct) at each coherence.
PSYCHRNN = {
    "no constraint": (".0046 60 .49 .55 .57 .63 .87 1.0", ".0041 60 .58 .59 .73 .85 .98 1.0"),
    "no autapses": (".0035 50 .49 .56 .56 .63 .90 1.0", ".0045 60 .54 .59 .69 .82 .95 1.0"),
    "blocks": (".0034 70 .49 .53 .54 .58 .78 1.0", ".0040 80 .59 .61 .73 .87 .98 1.0"),
    "Dale's law": (".0087 140 .54 .63 .67 .82 .92 .98", ".0099 160 .48 .52 .51 .58 .73 .93"),
    "Dale's law, E-I fixed": (
        ".0092 150 .55 .65 .70 .83 .96 .99",
        ".0110 210 .50 .55 .56 .65 .78 .93",
    ),
}

STYLE = {
    "font.size": 7,
    "axes.titlesize": 8,
    "axes.labelsize": 7,
    "axes.linewidth": 0.6,
    "xtick.labelsize": 6.5,
    "ytick.labelsize": 6.5,
    "xtick.major.width": 0.6,
    "ytick.major.width": 0.6,
    "legend.fontsize": 7,
    "legend.frameon": False,
}
DPI = 200
LETTER = {"fontsize": 10, "fontweight": "bold", "va": "bottom", "ha": "left"}
ABSENT = "0.5"  # colour of what does not exist
MEAN, ONE = {"linewidth": 2.0}, {"linewidth": 0.6, "alpha": 0.7}
FAILED = {"linewidth": 0.8, "linestyle": ":"}
IDEAL = {"color": "black", "linewidth": 1.0, "linestyle": "--"}


def constraints() -> dict[str, dict[str, Any]]:
    """Return the settings of `RateRNN` by the name of the constraint."""
    start = "glorot_normal"  # PsychRNN's, of input and output weights
    free = {"units": nt.Units(50), "input": nt.Connectivity(initializer=start)}
    free |= {"output": nt.Connectivity(initializer=start)}
    # With Dale's law, PsychRNN has excitatory inputs and no inhibitory outputs.
    dale = {
        "units": nt.Units(50, excitatory=0.8),
        "input": nt.Connectivity(sign=1, initializer=start),
        "output": nt.Connectivity(of="E", initializer=start),
    }
    no_autapses = nt.Connectivity(autapses=False)
    blocks = nt.Connectivity(forbidden=("A->B", "B->A"))
    fixed = nt.Connectivity(frozen=("E->I", "I->E"))
    return {
        "no constraint": free,
        "no autapses": free | {"recurrent": no_autapses},
        "blocks": free | {"units": nt.Units(MODULES), "recurrent": blocks},
        "Dale's law": dale,
        "Dale's law, E-I fixed": dale | {"recurrent": fixed},
        "all together": dale
        | {
            "units": nt.Units(MODULES, excitatory=0.8),
            "recurrent": no_autapses & blocks & fixed,
        },
        "Dale's law by projection": {
            "units": dale["units"],
            **{name: dale[name].replace(law="projection") for name in ("input", "output")},
            "recurrent": nt.Connectivity(law="projection"),
        },
    }


@dataclass(frozen=True, eq=False)
class Network:
    """One network before and after training, and how it answered.

    Args:
        start: effective weights before training by kernel, (post, pre).
        end: the same after it.
        exists: where synapses are.
        plastic: which of them may learn.
        losses: mean over the updates of each segment, (segment,), as PsychRNN counts loss: over
            all entries, masked or not.
        loss: the same on fresh trials after training.
        n_right: answers "right" among `repeats` at each of the signed coherences, (level,).
        repeats: test trials at each.
        seconds: length of training.
    """

    start: Mapping[str, np.ndarray]
    end: Mapping[str, np.ndarray]
    exists: Mapping[str, np.ndarray]
    plastic: Mapping[str, np.ndarray]
    losses: np.ndarray
    loss: float
    n_right: np.ndarray
    repeats: int
    seconds: float

    @property
    def updates(self) -> float:
        """Updates until the loss of a segment was that of a trained network; inf: never."""
        below = np.flatnonzero(self.losses < LEARNED)
        return float((below[0] + 1) * SEGMENT) if len(below) else np.inf

    @property
    def p_right(self) -> np.ndarray:
        """P(right) at each signed coherence, (level,)."""
        return self.n_right / self.repeats

    @property
    def p_correct(self) -> np.ndarray:
        """P(correct) at each coherence, (level,)."""
        left, right = self.p_right[: len(LEVELS)], self.p_right[len(LEVELS) :]
        return (right + 1 - left[::-1]) / 2

    @property
    def failed(self) -> bool:
        """Whether it did not learn: too large a loss, or below 0.9 at the largest coherence."""
        return bool(self.loss >= LEARNED or self.p_correct[-1] < 0.9)


Networks = Mapping[str, Sequence[Network]]


# --- training ------------------------------------------------------------------------------------


def train(settings: Mapping[str, Any], seed: int, updates: int, repeats: int) -> Network:
    """Return a network trained and tested as PsychRNN does it, under a constraint."""
    import keras

    task = HelloWorld()
    model = nt.RateRNN.for_task(
        task, tau=100.0, noise=0.0, activation="relu", initial_state=0.1, seed=seed, **settings
    )
    # PsychRNN shortens the gradient of each variable to norm 1, not that of all together.
    optimizer = keras.optimizers.Adam(learning_rate=0.001, clipnorm=1.0)
    model.compile(optimizer, rule=nt.rules.BPTT(clip_norm=None))
    kernels = model.kernels.items()
    start = {name: kernel.effective().numpy() for name, kernel in kernels}
    begun = time.perf_counter()
    how = {"batch_size": BATCH_SIZE, "seed": seed, "segment": SEGMENT, "verbose": 0}
    history = model.fit(task, updates=updates, **how)
    seconds = time.perf_counter() - begun
    fresh = task.trials(2048, seed=seed)
    outputs = model.run(fresh, record=()).outputs.to_numpy()
    return Network(
        start=start,
        end={name: kernel.effective().numpy() for name, kernel in kernels},
        exists={name: kernel.exists.numpy() for name, kernel in kernels},
        plastic={name: kernel.plastic.numpy() for name, kernel in kernels},
        losses=np.array(history.history["loss"]) * fresh.mask.mean(),
        loss=scores(fresh, outputs)[0],
        n_right=count_right(model, task, repeats, seed),
        repeats=repeats,
        seconds=seconds,
    )


def count_right(model: nt.RateRNN, task: HelloWorld, repeats: int, seed: int) -> np.ndarray:
    """Return how often a network answers "right" at each signed coherence, (level,)."""
    trials = task.grid(coherence=LEVELS, direction=task.outputs, repeats=repeats, seed=seed)
    right = model.run(trials, record=())["choice"].to_numpy() == "right"
    towards = np.where(trials.columns["direction"] == "right", 1.0, -1.0)
    signed = trials.columns["coherence"] * towards
    return np.array([right[signed == level].sum() for level in SIGNED])


def population(
    name: str,
    seeds: Iterable[int],
    cache: Path | None = None,
    updates: int = UPDATES,
    repeats: int = REPEATS,
) -> list[Network]:
    """Return the networks of a constraint, one a seed, taken from a folder where it has them."""
    settings = constraints()[name]
    networks = []
    for seed in seeds:
        made = f"{HelloWorld()!r} {settings!r} {seed} {updates} {repeats} {SIGNED.tolist()}"
        file = f"{name.replace(' ', '_')}-{seed}-{updates}.npz"
        path = None if cache is None else cache / file
        network = None if path is None else load(path, made)
        if network is None:
            network = train(settings, seed, updates, repeats)
            if path is not None:
                save(path, network, made)
        networks.append(network)
        print(f"{name}, seed {seed}: loss {network.loss:.4f}, {network.seconds:.0f} s", flush=True)
    return networks


def save(path: Path, network: Network, made: str) -> None:
    """Write a network to a file, with the settings that it was made with."""
    arrays = {"made": np.array(made)}
    for field in fields(network):
        value = getattr(network, field.name)
        parts = value.items() if isinstance(value, Mapping) else [("", value)]
        arrays |= {f"{field.name}.{part}": np.asarray(array) for part, array in parts}
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_suffix(".part.npz")
    np.savez(beside, **arrays)
    beside.replace(path)


def load(path: Path, made: str) -> Network | None:
    """Return the network of a file; None where there is none, or one made with other settings."""
    if not path.is_file():
        return None
    with np.load(path, allow_pickle=False) as file:
        arrays = {name: file[name] for name in file.files}
    if str(arrays.pop("made")) != made:
        return None
    values: dict[str, Any] = {}
    for name, array in arrays.items():
        field, _, part = name.partition(".")
        if part:
            values.setdefault(field, {})[part] = array
        else:
            values[field] = array if array.ndim else array.item()
    return Network(**values)


# --- behaviour -----------------------------------------------------------------------------------


def ideal(coherence: Any) -> np.ndarray:
    """Return P(right) of who sums the difference of the inputs while the stimulus shows.

    Over n steps the sum is normal, of mean n c and variance 2 n sigma^2, so that the answer is
    "right" with probability Phi(c sqrt(n / 2) / sigma). n is 25 to 75 steps; the ends come half as
    often as the others, since durations are rounded to the grid.
    """
    n, share = np.arange(25, 76), np.full(51, 1 / 50)
    share[[0, -1]] /= 2
    return ndtr(np.multiply.outer(coherence, np.sqrt(n / 2)) / NOISE_PER_STEP) @ share


def ideal_threshold() -> float:
    """Return the coherence at which the ideal observer is right in 3 of 4 trials."""
    return float(brentq(lambda coherence: ideal(coherence) - 0.75, 0.0, 0.1))


def answers_ideally(trials: nt.Trials) -> np.ndarray:
    """Return whether the ideal observer, who sees the inputs alone, answers "right", (trial,)."""
    visible = trials.inputs.mean(2, keepdims=True) > 0.5
    left, right = (trials.inputs * visible).sum(1).T
    return right > left


@functools.cache
def fit(network: Network) -> nt.analysis.PsychometricFit:
    """Return the psychometric curve of a network: P(right) over signed coherence."""
    counts = {"coherence": SIGNED, "n_trials": network.repeats, "n_positive": network.n_right}
    return nt.analysis.psychometric(pd.DataFrame(counts), axis="coherence")


def learning_table(networks: Networks) -> str:
    """Return how well and how fast the networks learned, as a table."""
    head = ("constraint", "networks", "failed", "loss", "updates to 0.02", "threshold")
    head += ("absolute bias", "silent synapses", "training, s")
    rows = [("ideal observer", *[""] * 4, f"{ideal_threshold():.4f}", "0", "", "")]
    for name, group in networks.items():
        silent = [np.mean(one.end["recurrent"][one.plastic["recurrent"]] == 0) for one in group]
        figures = (
            spread([one.loss for one in group], ".4f"),
            spread([one.updates for one in group], ".0f"),
            spread([threshold(one) for one in group], ".4f"),
            spread([bias(one) for one in group], ".4f"),
            spread(silent, ".2f"),
            spread([one.seconds for one in group], ".0f"),
        )
        rows.append((name, str(len(group)), str(sum(one.failed for one in group)), *figures))
        if name in PSYCHRNN:
            loss, updates = psychrnn(name)[:, :2].T
            figures = (f"{loss[0]:.4f}, {loss[1]:.4f}", f"{updates[0]:.0f}, {updates[1]:.0f}")
            rows.append(("in PsychRNN", "2", "", *figures, *[""] * 4))
    return reproduction_page.table(head, rows)


def correct_table(networks: Networks) -> str:
    """Return P(correct) at each coherence, beside the ideal observer's and PsychRNN's."""
    rows, within = [("ideal observer", *(f"{p:.2f}" for p in ideal(LEVELS)))], []
    near: list[bool] = []
    for name, group in networks.items():
        shares = np.array([one.p_correct for one in group])
        rows.append((name, *(spread(level, ".2f") for level in shares.T)))
        if name in PSYCHRNN:
            known = psychrnn(name)[:, 2:]
            rows.append(("in PsychRNN", *(f"{one:.2f}, {other:.2f}" for one, other in known.T)))
            # Theirs are told with two digits, and of 512 trials.
            outside = np.maximum(shares.min(0) - known, known - shares.max(0)) - 0.005
            within += (outside <= 0).ravel().tolist()
            near += (outside <= 2 * np.sqrt(known * (1 - known) / 512)).ravel().tolist()
    table = reproduction_page.table(("constraint", *(f"{level:g}" for level in LEVELS)), rows)
    told = (
        f"Of the {len(within)} values of PsychRNN, {sum(within)} lie within the range above them, "
        f"{sum(near)} within or outside by less than 2 standard errors."
    )
    return f"{table}\n\n{told}"


def patience_table(networks: Networks, later: Mapping[str, Sequence[Network]]) -> str:
    """Return what became of the networks that failed when they were trained for longer."""
    head = ("constraint", "seed", "loss", "0.08", "loss, trained on", "0.08, trained on")
    rows, learned = [], []
    for name, group in networks.items():
        seeds = [seed for seed, one in enumerate(group) if one.failed]
        for seed, longer in zip(seeds, later[name], strict=True):
            figures = [(one.loss, one.p_correct[-1]) for one in (group[seed], longer)]
            cells = [cell for loss, p in figures for cell in (f"{loss:.4f}", f"{p:.3f}")]
            rows.append((name, str(seed), *cells))
            learned.append(not longer.failed)
    what = f"every network learns within {PATIENCE} times the updates"
    figure = f"{sum(learned)} of the {len(learned)} that had failed"
    verdict = reproduction_page.verdict([(what, all(learned), figure)])
    return f"{reproduction_page.table(head, rows)}\n\n{verdict}"


def psychrnn(name: str) -> np.ndarray:
    """Return loss, updates and P(correct) of PsychRNN's networks, (network, figure)."""
    return np.array([network.split() for network in PSYCHRNN[name]], float)


def threshold(network: Network) -> float:
    """Return the threshold of a network; NaN where it has failed."""
    return np.nan if network.failed else fit(network).threshold


def bias(network: Network) -> float:
    """Return the absolute bias of a network; NaN where it has failed."""
    return np.nan if network.failed else abs(fit(network).bias)


def behavior_verdict(networks: Networks) -> str:
    """Return whether the networks learn and answer as PsychRNN's do, network by network."""
    everyone = [one for group in networks.values() for one in group]
    shares, best = np.array([one.p_correct for one in everyone]), ideal(LEVELS)
    n = 2 * everyone[0].repeats
    fall, allowed = (shares[:, :-1] - shares[:, 1:]).max(), 3 * np.sqrt(0.5 / n)
    above = ((shares - best) / np.sqrt(best * (1 - best) / n)).max()
    # Four parameters are fitted; of true curves, 1 in 100 deviates more.
    limit = chi2.ppf(0.99, len(SIGNED) - 4)
    misfits = sum(fit(one).deviance > limit for one in everyone)
    off = max(np.abs(one.p_right - fit(one).curve(SIGNED)).max() for one in everyone)
    checks = [
        (
            "P(correct) falls nowhere with coherence by more than 3 standard errors",
            bool(fall <= allowed),
            f"largest fall {max(fall, 0.0):.3f}, allowed {allowed:.3f}",
        ),
        (
            "P(correct) is nowhere above the ideal observer's by more than 3 standard errors",
            bool(above <= 3),
            f"at most {above:.1f}",
        ),
        (
            "a cumulative Gaussian fits the signed curve of 95 % of the networks",
            misfits <= 0.05 * len(everyone),
            f"deviance above {limit:.1f} in {misfits} of {len(everyone)}; off by {off:.2f} at most",
        ),
    ]
    for name, group in networks.items():
        least, loss = min(one.p_correct[-1] for one in group), max(one.loss for one in group)
        checks += [
            (f"{name}: loss below 0.02 in every network", loss < LEARNED, f"largest {loss:.4f}"),
            (f"{name}: 0.9 or more at 0.08 in every network", least >= 0.9, f"least {least:.3f}"),
        ]
    names = ("no constraint", "Dale's law")
    free, dale = (float(np.median([one.updates for one in networks[n]])) for n in names)
    what = "Dale's law takes 2 to 3 times the updates to a loss of 0.02"
    figure = f"medians {free:.0f} and {dale:.0f}, ratio {dale / free:.1f}"
    return reproduction_page.verdict([*checks, (what, bool(2 <= dale / free <= 3), figure)])


def spread(values: Iterable[float], form: str) -> str:
    """Return median and range over networks in words, without those that are NaN."""
    known = [value for value in values if not np.isnan(value)]
    if not known:
        return "none"
    middle, low, high = (format(v, form) for v in (np.median(known), min(known), max(known)))
    return f"{middle} ({low} to {high})".replace("inf", "never")


# --- weights -------------------------------------------------------------------------------------


def violations(name: str, network: Network) -> dict[str, float]:
    """Return by how much weights break each rule of their constraint, before or after training."""
    inhibitory = constraints()[name]["units"].cell_type == "I"
    both = {kernel: np.stack([network.start[kernel], network.end[kernel]]) for kernel in KERNELS}
    size = {kernel: np.abs(weights) for kernel, weights in both.items()}
    absent = [size[kernel][:, ~network.exists[kernel]].max(initial=0.0) for kernel in KERNELS]
    found = {"synapses that do not exist weigh 0, in every kernel": max(absent)}
    if name in ("no autapses", "all together"):
        found["without autapses the diagonal is 0"] = size["recurrent"][:, DIAGONAL].max()
    if name in ("blocks", "all together"):
        found["with blocks the weights between A and B are 0"] = size["recurrent"][:, ACROSS].max()
    if inhibitory.any():
        sign = np.where(inhibitory, -1.0, 1.0)
        right = min((both[kernel] * sign).min() for kernel in ("recurrent", "output"))
        unread = size["output"][..., inhibitory].max()
        found |= {
            "under Dale's law each column has the sign of its unit": max(0.0, -right),
            "under Dale's law inputs are excitatory": max(0.0, -both["input"].min()),
            "under Dale's law inhibitory units have no outputs": unread,
        }
    if name in FIXED:
        change = np.abs(network.end["recurrent"] - network.start["recurrent"])
        between = np.not_equal.outer(inhibitory, inhibitory)
        found["fixed weights, all between E and I, change by 0"] = change[between].max()
    return found


def moved(network: Network) -> float:
    """Return the share of the recurrent weights that may learn and have changed."""
    changed = network.end["recurrent"] != network.start["recurrent"]
    return float(changed[network.plastic["recurrent"]].mean())


def weight_verdict(networks: Networks) -> str:
    """Return whether weights obey their constraints exactly, and whether the others learn."""
    each = [(name, one) for name, group in networks.items() for one in group]
    table = pd.DataFrame([violations(name, one) for name, one in each])
    checks = [
        (rule, bool(largest == 0), f"{table[rule].count()} networks, off by {largest:g} at most")
        for rule, largest in table.max().items()
    ]
    share = min(moved(one) for name, one in each if name in FIXED)
    what = "of the weights beside the fixed ones, 0.9 or more change in every network"
    return reproduction_page.verdict([*checks, (what, share >= 0.9, f"least {share:.3f}")])


# --- figures -------------------------------------------------------------------------------------


def draw_networks(networks: Networks) -> Figure:
    """Draw the weights of one network a constraint, beside the curves of all of them."""
    shown = [name for name in networks if "projection" not in name]
    weights = [networks[name][0].end["recurrent"] for name in shown]
    limit = float(np.quantile(np.abs(weights), 0.98))
    with plt.rc_context(STYLE):
        figure = plt.figure(figsize=(7.2, 6.2), layout="constrained")
        cells = figure.add_gridspec(-(-len(shown) // 2), 4)
        for index, name in enumerate(shown):
            row, column = divmod(index, 2)
            matrix = figure.add_subplot(cells[row, 2 * column])
            curves = figure.add_subplot(cells[row, 2 * column + 1])
            image = draw_matrix(matrix, name, networks[name][0], limit)
            draw_curves(curves, name, networks[name])
            matrix.set_title(f"{name[0].upper()}{name[1:]}", loc="left")
            matrix.text(-0.35, 1.05, "ABCDEF"[index], transform=matrix.transAxes, **LETTER)
            if index >= len(shown) - 2:
                matrix.set_xlabel("presynaptic unit")
                curves.set_xlabel("coherence toward right")
        bar = {"location": "bottom", "shrink": 0.3, "aspect": 22, "extend": "both"}
        place = figure.colorbar(image, ax=figure.axes, anchor=(0.05, 0.5), **bar)
        place.set_label("recurrent weight")
        handles = [
            Patch(facecolor=ABSENT, label="no synapse"),
            Patch(fill=False, linewidth=0.8, label="fixed weights"),
            Line2D([], [], label="ideal observer", **IDEAL),
            Line2D([], [], color="0.3", label="one network, fit", **ONE),
            Line2D([], [], color="0.3", label="one that failed", **FAILED),
            Line2D([], [], color="0.3", marker="o", ms=3, label="mean of networks", **MEAN),
        ]
        figure.legend(handles=handles, loc="lower right", ncols=2)
    return figure


def draw_matrix(ax: Axes, name: str, network: Network, limit: float) -> Any:
    """Draw a recurrent matrix, (post, pre): what does not exist in grey, what is fixed framed."""
    units: nt.Units = constraints()[name]["units"]
    labels = units.labels
    exists, plastic = network.exists["recurrent"], network.plastic["recurrent"]
    colors = plt.get_cmap("RdBu_r").with_extremes(bad=ABSENT)
    weights = np.ma.masked_where(~exists, network.end["recurrent"])
    image = ax.imshow(weights, cmap=colors, vmin=-limit, vmax=limit, interpolation="nearest")
    starts = np.flatnonzero(np.r_[True, labels[1:] != labels[:-1]])
    stops = np.r_[starts[1:], len(labels)]
    for left, right in zip(starts, stops, strict=True):
        for top, bottom in zip(starts, stops, strict=True):
            block = np.s_[top:bottom, left:right]
            if (exists & ~plastic)[block].any():
                box = (left - 0.5, top - 0.5), right - left, bottom - top
                ax.add_patch(Rectangle(*box, fill=False, linewidth=0.8, zorder=3))
    # Areas are named where there are any; which of their units inhibit shows in the columns.
    groups = labels if not units.area[0] else units.area
    names = list(dict.fromkeys(groups.tolist()))
    for axis, line in ((ax.xaxis, ax.axvline), (ax.yaxis, ax.axhline)):
        if names[0]:
            axis.set_ticks([np.flatnonzero(groups == name).mean() for name in names], names)
        else:
            axis.set_ticks((0, 24, 49), (1, 25, 50))
        for edge in starts[1:]:
            line(edge - 0.5, color="0.4", linewidth=0.4)
    ax.tick_params(length=0 if names[0] else 2)
    ax.set_ylabel("postsynaptic unit")
    return image


def draw_curves(ax: Axes, name: str, group: Sequence[Network]) -> None:
    """Draw P(right) over signed coherence: each network, their mean, the ideal observer."""
    x, color = np.linspace(-0.085, 0.085, 341), color_of(name)
    curves = np.array([fit(one).curve(x) for one in group])
    for one, curve in zip(group, curves, strict=True):
        ax.plot(x, curve, color=color, **(FAILED if one.failed else ONE))
    ax.plot(x, ideal(x), **IDEAL)
    ax.plot(x, curves.mean(0), color=color, **MEAN)
    means = np.mean([one.p_right for one in group], axis=0)
    ax.plot(SIGNED, means, "o", color=color, markersize=3)
    ax.set_xticks((-0.08, -0.04, 0.0, 0.04, 0.08), ("-.08", "-.04", "0", ".04", ".08"))
    ax.set(xlim=x[[0, -1]], ylim=(-0.03, 1.03), yticks=(0.0, 0.5, 1.0), box_aspect=1)
    learned = f"{sum(not one.failed for one in group)} of {len(group)} learned"
    ax.set_title(learned, loc="right", fontsize=6.5)
    ax.set_ylabel("P(right)")
    sns.despine(ax=ax)


def draw_population(networks: Networks) -> Figure:
    """Draw P(correct) of each population, and what its networks reached, one point each."""
    panels: dict[str, Callable[[Network], float]] = {
        "threshold\n(coherence)": threshold,
        "absolute bias\n(coherence)": bias,
        "updates to\na loss of 0.02": lambda one: one.updates,
    }
    with plt.rc_context(STYLE):
        figure, (left, *others) = plt.subplots(
            1, 4, figsize=(7.2, 2.5), layout="constrained", width_ratios=(1.3, 1.0, 1.0, 1.0)
        )
        x = np.geomspace(0.0022, 0.091, 200)
        left.plot(x, ideal(x), **IDEAL)
        left.text(0.0026, 0.88, "ideal\nobserver")
        for name, group in networks.items():
            means = np.mean([one.p_correct for one in group], axis=0)
            style = {"color": color_of(name), "marker": marker_of(name), "markersize": 3.5}
            left.plot(LEVELS, means, linewidth=1.2, **style)
        left.set(xscale="log", xlim=x[[0, -1]], ylim=(0.48, 1.02), yticks=(0.5, 0.75, 1.0))
        left.set_xticks(LEVELS, (".0025", ".005", ".01", ".02", ".04", ".08"))
        left.minorticks_off()
        left.set(xlabel="coherence", ylabel="P(correct), mean of networks")
        others[0].axvline(ideal_threshold(), **IDEAL)
        for ax, (label, value) in zip(others, panels.items(), strict=True):
            draw_points(ax, networks, value)
            ax.set_xlabel(label)
            ax.tick_params(labelleft=ax is others[0])
            ax.locator_params(axis="x", nbins=4)
            ax.xaxis.set_major_formatter("{x:g}")
        for letter, ax in zip("ABCD", figure.axes, strict=True):
            ax.text(-0.04, 1.03, letter, transform=ax.transAxes, **LETTER)
            sns.despine(ax=ax)
    return figure


def draw_points(ax: Axes, networks: Networks, value: Callable[[Network], float]) -> None:
    """Draw a figure of each network as a point, the median of each population as a bar."""
    jitter = np.random.default_rng(0)
    for row, (name, group) in enumerate(networks.items()):
        values = [value(one) for one in group]
        heights = row + jitter.uniform(-0.2, 0.2, len(values))
        style = {"color": color_of(name), "marker": marker_of(name), "markersize": 3.5}
        ax.plot(values, heights, linestyle="none", alpha=0.8, **style)
        middle = np.median([one for one in values if not np.isnan(one)] or [np.nan])
        ax.plot([middle] * 2, (row - 0.35, row + 0.35), color="black", linewidth=1.4)
    ax.set(
        yticks=range(len(networks)), yticklabels=list(networks), ylim=(len(networks) - 0.5, -0.5)
    )
    ax.set_xlim(left=0)


def color_of(name: str) -> Any:
    """Return the colour of a constraint in all figures."""
    return sns.color_palette("colorblind")[list(constraints()).index(name)]


def marker_of(name: str) -> str:
    """Return the marker of a constraint."""
    return "os^DvPX"[list(constraints()).index(name)]


def main() -> None:
    """Train, check, draw, report."""
    parser = argparse.ArgumentParser(description="PsychRNN's constraints, reproduced.")
    parser.add_argument("--seeds", type=int, default=10, help="networks a constraint")
    parser.add_argument("--cache", type=Path, help="folder that keeps the networks")
    parser.add_argument("--write", action="store_true", help=f"write {PAGE.name} and its figures")
    arguments = parser.parse_args()
    networks, later = {}, {}
    for name in constraints():
        networks[name] = population(name, range(arguments.seeds), arguments.cache)
        failed = [seed for seed, one in enumerate(networks[name]) if one.failed]
        later[name] = population(name, failed, arguments.cache, updates=PATIENCE * UPDATES)
    parts = [
        "## Weights",
        weight_verdict(networks),
        "## Learning",
        learning_table(networks),
        "## Choices: P(correct) at each coherence",
        correct_table(networks),
        behavior_verdict(networks),
        f"## Networks that failed, trained on to {PATIENCE * UPDATES:,} updates",
        patience_table(networks, later),
        reproduction_page.provenance(
            COMMAND,
            ("tensorflow", "keras", "numpy"),
            seeds=f"0 to {arguments.seeds - 1}, the same for every constraint",
        ),
    ]
    results = "\n\n".join(parts)
    print(results)
    if arguments.write:
        reproduction_page.write(PAGE, results)
        draw_networks(networks).savefig(PAGE.with_suffix(".png"), dpi=DPI)
        draw_population(networks).savefig(PAGE.with_name(f"{PAGE.stem}_population.png"), dpi=DPI)


if __name__ == "__main__":
    main()
