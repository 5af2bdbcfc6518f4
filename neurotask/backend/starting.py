"""What a training begins with: the course of its source, checked, and those who watch it."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import keras
from keras.optimizers.schedules import LearningRateSchedule

from neurotask._checks import count
from neurotask.backend import engines
from neurotask.backend.fitting import check_curriculum, curriculum_of
from neurotask.backend.rules.checks import check_memory
from neurotask.curriculum.course import Course, PlainCourse
from neurotask.task import Task

if TYPE_CHECKING:
    from neurotask.backend.models.base import RecurrentModel

SEGMENT = 50  # updates a segment of a task, unless given


def begin(
    model: "RecurrentModel",
    source: Any,
    batch_size: int,
    seed: int,
    segment: int | None,
    state: dict[str, Any] | None = None,
    rows: Sequence[dict[str, Any]] = (),
) -> Course | PlainCourse:
    """Return the course of a task or a curriculum, from its beginning or from a state.

    Raises:
        TypeError: if it is neither.
        ValueError: if it does not fit the network.
    """
    model.trainer  # noqa: B018 - raises where the network is not compiled
    batch_size = count("batch_size", batch_size)
    model.rule.check_batch(batch_size)
    check_memory(model, model.rule, batch_size)
    engines.engage(model, batch_size)
    seed = count("seed", seed, low=0)
    if isinstance(source, Task):
        model.check_fits(source)
        return PlainCourse(source, SEGMENT if segment is None else count("segment", segment))
    curriculum = curriculum_of("source", source)
    if segment is not None:
        raise ValueError(
            f"`segment` must be left out with a curriculum, got {segment!r}: its stages say when "
            "they are evaluated. Give Stage(..., every=...)."
        )
    channels = (tuple(model.input_names), tuple(model.output_names))
    check_curriculum(curriculum, *channels, model.dt, type(model).__name__)
    rates = [stage.learning_rate for stage in curriculum.stages]
    scheduled = isinstance(model.optimizer._learning_rate, LearningRateSchedule)
    if scheduled and any(rate is not None for rate in rates):
        raise ValueError(
            "`learning_rate` of a stage must be left out where the optimizer has a schedule, got "
            f"{rates!r}. Compile with a number, or leave it to the schedule."
        )
    return Course(curriculum, batch_size, seed, channels, state, rows)


def check_watching(callbacks: Any, verbose: Any, live: Any) -> None:
    """Raise unless callbacks are Keras', `verbose` is 0 or 1 and `live` True or False."""
    good = isinstance(callbacks, (list, tuple))
    if not good or not all(isinstance(one, keras.callbacks.Callback) for one in callbacks):
        raise TypeError(f"`callbacks` must be a list of Keras callbacks, got {callbacks!r}.")
    if verbose not in (0, 1):
        raise ValueError(f"`verbose` must be 0 or 1, got {verbose!r}.")
    if not isinstance(live, bool):
        raise TypeError(f"`live` must be True or False, got {live!r}.")
