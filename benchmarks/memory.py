"""Peak memory of a training step, in a process of its own: `python -m benchmarks.memory KIND N`."""

import json
import resource
import subprocess
import sys

from benchmarks.table import Row

KINDS = {"neurotask": "neurotask", "scan": "plain tf.scan"}
N_UPDATES = 3


def rows(units: int) -> list[Row]:
    """Return the peak of either kind. Call it before TensorFlow is imported.

    Linux hands the peak of a process down to those that it starts, so that a large one would hide
    what they take.
    """
    return [_row(kind, units) for kind in KINDS]


def _row(kind: str, units: int) -> Row:
    command = [sys.executable, "-m", "benchmarks.memory", kind, str(units)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    peak = json.loads(done.stdout)
    above = peak["training"] - peak["import"]
    name = f"peak memory of training, {KINDS[kind]}, {units} units"
    return Row(name, f"{peak['training']:.0f} MiB ({above:.0f} after import)")


def _measure(kind: str, units: int) -> dict[str, float]:
    import tensorflow as tf

    imported = peak()
    from benchmarks.ours import Ours
    from benchmarks.training import batch, plain_scan, task

    trained, arrays = Ours(units, task()) if kind == "neurotask" else plain_scan(units), batch()
    for update in range(N_UPDATES):
        trained.update(*arrays, tf.constant([1, update], tf.int64)).numpy()
    return {"import": imported, "training": peak()}


def peak() -> float:
    """Return the largest memory that this process has had, in MiB."""
    per_mebibyte = 2**20 if sys.platform == "darwin" else 2**10
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / per_mebibyte


if __name__ == "__main__":
    print(json.dumps(_measure(sys.argv[1], int(sys.argv[2]))))
