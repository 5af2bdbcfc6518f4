"""Produced intervals and discrimination of intervals: known biases, slopes, Weber fractions."""

import numpy as np
import pandas as pd
import pytest

import neurotask as nt
from neurotask.analysis import psychometric, weber, weber_discrimination

INTERVALS = np.array([600.0, 800.0, 1000.0, 1200.0])


def produced(n=300, slope=0.7, middle=900.0, fraction=0.12, floor=0.0, seed=0):
    rng = np.random.default_rng(seed)
    t = np.repeat(INTERVALS, n)
    mean = middle + slope * (t - middle)
    return pd.DataFrame({"interval": t, "rt": rng.normal(mean, fraction * mean + floor)})


def test_figures_by_hand():
    rows = produced(n=5)
    result = weber(rows, axis="interval")
    groups = rows.groupby("interval")["rt"]
    m, s, t = groups.mean().to_numpy(), groups.std().to_numpy(), INTERVALS
    slope, intercept = np.polyfit(t, m, 1)
    made = result.parameters
    assert made["slope"] == pytest.approx(slope, rel=1e-10)
    assert made["intercept"] == pytest.approx(intercept, rel=1e-10)
    assert made["indifference"] == pytest.approx(intercept / (1 - slope), rel=1e-10)
    assert made["variability"] == pytest.approx(np.sqrt((s**2).mean()), rel=1e-10)
    assert made["weber_fraction"] == pytest.approx(np.sqrt(((s / m) ** 2).mean()), rel=1e-10)
    bias2 = ((m - t) ** 2 - s**2 / 5).mean()
    assert made["rms_bias"] == pytest.approx(np.sqrt(max(bias2, 0)), rel=1e-10)
    total = made["rms_bias"] ** 2 + made["variability"] ** 2
    assert made["rmse"] ** 2 == pytest.approx(total, rel=1e-10)
    np.testing.assert_allclose(result.table["sd"], s, rtol=1e-10)
    np.testing.assert_allclose(result.table["bias"], m - t, rtol=1e-10)


def test_regression_to_the_mean_and_the_scalar_property_are_recovered():
    result = weber(produced(), axis="interval", level=0.99)
    truth = {"slope": 0.7, "indifference": 900.0, "weber_fraction": 0.12}
    for name, true in (truth | {"noise_slope": 0.12, "noise_floor": 0.0}).items():
        low, high = result.intervals[name]
        assert low < true < high, name
    assert result.weber_fraction == pytest.approx(0.12, rel=0.05)
    assert result.slope == pytest.approx(0.7, abs=0.05)
    rms = np.sqrt((0.09 * (INTERVALS - 900) ** 2).mean())
    assert result.parameters["rms_bias"] == pytest.approx(rms, rel=0.25)


def test_a_noise_that_is_not_scalar_has_a_floor():
    result = weber(produced(n=1500, fraction=0.0, floor=60.0, slope=1.0), axis="interval")
    low, high = result.intervals["noise_slope"]
    assert low < 0 < high
    assert result.parameters["noise_floor"] == pytest.approx(60.0, abs=12)
    assert result.intervals["noise_floor"]["low"] > 30


def test_intervals_cover_as_they_say():
    """Also those of the bias, which chance makes larger, and of the noise."""
    truth = {"slope": 0.7, "weber_fraction": 0.12, "rms_bias": 0.3 * np.sqrt(50000.0)}
    inside = []
    for seed in range(100):
        result = weber(produced(n=40, seed=seed), axis="interval", level=0.9)
        low, high = result.intervals[list(truth)].to_numpy()
        inside.append((low < [*truth.values()]) & (high > [*truth.values()]))
    share = np.mean(inside, axis=0)
    assert (share > 0.8).all()
    assert (share < 0.98).all()


def test_pooled_intervals_do_not_count_as_noise():
    rng = np.random.default_rng(0)
    t = rng.uniform(600, 1200, 4000)
    rows = pd.DataFrame({"interval": t, "rt": rng.normal(t, 0.05 * t)})
    pooled = weber(rows, axis="interval")
    assert len(pooled.table) == 10
    assert pooled.weber_fraction == pytest.approx(0.05, rel=0.04)
    assert pooled.parameters["slope"] == pytest.approx(1.0, abs=0.02)
    coarse = weber(rows, axis="interval", n_bins=2)
    assert coarse.weber_fraction == pytest.approx(0.05, rel=0.06)


@pytest.mark.parametrize("name", ["ready_set_go", "interval_production"])
def test_an_exact_observer_of_a_task(name):
    task = nt.load(name)
    trials = task.trials(200, seed=0)
    result = weber(task.behavior(trials, task.observer(trials)))
    assert result.axis == ("right_interval" if name == "ready_set_go" else "interval")
    assert result.slope == pytest.approx(1.0, abs=0.02)
    assert result.weber_fraction < 0.05
    assert np.isfinite(result.table.to_numpy()).all()


def test_gains_are_judged_by_the_right_interval():
    task = nt.load("ready_set_go", gains=(1.0, 1.5))
    trials = task.trials(300, seed=0)
    groups = weber(task.behavior(trials, task.observer(trials)), by="gain")
    assert groups[1.5].table["interval"].max() > 1.3 * groups[1.0].table["interval"].max()
    assert groups[1.5].slope == pytest.approx(1.0, abs=0.05)


def test_one_interval_has_no_slope_and_figures_are_labelled():
    rows = produced().assign(side=np.arange(1200) % 2)
    one = weber(rows[rows["interval"] == 800.0], axis="interval")
    assert one.status == "undetermined: one interval gives no slope"
    assert np.isnan(one.slope)
    assert one.weber_fraction == pytest.approx(0.12, rel=0.1)
    one.plot()
    groups = weber(rows, axis="interval", by="side")
    axes = groups.plot()
    assert axes.get_xlabel() == "interval (ms)"
    assert [t.get_text() for t in axes.get_legend().get_texts()] == ["0", "1"]
    assert groups[0].plot_variability().get_ylabel() == "standard deviation (ms)"
    assert "rt over interval, 4 intervals, 600 trials; slope=" in repr(groups[0])


def test_silent_trials_are_counted():
    rows = produced()
    rows.loc[:9, "rt"] = np.nan
    result = weber(rows, axis="interval")
    assert result.n_no_response == 10
    assert result.n_trials == 1190


def test_what_is_none():
    rows = produced(n=3)
    with pytest.raises(ValueError, match="`interval` must have an interval with two responses or"):
        weber(rows.iloc[[0, 3, 6]], axis="interval")
    with pytest.raises(ValueError, match='`produced` must be one of "interval", "rt", got'):
        weber(rows, axis="interval", produced="time")
    with pytest.raises(ValueError, match="`rt` must be in ms, got values of at most"):
        weber(rows.assign(rt=rows["rt"] / 1000), axis="interval")
    with pytest.raises(ValueError, match="`time` must be in ms, got values of at most"):
        weber(rows.assign(time=rows["rt"] / 1000), axis="interval", produced="time")
    with pytest.raises(ValueError, match=r"`interval` must be in ms, got values of at most 1\.2"):
        weber(rows.assign(interval=rows["interval"] / 1000), axis="interval")
    signed = rows.assign(coherence=np.tile([-0.5, 0.0, 0.5], 4))
    with pytest.raises(ValueError, match=r"intervals in ms above 0, got -0\.5 in 'coherence'"):
        weber(signed, axis="coherence")
    silent = signed.assign(coherence=np.where(signed["coherence"] > 0, 500.0, 0.0))
    silent.loc[silent["coherence"] == 0, "rt"] = np.nan
    assert weber(silent, axis="coherence").n_trials == 4  # of the others nothing is asked


# Discrimination


def discriminated(fraction=0.1, seed=0):
    rng = np.random.default_rng(seed)
    first = np.repeat([400.0, 800.0], 1400)
    difference = first * np.tile(np.repeat([-0.3, -0.2, -0.1, 0.0, 0.1, 0.2, 0.3], 200), 2)
    later = difference + rng.normal(0, fraction * first) > 0
    return pd.DataFrame({"first": first, "difference": difference, "choice": later.astype(int)})


def test_weber_s_law_is_recovered():
    rows = discriminated()
    result = weber_discrimination(
        rows, standard="first", axis="difference", level=0.99, lapse_rate=0.0
    )
    table = result.table
    assert table["standard"].tolist() == [400.0, 800.0]
    truth = 0.1 * 0.6744898  # from 1/2 to 3/4 of a cumulative Gaussian
    assert (table["weber_fraction_low"] < truth).all()
    assert (table["weber_fraction_high"] > truth).all()
    np.testing.assert_allclose(table["weber_fraction"], truth, rtol=0.12)
    fit = psychometric(rows[:1400], axis="difference", lapse_rate=0.0)
    assert table["threshold"][0] == pytest.approx(fit.threshold, rel=1e-9)
    assert result.plot().get_ylabel() == "Weber fraction"
    assert "difference over first; 0.06" in repr(result)


def test_a_step_has_no_fraction_and_zero_is_refused():
    rows = discriminated().assign(choice=lambda r: (r["difference"] > 0).astype(int))
    table = weber_discrimination(rows, standard="first", axis="difference").table
    assert table["status"].str.startswith("undetermined").all()
    assert table["weber_fraction"].isna().all()
    with pytest.raises(ValueError, match="`standard` must name values above 0, got -"):
        weber_discrimination(rows, standard="difference", axis="difference")
    with pytest.raises(ValueError, match="`data` must have 'frist' for each row"):
        weber_discrimination(rows, standard="frist", axis="difference")
    with pytest.raises(TypeError, match="`standard` must be a column of numbers, got 'name'"):
        weber_discrimination(rows.assign(name="a"), standard="name", axis="difference")
