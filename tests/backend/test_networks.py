"""Several networks at once: each ends as it would have alone, whatever the rule."""

from dataclasses import dataclass

import keras
import numpy as np
import pytest
import tensorflow as tf

import neurotask as nt
from neurotask.backend.networks import Networks
from neurotask.backend.rules import named
from neurotask.backend.stacked_optimizer import ELEMENTWISE, StackedOptimizer
from neurotask.backend.stacked_training import StackedTrainer
from neurotask.distributions import Uniform

RATES = (0.01, 0.02, 0.005)
SHORT = {"fixation": 40.0, "stimulus": 80.0, "decision": 140.0}


@pytest.fixture(scope="module")
def short():
    return nt.load("perceptual_discrimination", coherences=(0.25, 0.5), noise=0.01, **SHORT)


def adam(rate):
    return keras.optimizers.Adam(rate)


def made(task, rule="bptt", kind=nt.RateRNN, optimizer=adam, rates=RATES, compiled=(), **settings):
    """Return compiled networks that differ in seed, mask and learning rate."""
    own = {"units": 5}
    if kind is nt.RateRNN:
        own = {"units": nt.Units(6, excitatory=0.5), "noise": 0.2, "activation": "tanh"}
    own |= {"recurrent": nt.Connectivity(density=0.6)} | settings
    models = []
    for at, rate in enumerate(rates):
        model = kind.for_task(task, seed=3 + at, dtype="float64", **own)
        of_this = rule(at) if callable(rule) else rule
        how = {"rule": of_this, "engine": "graph"} | dict(compiled)
        model.compile(optimizer(rate), **how)
        models.append(model)
    return models


def furthest(together, alone):
    """Return the largest difference of all that training changes, as a share of its size."""
    pairs = zip(together.trainer.variables, alone.trainer.variables, strict=True)
    pairs = [(a.numpy(), b.numpy()) for a, b in pairs if a.dtype != "bool"]
    return max(np.abs(a - b).max() / (np.abs(b).max() + 1e-12) for a, b in pairs if a.size)


def assert_equal_to_alone(task, updates=3, tolerance=1e-10, places=(2,), **how):
    """Train networks together, and some of them alone."""
    together, alone = made(task, **how), made(task, **how)
    start = [variable.numpy() for variable in together[0].trainable_variables]
    training = {"updates": updates, "batch_size": 3, "verbose": 0}
    history = Networks(together).fit(task, seed=7, **training)
    assert history["loss"].shape == (updates, len(together))
    assert any(
        (a != b.numpy()).any() for a, b in zip(start, together[0].trainable_variables, strict=True)
    )
    for at in places:
        own = alone[at].fit(task, seed=7 + at, **training).history["loss"]
        assert furthest(together[at], alone[at]) < tolerance
        np.testing.assert_allclose(history["loss"][:, at].mean(), own[0], rtol=1e-6)
    return together


# --- equal to the network alone ------------------------------------------------------------------


# Rules that ask for settings of their own.
SETTINGS = {
    "force": {"recurrent": nt.Connectivity()},
    "miconi": {"rule": nt.rules.Miconi(warmup=4)},
}


@pytest.mark.parametrize("rule", [n for n, kind in named().items() if kind.price is not None])
def test_every_rule_trains_each_network_as_alone(rule, short):
    assert_equal_to_alone(short, **({"rule": rule} | SETTINGS.get(rule, {})))


def test_also_within_a_trial(short):
    assert_equal_to_alone(short, updates=2, rule=nt.rules.RFLO(when=1))


@pytest.mark.parametrize(("kind", "rule"), [(nt.LSTM, "bptt"), (nt.GRU, "rflo")])
def test_also_gated_networks(kind, rule, short):
    assert_equal_to_alone(short, rule=rule, kind=kind)


def test_also_learned_times_outputs_that_feed_back_and_plastic_synapses(short):
    settings = {"trainable": {"tau": True}, "feedback": nt.Connectivity(), "activation": "softplus"}
    settings |= {"plasticity": nt.ShortTermPlasticity(), "feedforward": 3, "shared_noise": 0.1}
    assert_equal_to_alone(short, **settings)


def test_signs_hold_in_each_network(short):
    recurrent = nt.Connectivity(density=0.6, law="projection")
    models = assert_equal_to_alone(short, rates=(0.3, 0.2, 0.1), recurrent=recurrent)
    for model in models:
        weights = model.kernels["recurrent"].effective().numpy()
        assert (weights * model.units.sign >= 0).all()
        assert ((weights == 0) & model.kernels["recurrent"].plastic.numpy()).any()


@pytest.mark.parametrize("feedback", ["kolen_pollack", "sign_concordant"])
def test_feedback_that_changes(feedback, short):
    assert_equal_to_alone(short, rule=nt.rules.RFLO(feedback=feedback))


def test_ranks_of_feedback_may_differ(short):
    feedbacks = (nt.rules.LowRank(1), nt.rules.LowRank(2), nt.rules.Broadcast())
    rule = lambda at: nt.rules.RFLO(feedback=feedbacks[at])  # noqa: E731
    models = assert_equal_to_alone(short, rule=rule)
    ranks = [np.linalg.matrix_rank(m.trainer.state["feedback"].numpy()) for m in models]
    assert ranks == [1, 2, 1]


@pytest.mark.parametrize("kind", ELEMENTWISE)
def test_every_optimizer_that_is_taken(kind):
    rates = (0.02,) * 3 if kind is keras.optimizers.Ftrl else (0.02, 0.01, 0.05)
    settings = {} if kind is keras.optimizers.AdamW else {"weight_decay": 0.1, "clipvalue": 0.5}
    if kind in (keras.optimizers.SGD, keras.optimizers.RMSprop):
        settings["momentum"] = 0.9
    assert_steps_equal([kind(rate, **settings) for rate in rates])


def test_an_average_of_weights_and_a_schedule():
    rate = keras.optimizers.schedules.ExponentialDecay(0.05, 2, 0.5)
    settings = {"use_ema": True, "ema_momentum": 0.5, "gradient_accumulation_steps": 2}
    assert_steps_equal([keras.optimizers.SGD(rate, **settings) for _ in range(3)])


def assert_steps_equal(optimizers):
    """Take steps stacked, half of them after the state has gone out and in, and one by one."""
    random = np.random.default_rng(0)
    gradients = random.standard_normal((4, 3, 2, 5))
    stacked = keras.Variable(np.ones((3, 2, 5)), dtype="float64")
    together = [keras.Variable(np.ones((2, 5)), dtype="float64") for _ in optimizers]
    alone = [keras.Variable(np.ones((2, 5)), dtype="float64") for _ in optimizers]
    copies = [type(one).from_config(one.get_config()) for one in optimizers]
    for one, variable in zip([*optimizers, *copies], [*together, *alone], strict=True):
        one.build([variable])
    for half in (gradients[:2], gradients[2:]):
        optimizer = StackedOptimizer(optimizers, [stacked])
        optimizer.gather()
        for of_all in half:
            optimizer.apply([tf.constant(of_all)], [stacked])
            for one, variable, own in zip(copies, alone, of_all, strict=True):
                one.apply([tf.constant(own)], [variable])
        optimizer.finalize_variable_values([stacked])
        optimizer.scatter()
        for one, variable in zip(copies, alone, strict=True):
            one.finalize_variable_values([variable])
    np.testing.assert_allclose(stacked, np.stack(alone), rtol=0, atol=1e-12)
    assert np.abs(np.diff(stacked, axis=0)).max() > 1e-3
    for one, copy in zip(optimizers, copies, strict=True):
        for given, own in zip(one.variables, copy.variables, strict=True):
            np.testing.assert_allclose(given, own, rtol=1e-12, atol=1e-14)


def test_penalties_are_those_of_each_network(short):
    @keras.saving.register_keras_serializable("test_networks")
    def of_all_kinds(model, batch, states):
        first = tf.reduce_mean(model.rates_of(states)[:, 0] ** 2)
        weights = model.effective()["recurrent"] + model.kernels["recurrent"].raw
        biases = model.bias**2 + model.vectors()["initial_cell"][0]
        return first + tf.reduce_sum(biases) + tf.reduce_sum(tf.abs(weights))

    regularizers = [
        nt.regularizers.L1(0.1),
        nt.regularizers.RateL2(0.5),
        nt.regularizers.RateHomeostasis(0.5, target=0.2),
        of_all_kinds,
    ]
    compiled = {"regularizers": regularizers}
    assert_equal_to_alone(short, rule="rflo", kind=nt.LSTM, compiled=compiled)


def test_trials_of_other_lengths(short):
    assert_equal_to_alone(short.replace(stimulus=Uniform(40.0, 120.0)), rule="rflo")


def test_a_second_call_goes_on_and_sees_what_was_done_to_one_between(short):
    together, alone = made(short, rule="rflo"), made(short, rule="rflo")
    networks, training = Networks(together), {"batch_size": 3, "verbose": 0}
    networks.fit(short, updates=2, seed=1, **training)
    for model in (together[1], alone[1]):
        if model is alone[1]:
            model.fit(short, updates=2, seed=2, **training)
        model.kernels["output"].assign(np.full((2, 6), 0.1))
    history = networks.fit(short, updates=3, seed=1, **training)
    alone[1].fit(short, updates=3, seed=2, **training)
    assert furthest(together[1], alone[1]) < 1e-10
    assert history["update"].values.tolist() == [3, 4, 5]


def test_groups_change_nothing(short):
    models, grouped = made(short, rule="rflo"), made(short, rule="rflo")
    for n, networks in ((1, models), (2, grouped)):
        StackedTrainer(networks, n).fit(short, 3, 2, [1, 1, 2], lambda *_: None)
    assert max(map(furthest, models, grouped)) < 1e-10


def test_xla_changes_nothing(short):
    # In double precision XLA draws other noise than the graph.
    compiled, how = {"engine": "xla"}, {"rule": "rflo", "rates": (0.01, 0.02), "noise": 0.0}
    together, alone = made(short, compiled=compiled, **how), made(short, **how)
    Networks(together).fit(short, updates=2, batch_size=2, seed=5, verbose=0)
    alone[1].fit(short, updates=2, batch_size=2, seed=6, verbose=0)
    assert furthest(together[1], alone[1]) < 1e-10


# --- what comes out ------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def model(short):
    model = nt.RateRNN.for_task(short, units=5, noise=0.1, seed=4)
    model.compile("sgd", rule="rflo", engine="graph")
    return model


def test_copies_differ_in_seed_alone(model):
    networks = Networks.like(model, 3, learning_rates=(0.1, 0.2, 0.3))
    assert networks.seeds == [4, 5, 6]
    assert len(networks) == len(list(networks)) == 3
    np.testing.assert_allclose(networks.learning_rates, [0.1, 0.2, 0.3], rtol=1e-6)
    assert networks[0] is not model
    assert {name: v for name, v in networks[2].settings.items() if name != "seed"} == {
        name: v for name, v in model.settings.items() if name != "seed"
    }
    same = [v.numpy() for v in networks[0].variables]
    assert all((a == b.numpy()).all() for a, b in zip(same, model.variables, strict=True))
    assert repr(networks) == "<Networks: 3 of RateRNN, 5 units, rule RFLO, seeds 4 5 6>"


def test_one_session_of_all(model, short):
    networks, trials = Networks.like(model, 2), short.trials(4, seed=0)
    session = networks.run(trials, seed=3)
    assert session["states"].dims == ("network", "trial", "time", "unit")
    assert session["choice"].dims == ("network", "trial")
    assert session["inputs"].dims == ("trial", "time", "input")
    assert session["network"].values.tolist() == [4, 5]
    own = networks[1].run(trials, seed=3)
    np.testing.assert_array_equal(session["outputs"].sel(network=5), own["outputs"])
    assert session.attrs == own.attrs
    table = networks.evaluate(short, n=8, seed=1)
    assert table.loc[5].to_dict() == networks[1].evaluate(short, n=8, seed=1)


def test_networks_of_one_seed_go_by_place_and_tell_their_rates(model, short):
    networks = Networks.like(model, 2, seeds=(4, 4), learning_rates=(0.1, 0.2))
    history = networks.fit(short, updates=1, batch_size=2, verbose=0)
    assert history["network"].values.tolist() == [0, 1]
    np.testing.assert_allclose(history["learning_rate"], [0.1, 0.2], rtol=1e-6)


def test_one_of_them_is_saved_as_ever(model, short, tmp_path):
    networks = Networks.like(model, 2)
    networks.fit(short, updates=2, batch_size=2, verbose=0)
    networks[1].save(tmp_path / "one.keras")
    loaded = nt.load_model(tmp_path / "one.keras")
    assert furthest(loaded, networks[1]) == 0
    assert int(loaded.updates.numpy()) == 2
    assert networks[1].task == repr(short)


def test_progress_goes_to_the_other_stream(model, short, capsys):
    networks = Networks.like(model, 2)
    networks.fit(short, updates=1, batch_size=2, verbose=0)
    assert capsys.readouterr() == ("", "")
    networks.fit(short, updates=1, batch_size=2)
    told = capsys.readouterr()
    assert told.out == ""
    assert "2 / 2 updates" in told.err
    assert "loss" in told.err


# --- what goes wrong -----------------------------------------------------------------------------


def test_the_network_that_diverges_is_named_and_all_are_left_good(short):
    how = {"optimizer": keras.optimizers.SGD, "rule": nt.rules.BPTT(clip_norm=None)}
    models = made(short, rates=(0.01, 1e36, 0.01), **how)
    alone = made(short, rates=(0.01,) * 3, **how)
    # Network 2 is in a group of its own, which goes on while network 1 breaks.
    with pytest.raises(FloatingPointError, match=r"network 1 \(seed 4\), with a loss of") as error:
        StackedTrainer(models, 2).fit(short, 9, 3, [7, 8, 9], lambda *_: None)
    done = int(models[0].updates.numpy())
    assert 1 <= done < 8
    assert f"breaks at update {done + 1}. All are as they were after update {done}." in str(
        error.value
    )
    assert [int(model.updates.numpy()) for model in models] == [done] * 3
    alone[2].fit(short, updates=done, batch_size=3, seed=9, verbose=0)
    assert furthest(models[2], alone[2]) < 1e-10


def test_no_networks_are_refused(model):
    with pytest.raises(ValueError, match="must hold at least one network, got none"):
        Networks([])
    with pytest.raises(ValueError, match="must be different networks, got one of them twice"):
        Networks([model, model])
    with pytest.raises(TypeError, match="`networks` must be networks, got 3"):
        Networks([3])


@pytest.mark.parametrize(
    ("settings", "compiled", "message"),
    [
        ({"units": 7}, {}, "the same number of units, got 6 in network 0 and 7 in network 1"),
        ({"noise": 0.3}, {}, "the same settings of the dynamics"),
        ({"trainable": {"bias": False}}, {}, "the same vectors that learn"),
        ({"output_activation": "tanh"}, {}, "the same output_activation"),
        ({"recurrent": nt.Connectivity(frozen="->")}, {}, "the same kernels that learn"),
        ({}, {"loss": "huber"}, "the same loss"),
        ({}, {"rule": nt.rules.RFLO(feedback="symmetric")}, "the same rule, but for a matrix"),
        ({}, {"rule": nt.rules.RFLO(when=1)}, "the same rule, but for a matrix"),
        ({}, {"optimizer": "sgd"}, "one optimizer with one set of settings"),
        ({}, {"optimizer": keras.optimizers.Adam(beta_1=0.5)}, "one optimizer with one set"),
    ],
)
def test_networks_that_differ_where_they_must_not(settings, compiled, message, short):
    own = {"units": 6, "noise": 0.2}
    models = [nt.RateRNN.for_task(short, **own), nt.RateRNN.for_task(short, **(own | settings))]
    for model, how in zip(models, ({}, compiled), strict=True):
        model.compile(**({"optimizer": "adam", "rule": "rflo"} | how))
    with pytest.raises(ValueError, match=message):
        Networks(models)


@pytest.mark.parametrize(
    ("optimizer", "message"),
    [
        (lambda rate: keras.optimizers.Lamb(rate), "must move each weight by its own gradients"),
        (lambda rate: keras.optimizers.Adam(rate, clipnorm=1.0), "`clipnorm` of the optimizer"),
        (lambda rate: keras.optimizers.SGD(rate, global_clipnorm=1.0), "`global_clipnorm`"),
        (lambda rate: keras.optimizers.Ftrl(rate), "not proportional to it, .* with Ftrl"),
        (lambda rate: keras.optimizers.SGD(rate, use_ema=True), r"an average of weights"),
    ],
)
def test_optimizers_that_cannot_be_stacked(optimizer, message, short):
    with pytest.raises(ValueError, match=message):
        Networks(made(short, optimizer=optimizer))


def test_networks_of_other_ages_are_refused(short):
    models = made(short, rates=(0.1, 0.1))
    models[0].fit(short, updates=1, batch_size=2, verbose=0)
    with pytest.raises(ValueError, match="the same number of updates behind them, got 1 in"):
        Networks(models)


def test_a_rule_within_trials_needs_the_same_steps(model, short):
    networks = Networks.like(model, 2, rules=[nt.rules.RFLO(when=1)] * 2)
    drawn = short.replace(stimulus=Uniform(40.0, 120.0))
    before = networks[0].get_weights()
    with pytest.raises(ValueError, match="`task` must ask for something at the same steps"):
        networks.fit(drawn, updates=5, batch_size=1, verbose=0)
    assert all((a == b).all() for a, b in zip(before, networks[0].get_weights(), strict=True))
    networks.fit(drawn, updates=1, batch_size=1, seeds=[0, 0], verbose=0)


def test_numbers_that_do_not_fit(model, short):
    networks = Networks.like(model, 2)
    with pytest.raises(ValueError, match="`seeds` must be 2 numbers, one a network, got 3"):
        networks.fit(short, updates=1, seeds=[1, 2, 3])
    with pytest.raises(ValueError, match=r"`verbose` must be 0 or 1, got 2"):
        networks.fit(short, updates=1, verbose=2)
    with pytest.raises(ValueError, match="`learning_rates` must be 3 numbers"):
        Networks.like(model, 3, learning_rates=(0.1,))
    with pytest.raises(ValueError, match="`rules` must be 3 rules"):
        Networks.like(model, 3, rules=("rflo",))
    with pytest.raises(ValueError, match=r"`rules` must be a list of 2 rules, .* got 'rflo'"):
        Networks.like(model, 2, rules="rflo")
    with pytest.raises(ValueError, match="`learning_rates` must be a list of 2 numbers"):
        Networks.like(model, 2, learning_rates=0.1)
    with pytest.raises(TypeError, match="`networks` must be several networks, got one RateRNN"):
        Networks(model)
    with pytest.raises(ValueError, match="`model` must be compiled"):
        Networks.like(nt.RateRNN.for_task(short, units=3), 2)


def test_a_rule_that_is_not_finite_in_its_gradient_alone(short):
    @dataclass(frozen=True)
    class Broken(nt.rules.BPTT):
        def gradients(self, model, batch):
            loss, outputs, gradients = super().gradients(model, batch)
            return loss, outputs, [gradients[0] * np.nan, *gradients[1:]]

    networks = Networks(made(short, rule=Broken()))
    with pytest.raises(
        FloatingPointError, match=r"one of the networks, most likely network . .* breaks at"
    ):
        networks.fit(short, updates=1, batch_size=2, verbose=0)
