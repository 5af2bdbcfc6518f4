"""EZ-diffusion against the worked example of its paper, its own equations, and random walks."""

from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy.special import expit

from neurotask.analysis import ez_diffusion, ez_parameters


def forward(drift, boundary, non_decision, s=0.1):
    """Accuracy, mean (ms) and variance (ms^2) that the parameters give; equations 4, 6 and 9."""
    y = -drift * boundary / s**2
    p = 1 / (1 + np.exp(y))
    mean = boundary / (2 * drift) * (1 - np.exp(y)) / (1 + np.exp(y))
    variance = boundary * s**2 / (2 * drift**3)
    variance *= (2 * y * np.exp(y) - np.exp(2 * y) + 1) / (np.exp(y) + 1) ** 2
    return p, 1000 * (mean + non_decision), 1e6 * variance


def trials(p, mean, sd, n=400, seed=0, x=0.1):
    rng = np.random.default_rng(seed)
    rt = rng.gamma((mean / sd) ** 2, sd**2 / mean, n)
    correct = (np.arange(n) < round(p * n)).astype(float)
    return pd.DataFrame({"x": x, "correct": correct, "rt": rt})


def test_the_worked_example_of_the_paper():
    """Wagenmakers et al. (2007), p. 9: Pc .802, VRT .112 s^2, MRT .723 s."""
    v, a, t = ez_parameters(0.802, 723.0, 112_000.0)
    assert float(v) == pytest.approx(0.0999, abs=5e-5)
    assert float(a) == pytest.approx(0.1400, abs=5e-5)
    assert float(t) == pytest.approx(300.0, abs=0.5)


@pytest.mark.parametrize("s", [0.1, 1.0])
def test_it_inverts_the_equations_of_the_diffusion(s):
    drift = s * np.array([-2.0, 0.5, 1.0, 3.0])
    boundary = s * np.array([1.2, 0.8, 1.4, 1.1])
    time = np.array([0.2, 0.3, 0.0, 0.4])
    v, a, t = ez_parameters(*forward(drift, boundary, time, s), s=s)
    np.testing.assert_allclose(v, drift, rtol=1e-10)
    np.testing.assert_allclose(a, boundary, rtol=1e-10)
    np.testing.assert_allclose(t, 1000 * time, atol=1e-8)


def test_nothing_breaks_near_chance():
    p = expit(np.array([0.0, 1e-12, 1e-6, 9e-3, 1.1e-2, 2e-2]))
    v, a, t = ez_parameters(p, 700.0, 1e5)
    assert v[0] == 0
    limit = 0.1 * (24 * 0.1) ** 0.25
    np.testing.assert_allclose(a, limit, rtol=1e-4)
    np.testing.assert_allclose(t, 700 - 1000 * limit**2 / (4 * 0.01), rtol=1e-3)
    odds = np.array([9e-3, 1.1e-2])  # series and closed form meet
    v, _, _ = ez_parameters(expit(odds), 700.0, 1e5)
    assert v[0] / odds[0] == pytest.approx(v[1] / odds[1], rel=1e-5)


def test_a_random_walk_is_recovered():
    rng = np.random.default_rng(0)
    dt, drift, bound, n = 1e-3, np.array([0.5, 1.0, 2.0]), 0.6, 1500
    parts = []
    for v in drift:
        walk = rng.normal(v * dt, np.sqrt(dt), (n, 5000)).cumsum(1)
        first = (np.abs(walk) >= bound - 0.5826 * np.sqrt(dt)).argmax(1)
        right = walk[np.arange(n), first] > 0
        parts.append(pd.DataFrame({"x": v, "correct": right * 1.0, "rt": first + 1.0 + 250}))
    result = ez_diffusion(pd.concat(parts), axis="x", s=1.0, level=0.99).table
    assert (result["status"] == "ok").all()
    for name, true in (("drift", drift), ("boundary", 1.2), ("non_decision_time", 250.0)):
        assert (result[f"{name}_low"] < true).all(), name
        assert (result[f"{name}_high"] > true).all(), name
    np.testing.assert_allclose(result["boundary"], 1.2, rtol=0.06)


def test_intervals_cover_as_they_say():
    p, mean, variance = forward(0.1, 0.12, 0.3)
    rng = np.random.default_rng(1)
    # Times of a gamma law of that mean and variance, behind 300 ms.
    shape = (mean - 300) ** 2 / variance
    n, animals = 300, 120
    rows = pd.DataFrame(
        {
            "x": 1.0,
            "correct": (rng.random(n * animals) < p) * 1.0,
            "rt": 300 + rng.gamma(shape, (mean - 300) / shape, n * animals),
            "animal": np.repeat(np.arange(animals), n),
        }
    )
    table = ez_diffusion(rows, axis="x", by="animal", level=0.9).table
    for name, true in (("drift", 0.1), ("boundary", 0.12), ("non_decision_time", 300.0)):
        share = ((table[f"{name}_low"] < true) & (true < table[f"{name}_high"])).mean()
        assert 0.8 < share < 0.98, name


def test_edges_are_corrected_and_say_so():
    rows = pd.concat(
        [
            trials(1.0, 500, 80, n=50, x=0.4),
            trials(0.5, 700, 200, n=50, x=0.1),
            trials(0.0, 700, 200, n=50, x=0.2),
            trials(0.8, 600, 200, n=50, x=0.3),
        ]
    )
    result = ez_diffusion(rows, axis="x").table.set_index("x")
    assert result.loc[0.4, "status"] == "corrected: all answers are correct"
    v, a, t = ez_parameters(1 - 1 / 100, result.loc[0.4, "mean_rt"], result.loc[0.4, "var_rt"])
    assert result.loc[0.4, ["drift", "boundary", "non_decision_time"]].tolist() == [v, a, t]
    assert result.loc[0.4, "p_correct"] == 1.0
    assert result.loc[0.1, "drift"] == 0
    assert result.loc[0.2, "status"] == "undetermined: fewer than two correct answers"
    assert np.isnan(result.loc[0.2, "drift"])
    assert result.loc[0.3, "status"] == "ok"
    still = trials(0.8, 500, 80).assign(rt=500.0)
    assert ez_diffusion(still, axis="x").table["status"][0] == "undetermined: times do not vary"


def test_a_time_below_0_is_none_and_hollow_points_are_named():
    rows = pd.concat(
        [
            trials(0.6, 300, 350, x=0.1),
            trials(0.8, 600, 200, x=0.2),
            trials(1.0, 300, 250, x=0.4),
        ]
    )
    result = ez_diffusion(rows, axis="x")
    table = result.table
    assert (table["non_decision_time"] < 0).tolist() == [True, False, True]
    assert table["status"].tolist() == [
        "implausible: non-decision time below 0",
        "ok",
        "corrected: all answers are correct; implausible: non-decision time below 0",
    ]
    legend: Any = result.plot().get_legend()
    assert [text.get_text() for text in legend.get_texts()] == ["corrected or implausible", "ok"]
    assert ez_diffusion(rows[400:800], axis="x").plot().get_legend() is None


def test_what_is_left_out_is_counted_and_groups_are_drawn():
    rows = pd.concat([trials(0.8, 600, 200, x=-0.2), trials(0.7, 600, 200, x=0.1)])
    rows = rows.reset_index(drop=True).assign(choice="left", animal=np.arange(800) % 2)
    rows.loc[:1, "choice"] = "none"
    rows.loc[2:4, "rt"] = np.nan
    rows.loc[5:8, "correct"] = np.nan
    result = ez_diffusion(rows, axis="x")
    assert (result.n_no_response, result.n_no_rt, result.n_unscored) == (2, 3, 4)
    assert result.table["n"].sum() == 800 - 9
    assert result.table["x"].tolist() == [0.1, 0.2]  # strengths
    assert "2 levels (2 ok), 791 trials" in repr(result)
    groups = ez_diffusion(rows, axis="x", by="animal")
    assert groups.plot(parameter="boundary").get_ylabel() == "boundary separation"
    assert result.plot().get_ylabel() == "drift (1/s)"
    with pytest.raises(ValueError, match='`parameter` must be one of "drift", "boundary"'):
        result.plot(parameter="bound")
    with pytest.raises(
        ValueError, match=r"`s` must be a number in \(0|`s` must be a number above 0"
    ):
        ez_diffusion(rows, axis="x", s=0.0)
    with pytest.raises(ValueError, match="`correct` must be 0 or 1 in some trials"):
        ez_diffusion(rows.assign(correct=np.nan), axis="x")
    with pytest.raises(ValueError, match="`rt` must be in ms"):
        ez_diffusion(rows.assign(rt=0.7), axis="x")
