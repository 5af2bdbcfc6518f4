"""Rules of four parts: what is compared, how it reaches a unit, which past counts, what changes.

    change = -Update( contract( Feedback(Error), Credit ) )     after a trial, or each few steps

One loop runs them all. Within a step the order is: the network moves by the weights as they are;
its outputs are compared; the error reaches the units by the feedback of that moment; credit takes
in what the synapses saw; both are contracted; the weights change.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import tensorflow as tf

from neurotask.backend._types import Tensor
from neurotask.backend.dynamics.base import State
from neurotask.backend.rules import feedback as feedbacks
from neurotask.backend.rules.base import Batch, LearningRule, within_trials
from neurotask.backend.rules.by_errors import learn_by_errors
from neurotask.backend.rules.credit.base import Credit, Moment
from neurotask.backend.rules.credit.nothing import Nothing
from neurotask.backend.rules.credit.within import LeakyCredit
from neurotask.backend.rules.error import Compared, OutputError
from neurotask.backend.rules.fused_trials import covers, fused_gradients
from neurotask.backend.rules.linear import check_synapses
from neurotask.backend.rules.penalties import penalised
from neurotask.backend.rules.prepared import Prepared
from neurotask.backend.rules.update import Descent, Update, changed_by_updates, finite
from neurotask.backend.tensors import derivatives, time_first, trial_first

if TYPE_CHECKING:
    from neurotask.backend.models.base import RecurrentModel

# Sets the random numbers of a rule apart from the network's noise of the same update.
_OWN = 0x5DEECE66D1234567


@dataclass(frozen=True, kw_only=True)
class Composed(LearningRule):
    """A rule of four parts. The named rules are such, and parts may be mixed freely.

    Args:
        credit: which past a synapse remembers.
        feedback: how errors reach the units: a `Feedback` or its name.
        error: what is compared.
        update: how a gradient becomes a change.
        when: "trial": the weights change after each batch; or a number of steps after which they
            change, 1 for each step. Then the loss of those steps is what is descended, so that by
            plain descent the changes of a trial add up to about that of one update after it. An
            optimizer such as Adam makes each of them as large as that one, and clipping acts on
            each. Steps at which the mask asks for nothing change nothing.

    Example:
        >>> from neurotask.backend.rules.credit.influence import Influence
        >>> Composed(credit=Influence(), feedback="broadcast").feedback
        Broadcast(scale=1.0)
    """

    credit: Credit = LeakyCredit()
    feedback: Any = "symmetric"
    error: OutputError = OutputError()
    update: Update = Descent()
    when: Any = "trial"

    compiled = True
    name = ""  # it has none: its parts say what it is

    def __post_init__(self) -> None:
        for name, kind in (("credit", Credit), ("error", OutputError), ("update", Update)):
            value = getattr(self, name)
            if not isinstance(value, kind):
                raise TypeError(
                    f"`{name}` must be of {kind.__name__}, got {value!r}. Give one, such as "
                    f"{getattr(type(self), name)!r}."
                )
        object.__setattr__(self, "feedback", feedbacks.get(self.feedback))
        if not (isinstance(self.when, str) and self.when == "trial") and not _steps(self.when):
            raise ValueError(
                f'`when` must be "trial" or a number of steps, 1 or more, got {self.when!r}. Give '
                "when=1 to learn at each step."
            )

    def fuses(self, model: "RecurrentModel") -> bool:
        return covers(self, model)

    def check(self, model: "RecurrentModel") -> None:
        check_synapses(model)
        for part in (self.credit, self.feedback, self.update):
            part.check(model)
        if self.update.needs == "errors":
            self._check_errors()
        if self.when == "trial":
            return
        if not self.credit.forward:
            raise ValueError(
                f'`when` must be "trial" with {type(self.credit).__name__}, which goes back in '
                f"time, got {self.when}. Rules that learn within a trial are {within_trials()}."
            )
        if not model.loss_function.separable:
            raise ValueError(
                f"`loss` must be a mean over entries for a rule that learns within a trial, got "
                f'{model.loss_function!r}, of which the whole alone is known. Give when="trial", '
                "or one of the package's losses."
            )
        for penalty in model.penalties:
            if penalty.of is None:
                raise ValueError(
                    f"`regularizers` must be penalties of weights for a rule that learns within a "
                    f'trial, got {penalty!r}, which looks at whole trials. Give when="trial".'
                )

    def _check_errors(self) -> None:
        """Raise where the other parts do not go with an update that takes errors."""
        update = type(self.update).__name__
        if not isinstance(self.credit, Nothing):
            raise ValueError(
                f"`credit` must be Nothing() with {update}, which takes errors and no gradients, "
                f"got {self.credit!r}. Give FORCE(), or update=Descent()."
            )
        if self.when == "trial":
            raise ValueError(
                f"`when` must be a number of steps with {update}, which learns within a trial, got "
                '"trial". Give when=1.'
            )

    def traces(self, model: "RecurrentModel") -> int:
        if self.when == "trial" and self.credit.cut is not None:
            return 0
        return self.credit.memory(model)

    def init(self, model: "RecurrentModel") -> dict[str, Any]:
        return {
            "credit": self.credit.init(model),
            "feedback": feedbacks.variable(model, self.feedback.init(model)),
            "update": self.update.init(model),
        }

    def learn(
        self, model: "RecurrentModel", batch: Batch, state: dict[str, Any]
    ) -> tuple[Tensor, Tensor, Tensor]:
        if self.when == "trial":
            loss, outputs, gradients, traces = self._of_trials(model, batch, state)
            made, _ = self._change(model, state, gradients, loss, traces)
            return loss, outputs, made
        changing = changed_by_updates(model, state)
        kept = [tf.identity(variable) for variable in changing]
        if self.update.needs == "errors":
            loss, outputs, made, last = learn_by_errors(self, model, batch, state["update"])
            self.ended(model, last)
        else:
            loss, outputs, made = self._within(model, batch, state)

        def undo() -> Tensor:
            # Some steps had changed the weights before one could not.
            for variable, value in zip(changing, kept, strict=True):
                variable.assign(value)
            return tf.constant(False)

        return loss, outputs, tf.cond(made, lambda: tf.constant(True), undo)

    def ended(self, model: "RecurrentModel", last: State) -> None:
        """Do what is to be done with the state at the end of trials that were learned by errors."""

    def gradients(
        self, model: "RecurrentModel", batch: Batch, state: Any = None, forward: bool = False
    ) -> tuple[Tensor, Tensor, list[Tensor]]:
        """Return loss, outputs and what is descended for each variable, over whole trials.

        Args:
            model: the network.
            batch: what to learn.
            state: what `init` returned; None: a fresh one.
            forward: go forward in time, also where credit has a form for whole trials.
        """
        state = self.init(model) if state is None else state
        return self._of_trials(model, batch, state, forward)[:3]

    # --- after whole trials --------------------------------------------------------------------

    def _of_trials(
        self, model: "RecurrentModel", batch: Batch, state: dict[str, Any], forward: bool = False
    ) -> Any:
        """Return loss, outputs, the gradient of each variable, and the traces at the end."""
        if model.fused is not None and not forward and self.fuses(model):
            return *fused_gradients(self, model, batch, state), ()
        prepared = Prepared(model)
        run = model.unrolled(prepared.weights, batch.inputs, batch.noise)
        rates = model.rates_of(run.states)
        compared = self.error(model, rates, batch.targets, batch.mask, batch.present)
        fed = model.readout(prepared.weights, model.rates_of(run.before))
        reaching = self.feedback.signal(prepared.weights, state["feedback"], compared.error)
        loss, on_states, on_weights = penalised(model, batch, run.states)
        signal = _by_state(model, run.states, reaching) + on_states
        if self.credit.cut is not None and not forward:
            credited, traces = self.credit.back(model, run, fed, signal), ()
        else:
            credit, traces = self._forward(model, prepared, batch, run, fed, signal, state)
            credited = prepared.pull(credit)
        parts = zip(compared.readout, on_weights, credited, strict=True)
        gradients = [tf.add_n(list(each)) for each in parts]
        return compared.loss + loss, compared.outputs, gradients, traces

    def _forward(
        self,
        model: "RecurrentModel",
        prepared: Prepared,
        batch: Batch,
        run: Any,
        fed: Tensor,
        signal: Tensor,
        state: dict[str, Any],
    ) -> tuple[dict[str, Tensor], Any]:
        """Return the gradient of prepared weights by the loop forward in time, and the traces."""
        targets, key = time_first(batch.targets), own_key(batch)
        present = time_first(batch.present[..., tf.newaxis])

        def moment(t: Tensor) -> Moment:
            before = {name: values[t] for name, values in run.before.items()}
            noise = None if run.noise is None else run.noise[t]
            given = (run.inputs[t], noise, fed[t], targets[t], random_at(key, t), present[t])
            return Moment(model, prepared, state["credit"], before, *given)

        first = moment(tf.constant(0))
        traces = self.credit.begin(first)
        summed = self.credit.gradient(first, traces, tf.zeros_like(signal[0]))

        n_steps = tf.shape(signal)[0]

        def step(t: Tensor, traces: Any, summed: Any) -> Any:
            now = moment(t)
            _, traces = self.credit.advance(now, traces)
            own = self.credit.gradient(now, traces, signal[t])
            traces = self.credit.hear(now, traces, signal[t], t + 1 >= n_steps)
            return t + 1, traces, {name: summed[name] + own[name] for name in summed}

        _, traces, summed = tf.while_loop(
            lambda t, *_: t < n_steps, step, (tf.constant(0), traces, summed),
            parallel_iterations=1, maximum_iterations=n_steps,
        )  # fmt: skip
        return summed, traces

    # --- within a trial ------------------------------------------------------------------------

    def _within(
        self, model: "RecurrentModel", batch: Batch, state: dict[str, Any]
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Learn every `when` steps of a trial."""
        inputs, targets, mask = map(time_first, (batch.inputs, batch.targets, batch.mask))
        size = model.loss_function.size(batch.mask, batch.present)
        n_steps, key = tf.shape(inputs)[0], own_key(batch)
        n_trials, present = tf.shape(inputs)[-2], time_first(batch.present[..., tf.newaxis])
        drawn = model.stepwise(batch.noise, n_steps, n_trials)

        def moment(t: Tensor, prepared: Prepared, before: State, fed: Tensor) -> Moment:
            given = (inputs[t], drawn(t), fed, targets[t], random_at(key, t), present[t])
            return Moment(model, prepared, state["credit"], before, *given)

        def compare(t: Tensor, rates: Tensor) -> Compared:
            # The size knows which steps are present.
            return self.error(model, rates, targets[t], mask[t], batch.present, size)

        prepared = Prepared(model)
        start = model.start(prepared.weights, n_trials)
        fed = model.readout(prepared.weights, model.rates_of(start))
        first = moment(tf.constant(0), prepared, start, fed)
        traces = self.credit.begin(first)
        gradients = [tf.zeros_like(v.value) for v in model.trainable_variables]
        loss = tf.zeros_like(compare(tf.constant(0), model.rates_of(start)).loss)
        outputs = tf.TensorArray(model.compute_dtype, n_steps, element_shape=fed.shape)
        asked = tf.reduce_any(tf.reshape(mask, (n_steps, -1)) != 0, 1)
        asked = tf.cast(asked, model.compute_dtype)

        def step(t: Any, before: Any, fed: Any, traces: Any, sums: Any, loss: Any, zs: Any,
                 due: Any, good: Any) -> Any:  # fmt: skip
            prepared = Prepared(model)
            now = moment(t, prepared, before, fed)
            after, traces = self.credit.advance(now, traces)
            compared = compare(t, model.rates_of(after))
            reaching = self.feedback.signal(prepared.weights, state["feedback"], compared.error)
            signal = _by_state(model, after, reaching)
            own = prepared.pull(self.credit.gradient(now, traces, signal))
            last = t + 1 >= n_steps
            traces = self.credit.hear(now, traces, signal, last)
            sums = [s + r + o for s, r, o in zip(sums, compared.readout, own, strict=True)]
            due = due + asked[t]
            change = (due > 0) & (tf.equal((t + 1) % self.when, 0) | last) & good
            summed = loss + compared.loss

            def learn() -> Any:
                # Penalties are for the whole trial: each change takes the share of its steps.
                share = due / tf.reduce_sum(asked)
                penalty, _, on_weights = penalised(model, batch, {})
                whole = [s + share * p for s, p in zip(sums, on_weights, strict=True)]
                made, kept = self._change(model, state, whole, compared.loss, traces)
                return [tf.zeros_like(s) for s in sums], made, kept, summed + share * penalty

            sums, made, traces, loss = tf.cond(change, learn, lambda: (sums, good, traces, summed))
            return (t + 1, after, compared.outputs, traces, sums, loss,
                    zs.write(t, compared.outputs), tf.where(change, 0.0 * due, due),
                    good & made)  # fmt: skip

        none, yes = tf.zeros((), model.compute_dtype), tf.constant(True)
        start = (tf.constant(0), start, fed, traces, gradients, loss, outputs, none, yes)
        end = tf.while_loop(
            lambda t, *_: t < n_steps, step, start, parallel_iterations=1,
            maximum_iterations=n_steps,
        )  # fmt: skip
        outputs = tf.ensure_shape(trial_first(end[6].stack()), batch.targets.shape)
        return end[5], outputs, end[8] & finite([end[5]])

    # --- both ----------------------------------------------------------------------------------

    def _change(
        self,
        model: "RecurrentModel",
        state: dict[str, Any],
        gradients: list[Tensor],
        loss: Tensor,
        traces: Any,
    ) -> tuple[Tensor, Any]:
        """Change the weights if loss and gradients are finite; return whether, and the traces."""

        def change() -> Any:
            readout = model.kernels["output"].effective()
            self.update.apply(model, state["update"], gradients)
            self.feedback.learn(model, state["feedback"], readout)
            return tf.constant(True), self.credit.learn(model, state["credit"], traces)

        no = tf.constant(False)
        return tf.cond(finite([loss, *gradients]), change, lambda: (no, traces))


def _steps(when: Any) -> bool:
    """Return whether it is a number of steps, which a loop can count."""
    whole = isinstance(when, int | np.integer) and not isinstance(when, bool)
    return bool(whole and 1 <= when < 2**31)


def own_key(batch: Batch) -> Tensor | None:
    """Return two whole numbers that name the random numbers of a rule in an update."""
    if batch.noise is None:
        return None
    own = tf.bitwise.bitwise_xor(batch.noise[..., 0], tf.constant(_OWN, tf.int64))
    return tf.stack([own, batch.noise[..., 1]], -1)


def random_at(key: Tensor | None, t: Tensor) -> Tensor | None:
    """Return two whole numbers that name the random numbers of a step."""
    if key is None:
        return None
    return tf.stack([key[..., 0], key[..., 1] * 2**32 + tf.cast(t, tf.int64)], -1)


def _by_state(model: "RecurrentModel", states: State, by_rates: Tensor) -> Tensor:
    """Return what depends so on the rates by the states, (..., trial, variable * unit)."""
    with tf.GradientTape() as tape:
        tape.watch(states)
        rates = model.rates_of(states)
    by = derivatives(tape, rates, list(states.values()), by_rates)
    return tf.concat(by, -1)
