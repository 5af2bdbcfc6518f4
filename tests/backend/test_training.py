"""The loop of segments: exact counts, exact repetition, callbacks, and what happens in trouble."""

from dataclasses import dataclass

import keras
import numpy as np
import pytest

import neurotask as nt
from neurotask._streams import Stream
from neurotask.backend import feeding


def weights(model):
    return [np.array(w) for w in model.get_weights()]


def same(a, b):
    return all(np.array_equal(x, y) for x, y in zip(weights(a), weights(b), strict=True))


def fit(model, task, updates=12, **settings):
    settings = dict(batch_size=8, seed=0, segment=5, verbose=0) | settings
    return model.fit(task, updates=updates, **settings)


class Watch(keras.callbacks.Callback):
    """Looks at the network after each execution."""

    def __init__(self, look):
        super().__init__()
        self.seen, self.look = [], look

    def on_train_batch_end(self, batch, logs=None):
        self.seen.append(self.look(self.model))


@pytest.mark.parametrize("updates", [1, 4, 5, 12])
def test_exactly_as_many_updates_as_asked(quick, network, updates):
    model = network()
    history = fit(model, quick, updates)
    assert int(model.updates.numpy()) == updates
    assert int(model.optimizer.iterations.numpy()) == updates
    assert history.history["updates"][-1] == updates
    assert len(history.history["loss"]) == -(-updates // 5)


def test_same_seed_same_bits_other_seed_others(quick, network):
    one, two, three = network(), network(), network()
    losses = [fit(m, quick, seed=s).history["loss"] for m, s in ((one, 0), (two, 0), (three, 1))]
    assert losses[0] == losses[1] and same(one, two)
    assert losses[0] != losses[2] and not same(one, three)


def test_a_second_fit_continues(quick, network):
    whole, parts = network(), network()
    fit(whole, quick, 12)
    fit(parts, quick, 7)
    fit(parts, quick, 5)
    assert same(whole, parts)


def test_result_does_not_depend_on_updates_an_execution(quick, network, monkeypatch):
    five, one = network(), network()
    fit(five, quick)
    monkeypatch.setattr(feeding, "UPDATES_PER_EXECUTION", 1)
    fit(one, quick)
    assert same(five, one)


def test_learns(quick, network):
    model = network(optimizer=keras.optimizers.Adam(0.01))
    history = fit(model, quick, 150, batch_size=32, segment=50).history
    assert history["loss"][-1] < 0.5 * history["loss"][0]
    assert model.evaluate(quick)["accuracy"] > 0.9


@pytest.mark.parametrize(
    "optimizer",
    [
        lambda: keras.optimizers.SGD(0.05, momentum=0.9, nesterov=True),
        lambda: keras.optimizers.AdamW(0.01, weight_decay=0.1),
        lambda: keras.optimizers.AdamW(0.01, use_ema=True, ema_overwrite_frequency=3),
        lambda: keras.optimizers.RMSprop(0.01),
    ],
)
def test_constraints_hold_after_every_update(quick, network, optimizer, monkeypatch):
    monkeypatch.setattr(feeding, "UPDATES_PER_EXECUTION", 1)
    rng = np.random.default_rng(0)
    mask, frozen = rng.random((10, 10)) < 0.6, rng.random((10, 10)) < 0.2
    model = network(
        optimizer=optimizer(),
        recurrent=nt.Connectivity(mask=mask, frozen=frozen, autapses=False),
        output=nt.Connectivity(density=0.5),
    )
    sign = model.units.sign
    start = model.effective_weights()["recurrent"].values.copy()
    watch = Watch(lambda m: [w.values for w in m.effective_weights().values()])
    fit(model, quick, 20, callbacks=[watch])
    exists = mask & ~np.eye(10, dtype=bool)
    for _, recurrent, output in watch.seen:
        assert (recurrent * sign >= 0).all() and (output * sign >= 0).all()
        assert not recurrent[~exists].any() and (output != 0).sum() == 10
        assert np.array_equal(recurrent[frozen], start[frozen])
    moved = watch.seen[-1][1] != start
    assert len(watch.seen) == 20 and moved[exists & ~frozen].mean() > 0.5


def test_early_stopping_acts_at_segment_ends(quick, network):
    model = network(optimizer=keras.optimizers.SGD(0.0))
    stop = keras.callbacks.EarlyStopping("loss", patience=1, min_delta=10.0)
    history = fit(model, quick, 50, callbacks=[stop])
    assert history.history["updates"] == [5, 10]
    assert int(model.updates.numpy()) == 10


def test_keras_callbacks_act(quick, network, tmp_path):
    model = network()
    callbacks = [
        keras.callbacks.CSVLogger(str(tmp_path / "log.csv")),
        keras.callbacks.ReduceLROnPlateau("loss", factor=0.5, patience=1, min_delta=10.0),
        keras.callbacks.ModelCheckpoint(str(tmp_path / "{epoch}.keras")),
    ]
    history = fit(model, quick, 15, callbacks=callbacks).history
    rates = history["learning_rate"]
    assert rates[0] == pytest.approx(0.001) and rates[-1] < rates[0]
    assert (tmp_path / "log.csv").read_text().count("\n") == 4
    assert same(nt.load_model(tmp_path / "3.keras"), model)
    assert int(nt.load_model(tmp_path / "1.keras").updates.numpy()) == 5
    assert set(history) == {"loss", "accuracy", "learning_rate", "updates"}


def test_progress_bar_shows_loss_and_accuracy(quick, network, capsys):
    fit(network(), quick, 7, verbose=1)
    shown = capsys.readouterr().out
    assert "5/5" in shown and "2/2" in shown and "loss:" in shown and "accuracy:" in shown


def test_no_trial_of_training_is_evaluated_on(quick):
    trained = quick.batch(64, seed=0, stream=Stream.TRAINING, index=0)
    tested = quick.batch(64, seed=0, stream=Stream.EVALUATION, index=0)
    rows = {row.tobytes() for row in trained.inputs} & {row.tobytes() for row in tested.inputs}
    assert not rows


@dataclass(frozen=True, kw_only=True)
class Failing(nt.Task):
    """A task whose painting fails now and then."""

    inputs = ("u",)
    outputs = ("z",)
    on: nt.Duration = 100.0

    def factors(self):
        return dict(c=nt.Uniform(0.0, 1.0))

    def build(self, t):
        if t.n_trials == 7 and t.conditions.c.max() > 0.99:
            raise RuntimeError("the generator of a user broke")
        t.input("u", t.conditions.c)
        t.target("z", 0.0)


def test_errors_come_out_as_themselves():
    model = nt.RateRNN.for_task(Failing(), units=4)
    model.compile()
    with pytest.raises(RuntimeError, match="the generator of a user broke"):
        fit(model, Failing(), 200, batch_size=7)
    done = int(model.updates.numpy())
    assert np.isfinite(model.bias.numpy()).all()
    fit(model, Failing(), 3, batch_size=6)  # usable afterwards
    assert int(model.updates.numpy()) == done + 3


@dataclass(frozen=True, kw_only=True)
class Unasked(Failing):
    """A task that asks for nothing."""

    def build(self, t):
        t.input("u")


def test_a_task_that_asks_for_nothing():
    model = nt.RateRNN.for_task(Unasked(), units=4)
    model.compile()
    with pytest.raises(
        ValueError, match=r"`mask` must ask for something, but Unasked paints no target"
    ):
        fit(model, Unasked())


@pytest.mark.parametrize("at_once", [1, 5])
def test_divergence_stops_with_the_last_good_network(quick, network, at_once, monkeypatch):
    monkeypatch.setattr(feeding, "UPDATES_PER_EXECUTION", at_once)

    def unstable():
        rule = nt.rules.BPTT(clip_norm=None)
        return network(optimizer=keras.optimizers.SGD(1e20), rule=rule, activation="linear")

    model = unstable()
    with pytest.raises(
        FloatingPointError, match=r"must be finite, got a loss of .* at update"
    ) as e:
        fit(model, quick, 20)
    done = int(model.updates.numpy())
    assert f"at update {done + 1}." in str(e.value) and f"after update {done}." in str(e.value)
    assert 0 < done < 19
    good = unstable()
    fit(good, quick, done)
    assert same(model, good) and all(np.isfinite(w).all() for w in weights(model))


@dataclass(frozen=True, kw_only=True)
class Spiked(Failing):
    """A task that now and then asks for more than float32 can square."""

    def build(self, t):
        t.input("u", t.conditions.c)
        t.target("z", 1e30 if t.conditions.c.max() > 0.95 else 0.0)


def test_nothing_is_learned_after_a_bad_update():
    # Later batches of the same execution are fine again, and must not be trained on.
    model = nt.RateRNN.for_task(Spiked(), units=4)
    model.compile()
    batches = [Spiked().batch(4, seed=0, stream=Stream.TRAINING, index=i) for i in range(40)]
    bad = [batch.targets.max() > 1 for batch in batches]
    first = next(at for at in range(40) if bad[at] and at % 5 < 3 and not bad[at + 1])
    assert not any(bad[:first])
    with pytest.raises(FloatingPointError, match=rf"a loss of inf at update {first + 1}\."):
        fit(model, Spiked(), 40, batch_size=4)
    assert int(model.updates.numpy()) == int(model.optimizer.iterations.numpy()) == first


def test_nan_in_the_weights_stops_the_first_update(quick, network):
    model = network()
    model.bias.assign(np.full(10, np.nan))
    before = weights(model)
    with pytest.raises(
        FloatingPointError, match=r"a loss of nan at update 1\. The network is as it"
    ):
        fit(model, quick)
    for x, y in zip(before, weights(model), strict=True):
        assert np.array_equal(x, y, equal_nan=True)


def test_interrupt_leaves_consistent_counts(quick, network):
    def interrupt(model):
        if int(model.updates.numpy()) == 10:
            raise KeyboardInterrupt

    model, whole = network(), network()
    with pytest.raises(KeyboardInterrupt):
        fit(model, quick, 50, callbacks=[Watch(interrupt)])
    fit(model, quick, 5)
    fit(whole, quick, 15)
    assert same(model, whole)


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        (dict(updates=0), ValueError, r"`updates` must be a whole number of 1 or more, got 0"),
        (dict(updates=2.5), ValueError, r"`updates` must be a whole number of 1 or more, got 2.5"),
        (
            dict(batch_size=0),
            ValueError,
            r"`batch_size` must be a whole number of 1 or more, got 0",
        ),
        (dict(segment=0), ValueError, r"`segment` must be a whole number of 1 or more, got 0"),
        (dict(seed=-1), ValueError, r"`seed` must be a whole number of 0 or more, got -1"),
        (dict(source="rdm"), TypeError, r"`source` must be a Task or a Curriculum, got 'rdm'"),
        (dict(epochs=5), TypeError, r"epochs"),
        (dict(verbose="yes"), ValueError, r"`verbose` must be 0 or 1, got 'yes'"),
        (
            dict(callbacks=[3]),
            TypeError,
            r"`callbacks` must be a list of Keras callbacks, got \[3\]",
        ),
        (
            dict(callbacks=keras.callbacks.TerminateOnNaN()),
            TypeError,
            r"`callbacks` must be a list of Keras callbacks",
        ),
        (
            dict(source=Failing()),
            ValueError,
            r"`task` must have the model's inputs \('fixation', 'motion_left', 'motion_right'\), "
            r"got \('u',\)",
        ),
        (
            dict(source=nt.load("rdm", dt=10.0)),
            ValueError,
            r"`task` must have the model's dt = 20 ms, got 10 ms. Use model.with_dt\(10\)",
        ),
    ],
)
def test_bad_calls(quick, network, change, error, message):
    settings = dict(source=quick, updates=5, verbose=0) | change
    with pytest.raises(error, match=message):
        network().fit(**settings)


def test_an_uncompiled_network_says_so(quick):
    with pytest.raises(ValueError, match=r"`model` must be compiled before it is trained"):
        nt.RateRNN.for_task(quick, units=4).fit(quick, updates=1)


@pytest.mark.parametrize(
    ("settings", "error", "message"),
    [
        (dict(rule="bpt"), ValueError, r"`rule` must be one of \"bptt\".*got 'bpt'. Did you mean"),
        (dict(rule=3), TypeError, r"`rule` must be a learning rule or its name, got 3"),
        (
            dict(loss="mse"),
            ValueError,
            r"`loss` must be one of \"mean_squared_error\", .*, got 'mse'",
        ),
        (
            dict(engine="fast"),
            ValueError,
            r'`engine` must be one of "auto", "fused", "graph", "xla", got',
        ),
        (
            dict(optimizer="adamm"),
            ValueError,
            r"`optimizer` must be a Keras optimizer .* got 'adamm'",
        ),
        (dict(optimizer=None), ValueError, r"`optimizer` must be a Keras optimizer .* got None"),
        (dict(ruel="bptt"), TypeError, "ruel"),
    ],
)
def test_bad_compile(quick, settings, error, message):
    with pytest.raises(error, match=message):
        nt.RateRNN.for_task(quick, units=4).compile(**settings)


def test_a_refused_compile_changes_nothing(quick, network):
    model, other = network(), network()
    for wrong in (dict(optimizer="adamm"), dict(loss="mse"), dict(optimizer=other.optimizer)):
        with pytest.raises(ValueError, match="must be"):
            model.compile(rule=nt.rules.BPTT(clip_norm=None), **wrong)
        assert model.rule == nt.rules.BPTT()
    for one in (model, other):
        fit(one, quick)
    assert same(model, other)


def test_an_optimizer_serves_one_network(network):
    used = network().optimizer
    with pytest.raises(ValueError, match=r"`optimizer` must be new, but this one already trains"):
        network(optimizer=used)


def test_evaluation_averages_over_steps_inside_trials(quick, network):
    varied = quick.replace(stimulus=nt.Levels((40.0, 240.0)))
    model = nt.RateRNN.for_task(varied, units=4, seed=1)
    model.compile(loss=nt.losses.MeanSquaredError(mean="steps"))
    trials = varied.batch(64, seed=3, stream=Stream.EVALUATION, index=0)
    z = model(trials.inputs).numpy()
    total = (trials.mask * (z - trials.targets) ** 2).sum()
    wanted = total / (2 * trials.lengths.sum())
    assert trials.lengths.sum() < trials.present.size
    assert model.evaluate(varied, n=64, seed=3, noise=False)["loss"] == pytest.approx(
        wanted, rel=1e-5
    )


def test_projected_weights_stay_on_their_side_after_every_update(quick):
    units, law = nt.Units(10, excitatory=0.5), nt.Connectivity(law="projection")
    model = nt.RateRNN.for_task(quick, units=units, recurrent=law, output=law, seed=1)
    average = dict(use_ema=True, ema_overwrite_frequency=3)
    model.compile(keras.optimizers.AdamW(0.02, **average))
    seen = []

    def raw(m):
        kernel = m.recurrent_kernel
        values = kernel.raw.numpy()
        seen.append(values)
        assert (values * kernel.sign.numpy() >= 0).all()
        return values

    fit(model, quick, 40, callbacks=[Watch(raw)])
    raw(model)  # and once the averages have been put in place
    silent = np.array([values == 0 for values in seen])
    assert silent[-1].any() and (silent[:-1] & ~silent[1:]).any()  # some grow back


def test_untrained_networks_evaluate_too(quick):
    result = nt.RateRNN.for_task(quick, units=4).evaluate(quick, n=50)
    assert set(result) == {"loss", "accuracy"} and np.isfinite(result["loss"])
