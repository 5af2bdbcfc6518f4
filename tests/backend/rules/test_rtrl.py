"""RTRL and BPTT against finite differences and each other, through every model and constraint."""

import numpy as np
import pytest
import tensorflow as tf

import neurotask as nt
from neurotask import losses, regularizers
from neurotask.backend import models
from neurotask.backend.connectivity import Connectivity
from neurotask.backend.importing import import_all

import_all(models)
MODELS = {
    kind.__name__: kind
    for kind in nt.RecurrentModel.__subclasses__()
    if kind.__module__.startswith("neurotask.")
}
MASK = np.random.default_rng(5).random((6, 6)) < 0.7
FROZEN = np.random.default_rng(6).random((6, 6)) < 0.3
DALE = nt.Units(6, excitatory=0.5)
AREAS = nt.Units({"A": 4, "B": 4}, excitatory=0.5)
AROUND = dict(
    feedback=Connectivity(), feedforward=nt.FeedForward(5, activation="tanh"),
    output_activation="tanh",
)  # fmt: skip
LOSSES = {
    "plain": dict(),
    "Huber": dict(loss=losses.Huber(delta=0.3, mean="steps")),
    "cross-entropy": dict(loss="binary_cross_entropy"),
    "classes": dict(loss="categorical_cross_entropy"),
    "psychrnn": dict(loss="psychrnn_mean_squared_error"),
    "penalties": dict(
        regularizers=(
            regularizers.L2(0.1), regularizers.L2(0.1, of="input"), regularizers.RateL2(0.3),
            regularizers.RateHomeostasis(0.2, target=0.1),
        )
    ),
}  # fmt: skip

# Each model with each of its examples, each constraint and each loss at least once.
CASES = {
    "free": (nt.RateRNN, dict(noise=0.2), "Huber"),
    "rate": (nt.RateRNN, dict(noise=0.2, form="rate", units=1), "cross-entropy"),
    "Dale, magnitude": (nt.RateRNN, dict(
        units=DALE, shared_noise=0.1, recurrent=Connectivity(autapses=False),
    ), "penalties"),
    "Dale, projection": (nt.RateRNN, dict(
        units=DALE, form="rate", input=Connectivity(law="projection", sign=1),
        recurrent=Connectivity(law="projection", initializer="balanced"),
        output=Connectivity(law="projection", of="E"),
    ), "classes"),
    "masked, frozen": (nt.RateRNN, dict(
        units=6, recurrent=Connectivity(mask=MASK * 1.5, frozen=FROZEN),
        input=Connectivity(density=0.7, sign=1), output=Connectivity(frozen=True),
        trainable={"initial_state": False, "bias": False},
    ), "psychrnn"),
    "areas": (nt.RateRNN, dict(
        units=AREAS, trainable={"tau": True}, input=Connectivity(to="A"),
        recurrent=Connectivity(density={"A.E->B": 0.5}, forbidden="A.I->B", frozen="E->I"),
        output=Connectivity(of="B.E"),
    ), "penalties"),
    "around": (nt.RateRNN, AROUND | dict(trainable={"tau": True, "output_bias": False}), "plain"),
    "around, rate": (nt.RateRNN, AROUND | dict(form="rate", noise=0.1), "penalties"),
    "plasticity": (nt.RateRNN, dict(
        activation="softplus", plasticity=nt.ShortTermPlasticity(tau_depression=300.0),
    ), "plain"),
    "LSTM": (nt.LSTM, dict(units=3), "penalties"),
    "LSTM, around": (nt.LSTM, AROUND | dict(units=nt.Units({"A": 2, "B": 2}),
                     recurrent=Connectivity(density={"A->B": 0.5}, forbidden="B->A")), "plain"),
    "GRU": (nt.GRU, dict(units=6, recurrent=Connectivity(mask=MASK, frozen=FROZEN)), "classes"),
    "GRU, reset after": (nt.GRU, AROUND | dict(units=4, reset_after=True), "Huber"),
}  # fmt: skip
STEP = 1e-5


def test_every_model_and_loss_occurs():
    assert {kind for kind, _, _ in CASES.values()} == set(MODELS.values())
    assert {name for _, _, name in CASES.values()} == set(LOSSES)


@pytest.mark.parametrize("label", CASES)
def test_rtrl_and_bptt_are_the_slope_of_the_loss(label, network, batch, gradients, apart):
    kind, settings, learning = CASES[label]
    model, data = network(kind, **settings, **LOSSES[learning]), batch()
    rtrl, bptt = gradients(model, data, nt.rules.RTRL(), nt.rules.BPTT())
    assert apart(rtrl, bptt) < 1e-10
    # The slope along a random direction of each variable, all but where a weight of 0 has a sign.
    loss = tf.function(lambda: nt.rules.BPTT().loss(model, data)[0], autograph=False)
    random = np.random.default_rng(1)
    for variable, gradient in zip(model.trainable_variables, rtrl.values(), strict=True):
        values = variable.numpy()
        way = random.normal(size=values.shape) * (np.abs(values) > 1e-3)
        sides = []
        for sign in (1.0, -1.0):
            variable.assign(values + sign * STEP * way)
            sides.append(float(loss()))
        variable.assign(values)
        slope = (sides[0] - sides[1]) / (2 * STEP)
        size = np.linalg.norm(way) * np.linalg.norm(gradient)
        assert abs(np.sum(way * gradient) - slope) <= 1e-7 * size + 1e-9, variable.path


def test_padding_does_not_change_what_is_descended(network, batch, gradients, apart):
    model = network(noise=0.2, feedback=Connectivity(), **LOSSES["penalties"])
    rules = nt.rules.RTRL(), nt.rules.RFLO(), nt.rules.TruncatedBPTT(steps=5)
    for one, two in zip(
        gradients(model, batch(), *rules), gradients(model, batch(steps=40), *rules), strict=True
    ):
        assert apart(two, one) < 1e-12


def test_trials_of_a_batch_are_learned_each_on_its_own(network, batch, gradients):
    """The gradient of a batch is the mean of its trials', each weighed by its share of the mask."""
    model, data, rule = network(), batch(key=None), nt.rules.RTRL()
    whole, share = gradients(model, data, rule), data.mask.numpy().sum((1, 2))
    alone = []
    for k in range(3):
        parts = (
            getattr(data, name)[k : k + 1] for name in ("inputs", "targets", "mask", "present")
        )
        alone.append(gradients(model, type(data)(*parts, None), rule))
    for name, values in whole.items():
        mean = sum(s * one[name] for s, one in zip(share / share.sum(), alone, strict=True))
        assert values == pytest.approx(mean, rel=1e-9, abs=1e-12)


def test_what_does_not_fit_into_memory_is_refused_with_the_figure():
    quiet = Connectivity(initializer="zeros")
    model = nt.RateRNN(["u"], ["z"], units=5000, dt=20.0, recurrent=quiet)
    # A trial: 5000 states by 5000 x 5000 recurrent weights and few more, of 4 bytes.
    with pytest.raises(ValueError, match=r"RTRL keeps 500\.\d GB for 1 trial of 5000 units.*rflo"):
        model.compile("sgd", rule="rtrl")
    model.compile("sgd", rule="rflo")  # keeps nothing for each synapse
    assert nt.rules.RFLO().traces(model) == 0
