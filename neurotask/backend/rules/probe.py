"""A probe batch for a network, and what is asked of its rule with it.

The trials are of a stream of their own that no network is trained on.
"""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import tensorflow as tf

from neurotask._checks import count
from neurotask._streams import Stream, key
from neurotask.backend._types import Tensor
from neurotask.backend.fitting import check_trials
from neurotask.backend.rules.base import Batch, LearningRule, learned
from neurotask.backend.rules.bptt import BPTT
from neurotask.backend.rules.checks import check_memory
from neurotask.backend.rules.composed import Composed
from neurotask.backend.rules.diagnosis import Diagnosis, cosine, dimensions
from neurotask.backend.running import counted_alone
from neurotask.task import Task
from neurotask.trials import Trials

if TYPE_CHECKING:
    from neurotask.backend.models.base import RecurrentModel


class Probe:
    """A probe batch for a network, and what is asked of it, compiled once.

    Args: those of `diagnose`.

    Attributes:
        trainer: of the network as it was compiled.
    """

    def __init__(self, model: "RecurrentModel", task_or_trials: Any, n: int, seed: int):
        if not hasattr(model, "trainer"):
            raise TypeError(
                f"`model` must be a network, got {type(model).__name__}. Of several networks give "
                "one: networks[0]."
            )
        self.trainer, self._model, self._rule = model.trainer, model, model.rule
        trials = _trials(model, task_or_trials, n, seed)
        _check_number(model, len(trials))
        self._n = len(trials)
        noise = tf.constant([key(seed, Stream.PROBE_NOISE), 0], tf.int64)
        arrays = (trials.inputs, trials.targets, trials.mask, trials.present)
        self._arrays = [*(tf.cast(array, model.compute_dtype) for array in arrays), noise]
        self._look = _compiled(self._seen)
        self._learn = _compiled(
            lambda *arrays: learned(self._rule, model, Batch(*arrays), self._state)
        )

    @property
    def _state(self) -> Any:
        return self.trainer.state

    def look(self) -> Diagnosis:
        """Return what is found of the network as it now is."""
        seen = tf.nest.map_structure(lambda values: values.numpy(), self._look(*self._arrays))
        names = _names(self._model)
        raw, used = self._after_an_update(names)
        own = {name: np.asarray(values, float) for name, values in zip(names, raw, strict=True)}
        if "own" in seen:
            own = dict(zip(names, seen["own"], strict=True))
        bptt = dict(zip(names, seen["bptt"], strict=True))
        aligned, correlation = _alignment(seen, self._model.output_names)
        rank, spread = dimensions(seen["signal"]) if "signal" in seen else (np.nan, np.nan)
        return Diagnosis(
            rule=self._rule,
            updates=int(self._model.updates.numpy()),
            n_trials=self._n,
            of="gradient" if "own" in seen else "change",
            cosines={name: cosine(own[name], bptt[name]) for name in names},
            cosine_to_bptt=cosine(_flat(own), _flat(bptt)),
            gradient_norms=_norms(own),
            bptt_norms=_norms(bptt),
            update_norms=_norms(dict(zip(names, used, strict=True))),
            feedback_alignment=aligned,
            feedback_correlation=correlation,
            signal_rank=rank,
            signal_participation_ratio=spread,
        )

    def _seen(self, *arrays: Tensor) -> dict[str, Any]:
        """Return, by name, all that is looked at without changing anything; in a graph."""
        model, rule, batch = self._model, self._rule, Batch(*arrays)
        seen: dict[str, Any] = {"bptt": BPTT(clip_norm=None).gradients(model, batch)[2]}
        if has_gradients(rule):
            gradients: Any = rule
            seen["own"] = gradients.gradients(model, batch, self._state)[2]
        parts = parts_of(rule)
        if parts is not None:
            weights = model.prepare()
            state = () if self._state is None else self._state["feedback"]
            run = model.unrolled(weights, batch.inputs, batch.noise)
            given = (model.rates_of(run.states), batch.targets, batch.mask, batch.present)
            error = parts.error(model, *given).error
            seen["signal"] = parts.feedback.signal(weights, state, error)
            seen["feedback"] = parts.feedback.matrix(weights, state)
            seen["readout"] = weights["output"]
        return seen

    def _after_an_update(self, names: list[str]) -> tuple[list[np.ndarray], list[np.ndarray]]:
        """Return minus the change of raw weights by an update, and the change of used ones."""
        variables = self.trainer.variables
        kept = [np.array(variable.numpy()) for variable in variables]
        before = self._weights(names)
        try:
            made = bool(self._learn(*self._arrays)[2])
            after = self._weights(names)
        finally:
            for variable, value in zip(variables, kept, strict=True):
                variable.assign(value)
        factor = 1.0 if made else np.nan  # an update that was refused has no size
        pairs = list(zip(before, after, strict=True))
        raw = [factor * (one[0] - two[0]) for one, two in pairs]
        return raw, [factor * (two[1] - one[1]) for one, two in pairs]

    def _weights(self, names: list[str]) -> list[tuple[np.ndarray, np.ndarray]]:
        """Return each set of weights that learns, raw and as the network uses it."""
        model = self._model
        used = {**model.vectors(), **model.effective()}
        raw = [variable.numpy() for variable in model.trainable_variables]
        return [
            (np.array(values, float), np.array(used[name], float))
            for name, values in zip(names, raw, strict=True)
        ]


# --- rules -------------------------------------------------------------------------------------


def parts_of(rule: LearningRule) -> Composed | None:
    """Return the four parts of a rule by which errors reach units; None where it has none."""
    if isinstance(rule, BPTT) and rule.composed is None:
        return Composed()
    parts = rule if isinstance(rule, Composed) else getattr(rule, "composed", None)
    return parts if isinstance(parts, Composed) and parts.update.needs == "gradients" else None


def has_gradients(rule: LearningRule) -> bool:
    """Return whether a rule says what it descends, so that this can be set beside the gradient."""
    if isinstance(rule, Composed) and rule.update.needs != "gradients":
        return False
    return callable(getattr(rule, "gradients", None))


# --- numbers -----------------------------------------------------------------------------------


def _alignment(seen: dict[str, Any], outputs: tuple[str, ...]) -> tuple[float, dict[str, float]]:
    """Return the cosine between feedback and readout, and their correlation by output."""
    if "feedback" not in seen or seen["feedback"].shape != seen["readout"].shape:
        return np.nan, dict.fromkeys(outputs, np.nan)
    feedback, readout = seen["feedback"], seen["readout"]
    centred = [matrix - matrix.mean(0) for matrix in (feedback, readout)]
    columns = zip(*(matrix.T for matrix in centred), strict=True)
    correlation = [cosine(*pair) for pair in columns]
    return cosine(feedback, readout), dict(zip(outputs, correlation, strict=True))


def _flat(arrays: Mapping[str, np.ndarray]) -> np.ndarray:
    return np.concatenate([np.ravel(values) for values in arrays.values()])


def _norms(arrays: Mapping[str, np.ndarray]) -> dict[str, float]:
    return {name: float(np.linalg.norm(values)) for name, values in arrays.items()}


# --- the probe batch ---------------------------------------------------------------------------


def _trials(model: "RecurrentModel", source: Any, n: int, seed: int) -> Trials:
    """Return the trials of the probe batch."""
    count("seed", seed, low=0)
    if isinstance(source, Trials):
        names = (model.input_names, model.output_names, model.dt, type(model).__name__)
        check_trials(source, *names)
        trials = source
    elif isinstance(source, Task):
        model.check_fits(source)
        trials = source.batch(count("n", n), seed=seed, stream=Stream.PROBE, index=0)
    else:
        raise TypeError(
            f"`task_or_trials` must be a Task or Trials, got {type(source).__name__}. Of a "
            "curriculum give one of its tasks: curriculum.goal."
        )
    if not trials.mask.any():
        raise ValueError("`mask` must ask for something, but no target of these trials counts.")
    model.loss_function.check(trials.targets)
    return trials


def _check_number(model: "RecurrentModel", n: int) -> None:
    """Raise a ValueError where the rule cannot learn from so many trials at once."""
    try:
        model.rule.check_batch(n)
        check_memory(model, model.rule, n)
    except ValueError as error:
        raise ValueError(
            f"`n` must be a number of trials that the rule can learn from at once, got {n}. {error}"
        ) from None


def _names(model: "RecurrentModel") -> list[str]:
    """Return the name of each of the trainable variables: of its kernel, its time, or its own."""
    raw = {id(kernel.raw): name for name, kernel in model.kernels.items()}
    raw |= {id(variable): name for name, (_, variable) in model._vectors.times.items()}
    return [raw.get(id(one)) or str(one.name) for one in model.trainable_variables]


def _compiled(function: Callable[..., Any]) -> Any:
    return counted_alone(tf.function(function, autograph=False))
