"""PsychRNN's Hello World: its perceptual discrimination, its network, its 50,000 trials.

    python docs/reproductions/psychrnn_hello_world.py            # five seeds, each in a new process
    python docs/reproductions/psychrnn_hello_world.py --write    # also puts them on its page

Source: Ehrlich, Stone, Brandfonbrener, Atanasov & Murray (2021) eNeuro 8(1) ENEURO.0427-20.2020,
and the notebook "Hello World" of PsychRNN 1.0.
"""

import argparse
import json
import os
import subprocess
import sys
import time
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import reproduction_page

import neurotask as nt

PAGE = Path(__file__).with_suffix(".md")
COMMAND = "python docs/reproductions/psychrnn_hello_world.py --write"
SEEDS = range(5)
BATCH_SIZE = 128
UPDATES = 391  # 50,000 trials in batches of 128
N_TEST = 4096
LOWEST = 0.1
DT = 10.0
# PsychRNN's standard deviation of the noise in a step, and the density that gives it here: the
# standard deviation of the mean over one second.
NOISE_PER_STEP = float(np.sqrt(2 * 0.01 * np.sqrt(10) * np.sqrt(DT) * 0.1**2))
NOISE = NOISE_PER_STEP * float(np.sqrt(DT / 1000))


@dataclass(frozen=True, kw_only=True)
class HelloWorld(nt.Task):
    """PsychRNN's PerceptualDiscrimination(dt=10, tau=100, T=2000), trial for trial.

    Both channels rise by 1 during the stimulus, and that of the right answer by the coherence
    more. The answer is due from 20 ms after it to the end of the trial; in those 20 ms, the pause,
    0 is asked for and counts.

    Onsets and durations fall on the grid of 10 ms here; there, any moment between.
    """

    inputs = ("left_evidence", "right_evidence")
    outputs = ("left", "right")
    decision_rule = nt.Argmax("response")

    noise: float = NOISE
    onset: nt.Duration = nt.Uniform(0.0, 1000.0)
    stimulus: nt.Duration = nt.Uniform(250.0, 750.0)
    pause: nt.Duration = 20.0
    response: nt.Duration = nt.Remainder(2000.0)
    dt: float = DT

    def factors(self):
        return dict(coherence=(0.1, 0.3, 0.5, 0.7), direction=self.outputs)

    def build(self, t: nt.Canvas):
        right = t.conditions.direction == "right"
        for channel, output, chosen in zip(self.inputs, self.outputs, (~right, right), strict=True):
            t.input(channel, 0.0, noise=self.noise)
            t.input(channel, 1.0 + t.conditions.coherence * chosen, phase="stimulus")
            t.target(output, 0.0, phase="pause")
        t.target_choice(right, phase="response", high=1.0, low=0.2)


@dataclass(frozen=True)
class Result:
    """What one network reached on fresh trials, and how long it took.

    Args:
        seed: seed of network and trials.
        loss: mean squared error as PsychRNN counts it, over all entries, masked or not.
        loss_counted: as this package counts it, over the entries that the mask asks for.
        accuracy: share of right answers, read as PsychRNN does.
        accuracy_lowest: the same at coherence 0.1.
        training: seconds of `fit`.
        finished: when `fit` came to its end, seconds since the epoch.
    """

    seed: int
    loss: float
    loss_counted: float
    accuracy: float
    accuracy_lowest: float
    training: float
    finished: float


def train(seed: int, updates: int = UPDATES) -> Result:
    """Train PsychRNN's network on its task and test it on fresh trials."""
    import keras

    task = HelloWorld()
    model = nt.RateRNN.for_task(
        task, units=50, tau=100.0, noise=0.0, activation="relu", initial_state=0.1, seed=seed
    )
    # PsychRNN shortens the gradient of each variable to norm 1, not that of all together.
    optimizer = keras.optimizers.Adam(learning_rate=0.001, clipnorm=1.0)
    model.compile(optimizer=optimizer, rule=nt.rules.BPTT(clip_norm=None))
    start = time.time()
    model.fit(task, updates=updates, batch_size=BATCH_SIZE, seed=seed, verbose=0)
    finished = time.time()
    trials = task.trials(N_TEST, seed=seed)
    outputs = model.run(trials, seed=seed, record=()).outputs.to_numpy()
    return Result(seed, *scores(trials, outputs), finished - start, finished)


def scores(trials: nt.Trials, outputs: np.ndarray) -> tuple[float, float, float, float]:
    """Return loss, loss over the entries that count, accuracy, and accuracy at coherence 0.1."""
    square = (trials.mask * (outputs - trials.targets)) ** 2
    answer = (trials.mask * outputs).mean(1).argmax(1)
    right = answer == (trials.mask * trials.targets).mean(1).argmax(1)
    lowest = trials.columns["coherence"] == LOWEST
    loss, counted = float(square.mean()), float(square.sum() / trials.mask.sum())
    return loss, counted, float(right.mean()), float(right[lowest].mean())


def timed(seed: int) -> tuple[Result, float]:
    """Return the result of a seed in a new process, and seconds from its start until trained."""
    command = [sys.executable, __file__, "--seed", str(seed)]
    start = time.time()
    quiet = os.environ | {"TF_CPP_MIN_LOG_LEVEL": "3"}
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True, env=quiet)
    result = Result(**json.loads(done.stdout))
    return result, result.finished - start


def table(runs: list[tuple[Result, float]]) -> str:
    """Return the results as a Markdown table, PsychRNN's own in its last row."""
    head = ("seed", "loss", "loss, counted entries", "accuracy", "accuracy at 0.1")
    rows = [
        (
            str(r.seed),
            *(f"{loss:.4f}" for loss in (r.loss, r.loss_counted)),
            *(f"{share:.3f}" for share in (r.accuracy, r.accuracy_lowest)),
            *(f"{seconds:.1f}" for seconds in (r.training, total)),
        )
        for r, total in runs
    ]
    rows += [("PsychRNN", "0.0036-0.017", "", "1.000", "1.000", "89.7", "95")]
    return reproduction_page.table((*head, "training, s", "in all, s"), rows)


def verdict(runs: list[tuple[Result, float]]) -> str:
    """Return whether each demand on the reproduction is met, by the worst of the seeds."""
    loss = max(r.loss for r, _ in runs)
    accuracy = min(r.accuracy_lowest for r, _ in runs)
    seconds = max(total for _, total in runs)
    return reproduction_page.verdict(
        (
            ("loss below 0.02 in every network", loss < 0.02, f"largest {loss:.4f}"),
            (
                "accuracy of 0.99 or more at coherence 0.1",
                accuracy >= 0.99,
                f"least {accuracy:.3f}",
            ),
            (
                "a fifth of 90 s, Python's start included",
                seconds < 18.0,
                f"longest {seconds:.1f} s",
            ),
        )
    )


def main() -> None:
    """Train and report the seeds, or a single one."""
    parser = argparse.ArgumentParser(description="PsychRNN's Hello World, reproduced.")
    parser.add_argument("--seed", type=int, help="train this one alone and print it as JSON")
    parser.add_argument("--write", action="store_true", help=f"put the results in {PAGE.name}")
    arguments = parser.parse_args()
    if arguments.seed is not None:
        print(json.dumps(asdict(train(arguments.seed))))
        return
    runs = [timed(seed) for seed in SEEDS]
    seeds = f"{SEEDS[0]} to {SEEDS[-1]}, each in a process of its own"
    made = reproduction_page.provenance(COMMAND, ("tensorflow", "keras", "numpy"), seeds=seeds)
    results = f"{table(runs)}\n\n{verdict(runs)}\n\n{made}"
    print(results)
    if arguments.write:
        reproduction_page.write(PAGE, results)


if __name__ == "__main__":
    main()
