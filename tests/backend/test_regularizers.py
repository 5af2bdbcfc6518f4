"""Penalties, against loops over synapses and steps, Keras' own, and finite differences."""

from types import SimpleNamespace

import keras
import numpy as np
import pytest
import tensorflow as tf

from neurotask.backend import regularizers
from neurotask.backend.regularizers import (
    L1,
    L2,
    CustomPenalty,
    KerasPenalty,
    RateHomeostasis,
    RateL1,
    RateL2,
    Regularizer,
)
from neurotask.backend.settings import decoded, encoded

LENGTHS, N_STEPS, N_UNITS = (3, 5), 6, 4
STRENGTH = 0.3


@keras.saving.register_keras_serializable("test_regularizers")
def total_input(model, batch, states):
    return tf.reduce_sum(model.kernels["input"].effective() ** 3) + tf.reduce_sum(states[-1] ** 2)


@keras.saving.register_keras_serializable("test_regularizers")
def each_state(model, batch, states):
    return states


def plain_penalty(model, batch, states):
    return total_input(model, batch, states)


@keras.saving.register_keras_serializable("test_regularizers")
class Quartic(keras.regularizers.Regularizer):
    """A user's regularizer with a list among its settings."""

    def __init__(self, factors=(0.5, 0.5)):
        self.factors = list(factors)

    def __call__(self, x):
        return sum(self.factors) * keras.ops.sum(x**4)

    def get_config(self):
        return {"factors": self.factors}


class Unregistered(keras.regularizers.Regularizer):
    def __call__(self, x):
        return keras.ops.sum(x)

    def get_config(self):
        return {}


VARIANTS = [
    *(kind(STRENGTH, mean=mean) for kind in (L1, L2) for mean in ("existing", "all", "sum")),
    *(kind(STRENGTH, mean=mean) for kind in (RateL1, RateL2) for mean in ("present", "all")),
    L1(STRENGTH, of="input"),
    L2(STRENGTH, of="gates"),
    L1(STRENGTH, of="gates", mean="all"),
    RateHomeostasis(STRENGTH, target=0.4),
    KerasPenalty("l2"),
    KerasPenalty(keras.regularizers.L1L2(0.1, 0.2), of="gates"),
    KerasPenalty(keras.regularizers.OrthogonalRegularizer(mode="columns"), of="input"),
    KerasPenalty(Quartic((0.1, 0.2))),
    CustomPenalty(total_input),
]


def kinds(base):
    """Return all final classes of the package that derive from a base."""
    for kind in base.__subclasses__():
        yield from kinds(kind)
        if kind.__module__.startswith("neurotask."):
            yield kind


class StandInKernel:
    """What penalties ask of a kernel: weights through an existing-mask, here of raw weights."""

    def __init__(self, shape, dtype, rng):
        strength = rng.integers(0, 3, shape[-2:])
        self.strength = tf.constant(strength, dtype)
        self.raw = tf.Variable(rng.standard_normal(shape), dtype=dtype)

    def effective(self):
        return tf.where(self.strength > 0, self.raw, tf.zeros_like(self.raw))


def setting(dtype="float64", n_steps=N_STEPS):
    """Return a stand-in model, batch and states (time, trial, unit)."""
    rng = np.random.default_rng(0)
    shapes = {"input": (N_UNITS, 2), "recurrent": (N_UNITS, N_UNITS), "gates": (3, N_UNITS, 2)}
    model = SimpleNamespace(
        kernels={name: StandInKernel(shape, dtype, rng) for name, shape in shapes.items()},
        rates_of=tf.tanh,
        compute_dtype=dtype,
    )
    present = (np.arange(n_steps) < np.array(LENGTHS)[:, None]).astype(float)
    states = rng.standard_normal((N_STEPS, len(LENGTHS), N_UNITS))
    states = np.pad(states, ((0, n_steps - N_STEPS), (0, 0), (0, 0)), constant_values=0.7)
    return model, SimpleNamespace(present=tf.constant(present, dtype)), tf.constant(states, dtype)


def loop(penalty, model, batch, states):
    """Return the penalty by a loop over synapses, or steps and units."""
    if isinstance(penalty, (L1, L2)):
        kernel, power = model.kernels[penalty.of], 1 if isinstance(penalty, L1) else 2
        weights, total, existing = kernel.effective().numpy(), 0.0, 0
        for place in np.ndindex(weights.shape):
            total += abs(weights[place]) ** power
            existing += kernel.strength.numpy()[place[-2:]] > 0
        return (
            penalty.strength
            * total
            / {"existing": existing, "all": weights.size, "sum": 1}[penalty.mean]
        )
    rates, present = np.tanh(states.numpy()), batch.present.numpy()
    n_steps, n_trials, n_units = rates.shape
    if isinstance(penalty, RateHomeostasis):
        total = 0.0
        for unit in range(n_units):
            own = [rates[t, b, unit] for b, t in np.ndindex(present.shape) if present[b, t]]
            total += (sum(own) / len(own) - penalty.target) ** 2
        return penalty.strength * total / n_units
    total, power = 0.0, 1 if isinstance(penalty, RateL1) else 2
    for t, b, unit in np.ndindex(rates.shape):
        if present[b, t] or penalty.mean == "all":
            total += abs(rates[t, b, unit]) ** power
    n = n_steps * n_trials if penalty.mean == "all" else sum(LENGTHS)
    return penalty.strength * total / (n * n_units)


LOOPED = [p for p in VARIANTS if not isinstance(p, (KerasPenalty, CustomPenalty))]
OVER_RATES = [p for p in VARIANTS if type(p).__name__.startswith("Rate")]


def gradients(penalty, model, batch, states):
    raws = [kernel.raw for kernel in model.kernels.values()]
    with tf.GradientTape() as tape:
        tape.watch(states)
        value = penalty(model, batch, states)
    zeros = tf.UnconnectedGradients.ZERO
    return [g.numpy() for g in tape.gradient(value, [*raws, states], unconnected_gradients=zeros)]


# --- values and gradients ------------------------------------------------------------------------


@pytest.mark.parametrize("penalty", LOOPED, ids=repr)
def test_it_is_the_loop(penalty):
    given = setting()
    assert float(penalty(*given)) == pytest.approx(loop(penalty, *given), rel=1e-13)


@pytest.mark.parametrize("penalty", [*LOOPED, CustomPenalty(total_input)], ids=repr)
def test_its_gradient_is_that_of_finite_differences(penalty):
    model, batch, states = setting()
    states, step = tf.Variable(states), 1e-6
    moved = [*(kernel.raw for kernel in model.kernels.values()), states]
    exact = gradients(penalty, model, batch, states.value())
    for variable, slope in zip(moved, exact, strict=True):
        start = variable.numpy()
        for place in np.ndindex(start.shape):
            sides = []
            for sign in (1, -1):
                now = start.copy()
                now[place] += sign * step
                variable.assign(now)
                sides.append(float(penalty(model, batch, states.value())))
            variable.assign(start)
            assert slope[place] == pytest.approx((sides[0] - sides[1]) / (2 * step), abs=1e-8)
    assert any(slope.any() for slope in exact)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("penalty", VARIANTS, ids=repr)
def test_compiled_and_eager_agree(penalty, dtype):
    model, batch, states = setting(dtype)

    @tf.function(
        input_signature=[
            tf.TensorSpec((None, None, N_UNITS), dtype),
            tf.TensorSpec((None, None), dtype),
        ]
    )
    def compiled(states, present):
        value = penalty(model, SimpleNamespace(present=present), states)
        raws = [kernel.raw for kernel in model.kernels.values()]
        zeros = tf.UnconnectedGradients.ZERO
        return value, tf.gradients(value, [*raws, states], unconnected_gradients=zeros)

    value, slopes = compiled(states, batch.present)
    assert value.dtype == dtype and value.shape == ()
    exact = penalty(*setting())
    assert float(value) == pytest.approx(float(exact), rel=1e-5 if dtype == "float32" else 1e-7)
    for ours, eager in zip(slopes, gradients(penalty, model, batch, states), strict=True):
        assert ours.numpy() == pytest.approx(eager, rel=1e-5, abs=1e-7)


@pytest.mark.parametrize("penalty", OVER_RATES, ids=repr)
def test_doubled_padding_matters_to_all_alone(penalty):
    short, long = setting(), setting(n_steps=2 * N_STEPS)
    same = float(penalty(*long)) == pytest.approx(float(penalty(*short)), rel=1e-13)
    assert same == (getattr(penalty, "mean", "present") == "present")
    if same:
        ours, theirs = gradients(penalty, *short)[-1], gradients(penalty, *long)[-1]
        assert theirs[:N_STEPS] == pytest.approx(ours, rel=1e-13) and not theirs[N_STEPS:].any()
        assert not ours[LENGTHS[0] :, 0].any()


def test_a_kernel_without_synapses_costs_nothing():
    model, batch, states = setting()
    kernel = model.kernels["recurrent"]
    kernel.strength = tf.zeros_like(kernel.strength)
    for kind in (L1, L2):
        assert float(kind(1.0)(model, batch, states)) == 0
        assert not any(slope.any() for slope in gradients(kind(1.0), model, batch, states))


# --- against others ------------------------------------------------------------------------------


def test_psychrnns_formulas():
    model, _, states = given = setting()
    w = model.kernels["recurrent"].effective().numpy()
    assert float(L1(0.5, mean="all")(*given)) == pytest.approx(0.5 * np.mean(np.abs(w)))
    assert float(L2(0.5, mean="all")(*given)) == pytest.approx(0.5 * np.mean(w**2))
    wanted = 0.5 * np.mean(np.tanh(states.numpy()) ** 2)
    assert float(RateL2(0.5, mean="all")(*given)) == pytest.approx(wanted)


@pytest.mark.parametrize(("ours", "theirs"), [(L1, "L1"), (L2, "L2")])
def test_sums_are_keras_own(ours, theirs):
    given = setting("float32")
    penalty = KerasPenalty(getattr(keras.regularizers, theirs)(0.25))
    value = float(ours(0.25, mean="sum")(*given))
    assert value == pytest.approx(float(penalty(*given)), rel=1e-6)


def test_keras_regularizers_see_effective_matrices():
    model, *rest = setting("float32")
    orthogonal = keras.regularizers.OrthogonalRegularizer(0.5)
    weights = model.kernels["gates"].effective()
    wanted = sum(float(orthogonal(weights[gate])) for gate in range(3))
    assert float(KerasPenalty(orthogonal, of="gates")(model, *rest)) == pytest.approx(wanted)
    weights = model.kernels["input"].effective()
    assert (weights.numpy() == 0).any()
    value = float(KerasPenalty(Quartic((0.1, 0.2)), of="input")(model, *rest))
    assert value == pytest.approx(0.3 * float(tf.reduce_sum(weights**4)), rel=1e-6)


# --- as settings ---------------------------------------------------------------------------------


def test_every_penalty_has_a_variant():
    assert {type(penalty) for penalty in VARIANTS} == set(kinds(Regularizer))


@pytest.mark.parametrize("penalty", VARIANTS, ids=repr)
def test_it_keeps_the_contract(penalty):
    again = eval(repr(penalty), {kind.__name__: kind for kind in kinds(Regularizer)})
    assert again == penalty and hash(again) == hash(penalty)
    assert type(penalty).from_config(penalty.get_config()) == penalty
    assert decoded(encoded(penalty)) == penalty
    assert type(decoded(encoded(penalty))) is type(penalty)
    model, batch, states = setting()
    assert float(decoded(encoded(penalty))(model, batch, states)) > 0
    slopes = gradients(penalty, model, batch, states)
    assert all(np.isfinite(slope).all() for slope in slopes) and any(s.any() for s in slopes)
    penalty.check(model)


def test_what_keras_penalty_keeps_is_its_own():
    form = keras.regularizers.serialize(keras.regularizers.L2(0.5))
    penalty = KerasPenalty(form)
    form["config"]["l2"] = 7.0
    assert penalty.regularizer["config"] == {"l2": 0.5}
    assert penalty != KerasPenalty(form)
    penalty(*setting())
    assert penalty.regularizer["config"] == {"l2": 0.5}


def test_a_penalty_of_ones_own_by_name():
    assert CustomPenalty("test_regularizers>total_input") == CustomPenalty(total_input)


def test_get():
    one, two = L2(0.1), RateL2(0.2)
    assert regularizers.get(None) == regularizers.get(()) == regularizers.get([]) == ()
    assert regularizers.get(one) == regularizers.get([one]) == (one,)
    assert regularizers.get([one, two]) == regularizers.get((one, two)) == (one, two)
    assert regularizers.get(total_input) == (CustomPenalty(total_input),)
    assert regularizers.get([one, total_input]) == (one, CustomPenalty(total_input))


# --- refusals ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda: L1(-1.0), ValueError, r"`strength` must be a number of 0 or more, got -1\.0\."),
        (lambda: L2("x"), ValueError, r"`strength` must be a number of 0 or more, got 'x'\."),
        (lambda: RateL1(-1.0), ValueError, r"`strength` must be a number of 0 or more, got -1\.0"),
        (lambda: RateL2(np.nan), ValueError, r"`strength` must be a number of 0 or more, got nan"),
        (
            lambda: RateHomeostasis(-1.0, 0.2),
            ValueError,
            r"`strength` must be a number of 0 or more, got -1\.0\.",
        ),
        (
            lambda: RateHomeostasis(1.0, None),
            ValueError,
            r"`target` must be a finite number, got None\.",
        ),
        (
            lambda: L1(1.0, mean="exists"),
            ValueError,
            r"`mean` must be one of \"existing\", \"all\", \"sum\", got 'exists'\. Did you mean \"existing\"\?",
        ),
        (lambda: L2(1.0, mean="mean"), ValueError, r"`mean` must be one of .*, got 'mean'"),
        (
            lambda: RateL1(1.0, mean="steps"),
            ValueError,
            r"`mean` must be one of \"present\", \"all\", got 'steps'\.",
        ),
        (lambda: RateL2(1.0, mean="x"), ValueError, r"`mean` must be one of .*, got 'x'"),
        (
            lambda: L2(1.0, of=2),
            TypeError,
            r"`of` must be the name of a kernel, such as \"recurrent\", got 2\.",
        ),
        (lambda: L1(1.0, of=None), TypeError, r"`of` must be the name of a kernel, .* got None\."),
        (
            lambda: KerasPenalty("l2", of=None),
            TypeError,
            r"`of` must be the name of a kernel, .* got None\.",
        ),
        *(
            (
                lambda p=penalty: p.check(setting()[0]),
                ValueError,
                r"`of` must be one of \"input\", \"recurrent\", \"gates\", got 'recurent'\. Did you mean \"recurrent\"\?",
            )
            for penalty in (
                L1(1.0, of="recurent"),
                L2(1.0, of="recurent"),
                KerasPenalty("l2", of="recurent"),
            )
        ),
        *(
            (
                lambda v=value: KerasPenalty(v),
                ValueError,
                r"`regularizer` must be a Keras regularizer or its name, such as \"l2\", got .*\.",
            )
            for value in ("l3", None, 3, total_input, L2(1.0), {"a": 1})
        ),
        (
            lambda: KerasPenalty(Unregistered()),
            ValueError,
            r"`regularizer` must be of a registered class, got <.*Unregistered object at .*>, which would save and not load\. Put @keras\.saving\.register_keras_serializable\(\) above the class\.",
        ),
        (
            lambda: CustomPenalty(plain_penalty),
            ValueError,
            r"`function` must be a registered function, got <function plain_penalty at .*>, which would save and not load\. Put @keras",
        ),
        (
            lambda: CustomPenalty(3),
            TypeError,
            r"`function` must be a function registered with Keras, got 3\.",
        ),
        (
            lambda: CustomPenalty(each_state)(*setting()),
            ValueError,
            r"`each_state` must return one number, got the shape \(6, 2, 4\)\. Take a sum or a mean\.",
        ),
        (
            lambda: regularizers.get([lambda model, batch, states: 0.0]),
            ValueError,
            r"`regularizers` must be a registered function, got <function .*<lambda>.*>, which would save",
        ),
        (
            lambda: regularizers.get("l2"),
            TypeError,
            r"`regularizers` must be regularizers or functions registered with Keras, got 'l2'\. Give an object such as regularizers\.L2\(1e-3\)\.",
        ),
        (lambda: regularizers.get([None]), TypeError, r"`regularizers` must be reg.*, got None\."),
        (lambda: regularizers.get(L2), TypeError, r"`regularizers` must be reg.*, got <class"),
        (
            lambda: regularizers.get(keras.regularizers.L2(0.1)),
            TypeError,
            r"`regularizers` must say which kernel is meant, got <.*L2 object at .*>\. Give regularizers\.KerasPenalty\(regularizer, of=\"recurrent\"\)\.",
        ),
    ],
)
def test_refused(make, error, message):
    with pytest.raises(error, match=message):
        make()
