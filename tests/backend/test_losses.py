"""Losses, against loops over entries, Keras' losses, PsychRNN's formulas and finite differences."""

import dataclasses

import keras
import numpy as np
import pytest
import tensorflow as tf

from neurotask.backend import losses
from neurotask.backend.losses import (
    LOSSES,
    BinaryCrossEntropy,
    CategoricalCrossEntropy,
    CustomLoss,
    Huber,
    Loss,
    MeanSquaredError,
)
from neurotask.backend.settings import decoded, encoded

LENGTHS, N_STEPS, N_OUTPUTS = (3, 5, 4), 6, 3


@keras.saving.register_keras_serializable("test_losses")
def cubic(targets, outputs, mask):
    return tf.reduce_sum(mask * tf.abs(outputs - targets) ** 3)


@keras.saving.register_keras_serializable("test_losses")
def by_entry(targets, outputs, mask):
    return mask * (outputs - targets)


def plain_loss(targets, outputs, mask):
    return cubic(targets, outputs, mask)


# One or more settings of every kind of loss, with the error of an entry as plain Python has it.
VARIANTS = [
    MeanSquaredError(),
    MeanSquaredError(mean="steps"),
    MeanSquaredError(mean="psychrnn"),
    Huber(delta=0.7),
    Huber(delta=0.7, mean="steps"),
    BinaryCrossEntropy(),
    BinaryCrossEntropy(mean="steps"),
    BinaryCrossEntropy(logits=False),
    BinaryCrossEntropy(logits=False, mean="steps"),
    BinaryCrossEntropy(logits=False, mean="psychrnn"),
    CategoricalCrossEntropy(),
    CategoricalCrossEntropy(mean="steps"),
    CategoricalCrossEntropy(logits=False),
    CategoricalCrossEntropy(logits=False, mean="steps"),
    CustomLoss(cubic),
]
PADDED = [loss for loss in VARIANTS if getattr(loss, "mean", "") in ("weights", "steps")]


def kinds(base):
    """Return all final classes of the package that derive from a base."""
    for kind in base.__subclasses__():
        yield from kinds(kind)
        if kind.__module__.startswith("neurotask."):
            yield kind


def batch(loss, dtype="float64", n_steps=N_STEPS, lengths=LENGTHS):
    """Return targets, outputs, mask and present; uneven weights, padding behind three lengths."""
    rng = np.random.default_rng(0)
    shape = (len(lengths), N_STEPS, N_OUTPUTS)
    targets, outputs, mask = rng.random(shape), 2.0 * rng.standard_normal(shape), rng.random(shape)
    if not getattr(loss, "logits", True):
        outputs = rng.uniform(0.05, 0.95, shape)
    mask[rng.random(shape) < 0.3] = 0.0
    targets[0, 1] = 0.0
    present = (np.arange(N_STEPS) < np.array(lengths)[:, None]).astype(float)
    mask, targets = mask * present[..., None], targets * present[..., None]
    more = n_steps - N_STEPS
    outputs = np.pad(outputs, ((0, 0), (0, more), (0, 0)), constant_values=0.3)
    padded = [np.pad(x, ((0, 0), (0, more), (0, 0))) for x in (targets, mask)]
    present = np.pad(present, ((0, 0), (0, more)))
    arrays = padded[0], outputs, padded[1], present
    return [tf.constant(array, dtype) for array in arrays]


def loop(loss, targets, outputs, mask, present):
    """Return the loss by a loop over entries (steps, for classes)."""
    targets, outputs, mask, present = (x.numpy() for x in (targets, outputs, mask, present))
    total = weight = entries = inside = 0.0
    for b, t in np.ndindex(present.shape):
        y, z, m = targets[b, t], outputs[b, t], mask[b, t]
        if isinstance(loss, CategoricalCrossEntropy):
            p = np.exp(z) if loss.logits else z
            y, z, m = [1.0], [-sum(y * np.log(p / p.sum()))], [m.mean()]
        for k in range(len(y)):
            entries, inside, weight = entries + 1, inside + present[b, t], weight + m[k]
            total += entry(loss, y[k], z[k], m[k])
    return total / {"weights": weight, "steps": inside, "psychrnn": entries, "": 1.0}[mean_of(loss)]


def mean_of(loss):
    return getattr(loss, "mean", "")


def entry(loss, y, z, m):
    """Return what an entry adds to the numerator."""
    if isinstance(loss, MeanSquaredError):
        return (m * (z - y)) ** 2 if loss.mean == "psychrnn" else m * (z - y) ** 2
    if isinstance(loss, Huber):
        d = abs(z - y)
        return m * (d**2 / 2 if d <= loss.delta else loss.delta * d - loss.delta**2 / 2)
    if isinstance(loss, BinaryCrossEntropy):
        p = 1 / (1 + np.exp(-z)) if loss.logits else z
        shift = 1e-7 if loss.mean == "psychrnn" else 0.0
        return -m * (y * np.log(p + shift) + (1 - y) * np.log(1 - p + shift))
    if isinstance(loss, CustomLoss):
        return m * abs(z - y) ** 3
    return m * z  # of classes: the loop has the error already


def gradient(loss, targets, outputs, mask, present):
    with tf.GradientTape() as tape:
        tape.watch(outputs)
        value = loss(targets, outputs, mask, present)
    return tape.gradient(value, outputs).numpy()


# --- values and gradients ------------------------------------------------------------------------


@pytest.mark.parametrize("loss", VARIANTS, ids=repr)
def test_it_is_the_loop_over_entries(loss):
    arrays = batch(loss)
    value = loss(*arrays)
    assert value.shape == () and value.dtype == "float64"
    assert float(value) == pytest.approx(loop(loss, *arrays), rel=1e-12)


@pytest.mark.parametrize("loss", VARIANTS, ids=repr)
def test_its_gradient_is_that_of_finite_differences(loss):
    targets, outputs, mask, present = batch(loss)
    exact, step = gradient(loss, targets, outputs, mask, present), 1e-6
    for place in np.ndindex(*outputs.shape):
        move = np.zeros(outputs.shape)
        move[place] = step
        sides = [loss(targets, outputs + s * move, mask, present) for s in (1, -1)]
        wanted = float(sides[0] - sides[1]) / (2 * step)
        assert exact[place] == pytest.approx(wanted, rel=1e-7, abs=1e-8)
    assert (exact != 0).any() and not exact[np.where(present.numpy() == 0)].any()


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("loss", VARIANTS, ids=repr)
def test_compiled_and_eager_agree(loss, dtype):
    arrays = batch(loss, dtype)

    @tf.function(input_signature=[tf.TensorSpec([None] * x.shape.rank, dtype) for x in arrays])
    def compiled(targets, outputs, mask, present):
        value = loss(targets, outputs, mask, present)
        return value, tf.gradients(value, outputs)[0]

    value, slope = compiled(*arrays)
    assert value.dtype == dtype and value.shape == ()
    tolerance = {"float32": 1e-5, "float64": 1e-12}[dtype]
    assert float(value) == pytest.approx(loop(loss, *batch(loss)), rel=tolerance)
    assert slope.numpy() == pytest.approx(gradient(loss, *arrays), rel=tolerance, abs=tolerance)


@pytest.mark.parametrize("loss", PADDED, ids=repr)
def test_doubled_padding_changes_neither_value_nor_gradient(loss):
    short, long = batch(loss), batch(loss, n_steps=2 * N_STEPS)
    assert float(loss(*long)) == pytest.approx(float(loss(*short)), rel=1e-14)
    assert gradient(loss, *long)[:, :N_STEPS] == pytest.approx(gradient(loss, *short), rel=1e-13)
    assert not gradient(loss, *long)[:, N_STEPS:].any()


@pytest.mark.parametrize("name", ["mean_squared_error", "binary_cross_entropy"])
def test_doubled_padding_halves_psychrnns(name):
    loss = losses.get(f"psychrnn_{name}")
    short, long = batch(loss), batch(loss, n_steps=2 * N_STEPS)
    assert float(loss(*long)) == pytest.approx(float(loss(*short)) / 2, rel=1e-13)


@pytest.mark.parametrize("loss", VARIANTS, ids=repr)
def test_nothing_that_counts(loss):
    targets, outputs, mask, present = batch(loss)
    value = float(loss(targets, outputs, 0 * mask, present))
    assert np.isnan(value) if mean_of(loss) == "weights" else value == 0


# --- against others ------------------------------------------------------------------------------


@pytest.mark.parametrize("mean", ["weights", "steps"])
@pytest.mark.parametrize(
    ("ours", "keras_loss"),
    [
        (MeanSquaredError, keras.losses.MeanSquaredError()),
        (Huber, keras.losses.Huber(delta=0.7)),
        (BinaryCrossEntropy, keras.losses.BinaryCrossentropy(from_logits=True)),
        (BinaryCrossEntropy, keras.losses.BinaryCrossentropy()),
        (CategoricalCrossEntropy, keras.losses.CategoricalCrossentropy(from_logits=True)),
        (CategoricalCrossEntropy, keras.losses.CategoricalCrossentropy()),
    ],
)
def test_with_a_mask_of_ones_it_is_keras_own(ours, keras_loss, mean):
    settings = {"delta": 0.7} if ours is Huber else {}
    if "Cross" in ours.__name__:
        settings["logits"] = keras_loss.get_config()["from_logits"]
    loss = ours(mean=mean, **settings)
    rng = np.random.default_rng(1)
    targets, outputs = rng.dirichlet(np.ones(3), (4, 5)), rng.standard_normal((4, 5, 3))
    if not settings.get("logits", True):
        outputs = rng.dirichlet(np.ones(3), (4, 5))
    keras_value = float(keras_loss(targets.astype("float32"), outputs.astype("float32")))
    value = loss(targets, outputs, np.ones((4, 5, 3)), np.ones((4, 5)))
    assert float(value) == pytest.approx(keras_value, rel=2e-6)


def test_psychrnns_formulas_outside_the_interval_too():
    rng = np.random.default_rng(2)
    y, m, present = rng.random((4, 5, 2)), rng.random((4, 5, 2)), np.ones((4, 5))
    z = 2.0 * rng.standard_normal((4, 5, 2))
    value = losses.get("psychrnn_mean_squared_error")(y, z, m, present)
    assert float(value) == pytest.approx(np.mean((m * (z - y)) ** 2), rel=1e-13)
    p = np.clip(z, 1e-7, 1 - 1e-7)
    surprise = -(y * np.log(p + 1e-7) + (1 - y) * np.log(1 - p + 1e-7))
    value = losses.get("psychrnn_binary_cross_entropy")(y, z, m, present)
    assert float(value) == pytest.approx(np.mean(m * surprise), rel=1e-9)
    slope = gradient(BinaryCrossEntropy(logits=False), *map(tf.constant, (y, z, m, present)))
    assert np.array_equal(slope == 0, (z < 0) | (z > 1))


@pytest.mark.parametrize("mean", ["weights", "steps"])
def test_targets_that_do_not_sum_to_1_have_the_right_gradient(mean):
    loss = CategoricalCrossEntropy(mean=mean)
    y, z, one = tf.constant([[[0.2, 1.0]]]), tf.constant([[[0.5, -0.5]]]), tf.ones((1, 1, 2))
    p = np.exp([0.5, -0.5]) / np.exp([0.5, -0.5]).sum()
    wanted = 1.2 * p - [0.2, 1.0]
    assert gradient(loss, y, z, one, one[..., 0])[0, 0] == pytest.approx(wanted, abs=1e-6)


def test_a_step_without_a_class_counts_in_the_denominator_alone():
    loss = CategoricalCrossEntropy()
    y, z, one = np.array([[[0.0, 1.0], [0.0, 0.0]]]), np.zeros((1, 2, 2)), np.ones((1, 2, 2))
    assert float(loss(y, z, one, one[..., 0])) == pytest.approx(np.log(2) / 2)
    mask = np.array([[[1.0, 1.0], [0.0, 0.0]]])
    assert float(loss(y, z, mask, one[..., 0])) == pytest.approx(np.log(2))


def test_probabilities_above_1_are_not_rewarded():
    loss = CategoricalCrossEntropy(logits=False)
    y, one = np.array([[[0.0, 1.0]]]), np.ones((1, 1, 2))
    assert float(loss(y, 5 * one, one, one[..., 0])) == pytest.approx(np.log(2))


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(
    "loss",
    [
        Huber(),
        BinaryCrossEntropy(),
        BinaryCrossEntropy(logits=False),
        BinaryCrossEntropy(logits=False, mean="psychrnn"),
        CategoricalCrossEntropy(),
        CategoricalCrossEntropy(logits=False),
    ],
    ids=repr,
)
def test_extreme_outputs_stay_finite(loss, dtype):
    y = tf.constant([[[0.0, 1.0], [1.0, 0.0], [0.0, 1.0], [0.5, 0.5]]], dtype)
    z = tf.constant([[[1e4, -1e4], [1e4, -1e4], [0.0, 0.0], [1.0, 0.0]]], dtype)
    one = tf.ones_like(y)
    value = float(loss(y, z, one, one[..., 0]))
    assert np.isfinite(value) and value > 1
    assert np.isfinite(gradient(loss, y, z, one, one[..., 0])).all()


@pytest.mark.parametrize("distance", [0.0, 0.7, -0.7])
def test_hubers_gradient_at_its_corners(distance):
    y, one = tf.zeros((1, 1, 1), "float64"), tf.ones((1, 1, 1), "float64")
    slope = gradient(Huber(delta=0.7), y, y + distance, one, one[..., 0])
    assert float(slope[0, 0, 0]) == pytest.approx(distance)


# --- as settings ---------------------------------------------------------------------------------


def test_every_loss_has_a_variant():
    assert {type(loss) for loss in VARIANTS} == set(kinds(Loss))
    assert {getattr(loss, "mean", "") for loss in VARIANTS} == {"weights", "steps", "psychrnn", ""}


@pytest.mark.parametrize("loss", [*VARIANTS, *LOSSES.values()], ids=repr)
def test_it_keeps_the_contract(loss):
    again = eval(repr(loss), {kind.__name__: kind for kind in kinds(Loss)})
    assert again == loss and hash(again) == hash(loss)
    assert type(loss).from_config(loss.get_config()) == loss
    assert decoded(encoded(loss)) == loss and type(decoded(encoded(loss))) is type(loss)
    slope = gradient(loss, *batch(loss))
    assert np.isfinite(slope).all() and (slope != 0).any()
    with pytest.raises(dataclasses.FrozenInstanceError):
        loss.mean = "weights"


def test_a_loss_of_ones_own_by_name():
    assert CustomLoss("test_losses>cubic") == CustomLoss(cubic) == losses.get(cubic)


def test_a_function_whose_name_went_to_another_is_refused():
    def define():
        @keras.saving.register_keras_serializable("test_losses")
        def again(targets, outputs, mask):
            return tf.reduce_sum(outputs)

        return again

    old, new = define(), define()  # as when a cell of a notebook runs twice
    assert CustomLoss(new).function is new
    with pytest.raises(ValueError, match="`function` must be a registered function, got <function"):
        CustomLoss(old)


def test_get():
    loss = Huber(delta=2.0)
    assert losses.get(loss) is loss
    assert losses.get("mean_squared_error") == MeanSquaredError()
    assert losses.get("huber") == Huber()
    assert losses.get("binary_cross_entropy") == BinaryCrossEntropy()
    assert losses.get("categorical_cross_entropy") == CategoricalCrossEntropy()
    assert losses.get("psychrnn_mean_squared_error") == MeanSquaredError(mean="psychrnn")
    wanted = BinaryCrossEntropy(logits=False, mean="psychrnn")
    assert losses.get("psychrnn_binary_cross_entropy") == wanted


def test_targets_that_fit_pass():
    inside, outside = np.array([[[0.0, 0.3, 1.0]]]), np.array([[[-1.0, 7.0, np.nan]]])
    for loss in VARIANTS:
        loss.check(inside)
    for loss in (MeanSquaredError(), Huber(), CustomLoss(cubic)):
        loss.check(outside)
    CategoricalCrossEntropy().check(np.array([[[2.0]]]))
    BinaryCrossEntropy().check(np.zeros((0, 3, 2)))


# --- refusals ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (
            lambda: losses.get("mean_square_error"),
            ValueError,
            r"`loss` must be one of \"mean_squared_error\", \"huber\", \"binary_cross_entropy\", \"categorical_cross_entropy\", \"psychrnn_mean_squared_error\", \"psychrnn_binary_cross_entropy\", got 'mean_square_error'\. Did you mean \"mean_squared_error\"\?",
        ),
        (
            lambda: losses.get(3),
            TypeError,
            r"`loss` must be a loss, its name, or a function registered with Keras, got 3\. Give loss=\"mean_squared_error\" or an object such as losses\.Huber\(delta=1\.0\)\.",
        ),
        (lambda: losses.get(Huber), TypeError, r"`loss` must be a loss, its name, .*got <class"),
        (
            lambda: losses.get(lambda y, z, m: 0.0),
            ValueError,
            r"`loss` must be a registered function, got <function .*<lambda>.*>, which would save and not load\. Put @keras\.saving\.register_keras_serializable\(\) above the function\.",
        ),
        (lambda: losses.get(keras.losses.Huber()), ValueError, r"`loss` must be a registered func"),
        (
            lambda: CustomLoss(plain_loss),
            ValueError,
            r"`function` must be a registered function, got <function plain_loss at .*>, which would save and not load\. Put @keras",
        ),
        (
            lambda: CustomLoss("test_losses>other"),
            ValueError,
            r"`function` must be a registered function or its name, got 'test_losses>other', under which nothing is registered\. Run the file that defines it first\.",
        ),
        (
            lambda: CustomLoss(3),
            TypeError,
            r"`function` must be a function registered with Keras, got 3\.",
        ),
        (
            lambda: CustomLoss(by_entry)(*batch(CustomLoss(by_entry))),
            ValueError,
            r"`by_entry` must return one number, got the shape \(3, 6, 3\)\. Take a sum or a mean\.",
        ),
        (
            lambda: MeanSquaredError(mean="step"),
            ValueError,
            r"`mean` must be one of \"weights\", \"steps\", \"psychrnn\", got 'step'\. Did you mean \"steps\"\?",
        ),
        (
            lambda: Huber(mean="psychrnn"),
            ValueError,
            r"`mean` must be one of \"weights\", \"steps\", got 'psychrnn'\.",
        ),
        (
            lambda: CategoricalCrossEntropy(mean="psychrnn"),
            ValueError,
            r"`mean` must be one of \"weights\", \"steps\", got 'psychrnn'\.",
        ),
        (lambda: BinaryCrossEntropy(mean="x"), ValueError, r"`mean` must be one of .*got 'x'"),
        (lambda: Huber(delta=0.0), ValueError, r"`delta` must be a number above 0, got 0\.0\."),
        (
            lambda: BinaryCrossEntropy(mean="psychrnn"),
            ValueError,
            r"`logits` must be False with mean=\"psychrnn\", got True: PsychRNN takes outputs for probabilities\. Give logits=False\.",
        ),
        (
            lambda: BinaryCrossEntropy(logits=1),
            ValueError,
            r"`logits` must be True or False, got 1\.",
        ),
        (
            lambda: CategoricalCrossEntropy(logits="no"),
            ValueError,
            r"`logits` must be True or False, got 'no'\.",
        ),
        (
            lambda: BinaryCrossEntropy().check(np.array([[[0.5, 1.25]]])),
            ValueError,
            r"`targets` must be in \[0, 1\] for BinaryCrossEntropy, got 1\.25\. Change what the task paints, or use loss=\"mean_squared_error\"\.",
        ),
        (
            lambda: BinaryCrossEntropy().check(np.array([[[0.5, np.nan]]])),
            ValueError,
            r"`targets` must be in \[0, 1\] for BinaryCrossEntropy, got nan\.",
        ),
        (
            lambda: CategoricalCrossEntropy().check(np.array([[[-0.5]]])),
            ValueError,
            r"`targets` must be 0 or more for CategoricalCrossEntropy, got -0\.5\.",
        ),
    ],
)
def test_refused(make, error, message):
    with pytest.raises(error, match=message):
        make()
