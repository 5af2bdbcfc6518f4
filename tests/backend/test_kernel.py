"""Raw weights and effective weights: what the network computes with, and what an update may move."""

from dataclasses import dataclass

import keras
import numpy as np
import pytest
import tensorflow as tf

import neurotask as nt
from neurotask._streams import Stream, generator
from neurotask.backend.connectivity import Connectivity
from neurotask.backend.initializers import Gaussian, Initializer, SpectralRadius
from neurotask.backend.kernel import Kernel
from neurotask.backend.sides import Channels

UNITS = nt.Units(4, excitatory=0.75)
DALE = UNITS.sign
MASK = np.array([[0, 1, 1, 1], [1, 0, 1, 0], [1, 1, 1, 1], [0, 0, 1, 1]])
WEIGHTED = MASK * np.array([[0.5], [1.0], [2.0], [4.0]])
FROZEN = np.array([[0, 1, 0, 0], [0, 0, 0, 0], [0, 0, 1, 1], [0, 0, 0, 0]])
LEARNING = (MASK == 1) & (FROZEN == 0)
GATES = ("input", "forget", "cell")
LAWS = ("magnitude", "projection")


def kernel(
    units=UNITS,
    seed=0,
    default=None,
    gates=(),
    dtype="float64",
    pre=None,
    name="recurrent",
    **settings,
):
    pre = units if pre is None else pre
    return Kernel(
        name,
        Connectivity(**settings),
        units,
        pre,
        sign=pre.sign if isinstance(pre, nt.Units) else np.zeros(len(pre)),
        default=default or Gaussian(),
        seed=seed,
        index=1,
        dtype=dtype,
        gates=gates,
    )


def radius(weights):
    return np.abs(np.linalg.eigvals(weights)).max()


def defined(raw, sign, strength, plastic, constant, law):
    """The weights by their definition, one by one."""
    wanted = np.zeros_like(raw)
    for at in np.ndindex(raw.shape):
        synapse, s, w = at[-2:], sign[at[-1]], raw[at]
        if law == "magnitude":
            signed = w if s == 0 else s * abs(w)
        else:
            signed = w if w * s >= 0 else 0.0
        wanted[at] = strength[synapse] * signed if plastic[synapse] else constant[at]
    return wanted


# --- effective weights -----------------------------------------------------------------------


@pytest.mark.parametrize("law", LAWS)
@pytest.mark.parametrize("gates", [(), GATES])
@pytest.mark.parametrize("sign", [None, (1, 0, -1, -1)])
@pytest.mark.parametrize("mask", [None, MASK, WEIGHTED])
@pytest.mark.parametrize("frozen", [None, FROZEN])
def test_effective_weights_by_their_definition(law, gates, sign, mask, frozen):
    units = UNITS if sign is None else nt.Units(4)
    k = kernel(units, gates=gates, law=law, sign=sign, mask=mask, frozen=frozen)
    start = k.effective().numpy()
    k.raw.assign(np.random.default_rng(0).standard_normal(k.raw.shape))
    strength = np.ones((4, 4)) if mask is None else mask
    plastic = (strength > 0) & (True if frozen is None else frozen == 0)
    signs = DALE if sign is None else np.array(sign)
    wanted = defined(k.raw.numpy(), signs, strength, plastic, start, law)
    assert np.array_equal(k.effective().numpy(), wanted)


@pytest.mark.parametrize("law", LAWS)
@pytest.mark.parametrize("gates", [(), GATES])
@pytest.mark.parametrize("mask", [MASK, WEIGHTED])
def test_the_start_is_the_initializers_draw(law, gates, mask):
    k = kernel(gates=gates, law=law, mask=mask, frozen=FROZEN, seed=5)
    strength = np.tile(mask, (len(gates), 1, 1)) if gates else mask
    wanted = Gaussian().sample(generator(5, Stream.WEIGHTS, 1), strength.astype(float), DALE)
    np.testing.assert_allclose(k.effective().numpy(), wanted, rtol=1e-15)
    assert np.array_equal(k.effective().numpy()[..., ~LEARNING], wanted[..., ~LEARNING])


@pytest.mark.parametrize("law", LAWS)
@pytest.mark.parametrize("wild", [1e30, -1.0, 0.0])
def test_frozen_and_absent_synapses_keep_their_bits(law, wild):
    k = kernel(mask=WEIGHTED, frozen=FROZEN, law=law, dtype="float32", gates=GATES)
    start = k.effective().numpy()
    k.raw.assign(wild * np.random.default_rng(0).standard_normal(k.raw.shape))
    k.project()
    after = k.effective().numpy()
    assert after[:, ~LEARNING].tobytes() == start[:, ~LEARNING].tobytes()
    assert not np.array_equal(after[:, LEARNING], start[:, LEARNING])


def test_absent_synapses_are_positive_zeros():
    weights = kernel(mask=MASK).effective().numpy()
    assert (weights[MASK == 0] == 0).all() and not np.signbit(weights[MASK == 0]).any()
    assert (weights[MASK == 1] != 0).all()


def test_what_an_initializer_puts_where_no_synapse_is_has_no_effect():
    class Everywhere(Initializer):
        def sample(self, rng, strength, sign):
            return np.ones(strength.shape) * sign

    k = kernel(mask=MASK, default=Everywhere())
    assert np.array_equal(k.effective().numpy(), MASK * DALE)
    assert np.array_equal(k.raw.numpy(), MASK)


def test_signs_hold_from_the_start():
    weights = kernel(seed=3).effective().numpy()
    assert (weights[:, :3] > 0).all() and (weights[:, 3] < 0).all()
    free = kernel(nt.Units(30)).effective().numpy()
    assert (free > 0).any() and (free < 0).any()


def test_inputs_may_be_excitatory_alone():
    inputs = Channels("input", ("a", "b"))
    k = kernel(pre=inputs, name="input", sign=1)
    assert (k.effective().numpy() > 0).all()
    k.assign(np.full((4, 2), -1.0))
    assert not k.effective().numpy().any()


def test_what_can_be_seen():
    k = kernel(mask=WEIGHTED, frozen=FROZEN, gates=GATES)
    assert np.array_equal(k.exists.numpy(), MASK == 1)
    assert np.array_equal(k.plastic.numpy(), LEARNING)
    assert np.array_equal(k.strength.numpy(), WEIGHTED)
    assert k.raw.shape == k.constant.shape == (3, 4, 4)
    assert not k.raw.numpy()[:, ~LEARNING].any()
    assert [v.name for v in k.trainable_variables] == ["raw"]
    assert {v.name for v in k.non_trainable_variables} == {
        "sign",
        "strength",
        "plastic",
        "constant",
    }


@pytest.mark.parametrize("settings", [dict(frozen=True), dict(mask=np.zeros((4, 4)))])
def test_nothing_to_learn_is_nothing_to_train(settings):
    k = kernel(**settings)
    start = k.effective().numpy()
    assert k.trainable_variables == [] and start.any() == ("frozen" in settings)
    k.assign(np.ones((4, 4)))
    assert k.effective().numpy().tobytes() == start.tobytes()


# --- gradients -------------------------------------------------------------------------------


@pytest.mark.parametrize("law", LAWS)
@pytest.mark.parametrize("mask", [MASK, WEIGHTED])
def test_a_synapse_that_starts_at_zero_can_learn(law, mask):
    k = kernel(law=law, mask=mask)
    k.raw.assign(np.zeros((4, 4)))
    with tf.GradientTape() as tape:
        total = tf.reduce_sum(k.effective())
    gradient = tape.gradient(total, k.raw.value).numpy()
    assert np.array_equal(gradient, mask * (DALE if law == "magnitude" else 1.0))


@pytest.mark.parametrize("law", LAWS)
def test_frozen_and_absent_synapses_get_no_gradient(law):
    k = kernel(mask=WEIGHTED, frozen=FROZEN, law=law)
    with tf.GradientTape() as tape:
        total = tf.reduce_sum(k.effective() ** 2)
    gradient = tape.gradient(total, k.raw.value).numpy()
    assert np.array_equal(gradient != 0, LEARNING)


@pytest.mark.parametrize("law", LAWS)
@pytest.mark.parametrize("compiled", [True, False])
def test_an_optimizer_obeys(law, compiled):
    units = nt.Units(12, excitatory=0.75)
    k = kernel(units, law=law, density=0.5, frozen="I->E", autapses=False)
    start, exists = k.effective().numpy(), k.exists.numpy()
    target = np.random.default_rng(1).standard_normal((12, 12))
    optimizer = keras.optimizers.AdamW(
        0.05, weight_decay=0.1, use_ema=True, ema_overwrite_frequency=3
    )
    optimizer.build([k.raw])

    def update():
        with tf.GradientTape() as tape:
            loss = tf.reduce_sum((k.effective() - target) ** 2)
        optimizer.apply([tape.gradient(loss, k.raw.value)], [k.raw])
        k.project()
        return loss

    step = tf.function(update) if compiled else update
    losses = [float(step()) for _ in range(30)]
    after = k.effective().numpy()
    assert losses[-1] < losses[0] - 1
    assert (after * units.sign >= 0).all()
    assert after[~k.plastic.numpy()].tobytes() == start[~k.plastic.numpy()].tobytes()
    silent = (after == 0) & exists
    assert silent.any() if law == "projection" else not silent.any()


# --- assign and project ----------------------------------------------------------------------


@pytest.mark.parametrize("law", LAWS)
@pytest.mark.parametrize("mask", [MASK, WEIGHTED])
@pytest.mark.parametrize("sign", [None, (1, 0, -1, -1)])
def test_assign_clips_signs_and_keeps_the_rest(law, mask, sign):
    units = UNITS if sign is None else nt.Units(4)
    k = kernel(units, law=law, mask=mask, frozen=FROZEN, sign=sign)
    start = k.effective().numpy()
    given = np.random.default_rng(1).standard_normal((4, 4))
    kept = given.copy()
    k.assign(given)
    clipped = np.where(given * (DALE if sign is None else sign) >= 0, given, 0.0)
    np.testing.assert_allclose(k.effective(), np.where(LEARNING, clipped, start), rtol=1e-15)
    assert np.array_equal(given, kept)
    # What was taken is taken again without a change.
    taken = k.effective().numpy()
    k.assign(taken)
    np.testing.assert_allclose(k.effective(), taken, rtol=1e-15)


def test_assign_takes_a_kernel_with_gates():
    k = kernel(gates=GATES, mask=WEIGHTED)
    given = np.random.default_rng(1).standard_normal((3, 4, 4))
    k.assign(given)
    wanted = np.where((MASK == 1) & (given * DALE > 0), given, 0.0)
    np.testing.assert_allclose(k.effective(), wanted, rtol=1e-15)


@pytest.mark.parametrize("form", [tf.constant, keras.Variable, np.ndarray.tolist])
def test_assign_takes_any_form(form):
    k = kernel(nt.Units(4))
    k.assign(form(np.arange(16.0).reshape(4, 4)))
    assert np.array_equal(k.effective(), np.arange(16.0).reshape(4, 4))


def test_assign_in_a_compiled_step():
    k = kernel(mask=MASK)

    @tf.function
    def step(weights):
        k.assign(weights)

    step(tf.ones((4, 4), tf.float64))
    assert np.array_equal(k.effective(), np.where(DALE > 0, MASK, 0.0))
    with pytest.raises(
        ValueError, match=r"`recurrent` weights must have the shape \(post, pre\) = "
    ):
        step(tf.ones((4, 5), tf.float64))


@pytest.mark.parametrize(
    ("weights", "gates", "message"),
    [
        (
            np.full((4, 4), np.nan),
            (),
            r"`recurrent` weights must be finite numbers, got nan at \(0, 0\)",
        ),
        (
            np.diag([1, 1, np.inf, 1]),
            (),
            r"`recurrent` weights must be finite numbers, got inf at \(2, 2\)",
        ),
        (
            np.full((4, 4), 1e300),
            (),
            r"`recurrent` weights must be finite numbers, got inf at \(0, 0\)",
        ),
        (
            np.ones((4, 5)),
            (),
            r"`recurrent` weights must have the shape \(post, pre\) = \(4, 4\), got \(4, 5\)",
        ),
        (
            np.ones(()),
            (),
            r"`recurrent` weights must have the shape \(post, pre\) = \(4, 4\), got \(\)",
        ),
        (
            np.ones((4, 4)),
            GATES,
            r"`recurrent` weights must have the shape \(gate, post, pre\) = \(3, 4, 4\), got \(4, 4\)",
        ),
    ],
)
def test_assign_refuses(weights, gates, message):
    k = kernel(gates=gates, dtype="float32")
    start = k.effective().numpy()
    with pytest.raises(ValueError, match=message):
        k.assign(weights)
    assert np.array_equal(k.effective(), start)


@pytest.mark.parametrize("compiled", [True, False])
def test_project_clips_raw_weights(compiled):
    k = kernel(law="projection", sign=None)
    raw = np.random.default_rng(0).standard_normal((4, 4))
    k.raw.assign(raw)
    (tf.function(k.project) if compiled else k.project)()
    assert np.array_equal(k.raw.numpy(), np.where(raw * DALE >= 0, raw, 0.0))


@pytest.mark.parametrize(
    "settings", [dict(law="magnitude"), dict(law="projection", units=nt.Units(4))]
)
def test_project_has_nothing_to_do(settings):
    k = kernel(**settings)
    raw = np.random.default_rng(0).standard_normal((4, 4))
    k.raw.assign(raw)
    k.project()
    assert np.array_equal(k.raw.numpy(), raw)


@pytest.mark.parametrize("law", LAWS)
def test_not_a_number_is_never_hidden(law):
    k = kernel(law=law)
    k.raw.assign(np.full((4, 4), np.nan))
    k.project()
    assert np.isnan(k.effective().numpy()).all()


# --- the draw --------------------------------------------------------------------------------


def test_draws_belong_to_the_seed_and_the_index():
    def draw(seed):
        return kernel(nt.Units(40), density=0.3, seed=seed).effective().numpy()

    assert np.array_equal(draw(1), draw(1))
    assert not np.array_equal(draw(1) != 0, draw(2) != 0)
    wanted = Connectivity(density=0.3).resolve(
        "recurrent", nt.Units(40), nt.Units(40), np.zeros(40), generator(1, Stream.MASKS, 1)
    )
    assert np.array_equal(draw(1) != 0, wanted.exists)


@pytest.mark.parametrize("settings", [{}, dict(density=0.1), dict(autapses=False)])
@pytest.mark.parametrize("excitatory", [None, 0.8])
def test_spectral_radius_is_that_of_the_effective_matrix(settings, excitatory):
    k = kernel(nt.Units(100, excitatory=excitatory), initializer=SpectralRadius(1.3), **settings)
    assert radius(k.effective().numpy()) == pytest.approx(1.3, rel=1e-6)


def test_gaussian_keeps_the_variance_of_the_input():
    k = kernel(nt.Units(400), density=0.25, initializer=Gaussian(gain=2.0))
    received = k.effective().numpy() @ np.random.default_rng(0).standard_normal((400, 500))
    assert received.std() == pytest.approx(2.0, rel=0.02)


def test_weights_come_back_from_a_file(tmp_path):
    class Holder(keras.Model):
        def __init__(self, seed):
            super().__init__()
            self.kernel = kernel(seed=seed, density=0.5, frozen="->I", gates=GATES)
            self.built = True

    one, two = Holder(1), Holder(2)
    assert not np.array_equal(one.kernel.exists, two.kernel.exists)
    one.save_weights(tmp_path / "kernel.weights.h5")
    two.load_weights(tmp_path / "kernel.weights.h5")
    assert np.array_equal(one.kernel.effective(), two.kernel.effective())
    assert np.array_equal(one.kernel.exists, two.kernel.exists)


@dataclass(frozen=True)
class Wild(nt.initializers.Initializer):
    """Returns what it is told."""

    value: float

    def sample(self, rng, strength, sign):
        return np.full(strength.shape, self.value)


@pytest.mark.parametrize(
    ("value", "message"),
    [(0.5, "must obey Dale's law"), (np.nan, "must be finite"), (-0.5, "must obey Dale's law")],
)
def test_what_a_users_initializer_returns_is_checked(value, message):
    units = nt.Units(4, excitatory=0.5)
    recurrent = nt.Connectivity(initializer=Wild(value), frozen=True)
    with pytest.raises(ValueError, match=rf"`recurrent.initializer` must fit .*{message}"):
        nt.RateRNN(["u"], ["z"], units=units, dt=10.0, recurrent=recurrent)


def test_a_sign_that_is_given_for_the_outputs_stands():
    units = nt.Units(4, excitatory=0.5)
    for sign in (0, 1):
        output = nt.Connectivity(sign=sign)
        model = nt.RateRNN(["u"], ["z"], units=units, dt=10.0, output=output)
        assert model.output_kernel.sign.numpy().tolist() == [sign] * 4
