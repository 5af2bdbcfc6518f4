"""The loop behind `Networks.fit`: as that of `training`, with all networks in each update."""

import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import tensorflow as tf

from neurotask.backend.engines import without_kernels
from neurotask.backend.feeding import Feed
from neurotask.backend.models.base import RecurrentModel
from neurotask.backend.stacked_group import Group
from neurotask.task import Task

# Updates between two notes of how far it is; a multiple of those that go into an execution.
SEGMENT = 50


class StackedTrainer:
    """Trains several compiled networks at once, those of each group on a processor of its own.

    Under XLA one loop keeps one processor busy. On the graph there is one group, whose operations
    find the processors themselves.

    Args:
        models: the networks; see `Networks` for what they must share.
        n_groups: number of groups; None: as many as suit the machine.

    Raises:
        ValueError: for optimizers that cannot be stacked.
    """

    def __init__(self, models: Sequence[RecurrentModel], n_groups: int | None = None):
        self._models = list(models)
        self._xla = without_kernels(models[0]) == "xla"
        n_groups = _processors() if n_groups is None and self._xla else n_groups or 1
        places = np.array_split(np.arange(len(models)), min(n_groups, len(models)))
        self._groups = [Group(self._models[own[0] : own[-1] + 1], own, self._xla) for own in places]

    def fit(
        self,
        task: Task,
        updates: int,
        batch_size: int,
        seeds: Sequence[int],
        told: Callable[[int, np.ndarray], None],
    ) -> np.ndarray:
        """Make `updates` updates of all networks.

        Args:
            task: what to train on.
            updates: how many updates to make.
            batch_size: trials an update of each network.
            seeds: seed of trials and noise of each network.
            told: is called with the number of the last update and the losses of an execution,
                (update, network).

        Returns:
            The losses, (update, network).
        """
        how = task, batch_size, seeds
        self._each(Group.gather)
        try:
            losses, good = self._make(updates, *how, told)
            if not good and len(self._groups) > 1:
                # The other groups have gone on. What the networks had before is untouched yet.
                self._each(Group.gather)
                self._make(len(losses) - 1, *how, lambda *_: None)
            if not good:
                self._refuse(losses)
            self._each(Group.finish)
        finally:
            self._each(Group.scatter)
        return losses

    def _make(
        self,
        updates: int,
        task: Task,
        batch_size: int,
        seeds: Sequence[int],
        told: Callable[[int, np.ndarray], None],
    ) -> tuple[np.ndarray, bool]:
        """Return the losses up to the first bad update, and whether there is none."""
        first = int(self._models[0].updates.numpy())
        kept = [np.zeros((0, len(self._models)))]
        with ThreadPoolExecutor(len(self._groups)) as pool:
            for arrays, noise in self._chunks(task, first, updates, batch_size, seeds):
                done = list(pool.map(lambda group: group.make(arrays, noise), self._groups))  # noqa: B023
                n = min(len(losses) for losses, _ in done)
                kept.append(np.concatenate([losses[:n] for losses, _ in done], 1))
                if not all(good for _, good in done):
                    return np.concatenate(kept), False
                told(first + sum(map(len, kept)), kept[-1])
        return np.concatenate(kept), True

    def _each(self, do: Callable[["Group"], None]) -> None:
        for group in self._groups:
            do(group)

    def _chunks(
        self, task: Task, first: int, updates: int, batch_size: int, seeds: Sequence[int]
    ) -> Iterator[tuple[list[np.ndarray], np.ndarray]]:
        """Yield the stacked arrays of each execution, and the keys of its noise."""
        model = self._models[0]
        # Networks of one seed see the same trials, which are made once.
        different = list(dict.fromkeys(seeds))
        feeds = [Feed(batch_size, seed, model.loss_function, self._xla) for seed in different]
        places = [different.index(seed) for seed in seeds]
        keys = np.array([feeds[place].noise_key for place in places], np.int64)
        rest = updates % SEGMENT
        for at, size in ((first, updates - rest), (first + updates - rest, rest)):
            if not size:
                continue
            for parts in zip(*(feed.chunks(task, at, size) for feed in feeds), strict=True):
                arrays = _together([own for _, own in parts], places)
                if getattr(model.rule, "when", "trial") != "trial":
                    _check_asked(arrays[2], arrays[3], task)
                yield arrays, np.stack([keys, np.full_like(keys, at)], 1)
                at += len(arrays[0])

    def _refuse(self, losses: np.ndarray) -> None:
        """Say in which network, and at which update, a loss stopped being finite.

        Args:
            losses: (update, network), up to the first that was refused.
        """
        done = int(self._models[0].updates.numpy()) + len(losses) - 1
        loss = losses[-1]
        at = int(np.argmax(np.where(np.isfinite(loss), loss, np.inf)))
        which = f"network {at} (seed {self._models[at].seed}), with a loss of {loss[at]:g},"
        if np.isfinite(loss[at]):  # a gradient was not, and nothing says whose
            which = f"one of the networks, most likely {which}"
        raise FloatingPointError(
            f"`loss` and gradient must be finite in all networks, which {which} breaks at update "
            f"{done + 1}. All are as they were after update {done}. Leave it out, or: "
            f"{self._models[at].rule.advice}"
        )


def _together(parts: Sequence[Sequence[np.ndarray]], places: Sequence[int]) -> list[np.ndarray]:
    """Return arrays of seeds as arrays of networks, (update, network, trial, ...).

    Args:
        parts: inputs, targets, mask (update, trial, time, channel), lengths (update, trial), for
            each seed.
        places: the seed of each network.
    """
    n_steps = max(own[0].shape[2] for own in parts)
    padded = [[*(_padded(array, n_steps) for array in own[:3]), own[3]] for own in parts]
    return [np.stack([padded[place][at] for place in places], 1) for at in range(4)]


def _padded(array: np.ndarray, n_steps: int) -> np.ndarray:
    """Return (update, trial, time, channel) with 0 behind the end of its time."""
    missing = n_steps - array.shape[2]
    return np.pad(array, ((0, 0), (0, 0), (0, missing), (0, 0))) if missing else array


def _check_asked(mask: np.ndarray, lengths: np.ndarray, task: Task) -> None:
    """Raise unless all networks are asked for something at the same steps, up to the same end.

    A rule that learns within a trial changes weights at those steps alone, and one optimizer cannot
    take a step for some networks and not for others.
    """
    asked, ends = (mask != 0).any((2, 4)), lengths.max(2)  # (update, network, time), (..., network)
    if (asked != asked[:, :1]).any() or (ends != ends[:, :1]).any():
        raise ValueError(
            "`task` must ask for something at the same steps in all networks for a rule that "
            f"learns within a trial, got trials of {type(task).__name__} that do not. Give all "
            'networks one seed (seeds=[0] * n), fixed durations, or when="trial".'
        )


def _processors() -> int:
    """Return how many loops can run at once."""
    if tf.config.list_physical_devices("GPU"):
        return 1
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
