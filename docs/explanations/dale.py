"""Dale's law held in two ways: silent synapses and the speed of learning.

    python docs/explanations/dale.py            # train and print
    python docs/explanations/dale.py --write    # also puts the results on the page

The task is context-dependent decision; the networks have 50 units, 80 % of them excitatory.
"""

import argparse
import os
import sys
from pathlib import Path

import keras
import numpy as np
import pandas as pd

sys.path.append(str(Path(__file__).parents[1] / "reproductions"))
import reproduction_page

import neurotask as nt

PAGE = Path(__file__).with_suffix(".md")
COMMAND = "python docs/explanations/dale.py --write"
LAWS = ("magnitude", "projection")
RATES = (0.001, 0.01)  # learning rates of Adam
SEEDS = range(8)
UPDATES, BATCH_SIZE, EVERY = 1000, 64, 25
AT = (100, 300, 1000)  # updates after which silent synapses are counted
CRITERION = 0.8  # share correct on 1024 trials that are not trained on


class Watch(keras.callbacks.Callback):
    """Keeps accuracy and recurrent weights of each segment."""

    def __init__(self, task: nt.Task):
        super().__init__()
        self.task = task
        self.accuracy: dict[int, float] = {}
        self.weights: dict[int, np.ndarray] = {}

    def on_epoch_end(self, epoch: int, logs: dict | None = None) -> None:
        """Look at the network after a segment."""
        updates, kernel = int(self.model.updates.numpy()), self.model.kernels["recurrent"]
        self.accuracy[updates] = self.model.evaluate(self.task, seed=1)["accuracy"]
        self.weights[updates] = kernel.effective().numpy()[kernel.plastic.numpy()]


def train(law: str, rate: float, seed: int, updates: int = UPDATES) -> dict[str, float]:
    """Return what training one network under a law came to."""
    task = nt.load("context_dependent_decision")
    model = nt.RateRNN.for_task(
        task,
        units=nt.Units(50, excitatory=0.8),
        noise=0.05,
        seed=seed,
        recurrent=nt.Connectivity(autapses=False, law=law),
        output=nt.Connectivity(law=law),
    )
    model.compile(keras.optimizers.Adam(rate))
    watch = Watch(task)
    settings = dict(updates=updates, batch_size=BATCH_SIZE, segment=EVERY, verbose=0)
    model.fit(task, seed=seed, callbacks=[watch], **settings)
    reached = [at for at, share in watch.accuracy.items() if share >= CRITERION]
    middle, last = watch.weights[min(300, updates)], np.abs(watch.weights[updates])
    silent = {at: (watch.weights[at] == 0).mean() for at in AT if at <= updates}
    return {
        "law": law,
        "rate": rate,
        "seed": seed,
        **{f"silent {at}": share for at, share in silent.items()},
        "grown back": (last[middle == 0] > 0).mean() if (middle == 0).any() else np.nan,
        "small": (last < 0.01 * last.mean()).mean(),
        "reached": min(reached, default=np.inf),
        "accuracy": watch.accuracy[updates],
    }


def silent(results: pd.DataFrame) -> str:
    """Return the table of synapses without effect, means over seeds."""
    columns = [f"silent {at}" for at in AT]
    rows = [
        (
            f"{rate:g}",
            law,
            *(f"{part[name].mean():.3f}" for name in columns),
            "" if part["grown back"].isna().all() else f"{part['grown back'].mean():.3f}",
            f"{part['small'].mean():.3f}",
        )
        for (rate, law), part in results.groupby(["rate", "law"])
    ]
    head = ("learning rate", "law", *(f"silent after {at}" for at in AT))
    return reproduction_page.table((*head, "grown back", "below 1 % of the mean"), rows)


def speed(results: pd.DataFrame) -> str:
    """Return the table of how fast and how well networks learn, in pairs by seed."""
    rows = []
    for rate, part in results.groupby("rate"):
        reached = part.pivot(index="seed", columns="law", values="reached")
        accuracy = part.pivot(index="seed", columns="law", values="accuracy")
        faster = [int((reached[one] < reached[two]).sum()) for one, two in (LAWS, LAWS[::-1])]
        gap = accuracy["projection"] - accuracy["magnitude"]
        error = gap.std(ddof=1) / np.sqrt(len(gap))
        never = np.isinf(reached).sum()
        rows.append(
            (
                f"{rate:g}",
                *(f"{reached[law].median():g} ({never[law]} never)" for law in LAWS),
                f"{faster[0]} / {faster[1]}",
                *(f"{accuracy[law].mean():.3f}" for law in LAWS),
                f"{gap.mean():+.3f} ± {error:.3f}",
            )
        )
    head = ("learning rate", *(f"updates, {law}" for law in LAWS), "faster, seeds each")
    more = (*(f"correct, {law}" for law in LAWS), "difference")
    return reproduction_page.table((*head, *more), rows)


def main() -> None:
    """Train, count, report."""
    parser = argparse.ArgumentParser(description="Dale's law held in two ways.")
    parser.add_argument("--write", action="store_true", help=f"put the results in {PAGE.name}")
    arguments = parser.parse_args()
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    runs = [(law, rate, seed) for rate in RATES for seed in SEEDS for law in LAWS]
    table = pd.DataFrame([train(*run) for run in runs])
    parts = [
        silent(table),
        speed(table),
        reproduction_page.provenance(
            COMMAND,
            ("tensorflow", "keras", "numpy"),
            seeds=f"{SEEDS[0]} to {SEEDS[-1]}, the same for both laws",
        ),
    ]
    results = "\n\n".join(parts)
    print(results)
    if arguments.write:
        reproduction_page.write(PAGE, results)


if __name__ == "__main__":
    main()
