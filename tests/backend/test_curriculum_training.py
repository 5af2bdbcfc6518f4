"""Networks trained on curricula: what carries over, and what a curriculum does not change."""

import keras
import numpy as np
import pytest

import neurotask as nt
from neurotask import Curriculum, Stage
from neurotask.backend.training import Trainer
from neurotask.tasks.perceptual_discrimination import PerceptualDiscrimination

EASY = PerceptualDiscrimination(coherences=(0.5,), stimulus=200.0)
LONG = EASY.replace(stimulus=400.0)


def network(optimizer="adam", **settings):
    model = nt.RateRNN.for_task(EASY, units=6, noise=0.05, seed=1, **settings)
    model.compile(optimizer)
    return model


def trained(source, updates, optimizer="adam", **settings):
    model = network(optimizer)
    history = model.fit(source, updates=updates, batch_size=8, seed=2, verbose=0, **settings)
    return model, history.history


def untested(task, **settings):
    """A stage that is never passed."""
    return Stage(task, **({"threshold": None, "every": 5, "trials": 8} | settings))


def same_weights(one, other):
    for a, b in zip(one.get_weights(), other.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


def test_evaluations_change_nothing_of_the_training():
    alone, history = trained(EASY, 15, segment=5)
    tested, logs = trained(untested(EASY), 15)
    same_weights(alone, tested)
    assert history["loss"] == logs["loss"]
    watched, _ = trained(Curriculum([untested(EASY)], target=Stage(LONG, every=5)), 15)
    same_weights(alone, watched)


def test_weights_and_optimizer_carry_over_unless_reset():
    def stages(optimizer):
        first = untested(EASY, limit=5, on_limit="advance")
        return Curriculum([first, untested(LONG, optimizer=optimizer)])

    kept, _ = trained(stages("keep"), 10, keras.optimizers.Adam(0.01))
    reset, _ = trained(stages("reset"), 10, keras.optimizers.Adam(0.01))
    by_hand = network(keras.optimizers.Adam(0.01))
    by_hand.fit(EASY, updates=5, batch_size=8, seed=2, segment=5, verbose=0)
    weights = by_hand.get_weights()
    by_hand.fit(LONG, updates=5, batch_size=8, seed=2, segment=5, verbose=0)
    same_weights(kept, by_hand)
    fresh = network(keras.optimizers.Adam(0.01))
    fresh.set_weights(weights)  # the count of updates is among them, so the same batches come
    fresh.fit(LONG, updates=5, batch_size=8, seed=2, segment=5, verbose=0)
    same_weights(reset, fresh)
    assert not np.array_equal(kept.get_weights()[0], reset.get_weights()[0])


def test_a_reset_leaves_the_learning_rate_and_forgets_all_else():
    model = network(keras.optimizers.AdamW(0.01, use_ema=True, amsgrad=True))
    fresh = [variable.numpy() for variable in model.optimizer.variables]
    model.fit(EASY, updates=3, batch_size=8, verbose=0)
    model.optimizer.learning_rate = 0.5
    model.trainer.reset()
    for variable, value in zip(model.optimizer.variables, fresh, strict=True):
        wanted = 0.5 if variable.name == "learning_rate" else value
        np.testing.assert_array_equal(variable.numpy(), np.float32(wanted))


def test_a_stage_may_set_the_learning_rate():
    stages = [
        untested(EASY, limit=5, on_limit="advance", learning_rate=0.02),
        untested(LONG, limit=5, on_limit="advance"),
        untested(LONG, learning_rate=0.001),
    ]
    _, history = trained(stages, 15)
    np.testing.assert_allclose(history["learning_rate"], [0.02, 0.02, 0.001], rtol=1e-6)
    schedule = keras.optimizers.schedules.CosineDecay(0.1, 10)
    with pytest.raises(
        ValueError, match="`learning_rate` of a stage must be left out where the opt"
    ):
        trained(stages, 15, keras.optimizers.Adam(schedule))


def test_callbacks_see_stage_and_evaluation():
    class Watch(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            seen.append((epoch, logs["stage"], logs["evaluation"], logs["updates"]))

    seen = []
    curriculum = Curriculum([untested(EASY, limit=5, on_limit="advance"), untested(LONG)])
    _, history = trained(curriculum, 12, callbacks=[Watch()])
    values = curriculum.log["value"].tolist()
    # The last two updates are too few for an evaluation: the value is that of the one before.
    assert seen == [(0, 0, values[0], 5), (1, 1, values[1], 10), (2, 1, values[1], 12)]
    assert history["updates"] == [5, 10, 12] and len(values) == 2


def test_training_ends_with_the_curriculum_and_early_stopping_acts():
    curriculum = Curriculum([Stage(EASY, threshold=0.0, every=5)] * 2)
    model, _ = trained(curriculum, 100)
    assert int(model.updates) == 10 and curriculum.log["event"].tolist() == ["advance", "end"]
    stop = keras.callbacks.EarlyStopping(
        monitor="evaluation", mode="max", patience=1, min_delta=2.0
    )
    model, _ = trained(untested(EASY), 100, callbacks=[stop])
    assert int(model.updates) == 10


def test_a_curriculum_can_be_used_again_and_starts_anew():
    curriculum = Curriculum([Stage(EASY, threshold=0.0, every=5), untested(LONG)])
    one, _ = trained(curriculum, 10)
    log = curriculum.log
    other, _ = trained(curriculum, 10)
    same_weights(one, other)
    assert log.equals(curriculum.log)


def test_a_metric_sees_the_network():
    def size(evaluation):
        return float(np.abs(evaluation.model.effective_weights()["recurrent"]).mean())

    curriculum = Curriculum([untested(EASY, metric=size)])
    model, _ = trained(curriculum, 5)
    assert curriculum.log["value"][0] == pytest.approx(size(type("", (), {"model": model})))


def test_other_lengths_make_no_new_graph(monkeypatch):
    traced, updates = [], Trainer._updates
    monkeypatch.setattr(Trainer, "_updates", lambda *a: traced.append(1) or updates(*a))
    curriculum = Curriculum([untested(EASY, limit=5, on_limit="advance"), untested(LONG)])
    model, _ = trained(curriculum, 10)
    assert len(model.trainer._compiled) == len(traced) == 1
