"""PsychRNN's own training of its own task: the making of 128 trials of 200 steps, and an update.

Its perceptual discrimination and its network `Basic` at their defaults, without noise in the
network. A worker: `PYTHONPATH=build/psychrnn python -m benchmarks.psychrnn_loop UNITS`.
"""

import contextlib
import sys
from collections.abc import Iterator
from importlib import import_module
from typing import Any

from benchmarks.problem import N_STEPS, N_TRIALS
from benchmarks.turns import turns

DT, TAU = 10, 100
UNTIMED = 12  # its loss is computed first after ten updates, which takes a second


def main(units: int) -> None:
    """Make an iteration at each turn: PsychRNN takes a batch, the turn ends as it asks for more."""
    tasks = import_module("psychrnn.tasks.perceptual_discrimination")
    models = import_module("psychrnn.backend.models.basic")
    task = tasks.PerceptualDiscrimination(DT, TAU, DT * N_STEPS, N_TRIALS)
    network = models.Basic(dict(task.get_task_params()) | {"name": "peer", "N_rec": units})

    def batches() -> Iterator[Any]:
        made = task.batch_generator()
        for _ in range(UNTIMED):
            yield next(made)
        for _ in turns():
            yield next(made)

    with contextlib.suppress(StopIteration):
        network.train(batches(), {"training_iters": sys.maxsize, "verbosity": False})


if __name__ == "__main__":
    main(int(sys.argv[1]))
