"""How errors reach the units: shapes, sizes, signs, ranks, and what changes them."""

from types import SimpleNamespace

import keras
import numpy as np
import pytest
import tensorflow as tf

import neurotask as nt
from neurotask.backend.rules.feedback import FEEDBACKS, variable

DRAWN = {
    "random": nt.rules.Random(scale=2.0),
    "Kolen-Pollack": nt.rules.KolenPollack(scale=2.0),
    "sign-concordant": nt.rules.SignConcordant(scale=2.0),
    "rank 1": nt.rules.LowRank(1, scale=2.0),
    "rank 7": nt.rules.LowRank(7, scale=2.0),
}


def stand_in(seed=0, units=200, outputs=50, sign=None):
    """Return what a feedback asks of a model."""
    sign = np.zeros(units) if sign is None else sign
    output = SimpleNamespace(sign=tf.constant(sign), post=range(outputs), pre=range(units))
    return SimpleNamespace(
        seed=seed, units=range(units), output_names=[f"z{i}" for i in range(outputs)],
        kernels={"output": output}, networks=None,
    )  # fmt: skip


@pytest.mark.parametrize("feedback", DRAWN.values(), ids=DRAWN)
def test_entries_have_the_variance_of_the_scale_over_outputs(feedback):
    matrices = np.array([feedback.init(stand_in(seed)) for seed in range(20)])
    assert matrices.shape == (20, 200, 50)
    # Errors of the standard deviation: entries of F F^T are about scale^2 in the mean.
    assert (matrices**2).mean() == pytest.approx(4.0 / 50, rel=0.15)
    if not isinstance(feedback, nt.rules.SignConcordant):
        assert abs(matrices.mean()) < 0.02


@pytest.mark.parametrize("feedback", DRAWN.values(), ids=DRAWN)
def test_drawn_feedback_belongs_to_the_seed_of_the_network(feedback):
    one, two, other = (feedback.init(stand_in(seed)) for seed in (3, 3, 4))
    assert np.array_equal(one, two)
    assert np.abs(np.corrcoef(one.ravel(), other.ravel())[0, 1]) < 0.1 or one.min() >= 0
    assert not np.array_equal(one, other)


@pytest.mark.parametrize("rank", [1, 3, 7])
def test_low_rank_feedback_has_its_rank(rank):
    matrix = nt.rules.LowRank(rank).init(stand_in(outputs=7, units=20))
    assert np.linalg.matrix_rank(matrix) == rank
    errors = np.random.default_rng(1).normal(size=(1000, 7))
    assert np.linalg.matrix_rank(errors @ matrix.T) == rank


def test_feedback_to_units_of_a_type_has_their_sign():
    sign = np.repeat([1.0, -1.0], 100)
    for feedback in (nt.rules.Random(), nt.rules.KolenPollack()):
        assert (feedback.init(stand_in(sign=sign)) * sign[:, None] >= 0).all()


def test_broadcast_is_one_signal_for_all(network):
    model = network()
    matrix = nt.rules.Broadcast(scale=3.0).init(model)
    assert matrix.shape == (5, 2)
    assert (matrix == 3.0 / np.sqrt(5)).all()


def test_signal_is_the_matrix_times_the_error(network):
    model, error = network(), np.random.default_rng(1).normal(size=(16, 3, 2))
    readout = model.kernels["output"].effective().numpy()
    for feedback in (*(kind() for kind in FEEDBACKS.values()), nt.rules.LowRank(2)):
        matrix = feedback.init(model)
        if isinstance(feedback, nt.rules.Symmetric):
            matrix = readout.T
        if isinstance(feedback, nt.rules.SignConcordant):
            assert (matrix > 0).all()
            matrix = np.sign(readout.T) * matrix
        state = variable(model, feedback.init(model))
        got = feedback.signal(model.prepare(), state, tf.constant(error)).numpy()
        assert got == pytest.approx(np.einsum("ij,tkj->tki", matrix, error), rel=1e-12)


def test_sign_concordant_feedback_follows_the_signs_alone(network):
    model, feedback = network(), nt.rules.SignConcordant()
    state = variable(model, feedback.init(model))
    size = np.abs(feedback.matrix(model.prepare(), state).numpy())
    readout = model.kernels["output"]
    flipped = readout.effective().numpy() * np.array([[1, -1, 5, 1, -0.1], [-1, -1, 1, 0, 2]])
    readout.assign(flipped)
    now = feedback.matrix(model.prepare(), state).numpy()
    assert np.array_equal(np.sign(now), np.sign(flipped.T))
    assert np.array_equal(np.abs(now), size * (flipped.T != 0))


KEPT = [nt.rules.Random(), nt.rules.LowRank(1), nt.rules.Broadcast(), nt.rules.SignConcordant()]


def test_all_but_kolen_pollack_stay_as_they_were_drawn(short, network):
    for feedback in KEPT[:2]:
        model = network(rule=nt.rules.RFLO(feedback=feedback), optimizer="adam")
        before = model.trainer.state["feedback"].numpy()
        model.fit(short, updates=2, batch_size=2, verbose=0)
        assert np.array_equal(model.trainer.state["feedback"].numpy(), before)


OUTPUTS = {
    "Dale, magnitude": dict(units=nt.Units(5, excitatory=0.6)),
    "Dale, projection": dict(
        units=nt.Units(5, excitatory=0.6), output=nt.Connectivity(law="projection")
    ),
    "masked, weighted, frozen": dict(
        output=nt.Connectivity(
            mask=np.array([[1.0, 2.0, 0.0, 1.0, 0.5], [1.0, 0.0, 1.0, 3.0, 1.0]]),
            frozen=np.array([[1, 0, 0, 0, 0], [0, 0, 0, 1, 0]]),
        )
    ),
}


@pytest.mark.parametrize("settings", OUTPUTS.values(), ids=OUTPUTS)
def test_kolen_pollack_keeps_its_law_under_constraints(settings, short, network):
    rule = nt.rules.RFLO(feedback=nt.rules.KolenPollack(decay=0.05))
    model = network(rule=rule, optimizer=keras.optimizers.SGD(0.5, momentum=0.5), **settings)
    kernel = model.kernels["output"]
    readout = kernel.effective().numpy()
    start = model.trainer.state["feedback"].numpy() - readout.T
    model.fit(short, updates=6, batch_size=2, verbose=0)
    after = kernel.effective().numpy()
    end = model.trainer.state["feedback"].numpy() - after.T
    assert end == pytest.approx(0.95**6 * start, rel=1e-10, abs=1e-12)
    fixed = ~kernel.plastic.numpy()
    assert after[fixed].tobytes() == readout[fixed].tobytes()
    assert (after * kernel.sign.numpy() >= 0).all()


def test_kolen_pollack_within_a_trial_decays_at_each_change(short, network):
    rule = nt.rules.RFLO(feedback=nt.rules.KolenPollack(decay=0.05), when=4)
    model = network(rule=rule)
    gap = lambda: (  # noqa: E731
        model.trainer.state["feedback"].numpy() - model.kernels["output"].effective().numpy().T
    )
    start = gap()
    model.fit(short, updates=1, batch_size=2, seed=0, verbose=0)
    mask = short.batch(2, seed=0, stream=nt._streams.Stream.TRAINING, index=0).mask
    changes = sum(mask[:, t : t + 4].any() for t in range(0, 16, 4))
    assert 1 < changes < 5
    assert gap() == pytest.approx(0.95**changes * start, rel=1e-10)


def test_a_readout_that_cannot_learn_is_refused_for_kolen_pollack(network):
    frozen = nt.Connectivity(frozen=True)
    with pytest.raises(ValueError, match=r"`output` must learn .*KolenPollack.*random"):
        network(rule=nt.rules.RFLO(feedback="kolen_pollack"), output=frozen)


REFUSED = {
    "shape": (nt.rules.Random(weights=np.ones((2, 5))), r"shape \(unit, output\) = \(5, 2\), got \(2, 5\)"),
    "outputs": (nt.rules.LowRank(3), r"`rank` must be at most the number of outputs, 2, got 3.*rank=2"),
    # The smaller of the two numbers is named, so that the advice holds.
    "units": (nt.rules.LowRank(6), r"`rank` must be at most the number of outputs, 2, got 6.*rank=2"),
}  # fmt: skip


@pytest.mark.parametrize(("feedback", "says"), REFUSED.values(), ids=REFUSED)
def test_feedback_that_does_not_fit_is_refused_at_compile(feedback, says, network):
    model = network()
    rules = (nt.rules.RFLO(feedback=feedback), nt.rules.BPTT(feedback=feedback),
             nt.rules.TruncatedBPTT(feedback=feedback), nt.rules.RTRL(feedback=feedback))  # fmt: skip
    for rule in rules:
        with pytest.raises(ValueError, match=says):
            model.compile("sgd", rule=rule)
    assert model.rule == nt.rules.BPTT()  # as it was
    with pytest.raises(ValueError, match="`rank` must be at most the number of units, 1, got 2"):
        network(rule=nt.rules.RFLO(feedback=nt.rules.LowRank(2)), units=1)


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda: nt.rules.Random(scale=0.0), "`scale` must be a number above 0, got 0"),
        (
            lambda: nt.rules.Random(weights=[1.0, 2.0]),
            r"\(unit, output\), got float64 of the shape \(2,\)",
        ),
        (lambda: nt.rules.Random(weights=[[np.nan]]), "got NaN, infinite or larger ones"),
        (lambda: nt.rules.KolenPollack(decay=0.0), r"`decay` must be a number in \(0, 1\]"),
        (lambda: nt.rules.KolenPollack(decay=1.5), "`decay` must be"),
        (lambda: nt.rules.LowRank(0), "`rank` must be"),
        (lambda: nt.rules.RFLO(feedback="randm"), '`feedback` must be .*"random"'),
    ],
)
def test_settings_out_of_range_are_refused(make, says):
    with pytest.raises(ValueError, match=says):
        make()


def test_a_feedback_is_a_feedback_or_a_name():
    with pytest.raises(TypeError, match="`feedback` must be a feedback or its name, got 3"):
        nt.rules.BPTT(feedback=3)
    for name, kind in FEEDBACKS.items():
        assert nt.rules.RFLO(feedback=name).feedback == kind()


@pytest.mark.parametrize(
    "feedback", [*DRAWN.values(), nt.rules.Random(weights=[[0.1, 2.0]])], ids=repr
)
def test_it_is_what_it_says(feedback):
    assert eval(repr(feedback), vars(nt.rules)) == feedback
    assert hash(feedback) == hash(eval(repr(feedback), vars(nt.rules)))
