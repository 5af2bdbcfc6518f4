"""Running a network on trials, forward only: by kernels, or by graphs that are traced once."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
import tensorflow as tf

from neurotask._checks import count
from neurotask._streams import Stream, key
from neurotask.backend import losses
from neurotask.backend._types import Tensor
from neurotask.backend.chunks import CHUNK, place
from neurotask.backend.dynamics.base import State
from neurotask.backend.fitting import check_trials
from neurotask.backend.forward_runs import by_kernels, covers
from neurotask.backend.fused import uncovered
from neurotask.backend.losses import Loss
from neurotask.backend.perturbation import Perturbation
from neurotask.backend.perturbed import Perturbed, Plan
from neurotask.backend.simulation import stacked
from neurotask.behavior import accuracy
from neurotask.session import session
from neurotask.task import Task
from neurotask.trials import Trials

if TYPE_CHECKING:
    import xarray as xr

    from neurotask.backend.models.base import RecurrentModel

Tensors = dict[str, Tensor]


class Runner:
    """Runs one model; Keras does not track it."""

    def __init__(self, model: "RecurrentModel"):
        self._model = model
        self._compiled: dict[Any, Any] = {}

    def run(
        self,
        trials: Trials,
        seed: int,
        noise: bool,
        record: tuple[str, ...],
        perturbations: tuple[Perturbation, ...] = (),
    ) -> "xr.Dataset":
        """Return the Session of a batch; see `RecurrentModel.run`."""
        model = self._model
        _check_flag(noise)
        check_trials(trials, model.input_names, model.output_names, model.dt, type(model).__name__)
        plan = Plan(model.network, perturbations, trials) if perturbations else None
        outputs, activity = self.forward(trials, key(seed, Stream.RUN_NOISE), noise, record, plan)
        variables = model.network.dynamics.state_variables
        return session(
            trials, outputs, activity, model.units.cell_type, model.units.area, variables=variables
        )

    def evaluate(self, task: Task, n: int, seed: int, noise: bool) -> dict[str, float]:
        """Return loss and accuracy on fresh trials; see `RecurrentModel.evaluate`."""
        self._model.check_fits(task)
        _check_flag(noise)
        trials = task.batch(count("n", n), seed=seed, stream=Stream.EVALUATION, index=0)
        outputs, _ = self.forward(trials, key(seed, Stream.EVALUATION_NOISE), noise, ())
        result = {"loss": self.loss(trials, outputs)}
        if task.decision_rule is not None:
            result["accuracy"] = accuracy(trials, outputs)
        return result

    def loss(self, trials: Trials, outputs: np.ndarray) -> float:
        """Return the loss of outputs (trial, time, output), without penalties."""
        loss = getattr(self._model, "loss_function", losses.MeanSquaredError())
        loss.check(trials.targets)
        return float(self._loss(loss)(trials.targets, outputs, trials.mask, trials.present))

    def noise(self, n_trials: int, n_steps: int, noise_key: int) -> np.ndarray:
        """Return the normals that `forward` draws, (trial, time, noise_per_step)."""
        parts = []
        for chunk, at in enumerate(range(0, n_trials, CHUNK)):
            name, n = tf.constant([noise_key, chunk], tf.int64), min(CHUNK, n_trials - at)
            steps = [
                self._model.normals(name, tf.constant(t, tf.int64), n).numpy()
                for t in range(n_steps)
            ]
            parts.append(np.stack(steps, axis=1))
        return np.concatenate(parts)

    def forward(
        self,
        trials: Trials,
        noise_key: int,
        noise: bool,
        record: tuple[str, ...],
        plan: Plan | None = None,
    ) -> tuple[np.ndarray, dict[str, np.ndarray]]:
        """Return outputs (trial, time, output) and what is recorded, each (trial, time, unit)."""
        if self.fused and covers(self._model.network, plan):
            name = noise_key if noise else None
            arrays = self._by_kernels(trials.inputs, name, record, plan)
            return arrays.pop("outputs"), arrays
        arrays = {}
        factors = {} if plan is None else plan.factors
        for chunk, at in enumerate(range(0, len(trials), CHUNK)):
            rows = slice(at, at + CHUNK)
            happening = {} if plan is None else plan.at(rows)
            function = self._function(noise, record, happening, factors)
            name = tf.constant([noise_key, chunk], tf.int64)
            part = function(trials.inputs[rows], name, happening, factors)
            place(arrays, part, rows, len(trials))
        return arrays.pop("outputs"), arrays

    @property
    def fused(self) -> bool:
        """Whether kernels run the network: where they can, and no graph is asked for."""
        wanted = getattr(self._model, "engine", "auto")
        return wanted not in ("graph", "xla") and uncovered(self._model) is None

    def _by_kernels(
        self,
        inputs: np.ndarray,
        noise: int | None,
        record: tuple[str, ...],
        plan: Plan | None,
    ) -> dict[str, np.ndarray]:
        model = self._model
        kernels = {name: values.numpy() for name, values in model.effective().items()}
        vectors = {name: np.asarray(values) for name, values in model.vectors().items()}
        return by_kernels(model.network, kernels, vectors, inputs, noise, record, CHUNK, plan)

    def kept(self, name: Any, make: Callable[[], Any]) -> Any:
        """Return the compiled function of a name, which is made when it is first asked for."""
        if name not in self._compiled:
            self._compiled[name] = counted_alone(make())
        return self._compiled[name]

    def _loss(self, loss: Loss) -> Any:
        """Return a loss as a compiled function of targets, outputs, mask and who is present."""
        own = self._model.compute_dtype

        def of(targets: Tensor, outputs: Tensor, mask: Tensor, present: Tensor) -> Tensor:
            return loss(*(tf.cast(a, own) for a in (targets, outputs, mask, present)))

        def make() -> Any:
            entries, steps = (None, None, None), (None, None)
            signature = [
                tf.TensorSpec(entries, tf.float32),
                tf.TensorSpec(entries, own),
                tf.TensorSpec(entries, tf.float32),
                tf.TensorSpec(steps, tf.bool),
            ]
            return tf.function(of, input_signature=signature, autograph=False)

        return self.kept(("loss", loss), make)

    def _function(self, noise: bool, record: tuple[str, ...], happening: Any, factors: Any) -> Any:
        versions = {name: len(values) for name, values in factors.items()}

        def forward(inputs: Tensor, key: Tensor, happening: Tensors, factors: Tensors) -> Tensors:
            arrays = self._unrolled(inputs, key if noise else None, happening, factors, record)
            return {one: _trial_first(values) for one, values in arrays.items()}

        def make() -> Any:
            spec = tf.TensorSpec
            n_units, any_ = len(self._model.units), {"version": spec((None, None), tf.int32)}
            any_["sent_version"] = any_["version"]
            any_["connectivity"] = spec((None, n_units, n_units), tf.float32)
            each = spec((None, None, n_units), tf.float32)
            signature = [
                spec((None, None, len(self._model.input_names)), tf.float32),
                spec((2,), tf.int64),
                {one: any_.get(one, each) for one in happening},
                {one: spec(np.shape(values), tf.float32) for one, values in factors.items()},
            ]
            return tf.function(forward, input_signature=signature, autograph=False)

        return self.kept((noise, record, tuple(happening), tuple(versions.items())), make)

    def _unrolled(
        self,
        inputs: Tensor,
        key: Tensor | None,
        happening: Tensors,
        factors: Tensors,
        record: tuple[str, ...],
    ) -> Tensors:
        """Return "outputs" and what is recorded, with time as the first axis."""
        model = self._model
        cast = lambda x: x if x.dtype.is_integer else tf.cast(x, model.compute_dtype)  # noqa: E731
        happening = {name: cast(values) for name, values in happening.items()}
        factors = {name: cast(values) for name, values in factors.items()}
        parts = model.effective(), model.vectors(), factors
        network = Perturbed(model.ops, model.network, *parts)
        inputs = cast(tf.transpose(inputs, (1, 0, 2)))
        n_steps, n_trials = tf.shape(inputs)[0], tf.shape(inputs)[1]
        noisy = key is not None and model.noise_per_step > 0

        def step(state: State, now: tuple[Tensor, Tensor, Tensors]) -> State:
            current, t, at = now
            drawn = model.normals(key, t, n_trials) if noisy else None
            return network.step(state, current, drawn, at)

        elements = (inputs, tf.range(tf.cast(n_steps, tf.int64)), happening)
        start = network.start(n_trials)
        if not record:
            return {"outputs": _outputs(network, step, elements, start, n_steps)}
        states = tf.scan(step, elements, initializer=start)
        rates = network.rates(states, happening)
        kept = {"states": lambda: stacked(list(states.values()), tf.stack), "rates": lambda: rates}
        outputs = network.output(rates, happening)
        return {"outputs": outputs, **{name: kept[name]() for name in record}}


def _check_flag(noise: Any) -> None:
    if not isinstance(noise, bool):
        raise TypeError(
            f"`noise` must be True or False, got {type(noise).__name__}. Normals of one's own are "
            "for nt.simulate(model, trials, noise=...)."
        )


def counted_alone(compiled: Any) -> Any:
    """Return a compiled function that TensorFlow does not count with those of other networks.

    It counts how often one Python function is traced. Here each network traces it once, and the
    advice that would be printed from the fifth network on is beside the point.
    """
    compiled._omit_frequent_tracing_warning = True
    return compiled


def _outputs(network: Perturbed, step: Any, elements: Any, start: State, n_steps: Tensor) -> Tensor:
    """Return the outputs of all steps; no state is kept longer than a step."""
    outputs = tf.TensorArray(next(iter(start.values())).dtype, n_steps)

    def body(t: Tensor, state: State, outputs: Any) -> Any:
        now = tf.nest.map_structure(lambda values: values[t], elements)
        state, at = step(state, now), now[2]
        return t + 1, state, outputs.write(t, network.output(network.rates(state, at), at))

    loop = tf.while_loop(
        lambda t, *_: t < n_steps, body, (tf.constant(0), start, outputs), parallel_iterations=1
    )
    return loop[2].stack()


def _trial_first(values: Tensor) -> Tensor:
    """Return an array with its first two axes, time and trial, exchanged."""
    return tf.transpose(values, (1, 0, *range(2, values.shape.rank)))
