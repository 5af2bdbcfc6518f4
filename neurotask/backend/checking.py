"""The points of the contract of models, one function each, for any model and any constraint.

Each takes a `Case` and raises an AssertionError where it is broken.
"""

import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from neurotask.backend.files import load_model
from neurotask.backend.models.base import RecurrentModel
from neurotask.backend.perturbation import Perturbation
from neurotask.backend.regularizers import RateL2
from neurotask.backend.rules.base import Batch
from neurotask.backend.rules.bptt import BPTT
from neurotask.backend.running import counted_alone
from neurotask.backend.simulation import simulate
from neurotask.load import load
from neurotask.task import Task

ENTRIES = 6  # weights of each variable whose gradient is looked at
STEP = 1e-6  # of the finite differences
UPDATES = 50


@dataclass(frozen=True, eq=False)
class Case:
    """A model with the settings that it is checked with.

    Args:
        kind: class of the model.
        settings: its settings, such as `units` and `recurrent`.
        engine: what runs its training in float32; see `RecurrentModel.compile`.
    """

    kind: type[RecurrentModel]
    settings: Mapping[str, Any] = field(default_factory=dict)
    engine: str = "auto"

    @property
    def task(self) -> Task:
        """A short, easy task: 16 steps."""
        timing = {"fixation": 60.0, "stimulus": 120.0, "decision": 140.0}
        return load("perceptual_discrimination", coherences=(0.25, 0.5), noise=0.01, **timing)

    def make(self, optimizer: Any = "adam", **settings: Any) -> RecurrentModel:
        """Return a compiled model."""
        model = self.kind.for_task(
            self.task, **({"units": 6, "seed": 1} | dict(self.settings) | settings)
        )
        single = model.compute_dtype == "float32"
        model.compile(optimizer, engine=self.engine if single else "graph")
        return model

    def fit(self, model: RecurrentModel, updates: int) -> None:
        """Train a little."""
        model.fit(self.task, updates=updates, batch_size=4, verbose=0)


def arguments(case: Case) -> None:
    """A misspelt argument is a TypeError, and settings survive being written down."""
    try:
        case.kind.for_task(case.task, **{**case.settings, "untis": 3})
    except TypeError as error:
        _say("untis" in str(error), f"the error must name `untis`, got {error}")
    else:
        raise AssertionError("a misspelt argument must be a TypeError, but `untis` was taken")
    model = case.make()
    again = case.kind.from_config(model.get_config())
    _say(again.settings == model.settings, "from_config(get_config()) must be the same settings")


def shapes(case: Case) -> None:
    """An untrained network runs on any number and length of trials."""
    model, names = case.make(), case.kind.dynamics_type
    for n, stimulus in ((1, 120.0), (3, 20.0), (300, 200.0)):
        trials = case.task.replace(stimulus=stimulus).trials(n, seed=2)
        session = model.run(trials)
        steps = trials.inputs.shape[1]
        _say(
            session["outputs"].shape == (n, steps, 2),
            f"outputs have the shape {session['outputs'].shape}",
        )
        variables = session.sizes.get("variable", 1)
        wanted = len(model.network.dynamics.state_variables)
        _say(variables == wanted, f"states of {names.__name__} have {variables} variables")
        _say(
            session["rates"].shape == (n, steps, len(model.units)), "rates are (trial, time, unit)"
        )
        _say(bool(np.isfinite(session["states"]).all()), "states must be finite")


def engines(case: Case) -> None:
    """TensorFlow and NumPy give the same states and outputs, with and without noise."""
    model, trials = case.make(), case.task.trials(5, seed=3)
    drawn = model.noise(5, trials.inputs.shape[1], seed=4)
    for noise in (False, drawn):
        one = model.run(trials, seed=4, noise=noise is not False)
        _same_run(one, simulate(model.parameters(), trials, noise=noise), 1e-5)


def steps(case: Case) -> None:
    """`step`, `rates` and `output` are the dynamics of `run`."""
    model, trials = case.make(dtype="float64"), case.task.trials(4, seed=3)
    session = model.run(trials, noise=False)
    states = session["states"].values
    after = model.step(states[:, 3], trials.inputs[:, 4])
    _close(after, states[:, 4], 1e-5, "`step` must give the next state of `run`")
    _close(
        model.rates(states[:, 4]), session["rates"][:, 4], 1e-5, "`rates` must be those of `run`"
    )
    _close(model.output(states), session["outputs"], 1e-5, "`output` must be that of `run`")


def perturbations(case: Case) -> None:
    """Perturbations act alike in both engines; one that changes nothing changes nothing."""
    model, trials = case.make(), case.task.trials(5, seed=3)
    n, n_steps = len(model.units), trials.inputs.shape[1]
    done = [
        Perturbation("silence", units=[0], phase="stimulus"),
        Perturbation("clamp", units=[1], phase="decision", value=0.5),
        Perturbation("current", units=[2], phase="stimulus", value=0.3),
        Perturbation("kick", phase="decision", value=0.2, factor=0.5),
        Perturbation("weights", phase="stimulus", factor=0.5),
        Perturbation("lesion", units=[n - 1]),
    ]
    one = model.run(trials, seed=2, perturbation=done)
    noise = model.noise(5, n_steps, seed=2)
    _same_run(one, simulate(model, trials, noise=noise, perturbation=done), 1e-5)
    _say(not bool(one["rates"][..., n - 1].any()), "a lesioned unit must send nothing")
    ones = Perturbation("connectivity", value=np.ones((n_steps, n, n)))
    _same_run(model.run(trials, perturbation=ones), model.run(trials), 1e-5)


def gradient(case: Case) -> None:
    """The gradient equals finite differences in float64."""
    model, rule = case.make(dtype="float64"), BPTT(clip_norm=None)
    rng, batch = np.random.default_rng(0), _batch(case.task)
    for variable in model.trainable_variables:
        if len(variable.shape) == 1:  # away from kinks, such as that of relu at a start of 0
            variable.assign(variable.numpy() + 0.05 * rng.standard_normal(variable.shape))
    _, _, gradients = rule.gradients(model, batch)
    loss = counted_alone(tf.function(lambda: rule.loss(model, batch)[0]))
    for variable, given in zip(model.trainable_variables, gradients, strict=True):
        values = variable.numpy()
        # At a weight of 0 under a sign the slope of |raw| is one-sided.
        smooth = (
            np.argwhere(np.abs(values) > 1e-3) if values.ndim > 1 else np.argwhere(values == values)
        )
        for at in map(tuple, rng.permutation(smooth)[:ENTRIES]):
            sides = []
            for sign in (1, -1):
                moved = values.copy()
                moved[at] += sign * STEP
                variable.assign(moved)
                sides.append(float(loss()))
            variable.assign(values)
            slope = (sides[0] - sides[1]) / (2 * STEP)
            _close(
                given.numpy()[at],
                slope,
                1e-8 + 1e-4 * abs(slope),
                f"gradient of {variable.path} at {at}",
            )


def padding(case: Case) -> None:
    """Doubled padding changes neither loss nor gradient."""
    model, rule, batch = case.make(dtype="float64"), BPTT(clip_norm=None), _batch(case.task)
    one, two = rule.gradients(model, batch), rule.gradients(model, _padded(batch))
    _close(one[0], two[0], 1e-12, "loss with doubled padding")
    for variable, a, b in zip(model.trainable_variables, one[2], two[2], strict=True):
        _close(a, b, 1e-12, f"gradient of {variable.path} with doubled padding")


def kernels(case: Case) -> None:
    """Kernels, where there are some for it, give loss and gradient of the graph; padding is none.

    Any noise is the same. The loss counts states too, where they may be penalised.
    """
    model, rule, batch = case.make(), BPTT(clip_norm=None), _batch(case.task, "float32")
    if model.fused is None:
        return
    fused, model.penalties = model.fused, (*model.penalties, RateL2(0.1))
    model.fused = None
    one = rule.gradients(model, batch)
    model.fused = fused
    size = max(float(tf.reduce_max(tf.abs(gradient))) for gradient in one[2])
    for given in (batch, _padded(batch)):
        two = rule.gradients(model, given)
        _close(one[0], two[0], 1e-5 * max(1.0, abs(float(one[0]))), "loss by kernels")
        for variable, a, b in zip(model.trainable_variables, one[2], two[2], strict=True):
            _close(a, b, 1e-5 * size, f"gradient of {variable.path} by kernels")


def constraints(case: Case, optimizer: Any = None) -> None:
    """Masks, signs and frozen values hold bit for bit after updates; the others learn."""
    if optimizer is None:
        optimizer = keras.optimizers.AdamW(
            0.01, weight_decay=0.05, use_ema=True, ema_overwrite_frequency=7
        )
    model = case.make(optimizer)
    before = {name: kernel.effective().numpy() for name, kernel in model.kernels.items()}
    case.fit(model, UPDATES)
    for name, kernel in model.kernels.items():
        after, sign = kernel.effective().numpy(), kernel.sign.numpy()
        exists, plastic = kernel.exists.numpy(), kernel.plastic.numpy()
        _say(np.isfinite(after).all(), f"`{name}` must stay finite")
        _say(not after[..., ~exists].any(), f"`{name}` must stay 0 where no synapse exists")
        kept = after[..., ~plastic].tobytes() == before[name][..., ~plastic].tobytes()
        _say(kept, f"`{name}` must not change where it is frozen")
        _say((after * sign >= 0).all(), f"`{name}` must keep its signs")
        moved = after[..., plastic] != before[name][..., plastic]
        _say(not plastic.any() or bool(moved.any()), f"`{name}` must learn where it may")


def files(case: Case) -> None:
    """Saved, loaded and trained on, a network ends as one that was never stopped."""
    whole, first = case.make(), case.make()
    case.fit(whole, 8)
    case.fit(first, 4)
    with tempfile.TemporaryDirectory() as folder:
        first.save(Path(folder) / "network.keras")
        again = load_model(Path(folder) / "network.keras")
        first.parameters().save(Path(folder) / "network.npz")
        trials = case.task.trials(3, seed=1)
        alike = simulate(Path(folder) / "network.npz", trials, noise=False)
    _same_run(first.run(trials, noise=False), alike, 1e-5)
    case.fit(again, 4)
    for one, two in zip(whole.variables, again.variables, strict=True):
        same = one.numpy().tobytes() == two.numpy().tobytes()
        _say(same, f"{one.path} must be as if training had never stopped")


def side_by_side(case: Case) -> None:
    """Two networks live side by side, and the same seed makes the same network."""
    one, two = case.make(), case.make()
    other = case.make(seed=2)
    for a, b in zip(one.get_weights(), two.get_weights(), strict=True):
        _say(a.tobytes() == b.tobytes(), "the same seed must make the same network")
    trials = case.task.trials(3, seed=1)
    before = two.run(trials)["outputs"].values
    case.fit(one, 2)
    case.fit(other, 2)
    _close(
        two.run(trials)["outputs"].values, before, 0.0, "training one must leave the other alone"
    )


POINTS: dict[str, Callable[[Case], None]] = {
    point.__name__.replace("_", " "): point
    for point in (
        arguments, shapes, engines, steps, perturbations, gradient, padding, kernels,
        constraints, files, side_by_side,
    )
}  # fmt: skip


def _batch(task: Task, dtype: str = "float64") -> Batch:
    trials = task.trials(4, seed=1)
    arrays = (trials.inputs, trials.targets, trials.mask, trials.present)
    inputs, targets, mask, present = (tf.constant(a, dtype) for a in arrays)
    return Batch(inputs, targets, mask, present, tf.constant([11, 4], tf.int64))


def _padded(batch: Batch) -> Batch:
    """Return a batch with as many steps again, in which there is nothing."""
    inputs, targets, mask, present = (
        tf.concat([a, tf.zeros_like(a)], axis=1)
        for a in (batch.inputs, batch.targets, batch.mask, batch.present)
    )
    return Batch(inputs, targets, mask, present, batch.noise)


def _same_run(one: Any, two: Any, tolerance: float) -> None:
    for name in ("states", "rates", "outputs"):
        _close(one[name].values, two[name].values, tolerance, f"`{name}` of two runs")


def _close(one: Any, two: Any, tolerance: float, what: str) -> None:
    apart = float(np.abs(np.asarray(one) - np.asarray(two)).max(initial=0.0))
    _say(apart <= tolerance, f"{what}: {apart:.2g} apart, more than {tolerance:.2g}")


def _say(holds: Any, otherwise: str) -> None:
    if not holds:
        raise AssertionError(otherwise)
