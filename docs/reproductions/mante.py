"""Context-dependent decisions in trained networks, read as Mante et al. (2013) read theirs.

    python docs/reproductions/mante.py            # three networks, a few minutes
    python docs/reproductions/mante.py --write    # also page and figure

Source: Mante, Sussillo, Shenoy & Newsome (2013) Nature 503:78, figures 2, 5 and 6.
"""

import argparse
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import keras
import matplotlib.pyplot as plt
import numpy as np
import reproduction_page
import seaborn as sns
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure

import neurotask as nt

PAGE = Path(__file__).with_suffix(".md")
COMMAND = "python docs/reproductions/mante.py --write"
SEEDS = (0, 1, 2)
UNITS, BATCH_SIZE, RATE = 100, 64, 0.001
UPDATES, LATER = 600, 2400  # after which a network is read, and read again
TRIALS, STARTS = 1500, 150
CONTEXTS = ("colour", "motion")
OTHER = {"motion": "colour", "colour": "motion"}
SEARCH = nt.analysis.PointSearch(find="slow", slow=1000.0)
STRONG = 0.5  # coherence at which influences are compared

STYLE: dict[str, Any] = {"font.size": 7, "axes.linewidth": 0.6, "legend.frameon": False}
LETTER = {"fontsize": 10, "fontweight": "bold", "va": "bottom", "ha": "right"}
RELEVANT, IRRELEVANT = (sns.color_palette("colorblind")[i] for i in (0, 3))


def task() -> nt.Task:
    """Return the task of the library, at its defaults."""
    return nt.load("context_dependent_decision")


def network(seed: int, units: int = UNITS) -> nt.RateRNN:
    """Return an untrained network of noisy tanh units.

    Its recurrent weights begin well below instability: slow modes are what training has made.
    """
    calm = nt.Connectivity(initializer=nt.initializers.SpectralRadius(0.5))
    model = nt.RateRNN.for_task(
        task(), units=units, tau=100.0, noise=0.1, activation="tanh", recurrent=calm, seed=seed
    )
    model.compile(keras.optimizers.Adam(RATE))
    return model


def held(context: str) -> np.ndarray:
    """Return the inputs of the stimulus phase at zero coherence, (input,)."""
    values = {"fixation": 1.0, f"cue_{context}": 1.0}
    values |= {f"{modality}_{side}": 0.5 for modality in OTHER for side in ("left", "right")}
    return np.array([values.get(name, 0.0) for name in task().inputs])


def evidence(modality: str) -> np.ndarray:
    """Return how the inputs change with the coherence of a modality, (input,)."""
    values = {f"{modality}_right": 0.5, f"{modality}_left": -0.5}
    return np.array([values.get(name, 0.0) for name in task().inputs])


# --- what is measured ----------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class Context:
    """What a network does in one context.

    Args:
        accuracy: share of right answers.
        relevant: P(right) by coherence of the cued modality, (coherence,), NaN without a trial.
        irrelevant: the same by coherence of the other.
        signal: range of trajectories along the axis of the cued modality, from its strongest
            leftward to its strongest rightward evidence (z-scored rates).
        ignored: the same of the other modality, along its own axis.
        line: the slow points as a line, None where none was found.
    """

    accuracy: float
    relevant: np.ndarray
    irrelevant: np.ndarray
    signal: float
    ignored: float
    line: nt.analysis.LineAttractor | None

    @property
    def swings(self) -> tuple[float, float]:
        """P(right) at the strongest rightward less leftward evidence: cued modality, other."""
        return tuple(float(p[-1] - p[0]) for p in (self.relevant, self.irrelevant))  # type: ignore

    def cosine(self, modality: str) -> float:
        """|Cosine| of the selection vector and an input, median over the line."""
        if self.line is None:
            return np.nan
        push, vectors = self.line.input_vectors(evidence(modality)), self.line.selection_vectors
        return float(np.median(np.abs(_cosines(push, vectors))))

    def moved(self, modality: str) -> float:
        """How fast full coherence moves the state along the line, units of it a second, median."""
        if self.line is None:
            return np.nan
        return float(np.median(np.abs(self.line.selected(evidence(modality))))) * 1000.0

    def direct(self, modality: str) -> float:
        """|Cosine| of an input and the line, median: what it would add without the selection."""
        if self.line is None:
            return np.nan
        push = self.line.input_vectors(evidence(modality))
        return float(np.median(np.abs(_cosines(push, self.line.tangents))))


@dataclass(frozen=True, eq=False)
class Reading:
    """What one network is after some training.

    Args:
        seed: of network and trials.
        updates: how long it was trained.
        contexts: by name.
        axes: targeted dimensionality reduction of correct trials.
        paths: mean trajectories along the axes by context and modality whose coherence is averaged
            over all else but the choice, (coherence, time, variable).
        points: slow points of each context, along the axes, (point, variable).
    """

    seed: int
    updates: int
    contexts: dict[str, Context]
    axes: nt.analysis.TDR
    paths: dict[tuple[str, str], xr.DataArray]
    points: dict[str, np.ndarray]

    @property
    def parallel(self) -> float:
        """|Cosine| of the lines of the two contexts."""
        lines = [self.contexts[name].line for name in CONTEXTS]
        if any(line is None for line in lines):
            return np.nan
        return float(abs(lines[0].axis @ lines[1].axis))  # type: ignore[union-attr]


def train(
    seed: int, *, units: int = UNITS, updates: Sequence[int] = (UPDATES, LATER), **sizes: int
) -> list[Reading]:
    """Train a network, and read it after each of so many updates."""
    model, done, found = network(seed, units), 0, []
    for at in updates:
        # Each stretch has trials of its own.
        made = {"updates": at - done, "batch_size": BATCH_SIZE, "verbose": 0}
        model.fit(task(), seed=1000 * len(found) + seed, **made)
        done = at
        found.append(read(model, seed, done, **sizes))
    return found


def read(
    model: nt.RateRNN, seed: int, updates: int, n_trials: int = TRIALS, n_starts: int = STARTS
) -> Reading:
    """Return what a network is and does."""
    session = model.run(task().trials(n_trials, seed=5000 + seed), seed=seed)
    right = session.isel(trial=np.flatnonzero(session["correct"] == 1))
    axes = nt.analysis.tdr(
        right,
        variables=("choice", "motion", "colour", "context"),
        align="stimulus",
        window=(0.0, task().stimulus),  # type: ignore[attr-defined]
        condition=("choice", "context"),
    )
    along = axes.transform(right)
    paths = {
        (context, modality): along[(right["context"] == context).to_numpy()]
        .groupby(modality)
        .mean("trial")
        for context in CONTEXTS
        for modality in OTHER
    }
    points = nt.analysis.fixed_points(
        model.step,
        session,
        input=np.stack([held(context) for context in CONTEXTS]),
        condition="context",
        n_starts=n_starts,
        seed=seed,
        search=SEARCH,
    )
    lines, places = {}, {}
    for context in CONTEXTS:
        own = points.sel(context=context)
        own = own.only(~own.outlier)
        lines[context] = nt.analysis.line_attractor(own) if len(own) else None
        scaled = (np.asarray(own.rates) - axes.mean_) / axes.scale_
        places[context] = scaled @ axes.axes_.to_numpy().T
    contexts = {name: _context(name, session, paths, lines[name]) for name in CONTEXTS}
    return Reading(seed, updates, contexts, axes, paths, places)


def _context(name: str, session: xr.Dataset, paths: Any, line: Any) -> Context:
    here = session.isel(trial=np.flatnonzero(session["context"] == name))
    chose = here["choice"] == "right"

    def spread(modality: str) -> float:
        path = paths[name, modality].sel(variable=modality)
        return float((path.isel({modality: -1}) - path.isel({modality: 0})).max())

    return Context(
        accuracy=float(here["correct"].mean()),
        relevant=chose.groupby(here["relevant"]).mean().to_numpy(),
        irrelevant=chose.groupby(here["irrelevant"]).mean().to_numpy(),
        signal=spread(name),
        ignored=spread(OTHER[name]),
        line=line,
    )


def _cosines(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    lengths = np.linalg.norm(one, axis=-1) * np.linalg.norm(other, axis=-1)
    return np.einsum("pi,pi->p", one, other) / lengths


# --- what came out -------------------------------------------------------------------------------


def table(readings: Sequence[Reading]) -> str:
    """Return a row a network and context."""
    head = [
        "updates", "seed", "context", "accuracy", "swing of P(right): cued, other",
        "line attractor", "points", "time constants, ms", "cos(selection, input): cued, other",
        "along the line, 1/s: cued, other",
    ]  # fmt: skip
    rows = []
    for reading in readings:
        for name, c in reading.contexts.items():
            line = c.line
            first, second = (np.nan, np.nan) if line is None else np.median(line.time_constants, 0)
            rows.append([
                f"{reading.updates:,}", str(reading.seed), name, f"{c.accuracy:.3f}",
                "{:.2f}, {:+.2f}".format(*c.swings),
                told(line),
                "0" if line is None else str(len(line.points)), f"{first:,.0f}, {second:,.0f}",
                f"{c.cosine(name):.2f}, {c.cosine(OTHER[name]):.2f}",
                f"{c.moved(name):.1f}, {c.moved(OTHER[name]):.1f}",
            ])  # fmt: skip
    return reproduction_page.table(head, rows)


def told(line: nt.analysis.LineAttractor | None) -> str:
    """Return whether points are a line attractor, and which criteria they miss."""
    if line is None or line.is_line is None:
        return "too few points"
    missed = line.criteria.loc[~line.criteria["met"], "criterion"]
    short = ["turns" if "turn" in name else name for name in missed]
    return "yes" if line.is_line else f"no: {', '.join(short)}"


def verdict(readings: Sequence[Reading]) -> str:
    """Return what is asked for of every network and context, and whether it is so."""
    each = [(name, c) for reading in readings for name, c in reading.contexts.items()]
    lines = [c.line is not None and c.line.is_line is True for _, c in each]
    lowest = min(c.accuracy for _, c in each)
    swing = max(abs(c.swings[1] / c.swings[0]) for _, c in each)
    ratios = [c.moved(name) / c.moved(OTHER[name]) for name, c in each]
    cued = [c.cosine(name) for name, c in each]
    other = [c.cosine(OTHER[name]) for name, c in each]
    direct = [c.direct(modality) for _, c in each for modality in OTHER]
    kept = [c.ignored / c.signal for _, c in each]
    parallel = [reading.parallel for reading in readings]
    return reproduction_page.verdict([
        ("85 % of choices are right in each context of each network", lowest >= 0.85,
         f"least {lowest:.1%}"),
        ("the irrelevant modality moves P(right) by at most 0.15 of what the relevant one does",
         swing <= 0.15, f"most {swing:.2f}"),
        ("slow points are a line attractor in each context of each network", all(lines),
         f"{sum(lines)} of {len(lines)}"),
        ("relevant evidence moves the state along the line at least 5 times as fast as irrelevant",
         min(ratios) >= 5, f"{min(ratios):.1f} to {max(ratios):.1f}"),
        ("|cos| of selection vector and relevant input is above 0.4", min(cued) > 0.4,
         f"{min(cued):.2f} to {max(cued):.2f}"),
        ("and of selection vector and irrelevant input below 0.2", max(other) < 0.2,
         f"{min(other):.2f} to {max(other):.2f}"),
        ("inputs do not point along the line: |cos| below 0.3", max(direct) < 0.3,
         f"most {max(direct):.2f}"),
        ("the irrelevant input is not gated out: its signal is at least half of the relevant one's",
         min(kept) >= 0.5, f"{min(kept):.2f} to {max(kept):.2f}"),
        ("the lines of both contexts are parallel: |cos| above 0.8", min(parallel) > 0.8,
         f"{min(parallel):.2f} to {max(parallel):.2f}"),
    ])  # fmt: skip


def report(readings: Sequence[Reading]) -> str:
    """Return tables and verdicts, by the number of updates."""
    parts = []
    for updates in sorted({reading.updates for reading in readings}):
        some = [reading for reading in readings if reading.updates == updates]
        parts += [f"## After {updates:,} updates", table(some), verdict(some)]
    return "\n\n".join(parts)


# --- figure --------------------------------------------------------------------------------------


def draw(readings: Sequence[Reading]) -> Figure:
    """Draw choices (A, E), trajectories of the first network (B, C, F, G), and its lines (D, H)."""
    early = min(reading.updates for reading in readings)
    some = [reading for reading in readings if reading.updates == early]
    with plt.rc_context(STYLE):
        figure, axes = plt.subplots(2, 4, figsize=(10.0, 4.8), layout="constrained")
        for row, context in enumerate(("motion", "colour")):
            draw_choices(axes[row, 0], some, context)
            for column, modality in ((1, context), (2, OTHER[context])):
                draw_paths(axes[row, column], some[0], context, modality)
        draw_times(axes[0, 3], some[0])
        draw_cosines(axes[1, 3], readings)
        for letter, ax in zip("ABCDEFGH", axes.flat, strict=True):
            ax.text(-0.14, 1.02, letter, transform=ax.transAxes, **LETTER)
            sns.despine(ax=ax)
    return figure


def draw_choices(ax: Axes, readings: Sequence[Reading], context: str) -> None:
    """Draw P(right) of each network over relevant and irrelevant coherence."""
    for reading in readings:
        c, first = reading.contexts[context], reading is readings[0]
        levels = _levels(reading, context)
        for values, color, name in (
            (c.relevant, RELEVANT, context),
            (c.irrelevant, IRRELEVANT, OTHER[context]),
        ):
            label = name if first else None
            ax.plot(levels, values, "o-", color=color, markersize=2.5, linewidth=0.8, label=label)
    ax.set(xlabel="coherence, right positive", ylabel="P(right)", ylim=(-0.03, 1.03))
    ax.set_title(f"{context} context", fontsize=7)
    ax.legend(fontsize=6, loc="upper left")


def draw_paths(ax: Axes, reading: Reading, context: str, modality: str) -> None:
    """Draw mean trajectories by coherence of a modality, and the slow points."""
    path = reading.paths[context, modality]
    levels = path[modality].to_numpy()
    ramp = sns.diverging_palette(245, 40, s=95, l=65, center="dark", as_cmap=True)
    ranks = np.linspace(0.0, 1.0, len(levels))
    place = list(path["variable"].to_numpy()).index
    at = reading.points[context]
    ax.plot(
        at[:, place("choice")], at[:, place(modality)], "o", color="0.6", markersize=2.5, zorder=1
    )
    for level, rank in zip(levels, ranks, strict=True):
        one = path.sel({modality: level}).sel(time=slice(0.0, 790.0))
        x, y = (one.sel(variable=name) for name in ("choice", modality))
        ax.plot(x, y, color=ramp(rank), linewidth=1.0, label=f"{level:g}", zorder=2)
    ax.set(xlabel="choice axis (z)", ylabel=f"{modality} axis (z)")
    kind = "relevant" if modality == context else "irrelevant"
    ax.set_title(f"{context} context, by {kind} {modality}", fontsize=7)
    ax.legend(fontsize=5, title="coherence", title_fontsize=5, handlelength=1.0)


def draw_times(ax: Axes, reading: Reading) -> None:
    """Draw the two slowest time constants along the line of each context."""
    for context, color in zip(OTHER, sns.color_palette("colorblind")[1:3], strict=True):
        line = reading.contexts[context].line
        if line is not None:
            line.plot(ax, label=f"{context} context", color=color)
    ax.set_xlabel("position along the line")
    ax.legend(fontsize=6)


def draw_cosines(ax: Axes, readings: Sequence[Reading]) -> None:
    """Draw the cosines of selection vector and inputs, of all networks and contexts."""
    updates = sorted({reading.updates for reading in readings})
    for reading in readings:
        for at, (name, c) in enumerate(reading.contexts.items()):
            x = updates.index(reading.updates) + 0.3 * (at - 0.5) + 0.04 * (reading.seed - 1)
            for modality, color in ((name, RELEVANT), (OTHER[name], IRRELEVANT)):
                mark = "o" if name == "motion" else "s"
                ax.plot(x, c.cosine(modality), mark, color=color, markersize=3.5)
    handles = [
        *(plt.Line2D([], [], marker="o", linestyle="", color=c, label=f"{n} input")
          for n, c in (("relevant", RELEVANT), ("irrelevant", IRRELEVANT))),
        *(plt.Line2D([], [], marker=m, linestyle="", color="0.5", label=f"{n} context")
          for n, m in (("motion", "o"), ("colour", "s"))),
    ]  # fmt: skip
    ax.legend(handles=handles, fontsize=5.5, loc="upper right")
    ax.set(ylabel="|cos| of selection vector and input", ylim=(0.0, 1.15))
    ax.set_xticks(range(len(updates)), [f"{n:,} updates" for n in updates])
    ax.set_xlim(-0.6, len(updates) - 0.4)


def _levels(reading: Reading, modality: str) -> np.ndarray:
    return reading.paths[modality, modality][modality].to_numpy()


def main() -> None:
    """Train, measure and report the networks."""
    parser = argparse.ArgumentParser(description="Mante et al. 2013, in trained networks.")
    parser.add_argument("--write", action="store_true", help=f"put the results in {PAGE.name}")
    arguments = parser.parse_args()
    begun = time.perf_counter()
    readings = [reading for seed in SEEDS for reading in train(seed)]
    took = f"{(time.perf_counter() - begun) / 60:.0f} minutes for {len(SEEDS)} networks"
    versions = ("tensorflow", "keras", "numpy", "scikit-learn")
    seeds = f"{SEEDS[0]} to {SEEDS[-1]}"
    more = {"seeds": seeds, "training and reading": took}
    told = f"{report(readings)}\n\n{reproduction_page.provenance(COMMAND, versions, **more)}"
    print(told)
    if arguments.write:
        draw(readings).savefig(PAGE.with_suffix(".png"), dpi=150)
        reproduction_page.write(PAGE, told)


if __name__ == "__main__":
    main()
