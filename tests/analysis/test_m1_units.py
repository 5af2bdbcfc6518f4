"""Tuning, dissimilarities and decoding of real spikes, by our functions and by hand."""

import numpy as np
import pytest
from scipy.spatial.distance import pdist
from scipy.stats import f_oneway
from sklearn.linear_model import Ridge, RidgeClassifier
from sklearn.metrics import balanced_accuracy_score, r2_score
from sklearn.model_selection import KFold, StratifiedKFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from neurotask.analysis import cka, decode, procrustes, rdm, tuning


@pytest.fixture(scope="module")
def before(m1):
    return m1.isel(trial=np.flatnonzero(m1["learning"] == "before"))


def arrays(session):
    return session["rates"].to_numpy()[:, 0], session["direction"].to_numpy()


def test_directions_are_preferred_as_by_hand(before):
    x, direction = arrays(before)
    table = tuning(before, variables="direction", circular="direction").table
    angles = np.unique(direction)
    means = np.stack([x[direction == a].mean(0) for a in angles])
    vector = np.exp(1j * np.radians(angles)) @ means
    away = np.angle(np.exp(1j * (np.radians(table["direction_angle"]) - np.angle(vector))))
    np.testing.assert_allclose(away, 0, atol=1e-10)
    np.testing.assert_allclose(table["direction_strength"], np.abs(vector) / means.sum(0))
    design = np.stack([np.ones(8), np.cos(np.radians(angles)), np.sin(np.radians(angles))], axis=1)
    fitted = design @ np.linalg.lstsq(design, means, rcond=None)[0]
    r2 = 1 - ((means - fitted) ** 2).sum(0) / ((means - means.mean(0)) ** 2).sum(0)
    np.testing.assert_allclose(table["direction_cosine_r2"], r2, atol=1e-10)
    np.testing.assert_array_equal(table["direction_preferred"], angles[means.argmax(0)])
    f = f_oneway(*[x[direction == a] for a in angles]).statistic
    n_free = len(x) - 8
    np.testing.assert_allclose(table["direction_eta2"], 7 * f / (7 * f + n_free), atol=1e-10)
    assert (table["direction_p"] < 0.05).mean() > 0.7  # most units of motor cortex are tuned


def test_dissimilarities_are_as_by_hand(before):
    x, direction = arrays(before)
    means = np.stack([x[direction == a].mean(0) for a in np.unique(direction)])
    for metric in ("correlation", "euclidean"):
        found = rdm(before, condition="direction", metric=metric)
        np.testing.assert_allclose(found.pairs, pdist(means, metric), atol=1e-10)
    # Directions are represented on a circle: neighbours are alike.
    circle = before[["rates"]].isel(unit=[0, 1]).copy()
    angle = np.radians(direction)
    circle["rates"] = circle["rates"].copy(
        data=np.stack([np.cos(angle), np.sin(angle)], 1)[:, None]
    )
    model = rdm(circle, condition="direction", metric="euclidean")
    comparison = rdm(before, condition="direction", metric="crossnobis").compare(model)
    assert comparison.value > 0.8 and comparison.p < 0.01


def test_directions_are_decoded_as_by_hand(before):
    x, direction = arrays(before)
    cv = StratifiedKFold(5, shuffle=True, random_state=0)
    guess = np.empty(len(x))
    for train, test in cv.split(x, direction):
        fitted = make_pipeline(StandardScaler(), RidgeClassifier()).fit(x[train], direction[train])
        guess[test] = fitted.predict(x[test])
    found = decode(before, "direction", estimator="ridge", cv=cv, n_shuffles=20)
    np.testing.assert_array_equal(found.predicted[:, 0].to_numpy().astype(float), guess)
    score = balanced_accuracy_score(direction, guess)
    assert found.scores.item() == pytest.approx(score) and score > 0.4  # chance: 1 / 8
    assert found.p.item() == pytest.approx(1 / 21)
    away = before.assign_coords(x=("trial", np.cos(np.radians(before["angle"].to_numpy()))))
    folds, y = KFold(5, shuffle=True, random_state=0), away["x"].to_numpy()
    for train, test in folds.split(x):
        guess[test] = (
            make_pipeline(StandardScaler(), Ridge()).fit(x[train], y[train]).predict(x[test])
        )
    assert decode(away, "x", cv=folds).scores.item() == pytest.approx(r2_score(y, guess), abs=1e-10)


def test_learning_changes_the_population_little(m1, before):
    after = m1.isel(trial=np.flatnonzero(m1["learning"] == "after"))
    means = []
    for session in (before, after):
        x, direction = arrays(session)
        means.append(np.stack([x[direction == a].mean(0) for a in np.unique(direction)]))
    for measure in (cka, procrustes):
        found = measure(before, after, condition="direction").value
        assert found == pytest.approx(measure(*means).value, abs=1e-12)
    assert 0.5 < cka(before, after, condition="direction").value < 1
