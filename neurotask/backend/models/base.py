"""What a model is: a network with its variables, and how it learns. All models share what is here.

A model is a `keras.Model` over whole trials. Neither the number of trials nor their length is part
of it: any batch runs.
"""

import dataclasses
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar, Self

import keras
import numpy as np

from neurotask._checks import choose, count, number
from neurotask.backend import activations, engines, losses, rules
from neurotask.backend.connectivity import Connectivity
from neurotask.backend.dynamics.base import Dynamics
from neurotask.backend.files import load_rule_state, save_model, save_rule_state
from neurotask.backend.fitting import check_task, curriculum_of
from neurotask.backend.fused import uncovered
from neurotask.backend.initializers import Gaussian, SpectralRadius
from neurotask.backend.kernel import Kernel
from neurotask.backend.models._arguments import (
    channels,
    check_dynamics,
    check_known,
    optimizer_of,
    signature,
    stage,
)
from neurotask.backend.models.forward import ForwardModel
from neurotask.backend.network import FeedForward, Network
from neurotask.backend.regularizers import get as penalties_of
from neurotask.backend.rules.checks import check_memory, check_rule
from neurotask.backend.running import Runner
from neurotask.backend.settings import decoded, encoded, registered_name
from neurotask.backend.sides import KERNELS
from neurotask.backend.starting import begin, check_watching
from neurotask.backend.tensors import TensorOps
from neurotask.backend.training import Trainer
from neurotask.backend.units import Units
from neurotask.backend.vectors import Vectors
from neurotask.backend.watching import watched
from neurotask.task import Task


class RecurrentModel(ForwardModel):
    """A recurrent network over trials. A subclass says which dynamics it has, and nothing else.

    Args:
        inputs: names of the input channels.
        outputs: names of the output channels.
        units: number of units, or `Units`.
        dt: length of a step in ms.
        recurrent: synapses among units.
        input: synapses from inputs to units.
        output: synapses from units to outputs.
        feedback: synapses from outputs back to units, z_{t-1} acting in step t; None: none.
        feedforward: a stage of units between inputs and network: `FeedForward`, or the number of
            its units; None: none.
        output_activation: transfer function of the outputs.
        trainable: whether vectors learn, by name: `{"tau": True, "initial_state": False}`. Unless
            named, all learn but time constants. One that learns stays above dt.
        seed: seed of connectivity and initial weights.
        dtype: "float32", or "float64" for exact comparisons.
        task: what the network is for, as text; `for_task` and `fit` note it.
        **dynamics: settings of the dynamics.

    Attributes:
        network: what the network is beside its weights: channels, units, dynamics, dt.
        updates: count of updates that the network has had, stored with it.
        runs_on: what runs the loop over time of its training, once it is compiled: "fused",
            "graph" or "xla". Where that is left to the package, `fit` may choose again by the
            number of trials.
    """

    dynamics_type: ClassVar[type[Dynamics]]

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        check_dynamics(cls.__name__, RecurrentModel.__init__, getattr(cls, "dynamics_type", None))
        cls.__signature__ = signature(cls.__init__, cls.dynamics_type)
        cls.register()

    @classmethod
    def register(cls) -> None:
        """Let files name the class; of several with one name, they mean the last registered."""
        package, _, name = registered_name(cls).partition(">")
        keras.saving.register_keras_serializable(package, name)(cls)

    def __init__(
        self,
        inputs: Sequence[str],
        outputs: Sequence[str],
        *,
        units: Units | int,
        dt: float,
        recurrent: Connectivity = Connectivity(),
        input: Connectivity = Connectivity(),
        output: Connectivity = Connectivity(),
        feedback: Connectivity | None = None,
        feedforward: FeedForward | int | None = None,
        output_activation: Any = "linear",
        trainable: Mapping[str, bool] | None = None,
        seed: int = 0,
        dtype: str = "float32",
        task: str = "",
        **dynamics: Any,
    ):
        trainable = {} if trainable is None else trainable
        super().__init__(dtype=choose("dtype", dtype, ("float32", "float64")))
        check_known(type(self), dynamics)
        self.network = Network(
            dynamics=self.dynamics_type(**dynamics),
            units=units if isinstance(units, Units) else Units(units),
            inputs=channels("inputs", inputs),
            outputs=channels("outputs", outputs),
            dt=number("dt", dt, low=0.0, above=True),
            feedforward=stage(feedforward),
            feedback=feedback is not None,
            output_activation=activations.named("output_activation", output_activation),
        )
        self._connectivity = {"input": input, "recurrent": recurrent, "output": output}
        self._connectivity |= {"feedback": feedback}
        self._seed, self._learns, self._task = seed, trainable, task
        self.ops = TensorOps(dtype)
        self._vectors = Vectors(
            self.network.vectors(), self.network.dynamics, self.network.dt, trainable, dtype
        )
        for name, variable in self._vectors.free.items():
            setattr(self, name, variable)
        self._add_kernels()
        self.updates = self.add_weight((), "zeros", dtype="int64", trainable=False, name="updates")
        self.runner, self._trainer = Runner(self), None
        self.built = True

    @classmethod
    def for_task(cls, task: Any, **settings: Any) -> Self:
        """Return a model with the channels and the time step of a task.

        Args:
            task: the task to be learned, or a `Curriculum`: then all channels of its tasks.
            **settings: the other settings of the model.
        """
        if not isinstance(task, Task):
            task = curriculum_of("task", task)
        check_known(cls, settings)
        own = {"inputs": task.inputs, "outputs": task.outputs, "dt": task.dt, "task": repr(task)}
        return cls(**(own | settings))

    # --- training ------------------------------------------------------------------------------

    def compile(
        self,
        optimizer: Any = "adam",
        *,
        rule: Any = "bptt",
        loss: Any = "mean_squared_error",
        regularizers: Any = (),
        engine: str = "auto",
    ) -> None:
        """Say how the network learns.

        Args:
            optimizer: a Keras optimizer or its name.
            rule: a learning rule or its name.
            loss: a loss or its name; see `neurotask.losses`.
            regularizers: penalties that are added to the loss; see `neurotask.regularizers`.
            engine: what runs the loop over time: "fused" (kernels of the package, on processors:
                the fastest, in float32), "graph" (TensorFlow), "xla" (compiled to machine code: a
                second or more before the first update, and again for each length of trials; for
                rules that go forward in time), or "auto" (what suits rule, network and machine;
                `model.runs_on` says which). All give the same numbers to rounding, but for noise
                in float64 under XLA.

        Raises:
            ValueError: for a rule that cannot serve the network, or that keeps more for a trial
                than there is memory; for kernels that cannot run it.
        """
        check_memory(self, rules.get(rule), 1)
        self._compile(optimizer, rule, loss, regularizers, engine)

    def _compile(
        self, optimizer: Any, rule: Any, loss: Any, regularizers: Any = (), engine: str = "auto"
    ) -> None:
        # All is checked before anything is set: a refused call leaves the model as it was.
        rule, loss = rules.get(rule), losses.get(loss)
        penalties = penalties_of(regularizers)
        for penalty in penalties:
            penalty.check(self)
        optimizer = optimizer_of(optimizer)
        used = optimizer.built
        if used and optimizer is not getattr(self, "optimizer", None):
            raise ValueError(
                "`optimizer` must be new, but this one already trains another network. Make one "
                "for each, or give its name."
            )
        check_rule(self, rule, loss, penalties)
        engines.check(engine, self, rule)
        self.rule, self.engine = rule, engine
        self.loss_function, self.penalties = loss, penalties
        engines.engage(self)
        super().compile(optimizer=optimizer, jit_compile=False)
        self.optimizer.build(self.trainable_variables)
        self._trainer = Trainer(self)

    def fit(
        self,
        source: Any,
        *,
        updates: int,
        batch_size: int = 128,
        seed: int = 0,
        callbacks: Sequence[keras.callbacks.Callback] = (),
        segment: int | None = None,
        verbose: int = 1,
        live: bool = False,
        run: Path | str | None = None,
        checkpoint_seconds: float | None = 30.0,
        checkpoint_updates: int | None = None,
    ) -> keras.callbacks.History:
        """Train the network; a further call continues where this one ends.

        Batches are functions of (seed, update), so that two calls of 100 updates end with the same
        weights as one of 200 (but for optimizers with `use_ema`: each call ends with the average).
        A *segment* is what Keras calls an epoch: callbacks act and the
        history grows at its end. Its `loss` is what is minimised, penalties included.

        With `run` the training is kept in a folder as it goes. A training that was interrupted or
        killed is there up to its last checkpoint, and `nt.load_run(run).resume()` goes on from it:
        it ends with the same weights, bit for bit, as one that was never stopped.

        Args:
            source: the task to learn, or a `Curriculum` (or what a `Stage` may hold), which starts
                at its first stage.
            updates: how many updates to make, exactly; of a curriculum, at most.
            batch_size: trials an update.
            seed: seed of trials and noise.
            callbacks: Keras callbacks. They see `loss` (mean over the segment), `accuracy` (of the
                segment's last batch, where the task scores it) and `learning_rate`; of a curriculum
                `stage` and `evaluation` too, the last value of its metric. What they carry along is
                in no checkpoint.
            segment: updates a segment, 50 unless given. A curriculum says itself when it evaluates.
            verbose: 1 shows Keras' progress bar, 0 nothing.
            live: show the course of training as it goes, in a notebook as a figure, elsewhere as
                text, in place of Keras' bar.
            run: a new folder for the run; None: none is kept.
            checkpoint_seconds: the run has a checkpoint at the first segment end after so many
                seconds; None: not by time.
            checkpoint_updates: the same, after so many updates; None: not by updates.

        Returns:
            Keras' History, one entry a segment, with `updates` counted from the network's first.

        Raises:
            ValueError: if the task does not fit the network.
            FileExistsError: if `run` exists.
            FloatingPointError: if loss or gradient stop being finite; the network is then as it was
                after the last good update.
            KeyboardInterrupt: as it came; with `run`, after a checkpoint.
        """
        training = {"updates": updates, "batch_size": batch_size, "seed": seed, "segment": segment}
        check_watching(callbacks, verbose, live)
        watching = {"callbacks": callbacks, "verbose": verbose, "live": live}
        if run is not None:
            # A run holds a report, which stands above the networks; it is asked for by name alone.
            from neurotask.runs import train

            history = keras.callbacks.History()
            watching["callbacks"] = [*callbacks, history]
            checkpoints = {
                "checkpoint_seconds": checkpoint_seconds,
                "checkpoint_updates": checkpoint_updates,
            }
            train(self, source, out=run, **training, **watching, **checkpoints)
            self._task = repr(source)
            return history
        course = begin(self, source, batch_size, seed, segment)
        with watched(course, count("updates", updates), **watching) as watchers:
            history = self.trainer.fit(course, updates, batch_size, seed, *watchers)
        self._task = repr(source)
        return history

    def evaluate(
        self, task: Task, *, n: int = 1024, seed: int = 0, noise: bool = True
    ) -> dict[str, float]:
        """Return loss (without penalties) and accuracy on fresh trials, none trained on.

        Args:
            task: what to test.
            n: number of trials.
            seed: seed of trials and noise; safe to be the seed of training.
            noise: whether the network is noisy, as in training.
        """
        return self.runner.evaluate(task, n, seed, noise)

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
        check_task(task, self.input_names, self.output_names, self.dt, type(self).__name__)

    def with_dt(self, dt: float) -> Self:
        """Return a copy of the network, same weights, that steps by `dt` ms.

        Raises:
            ValueError: if its units have no time constant, so that a step has no length.
        """
        dynamics = self.network.dynamics
        if not dynamics.time_constants:
            raise ValueError(
                f"`dt` must stay {self.dt:g} ms: {type(self).__name__} has no time constant, so "
                f"its step has no length. Use task.replace(dt={self.dt:g})."
            )
        copy = type(self)(**{**self.settings, "dt": dt, "task": ""})
        copy.set_weights(self.get_weights())
        copy._vectors.keep_times(self._vectors)
        return copy

    def save_assets(self, dir_path: str) -> None:
        """Write what the learning rule carries along, which is no variable of the network."""
        if self._trainer is not None:
            save_rule_state(Path(dir_path), self._trainer.rule_state)

    def load_assets(self, dir_path: str) -> None:
        """Read what `save_assets` wrote."""
        if self._trainer is not None:
            load_rule_state(Path(dir_path), self._trainer.rule_state)

    def save(self, filepath: Any, overwrite: bool = True, **kwargs: Any) -> None:
        """Save network, optimizer and rule to one `.keras` file; the file is whole or absent."""
        if kwargs:
            raise TypeError(f"`save` takes `filepath` and `overwrite` alone, got {kwargs}.")
        save_model(self, super().save, filepath, overwrite)

    @property
    def seed(self) -> int:
        """Seed of connectivity, initial weights, and what else is drawn once for the network."""
        return self._seed

    @property
    def settings(self) -> dict[str, Any]:
        """The settings that make this model again, by the names of its arguments."""
        network, fields = self.network, dataclasses.fields(self.network.dynamics)
        return {
            "inputs": network.inputs,
            "outputs": network.outputs,
            "units": network.units,
            "dt": network.dt,
            **{field.name: getattr(network.dynamics, field.name) for field in fields},
            **self._connectivity,
            "feedforward": network.feedforward,
            "output_activation": network.output_activation,
            "trainable": dict(self._learns),
            "seed": self._seed,
            "dtype": self.dtype,
            "task": self._task,
        }

    def get_config(self) -> dict[str, Any]:
        """Return the settings as plain data (the weights are stored beside them)."""
        return {name: encoded(value) for name, value in self.settings.items()}

    @classmethod
    def from_config(cls, config: dict[str, Any], custom_objects: Any = None) -> Self:
        """Return the model that `get_config` describes."""
        return cls(**{name: decoded(value) for name, value in config.items()})

    def get_compile_config(self) -> dict[str, Any]:
        """Return how the network learns, as plain data."""
        if self._trainer is None:
            return {}
        return {
            "optimizer": keras.saving.serialize_keras_object(self.optimizer),
            "rule": encoded(self.rule),
            "loss": encoded(self.loss_function),
            "regularizers": encoded(self.penalties),
            "engine": self.engine,
        }

    def compile_from_config(self, config: dict[str, Any]) -> None:
        """Compile as `get_compile_config` says, with the optimizer ready to take its state."""
        if config:
            optimizer = keras.saving.deserialize_keras_object(config["optimizer"])
            rest = {name: decoded(config[name]) for name in config if name != "optimizer"}
            if rest.get("engine") == "fused" and uncovered(self) is not None:
                rest["engine"] = "auto"  # a file opens on machines without kernels too
            self._compile(optimizer, **rest)

    def __repr__(self) -> str:
        return (
            f"<{type(self).__name__}: {len(self.units)} units, {len(self.input_names)} inputs, "
            f"{len(self.output_names)} outputs, dt {self.dt:g} ms, "
            f"{int(self.updates.numpy())} updates>"
        )

    # --- inside --------------------------------------------------------------------------------

    def _add_kernels(self) -> None:
        network, units = self.network, self.network.units
        if units.has_types and not network.dynamics.signed:
            raise ValueError(
                f"`units` must have no types in {type(self).__name__}, whose gates let one unit "
                "excite and inhibit, got excitatory and inhibitory ones. Leave `excitatory` out, "
                "or use a RateRNN."
            )
        if units.tau is not None and not network.dynamics.time_constants:
            raise ValueError(
                f"`units` must have no tau in {type(self).__name__}, whose steps have no length, "
                f"got {units.tau!r}. Leave it out, or use a RateRNN."
            )
        connectivity = dict(self._connectivity)
        if network.feedforward is not None:
            connectivity["feedforward"] = network.feedforward.connectivity
        sides, gates = network.sides(), network.dynamics.gates
        for index, name in enumerate(KERNELS):
            given = connectivity.get(name)
            if given is None and name in ("feedback", "feedforward"):
                continue
            if not isinstance(given, Connectivity):
                raise TypeError(f"`{name}` must be a Connectivity, got {given!r}.")
            if name == "recurrent" and given.sign is not None and not network.dynamics.signed:
                raise ValueError(
                    f"`recurrent.sign` must be left out of {type(self).__name__}, whose gates let "
                    f"one unit excite and inhibit, got {given.sign!r}."
                )
            post, pre = sides[name]
            cyclic = name == "recurrent" and not gates
            kernel = Kernel(
                name,
                given,
                post,
                pre,
                sign=units.sign if name in ("recurrent", "output") else np.zeros(len(pre)),
                default=SpectralRadius() if cyclic else Gaussian(),
                seed=self._seed,
                index=index,
                dtype=self.dtype,
                gates=gates if post is units else (),
            )
            setattr(self, f"{name}_kernel", kernel)
