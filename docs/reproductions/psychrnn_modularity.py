"""One task, many settings: the two panels on modular tasks in PsychRNN's paper.

    python docs/reproductions/psychrnn_modularity.py            # train, test and print
    python docs/reproductions/psychrnn_modularity.py --write    # also puts the results on its page

Source: Ehrlich, Stone, Brandfonbrener, Atanasov & Murray (2021) eNeuro 8(1) ENEURO.0427-20.2020.
The laws of the durations, the frequencies and the sizes are those of PsychRNN 1.0.
"""

import argparse
import os
import time
from pathlib import Path

import numpy as np
import reproduction_page

import neurotask as nt
from neurotask.tasks.delayed_discrimination import DelayedDiscrimination
from neurotask.tasks.match_to_category import MatchToCategory

PAGE = Path(__file__).with_suffix(".md")
COMMAND = "python docs/reproductions/psychrnn_modularity.py --write"
UNITS, TAU, DT = 50, 100.0, 10.0
SEEDS = (0, 1)
LONGEST = 500.0  # of the delays that the networks are trained on, ms
DELAYS = (100.0, 250.0, 400.0, 500.0, 600.0, 700.0, 800.0, 900.0, 1000.0)
DURATIONS = (100.0, 250.0, 500.0)
INPUTS, CATEGORIES = (8, 16, 32), (2, 4, 8)


def delayed(n_inputs: int) -> DelayedDiscrimination:
    """Return the delayed discrimination with all its durations drawn."""
    return DelayedDiscrimination(
        n_inputs=n_inputs,
        fixation=nt.Uniform(10.0, 250.0),
        stimulus_1=nt.Uniform(50.0, 500.0),
        delay=nt.Uniform(20.0, LONGEST),
        stimulus_2=nt.Uniform(50.0, 500.0),
        decision=nt.Uniform(200.0, 400.0),
        dt=DT,
    )


def train(task: nt.Task, seed: int, updates: int, batch_size: int) -> tuple[nt.RateRNN, float]:
    """Return a network trained on a task, and the seconds it took."""
    model = nt.RateRNN.for_task(task, units=UNITS, tau=TAU, noise=0.0, seed=seed)
    model.compile("adam")
    begun = time.perf_counter()
    model.fit(task, updates=updates, batch_size=batch_size, seed=seed, verbose=0)
    return model, time.perf_counter() - begun


def score(model: nt.RateRNN, trials: nt.Trials) -> np.ndarray:
    """Return whether each trial was answered correctly."""
    return model.run(trials, seed=1, record=())["correct"].to_numpy()


def durations(updates: int = 1200) -> tuple[str, str]:
    """Train with drawn durations; test at set ones, up to twice the longest delay."""
    rows, checks = [], []
    for n_inputs in (2, 1):
        for seed in SEEDS:
            task = delayed(n_inputs)
            model, seconds = train(task, seed, updates, 128)
            drawn = float(score(model, task.trials(2048, seed=seed)).mean())
            checks.append(drawn)
            for duration in DURATIONS:
                trials = task.grid(delay=DELAYS, stimulus_1=duration, repeats=500, seed=seed)
                right = score(model, trials)
                shares = [right[trials.columns["delay"] == delay].mean() for delay in DELAYS]
                known = (str(n_inputs), str(seed), f"{drawn:.3f}", f"{seconds:.0f}")
                first = known if duration == DURATIONS[0] else ("",) * 4
                rows.append((*first, f"{duration:g}", *(f"{share:.3f}" for share in shares)))
    head = ("inputs", "seed", "drawn durations", "training, s", "stimulus, ms")
    table = reproduction_page.table((*head, *(f"{delay:g} ms" for delay in DELAYS)), rows)
    asked = "0.95 or more at drawn durations in every network"
    return table, reproduction_page.verdict(
        [(asked, min(checks) >= 0.95, f"least {min(checks):.3f}")]
    )


def sizes(updates: int = 400) -> tuple[str, str]:
    """Train at each number of inputs and of categories."""
    rows, checks = [], []
    for n_inputs in INPUTS:
        shares = []
        for n_categories in CATEGORIES:
            task = MatchToCategory(n_inputs=n_inputs, n_categories=n_categories, dt=DT)
            model, _ = train(task, 0, updates, 64)
            shares.append(float(np.nanmean(score(model, task.trials(2048, seed=0)))))
            enough = 0.9 if n_categories == 8 else 0.95
            what = f"{enough} or more with {n_inputs} inputs and {n_categories} categories"
            checks.append((what, shares[-1] >= enough, f"{shares[-1]:.3f}"))
        rows.append((str(n_inputs), *(f"{share:.3f}" for share in shares)))
    head = ("inputs", *(f"{n} categories" for n in CATEGORIES))
    return reproduction_page.table(head, rows), reproduction_page.verdict(checks)


def main() -> None:
    """Train, test, report."""
    parser = argparse.ArgumentParser(description="PsychRNN's modular tasks, reproduced.")
    parser.add_argument("--write", action="store_true", help=f"put the results in {PAGE.name}")
    arguments = parser.parse_args()
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    parts = [
        "## Delayed discrimination, durations varied",
        *durations(),
        "## Match to category, inputs and categories varied",
        *sizes(),
        reproduction_page.provenance(
            COMMAND,
            ("tensorflow", "keras", "numpy"),
            seeds=f"{', '.join(map(str, SEEDS))} (durations), 0 (sizes)",
        ),
    ]
    results = "\n\n".join(parts)
    print(results)
    if arguments.write:
        reproduction_page.write(PAGE, results)


if __name__ == "__main__":
    main()
