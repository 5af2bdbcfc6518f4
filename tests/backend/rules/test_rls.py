"""Recursive least squares against ridge regression, in float64."""

import re

import numpy as np
import pytest
import tensorflow as tf

import neurotask as nt
from neurotask.backend.rules.base import Batch

EVERY = nt.Connectivity()
N, OUTPUTS, TRIALS, STEPS = 6, ("a", "b", "c"), 4, 9
ALPHA = 0.7
FAN_IN = np.array([[1, 1, 0, 1, 1, 0], [0, 1, 1, 1, 1, 1], [1, 1, 0, 1, 1, 0]])
RANDOM = np.random.default_rng(3)
INPUTS = RANDOM.standard_normal((TRIALS, STEPS, 2))
TARGETS = RANDOM.standard_normal((TRIALS, STEPS, 3))
# Steps of no weight, of weight 1 and of weight 2, the same for all outputs or not.
COMMON = np.repeat(RANDOM.integers(0, 3, (TRIALS, STEPS, 1)), 3, -1).astype(float)
OWN = RANDOM.integers(0, 3, (TRIALS, STEPS, 3)).astype(float)


def network(output=EVERY, **settings):
    settings = {"units": N, "dt": 10.0, "tau": 50.0, "activation": "tanh"} | settings
    return nt.RateRNN(["u", "v"], OUTPUTS, output=output, dtype="float64", seed=1, **settings)


def batch(mask=COMMON, present=None):
    present = np.ones((TRIALS, STEPS)) if present is None else present
    return Batch(*(tf.constant(a) for a in (INPUTS, TARGETS, mask, present)), noise=None)


def learned(model, given, **settings):
    """Return readout and P after a batch, learned at each step."""
    rule = nt.rules.FORCE(update=nt.rules.RLS(alpha=ALPHA, **settings), when=1)
    model.compile("sgd", rule=rule)
    state = rule.init(model)
    assert tf.function(lambda: rule.learn(model, given, state), autograph=False)()[2]
    return model.output_kernel.effective().numpy(), [p.numpy() for p in state["update"]["output"]]


def ridge(model, mask, start, pre, post):
    """Return the readout of one output, and P, by the normal equations."""
    states, _ = model.unroll(tf.constant(INPUTS))
    rows = np.tanh(states["state"].numpy()).transpose(1, 0, 2).reshape(-1, N)  # (trial time, unit)
    count, wanted = mask[..., post].ravel(), TARGETS[..., post].ravel()
    missing = wanted - rows @ start[post]
    x = rows[:, pre]
    inverse = np.linalg.inv(x.T @ (count[:, None] * x) + ALPHA * np.eye(x.shape[1]))
    weights = start[post].copy()
    weights[pre] += inverse @ x.T @ (count * missing)
    return weights, inverse


@pytest.mark.parametrize("shared, mask", [(True, COMMON), (False, COMMON), (False, OWN)])
@pytest.mark.parametrize("fan_in", [np.ones_like(FAN_IN), FAN_IN], ids=["full", "own"])
def test_readout_is_that_of_ridge_regression(fan_in, shared, mask):
    model = network(nt.Connectivity(mask=fan_in))
    start = model.output_kernel.effective().numpy()
    weights, inverses = learned(model, batch(mask), shared=shared)
    sets = len({tuple(row) for row in fan_in}) if shared else len(OUTPUTS)
    assert len(inverses) == sets
    for post, senders in enumerate(fan_in):
        wanted, inverse = ridge(model, mask, start, np.flatnonzero(senders), post)
        assert weights[post] == pytest.approx(wanted, abs=1e-10)
        assert any(p.shape == inverse.shape and np.abs(p - inverse).max() < 1e-10 for p in inverses)


def test_frozen_synapses_act_and_stay():
    frozen = 1 - FAN_IN
    model = network(nt.Connectivity(frozen=frozen))
    start = model.output_kernel.effective().numpy()
    weights, _ = learned(model, batch())
    assert (weights[frozen == 1] == start[frozen == 1]).all()
    for post, senders in enumerate(FAN_IN):
        wanted, _ = ridge(model, COMMON, start, np.flatnonzero(senders), post)
        assert weights[post] == pytest.approx(wanted, abs=1e-10)


def test_factors_of_a_mask_are_no_part_of_the_weights():
    strong, plain = network(nt.Connectivity(mask=np.full((3, N), 4.0))), network()
    start = plain.output_kernel.effective().numpy()
    strong.output_kernel.assign(start)
    one, two = learned(strong, batch()), learned(plain, batch())
    assert one[0] == pytest.approx(two[0], abs=1e-12)


def test_trials_together_are_trials_one_after_the_other():
    update, rates = nt.rules.RLS(alpha=ALPHA), RANDOM.standard_normal((5, N))
    errors, weight = RANDOM.standard_normal((5, 3)), np.ones((5, 3))
    together, alone = network(), network()
    start = together.output_kernel.effective().numpy()
    targets = rates @ start.T - errors
    states = update.init(together), update.init(alone)
    give = lambda model, state, r, e, w: update.apply_errors(  # noqa: E731
        model, state, "output", *map(tf.constant, (r, e, w))
    )
    give(together, states[0], rates, errors, weight)
    for at in range(5):
        now, row = alone.output_kernel.effective().numpy(), rates[at : at + 1]
        give(alone, states[1], row, row @ now.T - targets[at], weight[:1])
    after = [model.output_kernel.effective().numpy() for model in (together, alone)]
    assert after[0] == pytest.approx(after[1], abs=1e-12)
    one, two = (state["output"][0].numpy() for state in states)
    assert one == pytest.approx(two, abs=1e-12)
    assert (two == two.T).all()


def test_shared_inverse_counts_a_step_for_all_that_share_it():
    mask = np.zeros((TRIALS, STEPS, 3))
    mask[:, ::2, 0] = 1.0
    model = network()
    start = model.output_kernel.effective().numpy()
    weights, inverses = learned(model, batch(mask))
    assert (weights[1:] == start[1:]).all()
    wanted, inverse = ridge(model, mask, start, np.arange(N), 0)
    assert weights[0] == pytest.approx(wanted, abs=1e-10)
    assert inverses[0] == pytest.approx(inverse, abs=1e-10)


def test_what_is_not_asked_leaves_everything_as_it_is():
    model = network()
    start = model.output_kernel.effective().numpy()
    rule = nt.rules.FORCE(when=1)
    model.compile("sgd", rule=rule)
    state, given = rule.init(model), batch(np.zeros_like(COMMON))
    rule.learn(model, given, state)
    assert (model.output_kernel.effective().numpy() == start).all()
    assert (state["update"]["output"][0].numpy() == np.eye(N)).all()


def test_numbers_that_are_not_finite_change_nothing():
    update, model = nt.rules.RLS(), network()
    start, state = model.output_kernel.effective().numpy(), update.init(model)
    errors = np.ones((2, 3))
    errors[1, 0] = np.nan
    arrays = (tf.constant(a) for a in (np.ones((2, N)), errors, np.ones((2, 3))))
    assert not update.apply_errors(model, state, "output", *arrays)
    assert (model.output_kernel.effective().numpy() == start).all()
    assert (state["output"][0].numpy() == np.eye(N)).all()


def test_signs_are_kept():
    model = network(units=nt.Units(N, excitatory=0.5))
    learned(model, batch())
    weights = model.output_kernel.effective().numpy()
    assert (weights * model.units.sign >= 0).all() and (weights == 0).any()


@pytest.mark.parametrize(
    "make, message",
    [
        (lambda: nt.rules.RLS(alpha=0.0), "`alpha` must be"),
        (lambda: nt.rules.RLS(alpha=-1.0), "`alpha` must be"),
        (lambda: nt.rules.RLS(shared=1), "`shared` must be True or False, got 1"),
    ],
)
def test_wrong_settings_are_refused(make, message):
    with pytest.raises(ValueError, match=message):
        make()


REFUSED = {
    "loss": (network, {"loss": "huber"}, "`loss` must be the squared error"),
    "penalty": (
        network,
        {"regularizers": nt.regularizers.L2(0.1, of="output")},
        "`regularizers` must be left out with recursive least squares",
    ),
    "output": (
        lambda: network(output_activation="sigmoid"),
        {},
        '`output_activation` must be "linear"',
    ),
    "frozen": (
        lambda: network(nt.Connectivity(frozen=True)),
        {},
        "`output.frozen` must leave some synapses to recursive least squares",
    ),
    "credit": (
        network,
        {"rule": nt.rules.RFLO(update=nt.rules.RLS(), when=1)},
        "`credit` must be Nothing() with RLS",
    ),
    "when": (
        network,
        {"rule": nt.rules.FORCE(when="trial")},
        "`when` must be a number of steps with RLS",
    ),
    "truncated": (
        network,
        {"rule": nt.rules.TruncatedBPTT(update=nt.rules.RLS())},
        "`credit` must be Nothing() with RLS",
    ),
}


@pytest.mark.parametrize("make, settings, message", REFUSED.values(), ids=REFUSED)
def test_what_least_squares_cannot_serve_is_refused(make, settings, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        make().compile("sgd", **({"rule": "force"} | settings))


def test_settings_are_what_they_print():
    from neurotask.backend.rules.credit.nothing import Nothing  # noqa: F401
    from neurotask.backend.rules.error import OutputError  # noqa: F401
    from neurotask.backend.rules.feedback import Symmetric  # noqa: F401
    from neurotask.rules import FORCE, RLS

    rule = FORCE(update=RLS(alpha=2.0, shared=False), when=3, carry=True)
    assert eval(repr(rule)) == rule
