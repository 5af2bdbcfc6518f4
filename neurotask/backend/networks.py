"""`Networks`: several networks of one structure, trained together in one compiled loop."""

from collections.abc import Iterator, Sequence
from typing import Any, Self

import keras
import numpy as np
import pandas as pd
import xarray as xr
from keras.optimizers.schedules import LearningRateSchedule
from rich.console import Console

from neurotask._checks import count, number
from neurotask._progress import ShowProgress
from neurotask.backend.models.base import RecurrentModel
from neurotask.backend.networks_checks import check_alike, list_of, numbers_of
from neurotask.backend.rules.checks import check_memory
from neurotask.backend.stacked_optimizer import check_optimizers, learning_rates
from neurotask.backend.stacked_training import SEGMENT, StackedTrainer
from neurotask.comparison.sessions import joined
from neurotask.task import Task
from neurotask.trials import Trials


class Networks:
    """Several networks of one structure that are trained at once, each as if it were alone.

    They share class, channels, number of units, dynamics, loss, penalties, rule and optimizer.
    Seeds, initial weights, masks, signs, time constants of units, learning rates, and matrices of
    fixed feedback (of any rank) may differ. Small networks cost little more together than one does,
    since most of its time is not spent on arithmetic.

    Args:
        models: the compiled networks. Training changes them; each can be run and saved as ever.

    Raises:
        TypeError: for what is no network.
        ValueError: for networks that differ where they must not, or an optimizer that does not move
            each weight by its own gradients alone.

    Example:
        >>> import neurotask as nt
        >>> task = nt.load("perceptual_discrimination")
        >>> model = nt.RateRNN.for_task(task, units=5)
        >>> model.compile("sgd", rule="rflo")
        >>> nt.Networks.like(model, 3)
        <Networks: 3 of RateRNN, 5 units, rule RFLO, seeds 0 1 2>
    """

    def __init__(self, models: Sequence[RecurrentModel]):
        check_alike(models)
        self._models = list(models)
        check_optimizers([model.optimizer for model in self._models])
        self._trainer: tuple[Any, StackedTrainer] | None = None

    @classmethod
    def like(
        cls,
        model: RecurrentModel,
        n: int,
        *,
        seeds: Sequence[int] | None = None,
        learning_rates: Sequence[float] | None = None,
        rules: Sequence[Any] | None = None,
    ) -> Self:
        """Return new networks with the settings of a compiled one, none of which has learned.

        Args:
            model: the network; it is left as it is.
            n: how many there are to be.
            seeds: seed of connectivity and initial weights of each; None: that of the model, and
                those that follow.
            learning_rates: learning rate of each; None: that of the model's optimizer.
            rules: learning rule of each; None: that of the model.
        """
        if not isinstance(model, RecurrentModel):
            raise TypeError(f"`model` must be a network, got {model!r}.")
        n = count("n", n)
        how = model.get_compile_config()
        model.trainer  # noqa: B018 - raises where the network is not compiled
        seeds = range(model.seed, model.seed + n) if seeds is None else seeds
        seeds = numbers_of("seeds", seeds, n)
        rates = _rates(model.optimizer, learning_rates, n)
        chosen = [model.rule] * n if rules is None else list_of("rules", rules, n, "rules")
        copies = []
        for seed, rate, rule in zip(seeds, rates, chosen, strict=True):
            copy = type(model)(**{**model.settings, "seed": seed})
            optimizer = keras.saving.deserialize_keras_object(how["optimizer"])
            if rate is not None:
                optimizer.learning_rate = rate
            copy.compile(
                optimizer,
                rule=rule,
                loss=model.loss_function,
                regularizers=model.penalties,
                engine=model.engine,
            )
            copies.append(copy)
        return cls(copies)

    # --- the networks --------------------------------------------------------------------------

    def __len__(self) -> int:
        return len(self._models)

    def __iter__(self) -> Iterator[RecurrentModel]:
        return iter(self._models)

    def __getitem__(self, at: int) -> RecurrentModel:
        return self._models[at]

    @property
    def seeds(self) -> list[int]:
        """The seeds of the networks."""
        return [model.seed for model in self._models]

    @property
    def learning_rates(self) -> np.ndarray:
        """The learning rates of their optimizers now, (network,)."""
        return learning_rates([model.optimizer for model in self._models])

    def __repr__(self) -> str:
        first, seeds = self._models[0], " ".join(map(str, self.seeds))
        return (
            f"<Networks: {len(self)} of {type(first).__name__}, {len(first.units)} units, rule "
            f"{type(first.rule).__name__}, seeds {seeds}>"
        )

    # --- training and running ------------------------------------------------------------------

    def fit(
        self,
        task: Task,
        *,
        updates: int,
        batch_size: int = 128,
        seed: int = 0,
        seeds: Sequence[int] | None = None,
        verbose: int = 1,
    ) -> xr.Dataset:
        """Train all networks; a further call continues where this one ends.

        Each ends as `model.fit(task, updates=..., batch_size=..., seed=...)` would leave it, to the
        precision of its numbers, with its optimizer and what its rule carries along. (A loss or
        penalty that counts padding depends on the longest trial of all networks.)

        Args:
            task: the task to learn.
            updates: how many updates to make.
            batch_size: trials an update of each network.
            seed: seed of trials and noise of the first network; the others have those that follow.
            seeds: seed of trials and noise of each network, in place of `seed`. Trials of equal
                seeds are made once.
            verbose: 1 shows how far it is, 0 nothing.

        Returns:
            `loss` of each update, (update, network), penalties included.

        Raises:
            ValueError: if the task does not fit the networks.
            FloatingPointError: if the loss or gradient of a network stops being finite; all are
                then as they were after the last good update.
        """
        updates, batch_size = count("updates", updates), count("batch_size", batch_size)
        if seeds is None:
            seed = count("seed", seed, low=0)
            seeds = range(seed, seed + len(self))
        seeds = numbers_of("seeds", seeds, len(self))
        if verbose not in (0, 1):
            raise ValueError(f"`verbose` must be 0 or 1, got {verbose!r}.")
        check_alike(self._models)  # they may have been changed since
        first = self._models[0]
        first.check_fits(task)
        first.rule.check_batch(batch_size)
        check_memory(first, first.rule, batch_size * len(self))
        done = int(first.updates.numpy())
        with _Told(done, updates, verbose) as told:
            losses = self._trained().fit(task, updates, batch_size, seeds, told)
        for model in self._models:
            model._task = repr(task)
        return xr.Dataset(
            {"loss": (("update", "network"), losses)},
            {"update": np.arange(done + 1, done + updates + 1), **self._coordinates()},
        )

    def run(
        self,
        trials: Trials,
        *,
        seed: int = 0,
        noise: bool = True,
        record: Sequence[str] = ("states", "rates"),
        perturbation: Any = None,
    ) -> xr.Dataset:
        """Run all networks on the same trials, with the same noise, and return one Session.

        Args: those of `RecurrentModel.run`.

        Returns:
            A Session with the dimension `network` in front of what networks did. Its coordinate is
            the seed of each, or its place where seeds are not all different.
        """
        how = {"seed": seed, "noise": noise, "record": record, "perturbation": perturbation}
        places = range(len(self))
        sessions = {("", at): model.run(trials, **how) for at, model in enumerate(self._models)}
        session = joined(sessions, [""], list(places)).isel(variant=0, drop=True)
        return session.assign_coords(self._coordinates())

    def evaluate(
        self, task: Task, *, n: int = 1024, seed: int = 0, noise: bool = True
    ) -> pd.DataFrame:
        """Return loss and accuracy of each network on the same fresh trials, one row a network.

        Args: those of `RecurrentModel.evaluate`.
        """
        rows = [model.evaluate(task, n=n, seed=seed, noise=noise) for model in self._models]
        return pd.DataFrame(rows, pd.Index(self._names(), name="network"))

    # --- inside --------------------------------------------------------------------------------

    def _trained(self) -> StackedTrainer:
        """Return what trains the networks, compiled once for as long as their rules stay."""
        optimizers = [model.optimizer for model in self._models]
        check_optimizers(optimizers)
        rates = () if _is_scheduled(optimizers[0]) else tuple(self.learning_rates)
        valid = ([model.trainer for model in self._models], rates)
        if self._trainer is None or self._trainer[0] != valid:
            self._trainer = valid, StackedTrainer(self._models)
        return self._trainer[1]

    def _names(self) -> list[int]:
        seeds = self.seeds
        return seeds if len(set(seeds)) == len(seeds) else list(range(len(seeds)))

    def _coordinates(self) -> dict[str, Any]:
        rates = self.learning_rates
        varied = {} if (rates == rates[0]).all() else {"learning_rate": ("network", rates)}
        return {"network": self._names(), **varied}


class _Told:
    """Shows how far a training is; call it with the last update and its losses."""

    def __init__(self, done: int, updates: int, verbose: int):
        console = Console(stderr=True, quiet=not verbose)
        self._progress = ShowProgress(done + updates, console, done=done)
        # A line where there is no terminal: some twenty in all.
        self._every = max(SEGMENT, updates // 20)
        self._due, self._last = done + self._every, done + updates

    def __enter__(self) -> "_Told":
        self._progress.__enter__()
        return self

    def __exit__(self, *error: Any) -> None:
        self._progress.__exit__(*error)

    def __call__(self, update: int, losses: np.ndarray) -> None:
        logs = {"loss": float(losses.mean())}
        if update >= self._due or update == self._last:
            self._due = update + self._every
            self._progress.show(update, logs, pd.DataFrame())
        else:
            self._progress.move(update, logs)


def _rates(optimizer: Any, given: Sequence[float] | None, n: int) -> list[float | None]:
    if given is None:
        return [None] * n
    given = list_of("learning_rates", given, n, "numbers")
    rates = [number(f"learning_rates[{at}]", rate, low=0.0) for at, rate in enumerate(given)]
    if _is_scheduled(optimizer):
        raise ValueError(
            "`learning_rates` must be left out where the optimizer has a schedule, got "
            f"{rates!r}. Compile the model with a number."
        )
    return [*rates]


def _is_scheduled(optimizer: Any) -> bool:
    return isinstance(optimizer._learning_rate, LearningRateSchedule)
