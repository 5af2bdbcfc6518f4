"""Decoding against scikit-learn by hand, at chance on shuffled labels, without leaks between folds."""

from typing import Any

import numpy as np
import pytest
import xarray as xr
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.linear_model import LogisticRegression, Ridge, RidgeClassifier
from sklearn.metrics import balanced_accuracy_score, r2_score
from sklearn.model_selection import GroupKFold, KFold, RepeatedKFold, StratifiedKFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from threadpoolctl import threadpool_limits

from neurotask.analysis import Decoding, decode

DT = 10.0
CV = StratifiedKFold(4, shuffle=True, random_state=3)


def make(x, onset: Any = 0.0, **coords):
    n, steps, _ = x.shape
    start = np.stack([np.zeros(n), np.broadcast_to(onset, n).astype(float)], axis=1)
    return xr.Dataset(
        {"rates": (("trial", "time", "unit"), x)},
        {
            "time": np.arange(steps) * DT,
            "phase": ["fixation", "stimulus"],
            "phase_start": (("trial", "phase"), start),
            "phase_stop": (("trial", "phase"), np.stack([start[:, 1], start[:, 1] + 30], axis=1)),
            **{name: ("trial", np.asarray(values)) for name, values in coords.items()},
        },
        {"dt": DT},
    )


def ramp(n=80, steps=6, units=5, classes=2, strength=1.0, seed=0):
    """Noise, and a signal that grows over the trial along an axis a class."""
    rng = np.random.default_rng(seed)
    side = rng.permutation(np.resize(np.arange(classes), n))
    axes = rng.normal(size=(classes, units))
    x = rng.normal(size=(n, steps, units))
    x += strength * axes[side][:, None] * np.arange(steps)[:, None]
    value = rng.normal(size=n)
    x[:, :, 0] += value[:, None] * strength
    context = rng.permutation(np.resize(["a", "b"], n))
    return make(x, side=side, value=value, context=context, block=np.arange(n) // 4)


def by_hand(session, y, estimator, cv, steps):
    """Predictions with a new estimator a fold and time, (time, trial)."""
    x = session["rates"].to_numpy()
    guess = np.zeros((steps, len(y)))
    with threadpool_limits(1):  # as quick on a busy machine
        for t in range(steps):
            for train, test in cv.split(x[:, t], y):
                guess[t, test] = estimator().fit(x[train, t], y[train]).predict(x[test, t])
    return guess


# Against scikit-learn


@pytest.mark.parametrize("classes", [2, 3])
@pytest.mark.parametrize("name", ["logistic", "ridge", "lda"])
def test_classes_are_decoded_as_by_hand(name, classes):
    session = ramp(classes=classes, strength=0.3)
    makers: Any = {
        "logistic": lambda: make_pipeline(
            StandardScaler(), LogisticRegression(class_weight="balanced", max_iter=2000)
        ),
        "ridge": lambda: make_pipeline(StandardScaler(), RidgeClassifier(2.0)),
        "lda": LinearDiscriminantAnalysis,
    }
    given = LinearDiscriminantAnalysis() if name == "lda" else name
    found = decode(session, "side", estimator=given, alpha=2.0, cv=CV)
    y = session["side"].to_numpy()
    guess = by_hand(session, y, makers[name], CV, 6)
    np.testing.assert_array_equal(found.predicted.to_numpy().astype(int), guess.T)
    scores = [balanced_accuracy_score(y, one) for one in guess]
    np.testing.assert_allclose(found.scores, scores, atol=1e-12)
    assert found.chance == 1 / classes and found.scoring == "balanced_accuracy"


def test_values_are_decoded_as_by_hand():
    session, cv = ramp(), KFold(4, shuffle=True, random_state=1)
    found = decode(session, "value", alpha=3.0, cv=cv)
    y = session["value"].to_numpy()
    guess = by_hand(session, y, lambda: make_pipeline(StandardScaler(), Ridge(3.0)), cv, 6)
    np.testing.assert_allclose(found.predicted, guess.T, atol=1e-10)
    np.testing.assert_allclose(found.scores, [r2_score(y, g) for g in guess], atol=1e-10)
    other = decode(session, "value", alpha=3.0, cv=cv, scoring="correlation")
    np.testing.assert_allclose(other.scores, [np.corrcoef(y, g)[0, 1] for g in guess], atol=1e-10)
    assert found.chance == 0 and found.levels is None


@pytest.mark.parametrize("estimator", ["ridge", LinearDiscriminantAnalysis()])
def test_each_time_is_decoded_by_what_was_learned_at_every_other(estimator):
    session = ramp(strength=0.4)
    found = decode(session, "side", estimator=estimator, cv=CV, cross_temporal=True)
    x, y = session["rates"].to_numpy(), session["side"].to_numpy()
    one = make_pipeline(StandardScaler(), RidgeClassifier()) if estimator == "ridge" else estimator
    guess = np.zeros((6, 6, 80))
    for s in range(6):
        for train, test in CV.split(x[:, s], y):
            one.fit(x[train, s], y[train])
            for t in range(6):
                guess[s, t, test] = one.predict(x[test, t])
    expected = [[balanced_accuracy_score(y, guess[s, t]) for t in range(6)] for s in range(6)]
    np.testing.assert_allclose(found.scores, expected, atol=1e-12)
    assert found.scores.dims == ("train_time", "time")
    own = decode(session, "side", estimator=estimator, cv=CV)
    np.testing.assert_allclose(np.diag(found.scores), own.scores)
    np.testing.assert_array_equal(found.predicted, own.predicted)


def test_a_ridge_with_missing_trials_is_that_of_those_there():
    session = ramp()
    session["rates"][:30, 4:] = np.nan
    session["rates"][:, :, 4] = 7.0  # a unit that does not vary
    x, y = session["rates"].to_numpy(), session["value"].to_numpy()
    cv = KFold(4)
    found = decode(session, "value", cv=cv)
    there = np.arange(80) >= 30
    guess = np.full(80, np.nan)
    for train, test in cv.split(x):
        train, test = train[there[train]], test[there[test]]
        if len(test):
            fitted = make_pipeline(StandardScaler(), Ridge()).fit(x[train, 5], y[train])
            guess[test] = fitted.predict(x[test, 5])
    np.testing.assert_allclose(found.predicted.sel(time=50), guess, atol=1e-10)
    assert found.scores.sel(time=50).item() == pytest.approx(r2_score(y[30:], guess[30:]))
    assert found.table["n_trials"].tolist() == [80] * 4 + [50] * 2


# Chance, and certainty


@pytest.mark.parametrize("estimator", ["logistic", "ridge"])
def test_separable_classes_are_decoded_perfectly_and_noise_at_chance(estimator):
    session = ramp(n=120, strength=4.0)
    found = decode(session, "side", estimator=estimator)
    assert (found.scores[1:] == 1).all()
    assert abs(found.scores[0].item() - 0.5) < 0.15  # the signal is 0 there


def test_shuffled_labels_are_at_chance_however_unequal_the_classes():
    rng = np.random.default_rng(0)
    side = np.repeat(["left", "right"], [120, 30])
    session = make(rng.normal(size=(150, 20, 10)), side=side)
    for estimator in ("logistic", "ridge"):
        found = decode(session, "side", estimator=estimator)
        assert abs(found.scores.mean().item() - 0.5) < 0.05
    null = decode(session, "side", estimator="ridge", n_shuffles=100).null
    assert null is not None and null.shape == (100, 20)
    assert abs(null.mean() - 0.5) < 0.01


def test_p_is_uniform_without_and_small_with_a_signal():
    rng = np.random.default_rng(1)
    side = np.resize([0, 1], 60)
    none = make(rng.normal(size=(60, 300, 4)), side=side)
    p = decode(none, "side", estimator="ridge", n_shuffles=99).p.to_numpy()
    assert 0.02 < (p <= 0.05).mean() < 0.09 and 0.42 < p.mean() < 0.60
    found = decode(ramp(strength=2.0), "side", estimator="ridge", n_shuffles=99)
    table = found.table
    assert list(table) == ["time", "score", "n_trials", "chance", "p", "p_max"]
    assert table["p"].iloc[-1] == table["p_max"].iloc[-1] == 0.01
    highest = found.null.max(axis=1)  # type: ignore[union-attr]
    reached = [(highest >= score - 1e-12).sum() for score in found.scores.to_numpy()]
    np.testing.assert_allclose(found.p_max, (1 + np.array(reached)) / 100)
    assert (found.p_max >= found.p).all() and table["p_max"].iloc[0] > 0.1


def test_shuffles_are_those_of_a_loop_over_labels():
    session = ramp(strength=0.5)
    found = decode(session, "side", estimator="ridge", cv=CV, n_shuffles=3)
    same = decode(
        session,
        "side",
        estimator=make_pipeline(StandardScaler(), RidgeClassifier()),
        cv=CV,
        n_shuffles=3,
    )
    assert found.null is not None and same.null is not None
    np.testing.assert_allclose(found.null, same.null, atol=1e-12)
    assert len(np.unique(found.null, axis=0)) == 3
    again = decode(session, "side", estimator="ridge", cv=CV, n_shuffles=3)
    np.testing.assert_array_equal(found.null, again.null)
    other = decode(session, "side", estimator="ridge", cv=CV, n_shuffles=3, seed=1)
    assert not np.array_equal(found.null, other.null)


# Folds


def test_trials_of_a_group_stay_in_one_fold():
    # Each block has a pattern of its own and one class: a decoder that sees a block knows it.
    rng = np.random.default_rng(0)
    block = np.repeat(np.arange(20), 6)
    side = (block % 2).astype(int)
    x = rng.normal(size=(20, 1, 30))[block] + 0.1 * rng.normal(size=(120, 1, 30))
    session = make(x, side=side, block=block)
    leaking, apart = decode(session, "side"), decode(session, "side", groups="block")
    assert leaking.scores.item() > 0.95
    assert apart.scores.item() < 0.75
    assert decode(session, "side", groups="block", cv=GroupKFold(5)).scores.item() < 0.75
    shuffled = decode(session, "side", groups="block", estimator="ridge", n_shuffles=49)
    assert shuffled.p.item() > 0.05 and np.ptp(shuffled.null) > 0.1  # type: ignore[arg-type]
    alone = decode(session, "side", estimator="ridge", n_shuffles=49)
    assert alone.p.item() == 0.02  # labels of trials are not exchangeable here


def test_other_conditions_are_generalised_to():
    """One axis for the side in both contexts, or one of its own in each."""
    rng = np.random.default_rng(2)
    side, context = np.resize([0, 1], 120), np.repeat(["a", "b"], 60)
    sign = np.where(side == 1, 1.0, -1.0)[:, None, None]
    shared, own = rng.normal(size=(1, 8)), rng.normal(size=(2, 8))
    own[1] -= own[0] * (own[1] @ own[0]) / (own[0] @ own[0])
    noise = rng.normal(size=(120, 1, 8))
    one = make(4 * sign * shared + noise, side=side, context=context)
    two = make(
        4 * sign * own[(context == "b").astype(int)][:, None] + noise, side=side, context=context
    )
    for session, low, high in ((one, 0.98, 1.0), (two, 0.2, 0.8)):
        assert decode(session, "side").scores.item() > 0.95
        found = decode(session, "side", generalize_over="context")
        assert low <= found.scores.item() <= high
        assert found.by_level is not None
        assert found.by_level["held_out"].tolist() == ["a", "b"]
        assert found.by_level["score"].mean() == pytest.approx(found.scores.item())
    x, y = two["rates"].to_numpy()[:, 0], side
    fitted = make_pipeline(StandardScaler(), RidgeClassifier()).fit(x[60:], y[60:])
    found = decode(two, "side", generalize_over="context", estimator="ridge")
    expected = balanced_accuracy_score(y[:60], fitted.predict(x[:60]))
    assert found.by_level is not None and found.by_level["score"][0] == pytest.approx(expected)
    grouped = two.assign_coords(pair=("trial", np.arange(120) % 60))  # both contexts in each
    with pytest.raises(ValueError, match="`target` must have trials of each class with data"):
        decode(grouped, "side", generalize_over="context", groups="pair")


def test_seeds_move_the_folds_and_nothing_else_does():
    session = ramp(strength=0.3)
    one, two = decode(session, "side"), decode(session, "side")
    np.testing.assert_array_equal(one.scores, two.scores)
    assert not np.array_equal(one.predicted, decode(session, "side", seed=1).predicted)


# Time


def test_trials_are_aligned_and_binned():
    rng = np.random.default_rng(0)
    onset = rng.integers(2, 6, 60) * DT
    side = np.resize([0, 1], 60)
    since = np.arange(14) * DT - onset[:, None]
    x = 0.1 * rng.normal(size=(60, 14, 2))
    x[..., 0] += (since >= 0) * np.where(side == 1, 1, -1)[:, None]
    session = make(x, onset, side=side)
    found = decode(session, "side", align="stimulus")
    time = found.scores["time"].to_numpy()
    assert (found.scores[time >= 0] == 1).all() and (found.scores[time < 0] < 0.9).all()
    binned = decode(session, "side", align="stimulus", bin=20.0, window=(-20, 40))
    assert binned.scores["time"].to_numpy().tolist() == [-15.0, 5.0, 25.0]
    assert binned.scores[1:].to_numpy().tolist() == [1.0, 1.0]
    once = decode(session, "side", phase="stimulus")
    assert once.scores.sizes == {"time": 1} and once.scores.item() == 1
    with pytest.raises(ValueError, match="`phase` must stand alone"):
        decode(session, "side", phase="stimulus", bin=20.0)
    with pytest.raises(ValueError, match="`bin` must be a whole multiple of the time step, 10 ms"):
        decode(session, "side", bin=25.0)
    with pytest.raises(ValueError, match="`window` must hold a whole bin of 20 ms with data"):
        decode(session, "side", bin=20.0, window=(300, 330))


def test_trials_without_a_target_are_left_out():
    session = ramp()
    choice = np.where(session["side"] == 1, "right", "left").astype("<U8")
    choice[:10] = "none"
    side = session["side"].to_numpy().astype(float)
    side[:10] = np.nan
    session = session.assign_coords(choice=("trial", choice), side=("trial", side))
    for target in ("choice", "side"):
        found = decode(session, target)
        assert found.n_trials.tolist() == [70] * 6 and len(found.levels) == 2  # type: ignore[arg-type]
        assert found.predicted["trial"].to_numpy().tolist() == list(range(10, 80))
    assert set(decode(session, "choice").predicted.to_numpy().ravel()) == {"left", "right"}


def test_numbers_are_values_when_many_and_classes_when_few():
    session = ramp()
    assert decode(session, "value").levels is None
    assert decode(session, "side", kind="number").scoring == "r2"
    assert decode(session, "side", estimator=Ridge()).levels is None
    with pytest.raises(TypeError, match="`target` must hold numbers to be decoded as such"):
        decode(session, "context", kind="number")


# Errors


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"target": "sied"}, ValueError, '`target` must be one of .* Did you mean "side"'),
        ({"n_splits": 41}, ValueError, "`n_splits` must be at most the number of trials of each class, 40, got 41"),
        ({"n_splits": 1}, ValueError, "`n_splits` must be a whole number of 2 or more"),
        ({"groups": "block", "n_splits": 21}, ValueError, "`n_splits` must be at most the number of groups"),
        ({"estimator": "svm"}, ValueError, '`estimator` must be one of "logistic", "ridge"'),
        ({"estimator": 3}, TypeError, "`estimator` must be a name or an estimator of scikit-learn, got 3"),
        ({"target": "value", "estimator": "logistic"}, ValueError, '`estimator` must be one of "ridge"'),
        ({"scoring": "r2"}, ValueError, '`scoring` must be one of "balanced_accuracy"'),
        ({"kind": "class"}, ValueError, '`kind` must be one of "category", "number"'),
        ({"cv": 5}, TypeError, "`cv` must be a splitter of scikit-learn, got 5"),
        ({"cv": RepeatedKFold(n_splits=3)}, ValueError, "`cv` must test each trial at most once, got 10 times"),
        ({"generalize_over": "side"}, ValueError, "`target` must have trials of each class with data in each level"),
        ({"align": "go"}, ValueError, '`align` must be one of "fixation", "stimulus"'),
        ({"alpha": 0}, ValueError, "`alpha` must be a number above 0"),
        ({"window": (5, 1)}, ValueError, "`window` must start before it stops"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_said(arguments: Any, error, message):
    with pytest.raises(error, match=message):
        decode(ramp(), **{"target": "side", **arguments})


def test_a_p_needs_shuffles():
    with pytest.raises(ValueError, match="`n_shuffles` must be 1 or more for a p, got 0"):
        _ = decode(ramp(), "side").p


# Figures, groups


def test_figures_show_scores_chance_and_null():
    session = ramp(strength=2.0)
    found = decode(session, "side", estimator="ridge", n_shuffles=20)
    assert isinstance(found, Decoding) and "5 folds" in repr(found) and "chance 0.5" in repr(found)
    ax: Any = found.plot(label="side")
    line = next(one for one in ax.lines if one.get_label() == "side")
    np.testing.assert_array_equal(line.get_ydata(), found.scores)
    assert ax.get_xlabel() == "time (ms)" and len(ax.collections) == 1
    crossed = decode(session, "side", estimator="ridge", cross_temporal=True)
    image: Any = crossed.plot()
    np.testing.assert_array_equal(image.images[0].get_array(), crossed.scores)
    assert image.get_ylabel() == "train time (ms)"
    assert decode(session, "side", phase=(0, 30)).plot().get_ylabel().startswith("decoding")


def test_groups_are_decoded_each_and_drawn_together():
    session = ramp(strength=2.0)
    grouped = decode(session, "side", by="context")
    assert (
        list(grouped) == ["a", "b"] and grouped.table["context"].tolist() == ["a"] * 6 + ["b"] * 6
    )
    alone = decode(session.isel(trial=session["context"] == "a"), "side")
    np.testing.assert_array_equal(grouped["a"].scores, alone.scores)
    assert len(grouped.plot().get_legend().get_texts()) == 2
