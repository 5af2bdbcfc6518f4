"""What a model is: its variables, its step, its state, its readout. The rest is shared by all.

A model is a `keras.Model` over whole trials. Neither the number of trials nor their length is part
of it: any batch runs.
"""

from abc import abstractmethod
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Self

import keras
import numpy as np
import tensorflow as tf

from neurotask._checks import choose, number
from neurotask.backend import losses, rules
from neurotask.backend._types import Tensor
from neurotask.backend.files import save_model
from neurotask.backend.running import Runner
from neurotask.backend.settings import restored
from neurotask.backend.training import Trainer
from neurotask.backend.units import Units
from neurotask.task import Task
from neurotask.trials import Trials

if TYPE_CHECKING:
    import xarray as xr

Weights = dict[str, Tensor]


class RecurrentModel(keras.Model):
    """A recurrent network over trials. A subclass gives five things, each in TensorFlow.

    `prepare` (effective weights, once an update), `start` (the state before the first step),
    `transition` (one step), `rates_of` (the activity that units send) and `readout`. It also says
    how many standard normals a step takes of noise.

    Attributes:
        input_names: names of the input channels.
        output_names: names of the output channels.
        units: what the units are.
        dt: length of a step in ms.
        updates: count of updates that the network has had, stored with it.
    """

    noise_per_step: int = 0
    settings: ClassVar[tuple[str, ...]]

    def __init__(self, inputs: Sequence[str], outputs: Sequence[str], dt: float, dtype: str):
        super().__init__(dtype=choose("dtype", dtype, ("float32", "float64")))
        self.input_names = _channels("inputs", inputs)
        self.output_names = _channels("outputs", outputs)
        self.dt = number("dt", dt, low=0.0, above=True)
        self.updates = self.add_weight((), "zeros", dtype="int64", trainable=False, name="updates")
        self._runner, self._trainer = Runner(self), None

    @classmethod
    def for_task(cls, task: Task, **settings: Any) -> Self:
        """Return a model with the channels and the time step of a task.

        Args:
            task: the task to be learned.
            **settings: the other settings of the model.
        """
        if not isinstance(task, Task):
            raise TypeError(f"`task` must be a Task, got {task!r}. Load one with neurotask.load().")
        return cls(inputs=task.inputs, outputs=task.outputs, dt=task.dt, **settings)

    # --- what a model defines ------------------------------------------------------------------

    units: Units

    @abstractmethod
    def prepare(self) -> Weights:
        """Return the effective weights that `transition` and `readout` use."""

    @abstractmethod
    def start(self, n_trials: Tensor) -> Tensor:
        """Return the state before the first step, (trial, unit)."""

    @abstractmethod
    def transition(
        self, weights: Weights, state: Tensor, inputs: Tensor, noise: Tensor | None
    ) -> Tensor:
        """Return the state after a step from the one before it, each (trial, unit).

        Args:
            weights: what `prepare` returned.
            state: the state before.
            inputs: what comes in during the step, (trial, input).
            noise: standard normals, (trial, noise_per_step), or None.
        """

    @abstractmethod
    def rates_of(self, state: Tensor) -> Tensor:
        """Return the rates that belong to a state, of any leading shape."""

    @abstractmethod
    def readout(self, weights: Weights, rates: Tensor) -> Tensor:
        """Return the outputs (..., output) for rates (..., unit)."""

    @abstractmethod
    def effective_weights(self) -> dict[str, "xr.DataArray"]:
        """Return the weights that the network computes with: "input", "recurrent", "output"."""

    # --- simulation ----------------------------------------------------------------------------

    def unroll(self, inputs: Tensor, noise: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """Return states (time, trial, unit) and outputs (trial, time, output); TensorFlow.

        Args:
            inputs: (trial, time, input).
            noise: two whole numbers (int64) that name the noise, or None for none. Each step draws
                from a counter of its own, so padding at the end changes nothing before it.
        """
        weights = self.prepare()
        inputs = tf.transpose(tf.cast(inputs, self.compute_dtype), (1, 0, 2))
        n_steps, n_trials = tf.shape(inputs)[0], tf.shape(inputs)[1]
        noisy = noise is not None and self.noise_per_step > 0

        def step(state: Tensor, now: tuple[Tensor, Tensor]) -> Tensor:
            current, t = now
            drawn = self.normals(noise, t, n_trials) if noisy else None
            return self.transition(weights, state, current, drawn)

        elements = (inputs, tf.range(tf.cast(n_steps, tf.int64)))
        states = tf.scan(step, elements, initializer=self.start(n_trials))
        outputs = self.readout(weights, self.rates_of(states))
        return states, tf.transpose(outputs, (1, 0, 2))

    def call(self, inputs: Any) -> Tensor:
        """Return the noise-free outputs (trial, time, output) for inputs (trial, time, input)."""
        _check_last("inputs", inputs, len(self.input_names), "(trial, time, input)", 3)
        return self.unroll(inputs)[1]

    def step(self, state: np.ndarray, input: np.ndarray) -> np.ndarray:
        """Return the state after a noise-free step: (..., unit) from (..., unit), (..., input)."""
        _check_last("state", state, len(self.units), "(..., unit)")
        _check_last("input", input, len(self.input_names), "(..., input)")
        state, input = self._tensor(state), self._tensor(input)
        flat = tf.reshape(state, (-1, state.shape[-1]))
        current = tf.broadcast_to(input, (*state.shape[:-1], input.shape[-1]))
        after = self.transition(
            self.prepare(), flat, tf.reshape(current, (-1, input.shape[-1])), None
        )
        return tf.reshape(after, state.shape).numpy()

    def rates(self, state: np.ndarray) -> np.ndarray:
        """Return the rates (..., unit) that belong to states (..., unit)."""
        return self.rates_of(self._tensor(state)).numpy()

    def output(self, state: np.ndarray) -> np.ndarray:
        """Return the outputs (..., output) that belong to states (..., unit)."""
        return self.readout(self.prepare(), self.rates_of(self._tensor(state))).numpy()

    def run(
        self,
        trials: Trials,
        *,
        seed: int = 0,
        noise: bool = True,
        record: Sequence[str] = ("states", "rates"),
    ) -> "xr.Dataset":
        """Run the network on trials and return the Session.

        Args:
            trials: what to run, any number and length, at the model's dt.
            seed: seed of the network's noise.
            noise: whether the network is noisy, as in training.
            record: what to keep beside outputs and behaviour: "states", "rates". Without them
                memory does not grow with the number of units.

        Returns:
            A Session; see `neurotask.session`.
        """
        if isinstance(record, str):
            raise ValueError(f"`record` must be names in a tuple, got {record!r}. Write (name,).")
        return self._runner.run(trials, seed, noise, tuple(record))

    # --- training ------------------------------------------------------------------------------

    def compile(
        self,
        optimizer: Any = "adam",
        *,
        rule: Any = "bptt",
        loss: str = "mean_squared_error",
        engine: str = "auto",
    ) -> None:
        """Say how the network learns.

        Args:
            optimizer: a Keras optimizer or its name.
            rule: a learning rule or its name.
            loss: name of the loss.
            engine: "graph" (TensorFlow) or "auto" (the fastest that applies).
        """
        # All is checked before anything is set: a refused call leaves the model as it was.
        rule, function = rules.get(rule), losses.get(loss)
        engine = choose("engine", engine, ("auto", "graph"))
        optimizer = _optimizer(optimizer)
        used = optimizer.built
        if used and optimizer is not getattr(self, "optimizer", None):
            raise ValueError(
                "`optimizer` must be new, but this one already trains another network. Make one "
                "for each, or give its name."
            )
        self.rule, self.engine = rule, engine
        self.loss_name, self.loss_function = loss, function
        super().compile(optimizer=optimizer, jit_compile=False)
        self.optimizer.build(self.trainable_variables)
        self._trainer = Trainer(self)

    def fit(
        self,
        source: Task,
        *,
        updates: int,
        batch_size: int = 128,
        seed: int = 0,
        callbacks: Sequence[keras.callbacks.Callback] = (),
        segment: int = 50,
        verbose: int = 1,
    ) -> keras.callbacks.History:
        """Train the network; a further call continues where this one ends.

        Batches are functions of (seed, update), so that two calls of 100 updates end with the same
        weights as one of 200. A *segment* is what Keras calls an epoch: callbacks act and the
        history grows at its end.

        Args:
            source: the task to learn.
            updates: how many updates to make, exactly.
            batch_size: trials an update.
            seed: seed of trials and noise.
            callbacks: Keras callbacks. They see `loss` (mean over the segment), `accuracy` (of the
                segment's last batch, where the task scores it) and `learning_rate`.
            segment: updates a segment.
            verbose: 1 shows Keras' progress bar, 0 nothing.

        Returns:
            Keras' History, one entry a segment, with `updates` counted from the network's first.

        Raises:
            ValueError: if the task does not fit the network.
            FloatingPointError: if loss or gradient stop being finite; the network is then as it was
                after the last good update.
        """
        return self.trainer.fit(source, updates, batch_size, seed, callbacks, segment, verbose)

    def evaluate(
        self, task: Task, *, n: int = 1024, seed: int = 0, noise: bool = True
    ) -> dict[str, float]:
        """Return loss and accuracy on fresh trials, none of which was trained on.

        Args:
            task: what to test.
            n: number of trials.
            seed: seed of trials and noise; safe to be the seed of training.
            noise: whether the network is noisy, as in training.
        """
        return self._runner.evaluate(task, n, seed, noise)

    @property
    def trainer(self) -> Trainer:
        """What trains the network."""
        if self._trainer is None:
            raise ValueError(
                "`model` must be compiled before it is trained. "
                'Call model.compile(optimizer="adam", rule="bptt") first.'
            )
        return self._trainer

    # --- checks and files ----------------------------------------------------------------------

    def check_fits(self, task: Task) -> None:
        """Raise unless a task has the model's channels and time step."""
        if not isinstance(task, Task):
            raise TypeError(f"`task` must be a Task, got {type(task).__name__}.")
        for kind, names, wanted in (
            ("inputs", task.inputs, self.input_names),
            ("outputs", task.outputs, self.output_names),
        ):
            if tuple(names) != wanted:
                raise ValueError(
                    f"`task` must have the model's {kind} {wanted}, got {tuple(names)}. Make a "
                    f"model for it: {type(self).__name__}.for_task(task, ...)."
                )
        if task.dt != self.dt:
            raise ValueError(
                f"`task` must have the model's dt = {self.dt:g} ms, got {task.dt:g} ms. "
                f"Use model.with_dt({task.dt:g}) or task.replace(dt={self.dt:g})."
            )

    def with_dt(self, dt: float) -> Self:
        """Return a copy of the network, same weights, that steps by `dt` ms."""
        copy = type(self)(**{**self.get_config(), "dt": dt})
        copy.set_weights(self.get_weights())
        return copy

    def save(self, filepath: Any, overwrite: bool = True, **kwargs: Any) -> None:
        """Save network, optimizer and rule to one `.keras` file; the file is whole or absent."""
        if kwargs:
            raise TypeError(f"`save` takes `filepath` and `overwrite` alone, got {kwargs}.")
        save_model(super().save, filepath, overwrite)

    def get_config(self) -> dict[str, Any]:
        """Return the settings that make this model again (its weights are stored beside them)."""
        return {name: getattr(self, f"_{name}", None) for name in self.settings} | {
            "inputs": self.input_names,
            "outputs": self.output_names,
            "dt": self.dt,
            "dtype": self.dtype,
        }

    @classmethod
    def from_config(cls, config: dict[str, Any], custom_objects: Any = None) -> Self:
        """Return the model that `get_config` describes."""
        return cls(**{name: restored(value) for name, value in config.items()})

    def get_compile_config(self) -> dict[str, Any]:
        """Return how the network learns, as plain data."""
        if self._trainer is None:
            return {}
        serialize = keras.saving.serialize_keras_object
        return {
            "optimizer": serialize(self.optimizer),
            "rule": serialize(self.rule),
            "loss": self.loss_name,
            "engine": self.engine,
        }

    def compile_from_config(self, config: dict[str, Any]) -> None:
        """Compile as `get_compile_config` says, with the optimizer ready to take its state."""
        if config:
            self.compile(**{name: restored(value) for name, value in config.items()})

    def __repr__(self) -> str:
        return (
            f"<{type(self).__name__}: {len(self.units)} units, {len(self.input_names)} inputs, "
            f"{len(self.output_names)} outputs, dt {self.dt:g} ms, "
            f"{int(self.updates.numpy())} updates>"
        )

    def _tensor(self, values: Any) -> Tensor:
        return tf.convert_to_tensor(np.asarray(values), self.compute_dtype)

    def normals(self, noise: Tensor, t: Tensor, n_trials: Tensor) -> Tensor:
        """Return the normals of a step, (trial, noise_per_step).

        Args:
            noise: two whole numbers that name the noise.
            t: the step.
            n_trials: number of trials.
        """
        # The upper half of the second word is the update (or chunk), the lower half the step.
        # philox by name: another algorithm is picked under XLA otherwise, with other numbers.
        return tf.random.stateless_normal(
            (n_trials, self.noise_per_step),
            seed=tf.stack([noise[0], noise[1] * 2**32 + t]),
            dtype=self.compute_dtype,
            alg="philox",
        )


def _channels(kind: str, names: Sequence[str]) -> tuple[str, ...]:
    if isinstance(names, str) or not names or len(set(names)) < len(names):
        raise ValueError(f"`{kind}` must be a sequence of different names, got {names!r}.")
    return tuple(names)


def _optimizer(optimizer: Any) -> keras.optimizers.Optimizer:
    try:
        made = keras.optimizers.get(optimizer)
    except (TypeError, ValueError):
        made = None
    if not isinstance(made, keras.optimizers.Optimizer):
        raise ValueError(
            f'`optimizer` must be a Keras optimizer or its name, such as "adam", got {optimizer!r}.'
        )
    return made


def _check_last(name: str, values: Any, size: int, form: str, rank: int | None = None) -> None:
    shape = tuple(values.shape) if hasattr(values, "shape") else np.shape(values)
    if not shape or shape[-1] != size or (rank is not None and len(shape) != rank):
        raise ValueError(f"`{name}` must have the shape {form}, with {size} last, got {shape}.")
