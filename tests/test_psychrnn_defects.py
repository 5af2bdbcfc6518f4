"""What is known to go wrong in PsychRNN 1.0.0, one line of the list after the other, does not here.

A test is named after its line: T training, G global state, W weights and constraints, L the LSTM,
K curricula, S simulators. Where a defect cannot arise by design, its observable side is tested.
"""

import copy
import os
import pickle
import random
import subprocess
import sys
from dataclasses import dataclass

import keras
import numpy as np
import pytest
import tensorflow as tf
from scipy.special import expit

import neurotask as nt
from neurotask.backend.rules.base import Batch

N = 6
DALE = nt.Units(N, excitatory=0.5)


@dataclass(frozen=True, kw_only=True)
class Echo(nt.Task):
    """One input to be repeated on one output, from the first step on."""

    inputs = ("u",)
    outputs = ("z",)
    on: nt.Duration = 80.0
    asked: bool = True

    def factors(self):
        return dict(size=nt.Uniform(0.0, 1.0))

    def build(self, t):
        t.input("u", t.conditions["size"])
        if self.asked:
            t.target("z", t.conditions["size"])


@pytest.fixture(scope="module")
def quick():
    """Two choices in 13 steps."""
    times = dict(fixation=40.0, stimulus=80.0, decision=140.0)
    return nt.load("rdm", coherences=(0.25, 0.5), noise=0.01, **times)


@pytest.fixture(scope="module")
def make(quick):
    """Return a maker of small compiled networks for that task."""

    def made(kind=nt.RateRNN, loss="mean_squared_error", optimizer="adam", **settings):
        model = kind.for_task(quick, **(dict(units=N) | settings))
        model.compile(optimizer, loss=loss)
        return model

    return made


@pytest.fixture(scope="module")
def worn(make):
    """A network that tests train further and further, so that it is compiled once."""
    return make(noise=0.1)


def fit(model, task, updates=2, **settings):
    return model.fit(task, updates=updates, **(dict(batch_size=4, verbose=0) | settings))


def weights(model):
    return {name: values.to_numpy() for name, values in model.effective_weights().items()}


def same(one, other):
    """Whether two networks have the same variables to the bit."""
    pairs = zip(one.get_weights(), other.get_weights(), strict=True)
    return all(np.array_equal(a, b) for a, b in pairs)


def close(one, other):
    """Raise unless two sessions have the same outputs, states and rates, in float precision."""
    for name in ("outputs", "states", "rates"):
        np.testing.assert_allclose(one[name], other[name], rtol=1e-5, atol=1e-5, err_msg=name)


@pytest.fixture
def drawn(monkeypatch):
    """The batches that tasks are asked for, as (number of trials, stream, index)."""
    asked, batch = [], nt.Task.batch

    def noted(self, n, *, stream, index, **rest):
        asked.append((n, stream.name, index))
        return batch(self, n, stream=stream, index=index, **rest)

    monkeypatch.setattr(nt.Task, "batch", noted)
    return asked


# --- T: training and state --------------------------------------------------------------------


def test_t1_a_second_fit_continues(quick, make):
    """T1: `train()` starts from the initial weights again, each time."""
    whole, parts = make(), make()
    fit(whole, quick, 5)
    fit(parts, quick, 3)
    fit(parts, quick, 2)
    assert same(whole, parts) and not same(parts, make())
    assert int(parts.optimizer.iterations) == int(parts.updates) == 5


def test_t2_training_again_adds_no_graph(quick, make, monkeypatch):
    """T2: each `train()` adds a graph of gradients, each `get_weights()` nine operations."""
    traced, unroll = [], nt.RateRNN.unroll
    monkeypatch.setattr(nt.RateRNN, "unroll", lambda *a: traced.append(1) or unroll(*a))
    model = make()
    fit(model, quick)
    n = len(traced)
    assert n
    for batch_size in (4, 1, 3):
        fit(model, quick, batch_size=batch_size)
        model.effective_weights()
    assert len(traced) == n
    assert not tf.compat.v1.get_default_graph().get_operations()


def test_t3_a_network_may_be_tested_before_it_is_trained(quick, make):
    """T3: BasicScan cannot be trained once `test()` or `get_weights()` was called."""
    model = make()
    before = weights(model)
    model.run(quick.trials(2))
    assert model.evaluate(quick, n=4)["loss"] > 0
    fit(model, quick)
    assert (weights(model)["recurrent"] != before["recurrent"]).any()


def test_t4_any_number_and_length_of_trials(quick, worn):
    """T4: one trial gives `N_batch` copies, three an error, other lengths an error."""
    trials = quick.trials(3, seed=1)
    whole = worn.run(trials, noise=False)
    for n in (1, 2, 3):
        part = worn.run(trials[:n], noise=False)
        assert part.sizes["trial"] == n
        close(part, whole.isel(trial=slice(n)))
    longer = quick.replace(stimulus=200.0)
    assert worn.run(longer.trials(1)).sizes["time"] == whole.sizes["time"] + 6
    fit(worn, longer, batch_size=1)
    fit(worn, quick, batch_size=3)
    assert worn.with_dt(10.0).run(quick.replace(dt=10.0).trials(1)).sizes["time"] == 26


def test_t5_clipping_keeps_the_direction_of_the_gradient(quick, make):
    """T5: each variable's gradient is clipped on its own, at a norm that cannot be set."""
    model, trials = make(dtype="float64"), quick.trials(4, seed=1)
    arrays = [tf.constant(a, tf.float64) for a in (trials.inputs, trials.targets, trials.mask)]
    present = tf.constant(trials.present, tf.float64)
    batch = Batch(*arrays, present, tf.constant([1, 1], tf.int64))
    start = model.get_weights()

    def change(clip_norm):
        model.set_weights(start)
        model.compile(keras.optimizers.SGD(1.0), rule=nt.rules.BPTT(clip_norm=clip_norm))
        before = [variable.numpy() for variable in model.trainable_variables]
        model.rule.learn(model, batch, None)
        pairs = zip(before, model.trainable_variables, strict=True)
        return np.concatenate([(was - now.numpy()).ravel() for was, now in pairs])

    free, cut = change(None), change(0.01)
    assert np.linalg.norm(cut) == pytest.approx(0.01, rel=1e-5)
    np.testing.assert_allclose(cut / 0.01, free / np.linalg.norm(free), atol=1e-6)


def windowed(loss, window, padding=0, factor=1.0):
    """Return the loss of an error of 0.5 wherever a window asks, in 20 steps and padding."""
    shape = (1, 20 + padding, 1)
    mask, present = np.zeros(shape, np.float32), np.zeros(shape[:2], np.float32)
    mask[:, :window], present[:, :20] = factor, 1.0
    return float(loss(np.zeros(shape, np.float32), np.full(shape, 0.5, np.float32), mask, present))


def test_t6_the_loss_depends_on_neither_window_nor_padding():
    """T6: the error is divided by all entries and the mask squared, so windows change its scale."""
    ours = nt.losses.MeanSquaredError()
    theirs = nt.losses.MeanSquaredError(mean="psychrnn")
    for options in (dict(), dict(padding=20), dict(factor=3.0)):
        for window in (5, 10, 20):
            assert windowed(ours, window, **options) == pytest.approx(0.25)
    assert windowed(theirs, 10) == pytest.approx(0.125)
    assert windowed(theirs, 5) == pytest.approx(0.0625)
    assert windowed(theirs, 10, padding=20) == pytest.approx(0.0625)
    assert windowed(theirs, 10, factor=3.0) == pytest.approx(0.125 * 9)


def test_t6_an_empty_mask_is_refused():
    """T6: where the mask is empty the loss is 0."""
    task = Echo(asked=False)
    model = nt.RateRNN.for_task(task, units=N)
    model.compile()
    with pytest.raises(ValueError, match=r"^`mask` must ask for something, but Echo paints no"):
        fit(model, task)


def test_t7_cross_entropy_pulls_from_afar():
    """T7: linear outputs are clipped to (0, 1), outside of which the gradient is exactly 0."""
    outputs = tf.constant([[[-3.0], [4.0]]])
    targets, one = tf.constant([[[1.0], [0.0]]]), tf.ones((1, 2, 1))
    gradients = []
    ours = nt.losses.BinaryCrossEntropy()
    for loss in (ours, nt.losses.BinaryCrossEntropy(logits=False, mean="psychrnn")):
        with tf.GradientTape() as tape:
            tape.watch(outputs)
            value = loss(targets, outputs, one, one[..., 0])
        gradients.append(tape.gradient(value, outputs).numpy().ravel())
    assert gradients[0][0] < -0.4 and gradients[0][1] > 0.4
    assert not gradients[1].any()


def test_t6_t7_psychrnns_losses_have_names(make):
    """T6, T7: PsychRNN's own means are there by name, for a comparison."""
    theirs = nt.losses.MeanSquaredError(mean="psychrnn")
    assert make(loss="psychrnn_mean_squared_error").loss_function == theirs
    theirs = nt.losses.BinaryCrossEntropy(logits=False, mean="psychrnn")
    assert make(loss="psychrnn_binary_cross_entropy").loss_function == theirs


def test_t8_updates_are_updates_and_no_batch_is_thrown_away(quick, worn, drawn):
    """T8: `training_iters` counts trials, and the first batch is drawn for its size alone."""
    before = int(worn.updates)
    fit(worn, quick, 3)
    assert int(worn.updates) == before + 3
    assert drawn == [(4, "TRAINING", before + k) for k in range(3)]


def test_t9_watching_costs_no_batches(quick, worn, drawn):
    """T9: a performance measure draws a fresh batch after every update, and one batch decides."""
    stop = keras.callbacks.EarlyStopping("accuracy", mode="max", min_delta=2.0, patience=3)
    history = fit(worn, quick, 50, segment=2, callbacks=[stop]).history
    assert len(history["accuracy"]) == 4  # the first, and as many without gain as patience says
    assert len(drawn) == 8


def test_t10_testing_in_between_changes_no_batch(quick, worn, drawn):
    """T10: the batches of curricula and measures come from the generator of training."""
    before = int(worn.updates)
    fit(worn, quick)
    worn.evaluate(quick, n=8)
    worn.run(quick.trials(3))
    fit(worn, quick)
    trained = [index for _, stream, index in drawn if stream == "TRAINING"]
    assert trained == [before + k for k in range(4)]


def test_t11_callbacks_act_and_an_interrupt_loses_nothing(quick, worn):
    """T11: no history, no schedule, no callbacks; what an interrupt finds is lost."""
    rate = float(worn.optimizer.learning_rate)
    schedule = keras.callbacks.LearningRateScheduler(lambda segment: rate / (segment + 1))
    history = fit(worn, quick, 4, segment=2, callbacks=[schedule]).history
    assert history["learning_rate"] == pytest.approx([rate, rate / 2])
    assert len(history["loss"]) == 2 and history["updates"][-1] == int(worn.updates)

    class Interrupt(keras.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            raise KeyboardInterrupt

    before, updates = weights(worn)["recurrent"], int(worn.updates)
    with pytest.raises(KeyboardInterrupt):
        fit(worn, quick, 50, callbacks=[Interrupt()])
    assert int(worn.updates) > updates and (weights(worn)["recurrent"] != before).any()
    fit(worn, quick)  # and goes on


def operations(model, n_in=3):
    """Return the names of the operations of a run, and those of them within the loop of steps."""
    model.compile(engine="graph")
    spec = tf.TensorSpec((None, None, n_in))
    graph = tf.function(lambda u: model.unroll(u, tf.constant([1, 1], tf.int64))[1])
    library = graph.get_concrete_function(spec).graph.as_graph_def().library.function
    nodes = {f.signature.name: {node.op for node in f.node_def} for f in library}
    nodes[""] = {node.op for node in graph.get_concrete_function(spec).graph.as_graph_def().node}
    loops = [ops for name, ops in nodes.items() if "body" in name]
    assert loops
    return set().union(*nodes.values()), set().union(*loops)


def test_t12_a_step_computes_no_more_than_it_must(make):
    """T12: noise of 0 is drawn, and signs and masks are applied, again in every step."""
    everything, loop = operations(make(units=DALE, recurrent=nt.Connectivity(autapses=False)))
    assert {"SelectV2", "GreaterEqual"} <= everything  # Dale's law and the mask
    assert not {"SelectV2", "Select", "GreaterEqual", "Abs"} & loop
    assert not any("Random" in one for one in everything)
    assert any("Random" in one for one in operations(make(noise=0.1))[1])
    assert make().penalties == ()


def test_t13_double_precision(quick, make):
    """T13: float32 alone, while a task's arrays are float64."""
    assert quick.trials(1).inputs.dtype == np.float32
    model = make(dtype="float64")
    assert {str(w.dtype) for w in model.trainable_variables} == {"float64"}
    assert model.unroll(np.zeros((1, 2, 3)))[1].dtype == tf.float64


# --- G: global state --------------------------------------------------------------------------


def test_k9_a_curriculum_can_be_used_again(quick, make):
    curriculum = nt.Curriculum([nt.Stage(quick, threshold=0.0, every=2, trials=4)] * 2)
    for _ in range(2):
        make().fit(curriculum, updates=10, batch_size=4, verbose=0)
        assert curriculum.log["event"].tolist() == ["advance", "end"]


def test_k9_an_unfinished_run_has_its_log_on_disk(quick, make, tmp_path):
    stage = nt.Stage(quick, threshold=1.0, passes=9, every=2, trials=4)
    make().fit(stage, updates=4, batch_size=4, verbose=0, run=tmp_path / "run")
    assert (tmp_path / "run" / "curriculum.csv").read_text().count("\n") == 3


def test_k9_a_metric_that_is_no_number_is_said_at_the_first_evaluation(quick, make):
    model = make()
    stage = nt.Stage(quick, metric=lambda evaluation: [1.0, 2.0], threshold=0.5, every=2, trials=4)
    with pytest.raises(ValueError, match="`metric` must be a number, got array"):
        model.fit(stage, updates=10, batch_size=4, verbose=0)
    assert int(model.updates) == 2


def test_k9_stages_may_differ_in_length(quick, make):
    stages = [
        nt.Stage(one, threshold=0.0, every=2, trials=4)
        for one in (quick, quick.replace(stimulus=200.0))
    ]
    model = make()
    model.fit(stages, updates=10, batch_size=4, verbose=0)
    assert int(model.updates) == 4


def test_k4_a_task_that_asks_for_nothing_passes_no_stage(make):
    with pytest.raises(ValueError, match='`metric` must be "loss" or a function for Echo'):
        nt.Stage(Echo(asked=False))


def test_g1_eager_execution_stays_on():
    """G1: importing PsychRNN switches eager execution off in the whole process."""
    assert nt.interop.psychrnn.load and nt.RateRNN and nt.simulate
    assert tf.executing_eagerly()
    assert tf.function(lambda x: 2 * x)(tf.constant(1.0)).numpy() == 2.0


def test_g2_the_end_of_one_network_is_not_that_of_others(quick, make):
    """G2: `destruct()` resets the graph in which the other networks are."""
    one, two = make(), make(seed=1)
    one.run(quick.trials(1))
    del one
    keras.backend.clear_session()
    fit(two, quick)
    assert int(two.updates) == 2 and make().run(quick.trials(1)).sizes["trial"] == 1


def test_g3_two_networks_of_the_same_settings_train_side_by_side(quick, make):
    """G3: with names of one length, fixed weights are looked for in the other network."""
    frozen = nt.Connectivity(frozen="E->I", autapses=False)
    one, two = (make(units=DALE, recurrent=frozen) for _ in range(2))
    fit(one, quick, 2)
    fit(two, quick, 4)
    fit(one, quick, 2)
    assert same(one, two)


def test_g4_a_network_has_its_own_weights_alone(quick, make, worn):
    """G4: a network called "net" gathers the variables of "net2" too."""
    one, two = make(), make()
    assert one.name == two.name or one.name.startswith("rate_rnn")
    assert len(one.weights) == len(two.weights) == len({id(w) for w in one.weights})
    assert not {id(w) for w in one.weights} & {id(w) for w in two.weights}
    before = weights(one)["recurrent"]
    two.recurrent_kernel.assign(np.zeros((N, N)))
    fit(worn, quick)
    np.testing.assert_array_equal(weights(one)["recurrent"], before)


def test_g5_tasks_are_copied_and_pickled(quick):
    """G5: parameters are the live task, with a generator inside that cannot be copied."""
    for task in (quick, Echo()):
        for other in (copy.deepcopy(task), pickle.loads(pickle.dumps(task))):
            assert other == task
            np.testing.assert_array_equal(other.trials(2).inputs, task.trials(2).inputs)


def test_g5_settings_are_copies(make):
    """G5: a change of the parameters changes the task, and one dict serves two networks."""
    model = make(units=nt.Units({"PPC": 3, "PFC": 3}))
    changed = model.settings
    changed["inputs"], changed["dt"] = (), 7.0
    changed["units"].n["PPC"] = 99
    assert model.settings["dt"] == model.dt == 20.0 and len(model.input_names) == 3
    assert len(model.units.area) == N


def test_g6_global_chance_is_neither_used_nor_changed(quick, worn):
    """G6: chance is NumPy's global state and TensorFlow's global seed."""
    runs = []
    for seed in (1, 2):
        random.seed(seed)
        np.random.seed(seed)  # noqa: NPY002
        tf.random.set_seed(seed)
        states = random.getstate(), np.random.get_state()[1].copy()  # noqa: NPY002
        model, *others = (
            kind.for_task(quick, units=N, seed=5, **settings)
            for kind, settings in ((nt.RateRNN, dict(noise=0.1)), (nt.LSTM, {}), (nt.GRU, {}))
        )
        runs.append([model.run(quick.trials(2, seed=3), seed=4).outputs.to_numpy()])
        runs[-1] += [array for one in (model, *others) for array in one.get_weights()]
        fit(worn, quick)
        worn.evaluate(quick, n=4)
        nt.simulate(model, quick.trials(2))
        after = random.getstate(), np.random.get_state()[1]  # noqa: NPY002
        assert after[0] == states[0] and (after[1] == states[1]).all()
    for a, b in zip(*runs, strict=True):
        np.testing.assert_array_equal(a, b)


# --- W: weights, constraints, initialization --------------------------------------------------


@pytest.mark.parametrize("share", [0.0, 1.0])
def test_w1_networks_of_one_type_train(quick, make, share):
    """W1: a ratio of 0 or 1 crashes, or is taken for no law."""
    model = make(units=nt.Units(N, excitatory=share))
    before = weights(model)["recurrent"]
    fit(model, quick)
    after = weights(model)
    sign = 1.0 if share else -1.0
    assert (sign * after["recurrent"] >= 0).all() and (sign * after["output"] >= 0).all()
    assert after["recurrent"].any() and (after["recurrent"] != before).any()


def test_w1_a_share_out_of_range():
    """W1: a ratio out of range fails with "No active exception to reraise"."""
    with pytest.raises(ValueError, match=r"^`excitatory` must be a number in \[0, 1\], got 1\.2"):
        nt.Units(N, excitatory=1.2)


def test_w2_shares_are_rounded_to_the_nearest():
    """W2: int(0.29 * 100) is 28."""
    for share, n in ((0.29, 100), (0.57, 100), (0.8, 10), (0.7, 9)):
        assert (nt.Units(n, excitatory=share).cell_type == "E").sum() == round(share * n)


@pytest.mark.parametrize("density", [1.0, 0.1])
@pytest.mark.parametrize("units", [12, nt.Units(12, excitatory=0.75)], ids=["free", "Dale"])
@pytest.mark.parametrize("autapses", [True, False], ids=["", "no autapses"])
def test_w3_radius_is_that_of_the_effective_matrix(make, units, density, autapses):
    """W3: the radius is scaled before masks and signs act: 0.30 for 1.1."""
    for seed in range(3):
        synapses = nt.Connectivity(density=density, autapses=autapses)
        model = make(units=units, recurrent=synapses, seed=seed)
        radius = np.abs(np.linalg.eigvals(weights(model)["recurrent"].astype(float))).max()
        assert radius == pytest.approx(1.1, rel=1e-3)


@pytest.mark.parametrize("initializer", ["spectral_radius", "balanced", "gaussian"])
def test_w4_a_unit_without_sources(make, initializer):
    """W4: a unit without recurrent input makes NaN, or a crash, under Dale's law."""
    mask = np.ones((N, N))
    mask[2] = mask[:, 1] = 0
    start = weights(make(units=DALE, recurrent=nt.Connectivity(mask, initializer=initializer)))
    recurrent = start["recurrent"]
    assert np.isfinite(recurrent).all() and recurrent.any() and not recurrent[mask == 0].any()


@pytest.mark.parametrize("initializer", ["glorot_normal", "glorot_uniform", "gaussian"])
def test_w5_a_channel_without_targets_and_a_unit_without_channels(quick, make, initializer):
    """W5: glorot divides by the synapses of both, which are none: NaN in every output."""
    mask = np.ones((N, 3))
    mask[4] = mask[:, 1] = 0
    model = make(input=nt.Connectivity(mask, initializer=initializer))
    assert weights(model)["input"][mask == 1].any()
    assert np.isfinite(model.run(quick.trials(2)).outputs).all()


def test_w6_an_initializer_of_the_recurrent_weights_is_used(make):
    """W6: `which_rand_W_rec_init` does nothing."""
    recurrent = weights(make(recurrent=nt.Connectivity(initializer="orthogonal")))["recurrent"]
    np.testing.assert_allclose(recurrent @ recurrent.T, np.eye(N), atol=1e-5)


def test_w7_arrays_of_the_caller_stay_as_they_are(make):
    """W7: `autapses=False` writes into the caller's mask."""
    mask, frozen, values = np.ones((N, N)), np.eye(N), np.full((N, N), 0.1)
    np.fill_diagonal(values, 0.0)
    before = [array.copy() for array in (mask, frozen, values)]
    model = make(recurrent=nt.Connectivity(mask, autapses=False, frozen=frozen, initializer=values))
    model.recurrent_kernel.assign(values)
    for array, was in zip((mask, frozen, values), before, strict=True):
        np.testing.assert_array_equal(array, was)
    mask[:] = 0.0
    assert model.recurrent_kernel.exists.numpy().sum() == N * (N - 1)


def test_w8_a_file_holds_its_settings_and_others_are_refused(make, tmp_path):
    """W8: beside a file, constraints and transfer function are ignored."""
    sparse = nt.Connectivity(density=0.5, autapses=False, initializer="gaussian")
    model = make(units=DALE, recurrent=sparse, activation="tanh")
    assert model.settings["activation"] == "tanh" and model.settings["recurrent"] == sparse
    model.save(tmp_path / "m.keras")
    back = nt.load_model(tmp_path / "m.keras")
    assert back.settings == model.settings and same(back, model)
    with pytest.raises(TypeError, match="unexpected keyword argument 'autapses'"):
        nt.load_model(tmp_path / "m.keras", autapses=False)
    nt.interop.psychrnn.save(model, tmp_path / "w.npz", dale=False)
    settings = dict(dt=20.0, tau=100.0, activation="tanh")
    with pytest.raises(ValueError, match=r"^`units` must be as in the file, 6 without type, got"):
        nt.interop.psychrnn.load(tmp_path / "w.npz", **settings, units=DALE)


def test_w9_weights_of_zero_learn_under_dales_law(quick, make):
    """W9: the gradient of |w| at 0 is 0, so that what starts there stays."""
    model = make(units=DALE, recurrent=nt.Connectivity(initializer="identity"))
    off = ~np.eye(N, dtype=bool)
    assert not weights(model)["recurrent"][off].any()
    fit(model, quick, 3)
    after = weights(model)["recurrent"]
    assert (after[off] != 0).mean() > 0.5 and (after * DALE.sign >= 0).all()


def test_w9_the_law_is_of_units_and_each_kernel_may_say_otherwise(make):
    """W9: inputs are made positive, and inhibitory units cut off from the outputs, always."""
    start = weights(make(units=DALE))
    assert (start["input"] < 0).any() and (start["output"][:, 3:] < 0).any()
    free = make(units=DALE, output=nt.Connectivity(sign=0), input=nt.Connectivity(sign=1))
    start = weights(free)
    assert (start["output"][:, :3] < 0).any() and (start["input"] >= 0).all()
    assert not weights(make(units=DALE, output=nt.Connectivity(of="E")))["output"][:, 3:].any()


def test_w10_what_would_not_save_is_refused_before_training(make):
    """W10: a lambda fails in `save()`, after training, and leaves a torn file behind."""
    function, penalty = (lambda *a: a[0]), nt.regularizers.CustomPenalty
    for setting in ("activation", "output_activation"):
        with pytest.raises(ValueError, match=rf"^`{setting}` must be .* would save and not load"):
            make(**{setting: function})
    with pytest.raises(ValueError, match=r"^`activation` must be .* would save and not load"):
        make(feedforward=nt.FeedForward(3, activation=function))
    with pytest.raises(ValueError, match=r"^`loss` must be .* would save and not load"):
        make(loss=function)
    with pytest.raises(ValueError, match=r"^`function` must be .* would save and not load"):
        penalty(function)


def test_w10_files_hold_no_pickles(make, tmp_path):
    """W10: loading unpickles the transfer function, which may be any code."""
    model = make(activation="tanh")
    model.parameters().save(tmp_path / "ours.npz")
    nt.interop.psychrnn.save(model, tmp_path / "theirs.npz")
    for name in ("ours.npz", "theirs.npz"):
        with np.load(tmp_path / name, allow_pickle=False) as file:
            assert all(file[entry].dtype != object for entry in file.files)


def test_w11_weights_are_apart_from_what_the_optimizer_keeps(quick, worn):
    """W11: after training, `get_weights()` mixes in the slots of the optimizer."""
    fit(worn, quick)
    assert set(worn.effective_weights()) == {"input", "recurrent", "output"}
    arrays = worn.parameters()
    assert set(arrays.kernels) == {"input", "recurrent", "output"}
    assert set(arrays.vectors) == {"bias", "initial_state", "output_bias", "tau"}
    assert len(worn.optimizer.variables) > len(worn.trainable_variables)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (dict(recurrent=nt.Connectivity(frozen="Wrec->")), '`recurrent.frozen` must be made of "E", "I", got \'Wrec\''),
        (dict(input=nt.Connectivity(frozen="motoin_left->")), '`input.frozen` must be among the input channels .* Did you mean "motion_left"'),
        (dict(trainable={"bais": True}), '`trainable` must be one of .* Did you mean "bias"'),
    ],
)  # fmt: skip
def test_w12_fixed_weights_of_a_wrong_name(make, settings, message):
    """W12: a key that no weight has is passed over, and all weights train."""
    with pytest.raises(ValueError, match=f"^{message}"):
        make(units=DALE, **settings)


def test_w12_fixed_weights_stay_under_weight_decay(quick, make):
    """W12: the gradient alone is masked, which weight decay does not heed."""
    decay = keras.optimizers.AdamW(0.01, weight_decay=0.5)
    model = make(optimizer=decay, units=DALE, recurrent=nt.Connectivity(frozen="E->I"))
    before = weights(model)["recurrent"]
    fit(model, quick)
    after = weights(model)["recurrent"]
    fixed = np.outer(DALE.sign < 0, DALE.sign > 0)
    assert before[fixed].all()
    np.testing.assert_array_equal(after[fixed], before[fixed])
    assert (after[~fixed] != before[~fixed]).all()


@pytest.mark.parametrize(
    ("wrong", "meant"),
    [("nosie", "noise"), ("excitatry", ""), ("activaton", "activation"), ("recurent", "recurrent"), ("shared_nois", "shared_noise")],
)  # fmt: skip
def test_w13_a_misspelt_setting_is_an_error(make, wrong, meant):
    """W13: keys that nobody knows are passed over, such as `rec_nosie`."""
    hint = rf' Did you mean "{meant}"\?' if meant else ""
    message = rf"^`RateRNN` must be given arguments that it has, got `{wrong}`\.{hint}$"
    with pytest.raises(TypeError, match=message):
        make(**{wrong: 0.1})
    with pytest.raises(TypeError, match=message):
        nt.RateRNN(["u"], ["z"], units=N, dt=20.0, **{wrong: 0.1})


def test_w13_misspelt_arguments_are_errors_everywhere(quick, worn):
    """W13: `learning_rat` and `load_weight_path` are passed over, and the network is untrained."""
    for wrong, call in (
        ("densty", nt.Connectivity),
        ("excitatry", nt.Units),
        ("clip_nrom", nt.rules.BPTT),
        ("batch_sise", lambda **k: worn.fit(quick, updates=1, **k)),
        ("learning_rat", worn.compile),
        ("nois", lambda **k: worn.run(quick.trials(1), **k)),
        ("coherance", lambda **k: nt.load("rdm", **k)),
    ):
        with pytest.raises(TypeError, match=rf"['`]{wrong}['`]"):
            call(**{wrong: 0.1})


def test_w14_wrong_shapes_are_named(quick, make, worn):
    """W14: shapes are asserted without a word, and a wrong `N_in` is an error about None."""
    for settings, message in (
        (dict(recurrent=nt.Connectivity(np.ones((3, 3)))), r"`recurrent\.mask` must have the shape \(post, pre\) = \(6, 6\), got \(3, 3\)"),
        (dict(input=nt.Connectivity(np.ones((3, N)))), r"`input\.mask` must have the shape \(post, pre\) = \(6, 3\), got \(3, 6\)\. Transpose"),
        (dict(units=nt.Units(N), recurrent=nt.Connectivity(initializer=np.ones((2, 2)))), r"`values` must have the shape \(post, pre\) = \(6, 6\), got \(2, 2\)"),
    ):  # fmt: skip
        with pytest.raises(ValueError, match=f"^{message}"):
            make(**settings)
    with pytest.raises(ValueError, match=r"`inputs` must have the shape \(trial, time, input\), with 3 last, got \(1, 4, 2\)"):  # fmt: skip
        worn(np.zeros((1, 4, 2)))
    with pytest.raises(ValueError, match=r"^`task` must have the model's inputs .* got \('u',\)"):
        worn.run(Echo().trials(1))


# --- L: the LSTM ------------------------------------------------------------------------------


def test_l1_an_lstm_comes_back_from_files_as_it_was(quick, make, tmp_path):
    """L1: the gates of a saved LSTM come back random, without a word."""
    model, trials = make(nt.LSTM, seed=3), quick.trials(3, seed=1)
    model.initial_cell.assign(np.linspace(-1, 1, N))
    wanted = model.run(trials)
    model.save(tmp_path / "m.keras")
    back = nt.load_model(tmp_path / "m.keras")
    assert same(back, model)
    np.testing.assert_array_equal(back.run(trials).outputs, wanted.outputs)
    model.parameters().save(tmp_path / "w.npz")
    close(nt.simulate(tmp_path / "w.npz", trials), wanted)


def test_l2_an_lstm_starts_all_trials_alike(quick, make):
    """L2: each place in the batch has a learned start of its own."""
    model = make(nt.LSTM)
    fit(model, quick)
    assert model.initial_hidden.shape == model.initial_cell.shape == (N,)
    assert model.initial_hidden.numpy().any()
    outputs = model.run(quick.replace(noise=0.0).trials(4, coherence=0.5)).outputs.to_numpy()
    np.testing.assert_array_equal(outputs, np.broadcast_to(outputs[:1], outputs.shape))


def test_l3_an_lstm_has_the_standard_equations(quick, make):
    """L3: h = o sigmoid(c), not o tanh(c), and all biases start at 1."""
    model, trials = make(nt.LSTM), quick.trials(2, seed=1)
    kernels, vectors = model.parameters().kernels, model.parameters().vectors
    np.testing.assert_array_equal(vectors["bias"].reshape(4, N).T, np.tile([0, 1, 0, 0], (N, 1)))
    w, v, b = kernels["recurrent"], kernels["input"], vectors["bias"].reshape(4, N)
    rates = model.run(trials).rates
    h = c = np.zeros((2, N))
    for t, u in enumerate(trials.inputs.swapaxes(0, 1)):
        i, f, g, o = (h @ w[k].T + u @ v[k].T + b[k] for k in range(4))
        c = expit(f) * c + expit(i) * np.tanh(g)
        h = expit(o) * np.tanh(c)
        np.testing.assert_allclose(rates[:, t], h, atol=1e-6)


def test_l3_what_an_lstm_has_not_is_refused(make):
    """L3: noise, tau, transfer function, masks and Dale's law are passed over."""
    for name in ("noise", "tau", "activation"):
        with pytest.raises(TypeError, match=f"^`LSTM` must be given .*, got `{name}`"):
            make(nt.LSTM, **{name: 0.1})
    with pytest.raises(ValueError, match=r"^`units` must have no types in LSTM"):
        make(nt.LSTM, units=DALE)
    masked = make(nt.LSTM, recurrent=nt.Connectivity(autapses=False))
    assert not np.diagonal(weights(masked)["recurrent"], axis1=1, axis2=2).any()


# --- S: simulators ----------------------------------------------------------------------------

MODELS = {
    "rate": (nt.RateRNN, dict(units=DALE, noise=0.1, shared_noise=0.1)),
    "rate, after the transfer function": (nt.RateRNN, dict(form="rate", noise=0.1)),
    "rate, with short-term plasticity": (
        nt.RateRNN,
        dict(noise=0.1, plasticity=nt.ShortTermPlasticity()),
    ),
    "rate, with all around it": (
        nt.RateRNN,
        dict(
            noise=0.1,
            feedforward=nt.FeedForward(3),
            feedback=nt.Connectivity(),
            output_activation="sigmoid",
        ),
    ),
    "LSTM": (nt.LSTM, dict()),
    "GRU": (nt.GRU, dict()),
}


@pytest.fixture(params=MODELS, scope="module")
def any_model(request, make):
    kind, settings = MODELS[request.param]
    return make(kind, **settings)


def both(model, trials, **settings):
    """Return the sessions of TensorFlow and of NumPy, with the same noise."""
    n_trials, n_steps, _ = trials.inputs.shape
    noise = model.noise(n_trials, n_steps, seed=2)
    assert noise.shape == (n_trials, n_steps, model.noise_per_step)
    simulated = nt.simulate(model.parameters(), trials, noise=noise, **settings)
    return model.run(trials, seed=2, **settings), simulated


def test_a8_simulate_equals_run(quick, any_model):
    """A8: both engines agree for every kind of network, with noise, for any number of trials."""
    for n in (1, 3):
        run, simulated = both(any_model, quick.trials(n, seed=n))
        close(run, simulated)
    if any_model.noise_per_step:
        assert (
            np.abs(run.states - any_model.run(quick.trials(n, seed=n), noise=False).states).max()
            > 0.01
        )


@pytest.mark.parametrize("kind", [nt.RateRNN, nt.LSTM, nt.GRU])
@pytest.mark.parametrize("n_steps", [1, 4])
def test_s1_one_input_and_one_step(kind, n_steps):
    """S1: one input crashes the simulator, one step gives arrays of another shape."""
    task = Echo(on=20.0 * n_steps)
    model = kind.for_task(task, units=N)
    for n in (1, 2):
        run, simulated = both(model, task.trials(n))
        close(run, simulated)
        assert run.outputs.shape == simulated.outputs.shape == (n, n_steps, 1)
        assert simulated.rates.shape == (n, n_steps, N)


@pytest.mark.parametrize("activation", ["tanh", "softplus"])
def test_s2_the_simulator_has_the_transfer_function_of_the_file(quick, make, tmp_path, activation):
    """S2: from a file it takes ReLU, whatever the file says."""
    model, trials = make(activation=activation), quick.trials(2, seed=1)
    model.parameters().save(tmp_path / "w.npz")
    simulated = nt.simulate(tmp_path / "w.npz", trials)
    close(simulated, model.run(trials))
    assert np.abs(simulated.rates - np.maximum(simulated.states, 0)).max() > 0.01


def test_s3_connectivity_of_ones_changes_nothing(quick, any_model):
    """S3, A8: `t_connectivity` of ones is the network itself; of zeros it has no recurrence."""
    trials = quick.trials(2, seed=1)
    ones = np.ones((trials.inputs.shape[1], N, N))
    plain = any_model.run(trials, seed=2)
    for session in both(
        any_model, trials, perturbation=nt.Perturbation("connectivity", value=ones)
    ):
        close(session, plain)
    cut, same_cut = both(
        any_model, trials, perturbation=nt.Perturbation("connectivity", value=0 * ones)
    )
    close(cut, same_cut)
    assert np.abs(cut.outputs - plain.outputs).max() > 1e-4


@pytest.mark.parametrize(
    "perturbation",
    [
        nt.Perturbation("kick", value=1.0, phase="stimulus"),
        nt.Perturbation("silence", units=(0, 1), phase="stimulus"),
        nt.Perturbation("current", value=0.5, phase=(40.0, 80.0)),
        nt.Perturbation("lesion", cell_type="I"),
        nt.Perturbation("weights", factor=0.0, synapses="E->I"),
    ],
    ids=lambda p: p.kind,
)
def test_s3_perturbations_of_all_kinds(quick, make, perturbation):
    """S3: recurrent weights alone can be changed, by an array of (time, post, pre)."""
    model, trials = make(units=DALE, noise=0.1), quick.trials(2, seed=1)
    run, simulated = both(model, trials, perturbation=perturbation)
    close(run, simulated)
    assert np.abs(run.states - model.run(trials, seed=2).states).max() > 1e-3


def test_s3_a_network_goes_on_from_any_state(quick, make):
    """S3: no run can start from a state."""
    model, trials = make(), quick.trials(2, seed=1)
    session = model.run(trials)
    state = session.states[:, 4].to_numpy()
    for t in range(5, trials.inputs.shape[1]):
        state = model.step(state, trials.inputs[:, t])
        np.testing.assert_allclose(state, session.states[:, t], atol=1e-6)


SIMULATION = """
import sys
import numpy as np
import neurotask as nt
session = nt.simulate(sys.argv[1], nt.load("rdm", fixation=40.0, stimulus=80.0, decision=140.0).trials(3, seed=1))
assert not {"tensorflow", "keras"} & set(sys.modules), "TensorFlow was imported"
np.save(sys.argv[2], session.outputs.to_numpy())
"""


def test_a8_simulating_a_file_needs_no_tensorflow(make, tmp_path):
    """A8: the simulator is NumPy, and its file plain arrays."""
    model = make(nt.RateRNN, units=DALE, activation="softplus")
    model.parameters().save(tmp_path / "w.npz")
    command = [sys.executable, "-c", SIMULATION, tmp_path / "w.npz", tmp_path / "outputs.npy"]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    trials = nt.load("rdm", fixation=40.0, stimulus=80.0, decision=140.0).trials(3, seed=1)
    wanted = model.run(trials).outputs
    np.testing.assert_allclose(np.load(tmp_path / "outputs.npy"), wanted, atol=1e-5)
