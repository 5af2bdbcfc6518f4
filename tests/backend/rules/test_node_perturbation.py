"""Node perturbation: over a complete set of kicks it is the gradient; what it needs and leaves."""

import re
from dataclasses import replace

import numpy as np
import pytest
import tensorflow as tf

import neurotask as nt
from neurotask.backend.rules.base import Batch
from neurotask.backend.rules.credit.perturbation import Kicks, trial_losses
from neurotask.backend.rules.node_perturbation import NodePerturbation

SIGMA = 1e-4
NETWORKS = {
    "state before": (nt.RateRNN, {}),
    "state after, tau": (nt.RateRNN, {"form": "rate", "trainable": {"tau": True}}),
    "Dale, feedback": (
        nt.RateRNN,
        {"units": nt.Units(5, excitatory=0.6), "feedback": nt.Connectivity(density=0.5)},
    ),
    "stage": (nt.RateRNN, {"feedforward": nt.FeedForward(3, activation="tanh")}),
    "plastic synapses": (
        nt.RateRNN,
        {"activation": "softplus", "plasticity": nt.ShortTermPlasticity()},
    ),
    "sigmoid outputs": (nt.RateRNN, {"output_activation": "sigmoid"}),
    "LSTM": (nt.LSTM, {}),
    "GRU": (nt.GRU, {}),
    "GRU, reset after": (nt.GRU, {"reset_after": True}),
}


def every_kick(model, n_steps):
    """Return each kick alone, and each the other way, one a trial."""
    n = len(model.network.dynamics.state_variables) * len(model.units)
    stage = model.network.feedforward
    sizes = (n, len(model.output_names), 0 if stage is None else stage.units)
    per_step = sum(sizes)
    alone = np.eye((n_steps + 1) * per_step)
    both = SIGMA * np.concatenate([alone, -alone]).reshape(-1, n_steps + 1, per_step)
    states, outputs, of_stage = np.split(both.transpose(1, 0, 2), np.cumsum(sizes)[:2], -1)
    kicks = [states[0], states[1:], outputs, None if stage is None else of_stage[1:]]
    return Kicks(*(None if one is None else tf.constant(one) for one in kicks)), len(alone)


@pytest.mark.parametrize("kind, settings", NETWORKS.values(), ids=NETWORKS)
def test_all_kicks_together_are_backpropagation(batch, network, kind, settings):
    given = batch(1, key=None)
    model = network(kind, **settings)
    _, _, wanted = nt.rules.BPTT(clip_norm=None).gradients(model, given)
    kicks, n = every_kick(model, given.inputs.shape[1])
    arrays = (given.inputs, given.targets, given.mask, given.present)
    many = Batch(*(tf.repeat(one, 2 * n, 0) for one in arrays), noise=None)
    rule = NodePerturbation(sigma=SIGMA)
    state = rule.init(model)
    estimate = tf.function(lambda: rule.gradients(model, many, state, kicks), autograph=False)
    for variable, one, two in zip(model.trainable_variables, estimate()[2], wanted, strict=True):
        # The loss is a mean over trials; each kick is there twice, once each way.
        scale = np.abs(two.numpy()).max()
        assert scale > 0, variable.path
        assert n * one.numpy() == pytest.approx(two.numpy(), abs=1e-6 * scale), variable.path


def test_estimate_is_the_sum_of_reward_times_kick_times_rate(batch, network):
    given, model = batch(3), network(noise=0.2)
    rule = NodePerturbation(sigma=0.05)
    loss, outputs, gradients = rule.gradients(model, given)
    kicks = rule.draw(model, given)
    weights, alpha = model.effective_weights(), model.dt / 100.0
    recurrent, incoming = weights["recurrent"].values, weights["input"].values
    readout = weights["output"].values
    u, y, m = (a.numpy() for a in (given.inputs, given.targets, given.mask))
    bias, after = model.bias.numpy(), model.output_bias.numpy()
    summed, total = np.zeros_like(recurrent), 0.0
    for trial in range(3):
        normals = np.stack([model.normals(given.noise, t, 3)[trial] for t in range(u.shape[1])])
        costs, seen = [], 0.0
        for kick in (1.0, 0.0):
            x = model.initial_state.numpy() + kick * kicks.start.numpy()[trial]
            cost = 0.0
            for t, draw in enumerate(normals):
                r = np.tanh(x)
                drive = recurrent @ r + incoming @ u[trial, t] + bias
                x = (1 - alpha) * x + alpha * drive + np.sqrt(alpha * (2 - alpha)) * 0.2 * draw
                x = x + kick * kicks.states.numpy()[t, trial]
                z = readout @ np.tanh(x) + after + kick * kicks.outputs.numpy()[t + 1, trial]
                cost += (m[trial, t] * (z - y[trial, t]) ** 2).sum() / m.sum()
                if kick and given.present[trial, t] > 0:
                    seen = seen + alpha * np.outer(kicks.states.numpy()[t, trial], r)
            costs.append(cost)
        summed += (costs[0] - costs[1]) / 0.05**2 * seen
        total += costs[1]
    at = [v.path for v in model.trainable_variables].index(model.recurrent_kernel.raw.path)
    assert gradients[at].numpy() == pytest.approx(summed, abs=1e-10)
    assert float(loss) == pytest.approx(total, abs=1e-12)
    assert outputs.shape == given.targets.shape


def test_kicks_average_to_the_gradient(batch, network):
    """Over many trials of few steps: the estimate points along the gradient."""
    given, model = batch(2, key=None), network(units=3)
    _, _, wanted = nt.rules.BPTT(clip_norm=None).gradients(model, given)
    arrays = (given.inputs, given.targets, given.mask, given.present)
    key = tf.constant([5, 6], tf.int64)
    many = Batch(*(tf.repeat(one, 20_000, 0) for one in arrays), noise=key)
    _, _, got = NodePerturbation(sigma=0.01).gradients(model, many)
    one, two = (np.concatenate([g.numpy().ravel() for g in each]) for each in (got, wanted))
    assert one @ two / np.linalg.norm(one) / np.linalg.norm(two) > 0.97
    assert one @ two / (two @ two) == pytest.approx(1.0, abs=0.1)


def test_running_mean_stands_for_what_is_expected(batch, network):
    given, model = batch(3), network(rule=NodePerturbation(baseline="mean", memory=0.75))
    rule, state, costs = model.rule, model.rule.init(model), []
    start = [variable.numpy() for variable in model.trainable_variables]
    for update in range(3):
        kicked = replace_noise(given, update)
        _, outputs, _ = rule.gradients(model, kicked, state)
        by_time = tf.transpose(outputs, (1, 0, 2))
        costs.append(float(tf.reduce_mean(trial_losses(model, kicked, by_time))))
        rule.learn(model, kicked, state)
        now = [variable.numpy() for variable in model.trainable_variables]
        same = all((one == two).all() for one, two in zip(start, now, strict=True))
        assert same == (update == 0)  # the first update has nothing to compare with
    wanted = 0.75 * (0.75 * costs[0] + 0.25 * costs[1]) + 0.25 * costs[2]
    assert float(state["mean"]) == pytest.approx(wanted, abs=1e-12)


def replace_noise(given, update):
    return replace(given, noise=tf.constant([11, update], tf.int64))


def test_padding_changes_nothing(batch, network):
    model, rule = network(noise=0.2), NodePerturbation()
    steps = batch(3).inputs.shape[1]
    one, two = (rule.gradients(model, batch(3, steps=n)) for n in (steps, steps + 7))
    assert float(one[0]) == pytest.approx(float(two[0]), abs=1e-14)
    for a, b in zip(one[2], two[2], strict=True):
        assert a.numpy() == pytest.approx(b.numpy(), abs=1e-12)


def test_losses_of_trials_have_the_loss_as_their_mean(batch, network):
    for loss in ("mean_squared_error", "huber", "categorical_cross_entropy"):
        model, given = network(loss=loss), batch(3)
        _, outputs = model.unroll(given.inputs)
        each = trial_losses(model, given, tf.transpose(outputs, (1, 0, 2)))
        wanted = model.loss_function(given.targets, outputs, given.mask, given.present)
        assert each.shape == (3,)
        assert float(tf.reduce_mean(each)) == pytest.approx(float(wanted), abs=1e-14)


@pytest.mark.parametrize("baseline", ["clean", "mean"])
def test_training_leaves_what_is_frozen_and_keeps_signs(short, baseline):
    frozen = np.eye(8, dtype=int)
    model = nt.RateRNN.for_task(
        short,
        units=nt.Units(8, excitatory=0.5),
        noise=0.1,
        recurrent=nt.Connectivity(frozen=frozen, density=0.5),
    )
    model.compile("adam", rule=NodePerturbation(baseline=baseline), engine="graph")
    before = model.recurrent_kernel.effective().numpy()
    others = {v.path: v.numpy() for v in model.trainable_variables}
    model.fit(short, updates=4, batch_size=4, verbose=0)
    after = model.recurrent_kernel.effective().numpy()
    exists = model.recurrent_kernel.exists.numpy()
    assert (after[frozen == 1] == before[frozen == 1]).all() and (after[~exists] == 0).all()
    assert (after * model.units.sign >= 0).all()
    for variable in model.trainable_variables:
        assert (variable.numpy() != others[variable.path]).any(), variable.path


def test_penalties_of_weights_are_descended(batch, network):
    plain, held = network(), network(regularizers=nt.regularizers.L2(0.5))
    given, rule = batch(3), NodePerturbation()
    (one, _, a), (two, _, b) = (rule.gradients(model, given) for model in (plain, held))
    weights = tf.convert_to_tensor(plain.recurrent_kernel.raw)
    assert float(two - one) == pytest.approx(0.5 * float(tf.reduce_mean(weights**2)))
    at = [v.path for v in plain.trainable_variables].index(plain.recurrent_kernel.raw.path)
    wanted = 0.5 * 2 * weights.numpy() / weights.shape.num_elements()
    assert (b[at] - a[at]).numpy() == pytest.approx(wanted, abs=1e-14)


def test_compiled_by_xla_it_is_the_same(batch, network):
    model, rule, given = network(noise=0.0), NodePerturbation(sigma=0.1), batch(3)
    kicks, state = rule.draw(model, given), rule.init(model)
    run = lambda: rule.gradients(model, given, state, kicks)  # noqa: E731
    one = run()
    two = tf.function(run, autograph=False, jit_compile=True)()
    for a, b in zip(tf.nest.flatten(one), tf.nest.flatten(two), strict=True):
        assert a.numpy() == pytest.approx(b.numpy(), abs=1e-12)


def mine(targets, outputs, mask):
    return tf.reduce_sum(mask * (targets - outputs) ** 2)


REFUSED = [
    (lambda: NodePerturbation(sigma=0.0), {}, "`sigma` must be"),
    (lambda: NodePerturbation(memory=1.5), {}, "`memory` must be"),
    (lambda: NodePerturbation(baseline="none"), {}, "`baseline` must be"),
    (
        lambda: NodePerturbation(update=nt.rules.RLS()),
        {},
        "`update` must be one that takes gradients for node perturbation",
    ),
    (lambda: NodePerturbation(update="adam"), {}, "`update` must be one that takes gradients"),
    (
        NodePerturbation,
        {"regularizers": nt.regularizers.RateL2(0.1)},
        "`regularizers` must be penalties of weights for node perturbation",
    ),
]


@pytest.mark.parametrize("make, settings, message", REFUSED)
def test_what_it_cannot_serve_is_refused(network, make, settings, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        network(rule=make(), **settings)


def test_loss_of_which_the_whole_alone_is_known_is_refused(network):
    import keras

    loss = keras.saving.register_keras_serializable("node_perturbation_test")(mine)
    with pytest.raises(ValueError, match="`loss` must be a mean over entries for node perturb"):
        network(rule="node_perturbation", loss=loss)


def test_without_a_key_there_are_no_kicks(batch, network):
    with pytest.raises(ValueError, match="`noise` of the batch must be a key"):
        NodePerturbation().gradients(network(), batch(3, key=None))


def test_settings_are_what_they_print():
    from neurotask.rules import Descent

    rule = NodePerturbation(sigma=0.02, baseline="mean", update=Descent(clip_norm=None))
    assert eval(repr(rule)) == rule
