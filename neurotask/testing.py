"""The contracts of tasks and of models: what holds for each, the library's and yours."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from neurotask._contract import POINTS, observer
from neurotask.task import Task


class ContractError(AssertionError):
    """A task or a model breaks its contract."""


@dataclass(frozen=True)
class Contract:
    """What was found of a task.

    Args:
        passed: the points that hold, in order.
        not_applicable: the points that the task gives no occasion to check, each with the reason.
        easy: share correct of its ideal observer under its easy settings; NaN without one.
        hard: share correct of it under its hard settings; NaN without them.
    """

    passed: tuple[str, ...]
    not_applicable: Mapping[str, str]
    easy: float
    hard: float


def check_task(task: Task) -> Contract:
    """Check that a task keeps the contract of tasks; raise `ContractError` where it does not.

    The contract: `repr` makes the task again; batches have the right shapes and types, depend on
    the seed alone and leave NumPy's global generator alone; no condition has the name of a result;
    targets score as correct; targets are finite and the mask is 0 where none is defined and in the
    padding; a grid holds what it was asked for, equally often; a declared go cue can be seen;
    noise-free trials at dt and dt/2 agree where they meet, and noise is a density; the ideal
    observer, which sees inputs alone, is right in 99 % of easy trials and less often in hard ones.

    Args:
        task: a task.

    Returns:
        A `Contract`: what was checked, and what the task gave no occasion to check.

    Raises:
        ContractError: naming the task and the first point it breaks.

    Example:
        >>> import neurotask as nt
        >>> nt.testing.check_task(nt.load("perceptual_discrimination")).easy
        1.0
    """
    if not isinstance(task, Task):
        raise TypeError(f"`task` must be a Task, got {task!r}. Load one with neurotask.load().")
    passed: list[str] = []
    skipped: dict[str, str] = {}
    scores = {"easy": float("nan"), "hard": float("nan")}
    for name, point in {**POINTS, "ideal observer": partial(observer, scores=scores)}.items():
        broken = f"{type(task).__name__} breaks `{name}`: "
        try:
            reason = point(task)
        except AssertionError as error:
            raise ContractError(f"{broken}{error}") from None
        except Exception as error:
            raise ContractError(f"{broken}{type(error).__name__}: {error}") from error
        if reason is None:
            passed.append(name)
        else:
            skipped[name] = reason
    return Contract(tuple(passed), skipped, **scores)


def check_model(kind: type[Any], **settings: Any) -> tuple[str, ...]:
    """Check that a model keeps the contract of models; raise `ContractError` where it does not.

    The contract: a misspelt argument is a TypeError; any number and length of trials run;
    TensorFlow and NumPy agree to 1e-5, perturbed or not; the gradient equals finite
    differences in float64; padding changes neither loss nor gradient; kernels, where they cover
    it, give the graph's; masks, signs and frozen values hold bit for bit after 50 updates; saved,
    loaded and trained on, it ends as if it had never been stopped; two models do not disturb each
    other.

    Args:
        kind: the class of the model, a subclass of `RecurrentModel`.
        **settings: its settings, such as `units` and `recurrent`; with 6 units unless said.

    Returns:
        The points that hold, in order.

    Raises:
        ContractError: naming the model and the first point it breaks.
    """
    from neurotask.backend.checking import POINTS as MODEL_POINTS
    from neurotask.backend.checking import Case
    from neurotask.backend.models.base import RecurrentModel

    if not (isinstance(kind, type) and issubclass(kind, RecurrentModel)):
        raise TypeError(f"`kind` must be a class of models, got {kind!r}. Give nt.RateRNN.")
    for name, point in MODEL_POINTS.items():
        broken = f"{kind.__name__} breaks `{name}`: "
        try:
            point(Case(kind, settings))
        except AssertionError as error:
            raise ContractError(f"{broken}{error}") from None
        except Exception as error:
            raise ContractError(f"{broken}{type(error).__name__}: {error}") from error
    return tuple(MODEL_POINTS)
