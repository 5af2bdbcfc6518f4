"""Write updates as programs for XLA, to be run where TensorFlow is not: `run_programs.py`.

    python -m benchmarks.programs FOLDER

What is written is what `fit` compiles by XLA on this machine, before XLA has made it fit for one
processor; with each go its arguments and the losses that TensorFlow's own run of it gives here.
"""

import sys
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf

import neurotask as nt
from benchmarks import problem, rules

N_UPDATES = 4


def main(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for number, (name, (model, arrays)) in enumerate(updates().items()):
        arguments = [*arrays, np.array([1, 0], np.int64)]
        signature = model.trainer._signature
        function = tf.function(model.trainer._updates, signature, autograph=False, jit_compile=True)
        concrete = function.get_concrete_function(*map(tf.constant, arguments))
        variables = {v.handle.ref(): v for v in concrete.graph.variables}
        held = [variables[each.ref()].numpy() for each in concrete.captured_inputs]
        program = function.experimental_get_compiler_ir(*arguments)(stage="hlo_serialized")
        losses = function(*arguments)[0].numpy()
        inputs = {f"argument_{at}": value for at, value in enumerate([*arguments, *held])}
        np.savez_compressed(folder / f"{number:02}.npz", name=name, losses=losses, **inputs)
        (folder / f"{number:02}.hlo").write_bytes(program)
        print(name, len(program), losses[[0, -1]], flush=True)


def updates() -> dict[str, tuple[nt.RateRNN, list[np.ndarray]]]:
    """Return, by what they are, networks and the stacked batches of their updates."""
    free = nt.rules.Descent(clip_norm=None)
    one = f"1 trial of {rules.STEPS} steps, {rules.UNITS} units"
    made: dict[str, Any] = {
        f"{name}, {one}": (rules.network(rule), rules._arrays(50, 1, rules.STEPS))
        for name, rule in {
            "RFLO": nt.rules.RFLO(update=free),
            "RFLO, at each step": nt.rules.RFLO(update=free, when=1),
            "BPTT": nt.rules.BPTT(clip_norm=None),
            "RTRL": nt.rules.RTRL(update=free),
        }.items()
    }
    task = problem.task()
    for rule, units, trials in (
        ("bptt", 50, 128),
        ("bptt", 200, 128),
        ("bptt", 200, 1024),
        ("bptt", 1000, 128),
        ("rflo", 200, 1024),
        ("snap1", 200, 1024),
        ("kf_rtrl", 200, 128),
    ):
        model = nt.RateRNN.for_task(task, units=units, noise=problem.NOISE, seed=0)
        model.compile("adam", rule=rule, engine="xla")
        batches = [task.trials(trials, seed=index) for index in range(N_UPDATES)]
        names = ("inputs", "targets", "mask", "lengths")
        arrays = [np.stack([getattr(batch, name) for batch in batches]) for name in names]
        arrays[3] = arrays[3].astype(np.int32)
        size = f"{trials} trials of {arrays[0].shape[2]} steps, {units} units, noise"
        made[f"{rule}, {size}"] = (model, arrays)
    model = nt.RateRNN(
        ["silent"], ["z"], units=rules.FORCED, dt=1.0, tau=10.0, activation="tanh",
        feedback=nt.Connectivity(),
    )  # fmt: skip
    model.compile("sgd", rule="force", engine="xla")
    made[f"force, 1 trial of {rules.LONG} steps, {rules.FORCED} units"] = (
        model, rules._arrays(1, 1, rules.LONG),
    )  # fmt: skip
    return made


if __name__ == "__main__":
    main(Path(sys.argv[1]))
