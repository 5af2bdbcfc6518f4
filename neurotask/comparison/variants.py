"""What variants of a comparison are: what each is trained on, its network and how it learns."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from neurotask._checks import count
from neurotask.curriculum.adaptive import Adaptive
from neurotask.curriculum.curriculum import Curriculum, as_curriculum
from neurotask.curriculum.mixtures import Channels, channels_of
from neurotask.curriculum.stage import Stage
from neurotask.multitask import snake
from neurotask.on_channels import OnChannels, on_channels
from neurotask.task import Task

if TYPE_CHECKING:
    from neurotask.backend.models.base import RecurrentModel

LEARNING = ("rule", "loss", "regularizers", "engine")  # what `compile` takes beside the optimizer
OF_ALL = ("seed", "updates", "inputs", "outputs", "dt", "task")  # the same in all variants


@dataclass(frozen=True)
class Variant:
    """One way to train a network.

    Args:
        name: what it is called.
        source: what it is trained on: a Task or a Curriculum.
        settings: settings of the network and of how it learns, with those of all variants.
    """

    name: str
    source: Task | Curriculum
    settings: Mapping[str, Any]

    @property
    def folder(self) -> str:
        """The name as that of a folder."""
        return re.sub(r"[^\w.+-]+", "_", self.name).strip("._") or "variant"

    @property
    def batch_size(self) -> int:
        """Trials an update."""
        return count("batch_size", self.settings["batch_size"])

    def model(self, channels: Channels, seed: int) -> "RecurrentModel":
        """Return the network of a seed, compiled. This alone needs TensorFlow."""
        import neurotask as nt

        own = dict(self.settings)
        own.pop("batch_size")
        kind = own.pop("model", None) or nt.RateRNN
        learning = {name: own.pop(name) for name in LEARNING if name in own}
        optimizer = _optimizer(own.pop("optimizer", "adam"), own.pop("learning_rate", None))
        inputs, outputs = channels
        network = kind.for_task(self.source, inputs=inputs, outputs=outputs, seed=seed, **own)
        network.compile(optimizer, **learning)
        return network


def variants_of(
    given: Any, task: Task | None, common: Mapping[str, Any]
) -> tuple[list[Variant], Task]:
    """Return the variants, and the task that all of them are for.

    Args:
        given: a dict of what differs by name, or a list of curricula.
        task: the task; None: what the curricula lead to.
        common: settings of all variants.

    Raises:
        TypeError, ValueError: for what is no variant, or leads to other tasks.
    """
    if task is not None and not isinstance(task, Task):
        raise TypeError(f"`task` must be a task, got {task!r}. Load one with neurotask.load().")
    named = _named(given)
    _refuse(common, "settings")
    parts = {name: _parted(name, what) for name, what in named.items()}
    for name, (source, _) in parts.items():
        if source is None and task is None:
            raise ValueError(
                f"`task` must be given, since variant {name!r} does not say what to train on. Give "
                "compare(variants, task), or the variant a source=..."
            )
    made = [
        Variant(name, task if source is None else source, {**common, **own})  # type: ignore[arg-type]
        for name, (source, own) in parts.items()
    ]
    folders = [variant.folder for variant in made]
    for variant in made:
        if folders.count(variant.folder) > 1:
            raise ValueError(
                f"`variants` must have names that differ as names of folders, got "
                f"{variant.name!r} and another for {variant.folder!r}. Name one otherwise."
            )
    return made, _goal(made) if task is None else task


def all_channels(variants: Sequence[Variant], goal: Task) -> Channels:
    """Return the channels of all tasks, those of the goal first: every network has them all."""
    tasks = [goal]
    for variant in variants:
        source = variant.source
        tasks += [source] if isinstance(source, Task) else source.tasks
    return channels_of(tasks)


def aimed(
    source: Task | Curriculum, target: Stage | None, channels: Channels, updates: int
) -> Task | Curriculum:
    """Return what a network is trained on, with the criterion of all variants as its target.

    A task becomes a curriculum of one stage that is never tested but for the target, so that all
    variants are tested equally often.
    """
    if target is None:
        return on_channels(source, *channels) if isinstance(source, Task) else source
    if isinstance(source, Task):
        source = Curriculum((Stage(source, threshold=None, every=updates + 1),))
    return Curriculum(source.stages, target=target)


# --- inside ------------------------------------------------------------------------------------


def _named(given: Any) -> dict[str, Any]:
    if isinstance(given, Mapping):
        named = dict(given)
    elif isinstance(given, (list, tuple)):
        kinds = [_kind(one) for one in given]
        named = {
            kind if kinds.count(kind) == 1 else f"{kind} {kinds[:k].count(kind) + 1}": one
            for k, (kind, one) in enumerate(zip(kinds, given, strict=True))
        }
    else:
        raise TypeError(f"`variants` must be a dict of what differs by name, got {given!r}.")
    if not named:
        raise ValueError("`variants` must hold one or more, got none.")
    for name in named:
        if not isinstance(name, str) or not name.strip():
            raise TypeError(f"`variants` must have names of text, got {name!r}.")
    return named


def _kind(one: Any) -> str:
    if isinstance(one, Mapping):
        return "variant"
    if isinstance(one, Stage) and one.name is not None:
        return one.name
    return snake(type(one).__name__)


def _parted(name: str, what: Any) -> tuple[Task | Curriculum | None, dict[str, Any]]:
    """Return what a variant is trained on, None where it does not say, and its settings."""
    settings = dict(what) if isinstance(what, Mapping) else {"source": what}
    _refuse(settings, f"variants[{name!r}]")
    source = settings.pop("source", None)
    if source is None or isinstance(source, Task):
        return source, settings
    if not isinstance(source, (Curriculum, Stage, Adaptive, list, tuple)):
        raise TypeError(
            f"`variants[{name!r}]` must be a task, a curriculum or a dict of settings, got "
            f"{what!r}."
        )
    return as_curriculum(source), settings


def _refuse(settings: Mapping[str, Any], where: str) -> None:
    for name in OF_ALL:
        if name in settings:
            raise ValueError(
                f"`{where}` must not have {name}, which is the same in all variants, got "
                f"{settings[name]!r}. Leave it out."
            )


def _goal(variants: Sequence[Variant]) -> Task:
    """Return what all variants lead to, without the channels that only other stages have."""
    goals = []
    for variant in variants:
        source = variant.source
        goal = source if isinstance(source, Task) else source.goal
        while isinstance(goal, OnChannels):
            goal = goal.task
        goals.append(goal)
        if goal != goals[0]:
            raise ValueError(
                f"`variants` must lead to one task, got {goals[0]!r} in {variants[0].name!r} and "
                f"{goal!r} in {variant.name!r}. Say what all are for: "
                "compare(variants, task), or --task."
            )
    return goals[0]


def _optimizer(optimizer: Any, learning_rate: Any) -> Any:
    """Return an optimizer of its own for one network."""
    import keras

    from neurotask.backend.models._arguments import optimizer_of

    if learning_rate is not None and not isinstance(optimizer, str):
        raise ValueError(
            f"`learning_rate` must be left out where the optimizer has its own, got "
            f'{learning_rate!r} beside {optimizer!r}. Give the name, optimizer="adam".'
        )
    kind = optimizer_of(optimizer)
    config = kind.get_config()
    if learning_rate is not None:
        config["learning_rate"] = learning_rate
    if isinstance(config.get("learning_rate"), dict):  # a schedule, as plain data
        config["learning_rate"] = keras.saving.deserialize_keras_object(config["learning_rate"])
    return type(kind).from_config(config)
