"""PsychRNN's own tasks through the bridge, compared to the bit with what PsychRNN makes itself.

    python docs/reproductions/psychrnn_tasks.py            # needs PsychRNN 1.0.0; see the page
    python docs/reproductions/psychrnn_tasks.py --write    # also puts the table on its page

Source: Ehrlich, Stone, Brandfonbrener, Atanasov & Murray (2021) eNeuro 8(1) ENEURO.0427-20.2020,
and PsychRNN 1.0.0.
"""

# ruff: noqa: NPY002 - the global state is what PsychRNN's tasks draw from

import argparse
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import reproduction_page

import neurotask as nt

PAGE = Path(__file__).with_suffix(".md")
COMMAND = "python docs/reproductions/psychrnn_tasks.py --write"
N_TRIALS = 500
TIMING = (10, 100, 2000, 128)  # dt, tau, T, N_batch of PsychRNN's examples
# The place of each task in PsychRNN: module and class.
TASKS = (
    ("perceptual_discrimination", "PerceptualDiscrimination"),
    ("match_to_category", "MatchToCategory"),
    ("delayed_discrim", "DelayedDiscrimination"),
)


@dataclass(frozen=True)
class Result:
    """How the trials of one task compare.

    Args:
        name: the task.
        n_trials: trials that were compared.
        entries: numbers in their inputs, targets and masks.
        params_equal: trials whose parameters are equal.
        n_equal: trials of which each entry is equal, as float32.
        scores_equal: whether random outputs are scored alike, trial by trial.
        accuracy: share of them that is correct.
    """

    name: str
    n_trials: int
    entries: int
    params_equal: int
    n_equal: int
    scores_equal: bool
    accuracy: float


def compare(place: tuple[str, str], n: int = N_TRIALS, seed: int = 0) -> Result:
    """Return how the trials of the bridge compare with those that PsychRNN makes.

    Both start from the same state of NumPy's global chance: the bridge's task notes the state
    before it draws a trial's parameters and before the trial's first step, PsychRNN's starts there.
    """
    module, name = place
    original = getattr(__import__(f"psychrnn.tasks.{module}", fromlist=[name]), name)
    noting = noting_states(original)
    task = nt.interop.psychrnn.task(noting)
    noting.forget()  # making the task has shown it two trials
    trials = task.trials(n, seed=seed)
    theirs = original(*TIMING)
    params_equal = n_equal = 0
    for at in range(n):
        np.random.set_state(noting.before[at])
        params = theirs.generate_trial_params(1, at)
        np.random.set_state(noting.first_step[at])
        arrays = theirs.generate_trial(params)
        params_equal += params == noting.params[at]
        ours = trials.inputs[at], trials.targets[at], trials.mask[at]
        n_equal += all(
            np.array_equal(mine, other.astype(np.float32))
            for mine, other in zip(ours, arrays, strict=True)
        )
    outputs = np.random.default_rng(seed).random(trials.targets.shape)
    correct = task.behavior(trials, outputs)["correct"].to_numpy()
    alone = [
        theirs.accuracy_function(*(a[i : i + 1] for a in (trials.targets, outputs, trials.mask)))
        for i in range(n)
    ]
    entries = trials.inputs.size + trials.targets.size + trials.mask.size
    scores_equal = bool(np.array_equal(correct, alone))
    return Result(name, n, entries, params_equal, n_equal, scores_equal, float(correct.mean()))


def noting_states(original: type) -> Any:
    """Return a task of a class that notes the parameters it draws, and the states of chance."""

    class Noting(original):
        def forget(self):
            self.before, self.first_step, self.params = [], [], []

        def generate_trial_params(self, batch, trial):
            self.before.append(np.random.get_state())
            self.params.append(super().generate_trial_params(batch, trial))
            return self.params[-1]

        def trial_function(self, time, params):
            if time == 0:
                self.first_step.append(np.random.get_state())
            return super().trial_function(time, params)

    noting = Noting(*TIMING)
    noting.forget()
    return noting


def table(results: list[Result]) -> str:
    """Return the results as a Markdown table."""
    head = ("task", "trials", "numbers", "parameters equal", "trials equal to the bit")
    rows = [
        (
            r.name,
            str(r.n_trials),
            f"{r.entries:,}",
            str(r.params_equal),
            str(r.n_equal),
            f"{'yes' if r.scores_equal else 'no'} ({r.accuracy:.3f})",
        )
        for r in results
    ]
    return reproduction_page.table((*head, "accuracy equal"), rows)


def verdict(results: list[Result]) -> str:
    """Return whether all is equal."""
    equal = all(r.n_trials == r.params_equal == r.n_equal and r.scores_equal for r in results)
    return reproduction_page.verdict([("every trial of every task equal to the bit", equal, "")])


def main() -> None:
    """Compare and report all tasks."""
    parser = argparse.ArgumentParser(description="PsychRNN's tasks through the bridge.")
    parser.add_argument("--write", action="store_true", help=f"put the table in {PAGE.name}")
    arguments = parser.parse_args()
    compared = [compare(place) for place in TASKS]
    made = reproduction_page.provenance(COMMAND, ("psychrnn", "numpy"), seed="0")
    results = f"{table(compared)}\n\n{verdict(compared)}\n\n{made}"
    print(results)
    if arguments.write:
        reproduction_page.write(PAGE, results)


if __name__ == "__main__":
    main()
