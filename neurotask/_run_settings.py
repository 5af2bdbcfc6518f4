"""What a run was: every setting of task, network and training, and the versions it ran with."""

import dataclasses
import platform
import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

import neurotask
from neurotask._run_files import short
from neurotask._run_sources import Sources
from neurotask._wrapped import Wrapped
from neurotask.curriculum.curriculum import Curriculum
from neurotask.distributions import plain
from neurotask.load import summary
from neurotask.multitask import snake
from neurotask.task import Task


def describe(
    model: Any,
    task: Task,
    *,
    curriculum: Curriculum | None,
    training: Mapping[str, Any],
    evaluation: Mapping[str, Any],
    sources: Sources,
) -> dict[str, Any]:
    """Return the settings of a run as nested plain values, ready for TOML.

    Args:
        model: the network, a compiled `RecurrentModel`.
        task: what it is to learn.
        curriculum: how it gets there; None: it is trained on the task alone.
        training: how long and on what: `updates_asked`, `batch_size`, `segment`, `seed`.
        evaluation: how the network is tested: `n_trials`, `seed`, `noise`.
        sources: the files of code.
    """
    source = task if curriculum is None else curriculum
    stages = {} if curriculum is None else {"curriculum": {"stages": list(curriculum.names)}}
    return {
        "source": repr(source),
        "task": _task(task),
        **stages,
        "model": {"class": type(model).__name__, "code": sources.code}
        | _plain_values(model.settings),
        "training": {
            "rule": repr(model.rule),
            "loss": repr(model.loss_function),
            "regularizers": [repr(penalty) for penalty in model.penalties],
            "engine": model.engine,
            **training,
            "started": datetime.now(UTC).replace(microsecond=0),
        },
        "optimizer": _optimizer(model.optimizer),
        "evaluation": dict(evaluation),
        "sources": sources.hashes,
        "versions": versions(),
    }


def versions() -> dict[str, str]:
    """Return the versions of what the numbers of a run depend on."""
    names = ("tensorflow", "keras", "numpy")
    return {
        "python": platform.python_version(),
        "neurotask": neurotask.__version__,
        **{name: version(name) for name in names},
        "machine": f"{platform.system()} {platform.machine()}",
    }


def _task(task: Task) -> dict[str, Any]:
    while isinstance(task, Wrapped):
        task = task.task
    fields = dataclasses.fields(task)
    return {
        "name": _name(type(task)),
        "class": type(task).__name__,
        "summary": summary(type(task)),
        "repr": repr(task),
        "settings": _plain_values({field.name: getattr(task, field.name) for field in fields}),
    }


def _name(kind: type[Task]) -> str:
    """Return the name of the file of a task, or one like it where a notebook defines it."""
    file = getattr(sys.modules.get(kind.__module__), "__file__", None)
    return snake(kind.__name__) if file is None else Path(file).stem


def _optimizer(optimizer: Any) -> dict[str, Any]:
    config = {name: value for name, value in optimizer.get_config().items() if value is not None}
    if isinstance(config.get("learning_rate"), float):
        config["learning_rate"] = short(config["learning_rate"])
    return {"class": type(optimizer).__name__} | _plain_values(config)


def _plain_values(values: Mapping[str, Any]) -> dict[str, Any]:
    return {name: _plain(value) for name, value in values.items()}


def _plain(value: Any) -> Any:
    """Return what TOML holds as it is, functions by name, and all else as `repr` writes it."""
    value = plain(value)
    if isinstance(value, (bool, int, float, str)):
        return value
    if isinstance(value, tuple):
        return [_plain(item) for item in value]
    return getattr(value, "__name__", repr(value))
