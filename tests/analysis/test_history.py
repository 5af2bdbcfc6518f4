"""History kernels of choosers with a known past, and where the past must end."""

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from scipy.optimize import minimize
from scipy.special import log_expit

from neurotask.analysis import history_kernel
from neurotask.analysis.behavior.logistic import logistic, separated
from neurotask.analysis.behavior.past import past, runs_of

AFTER_CORRECT, AFTER_ERROR = [0.8, 0.3, 0.0], [-0.7, -0.2, 0.0]


def chooser(n=6000, seed=0, after_correct=AFTER_CORRECT, after_error=AFTER_ERROR, bias=0.2):
    rng = np.random.default_rng(seed)
    x = rng.choice([-0.5, -0.25, -0.1, 0.1, 0.25, 0.5], n)
    noise = rng.logistic(size=n)
    side, right = np.zeros(n), np.zeros(n, bool)
    for i in range(n):
        odds = bias + 4 * x[i]
        for j, (win, lose) in enumerate(zip(after_correct, after_error, strict=True), 1):
            if i >= j:
                odds += side[i - j] * (win if right[i - j] else lose)
        side[i] = 1 if odds + noise[i] > 0 else -1
        right[i] = side[i] == np.sign(x[i])
    return pd.DataFrame(
        {"x": x, "choice": np.where(side > 0, "right", "left"), "correct": right * 1.0}
    )


def kernel_of(rows, **settings):
    return history_kernel(rows, axis="x", choice="right", **settings)


def test_the_weights_of_a_chooser_are_recovered():
    fit = kernel_of(chooser(), level=0.99)
    table = fit.table.set_index(["kernel", "lag"])
    truth = {("bias", 0): 0.2, ("x", 0): 4.0}
    truth |= {("after_correct", j + 1): w for j, w in enumerate(AFTER_CORRECT)}
    truth |= {("after_error", j + 1): w for j, w in enumerate(AFTER_ERROR)}
    assert {*table.index} == {*truth}
    for place, true in truth.items():
        assert table.loc[place, "low"] < true < table.loc[place, "high"], place
    assert (table["high"] - table["low"])["after_correct"].max() < 0.3
    assert fit.status == "ok"
    assert fit.history_p < 1e-10
    assert fit.weights.columns.tolist() == ["after_correct", "after_error"]


def test_without_history_there_is_none():
    fits = [kernel_of(chooser(600, seed, [0.0], [0.0])) for seed in range(60)]
    p = np.array([fit.history_p for fit in fits])
    assert 0.3 < p.mean() < 0.7
    assert (p < 0.1).mean() < 0.25


def test_intervals_cover_as_they_say():
    inside = []
    for seed in range(60):
        table = kernel_of(chooser(800, seed), n_back=3, level=0.9).table
        low, high = table["low"].to_numpy(), table["high"].to_numpy()
        true = np.array([0.2, 4.0, *AFTER_CORRECT, *AFTER_ERROR])
        inside.append((low < true) & (true < high))
    assert 0.86 < np.mean(inside) < 0.94


def test_the_fit_is_the_maximum_of_its_likelihood():
    rng = np.random.default_rng(0)
    design = np.column_stack([np.ones(300), rng.normal(size=(300, 3))])
    y = (rng.random(300) < 0.4).astype(float)
    for penalty in (np.zeros(4), np.array([0.0, 2.0, 2.0, 5.0])):
        found = logistic(design, y, penalty)

        def loss(w, ridge=penalty):
            odds = design @ w
            return -log_expit(np.where(y == 1, odds, -odds)).sum() + ridge @ w**2 / 2

        other = minimize(loss, np.zeros(4), method="BFGS", options={"gtol": 1e-9})
        np.testing.assert_allclose(found.weights, other.x, atol=1e-6)
        step = 1e-4 * np.eye(4)
        curvature = [
            [
                (loss(other.x + a + b) - loss(other.x + a) - loss(other.x + b) + loss(other.x))
                / 1e-8
                for a in step
            ]
            for b in step
        ]
        np.testing.assert_allclose(np.linalg.inv(found.covariance), curvature, rtol=0.02, atol=0.2)


def test_no_past_across_an_edge_or_a_silent_trial():
    rows = chooser(10).assign(day=[0] * 5 + [1] * 5)
    runs = runs_of(rows, ("day",))
    values = np.arange(10.0)
    expected = [np.nan, 0, 1, 2, 3, np.nan, 5, 6, 7, 8]
    np.testing.assert_array_equal(past(values, runs, 1), expected)
    gaps = np.array([0, 1, 2, 4, 5, 0, 1, 2, 3, 4])  # trial 3 was dropped
    expected[3] = np.nan
    np.testing.assert_array_equal(past(values, runs, 1, gaps), expected)
    many = chooser(600).assign(day=np.repeat(np.arange(6), 100))
    fit = kernel_of(many, session="day", n_back=2)
    assert fit.n_no_history == 12
    many.loc[[50, 250], "choice"] = "none"
    fit = kernel_of(many, session="day", n_back=2)
    assert (fit.n_no_response, fit.n_no_history) == (2, 12 + 4)
    assert fit.n_trials == 600 - 2 - 16


def test_the_past_of_a_group_is_that_of_all_trials():
    """Grouped by what alternates, one trial back is in the other group."""
    rows = chooser(8000).assign(context=np.arange(8000) % 2)
    groups = kernel_of(rows, by="context", level=0.99)
    for context in (0, 1):
        line = groups[context].table.set_index(["kernel", "lag"]).loc[("after_correct", 1)]
        assert line["low"] < 0.8 < line["high"]
    assert groups[0].n_trials + groups[1].n_trials == 8000 - 3
    assert list(groups.table.columns[:3]) == ["context", "kernel", "lag"]
    assert len(groups.plot()) == 2


def test_blocks_of_a_session_are_edges():
    rows = chooser(600)
    shape = {name: (("block", "trial"), rows[name].to_numpy().reshape(20, 30)) for name in rows}
    attrs = {"psychometric_axis": "x", "choices": ["left", "right"]}
    session = xr.Dataset(coords={**shape, "trial": np.arange(30)}, attrs=attrs)
    fit = history_kernel(session, n_back=2)
    assert fit.n_no_history == 40
    table = rows.assign(block=np.repeat(np.arange(20), 30), trial_in_block=np.arange(600) % 30)
    pd.testing.assert_frame_equal(kernel_of(table, n_back=2).table, fit.table, rtol=1e-8)
    flat = rows.assign(block=np.repeat(np.arange(20), 30))  # blocks of an animal: no edges
    assert kernel_of(flat, n_back=2).n_no_history == 2


def test_dropped_trials_of_a_session_leave_gaps():
    rows = chooser(600)
    columns = {name: ("trial", rows[name].to_numpy()) for name in rows}
    attrs = {"psychometric_axis": "x", "choices": ["left", "right"]}
    session = xr.Dataset(coords={**columns, "trial": np.arange(600)}, attrs=attrs)
    kept = session.isel(trial=np.delete(np.arange(600), [100, 101, 300]))
    assert history_kernel(kept, n_back=1).n_no_history == 1 + 2


def test_networks_have_pasts_of_their_own():
    parts = [chooser(500, seed) for seed in (1, 2)]
    columns = {
        name: (("trial", "network"), np.stack([p[name].to_numpy() for p in parts], 1))
        for name in parts[0]
    }
    attrs = {"psychometric_axis": "x", "choices": ["left", "right"]}
    session = xr.Dataset(coords=columns, attrs=attrs)
    fits = history_kernel(session, by="network")
    for network, part in enumerate(parts):
        pd.testing.assert_frame_equal(fits[network].table, kernel_of(part).table, rtol=1e-8)
    with pytest.raises(ValueError, match="`by` must contain 'network'"):
        history_kernel(session)


def test_unscored_trials_and_no_outcome():
    rows = chooser()
    rows.loc[::7, "correct"] = np.nan
    fit = kernel_of(rows, n_back=1)
    assert fit.weights.columns.tolist() == ["after_correct", "after_error", "after_unscored"]
    assert fit.n_trials == 5999
    plain = kernel_of(rows, n_back=2, outcome=None)
    assert plain.weights.columns.tolist() == ["after_choice"]
    assert plain.plot().get_xlabel() == "trials back"
    bandit = history_kernel(rows, axis=(), choice="right", n_back=1)
    assert bandit.table["kernel"].tolist()[:2] == ["bias", "after_correct"]


def test_the_legend_has_the_words_of_the_outcome():
    rows = chooser(600).rename(columns={"correct": "reward"})
    rows.loc[::7, "reward"] = np.nan
    fit = kernel_of(rows, outcome="reward", n_back=1)
    legend = fit.plot().get_legend()
    words = [text.get_text() for text in legend.get_texts()]  # type: ignore[union-attr]
    assert words == ["choice, reward", "choice, no reward", "choice, reward unknown"]
    legend = kernel_of(chooser(600), n_back=1).plot().get_legend()
    words = [text.get_text() for text in legend.get_texts()]  # type: ignore[union-attr]
    assert words == ["choice, correct", "choice, error"]


def test_separated_choices_are_flagged():
    rows = chooser(400)
    rows["choice"] = np.where(rows["x"] > 0, "right", "left")
    rows.loc[::3, "correct"] = 0.0
    fit = kernel_of(rows, n_back=1)
    assert fit.status == "undetermined: the choices are separated"
    assert fit.table["weight"].isna().all()
    fit.plot()
    ridge = kernel_of(rows, n_back=1, penalty=1.0)
    assert ridge.status == "separated: the size of the weights is that of the penalty"
    assert np.isfinite(ridge.table["weight"]).all()
    assert np.isnan(ridge.history_p)
    always = kernel_of(rows.assign(choice="right"), n_back=1, penalty=1.0)
    assert always.status.startswith("undetermined")
    assert "left out 0 without a response, 1 without a full history" in repr(fit)


def test_separation_in_part_is_found_and_a_steep_curve_is_none():
    x = np.array([-2.0, -1.0, 1.0, 2.0])
    design = np.column_stack([np.ones(4), x])
    assert separated(design, np.array([0, 0, 1, 1]))
    assert not separated(design, np.array([0, 1, 0, 1]))
    part = np.column_stack([np.ones(6), [0, 0, 0, 0, 1, 1]])
    y = np.array([0.0, 1, 0, 1, 1, 1])
    assert separated(part, y)
    assert logistic(part, y, np.zeros(2)).status == "undetermined: the choices are separated"
    double = np.column_stack([np.ones(6), np.arange(6), 2 * np.arange(6)])
    twice = logistic(double, np.array([0.0, 1, 0, 1, 0, 1]), np.zeros(3))
    assert twice.status == "undetermined: regressors are collinear"


def test_a_perfect_performer_has_no_kernel_of_errors():
    rows = chooser().assign(correct=1.0)
    fit = kernel_of(rows, n_back=2)
    assert fit.weights.columns.tolist() == ["after_correct", "after_error"]
    assert fit.weights["after_error"].isna().all()
    assert np.isfinite(fit.weights["after_correct"]).all()
    assert fit.status == "undetermined: no trial for after_error"


def test_what_is_none():
    rows = chooser(50)
    with pytest.raises(ValueError, match="`n_back` must leave trials with a full history, got 60"):
        kernel_of(rows, n_back=60)
    with pytest.raises(ValueError, match="`n_back` must be a whole number of 1 or more, got 0"):
        kernel_of(rows, n_back=0)
    with pytest.raises(
        ValueError, match='`choice` must have two values, got "left", "right", "up"'
    ):
        kernel_of(rows.assign(choice=np.resize(["left", "right", "up"], 50)))
    with pytest.raises(ValueError, match="`outcome` must name what is 1, 0 or NaN, got 3"):
        kernel_of(rows.assign(correct=3.0))
    with pytest.raises(
        ValueError, match="`outcome` must name what is 1, 0 or NaN, got yes in 'cor"
    ):
        kernel_of(rows.assign(correct="yes"))
    with pytest.raises(ValueError, match=r"`session` must be one of .*got 'dya'"):
        kernel_of(rows, session="dya")
    with pytest.raises(ValueError, match="`data` must have 'reward' for each row"):
        kernel_of(rows, outcome="reward")
    with pytest.raises(ValueError, match="`choice` must be the choice that P is the probability"):
        history_kernel(rows, axis="x")
