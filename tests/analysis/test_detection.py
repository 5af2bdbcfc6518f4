"""Signal detection against closed forms, and rates at the edges."""

from typing import Any

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from scipy.special import ndtr, ndtri
from scipy.stats import norm

import neurotask as nt
from neurotask.analysis import signal_detection


def rows(hits, n_signal, alarms, n_noise, x=1.0, noise=0.0):
    yes = [1] * hits + [0] * (n_signal - hits) + [1] * alarms + [0] * (n_noise - alarms)
    return pd.DataFrame({"strength": [x] * n_signal + [noise] * n_noise, "choice": yes})


def test_the_figures_are_their_definitions():
    result = signal_detection(rows(69, 100, 31, 100), axis="strength", correction=None)
    assert result.d_prime == pytest.approx(2 * ndtri(0.69), abs=1e-12)
    assert result.criterion == pytest.approx(0.0, abs=1e-12)
    assert result.beta == pytest.approx(1.0, abs=1e-12)
    lax = signal_detection(rows(90, 100, 40, 100), axis="strength", correction=None)
    hit, alarm = ndtri(0.9), ndtri(0.4)
    assert lax.criterion == pytest.approx(-(hit + alarm) / 2, abs=1e-12)
    # beta is the ratio of the densities of signal and noise at the criterion.
    place = -alarm
    assert lax.beta == pytest.approx(norm.pdf(place - lax.d_prime) / norm.pdf(place), rel=1e-12)


def test_the_correction_is_log_linear_at_all_rates():
    result = signal_detection(rows(15, 20, 3, 40), axis="strength")
    expected = ndtri(15.5 / 21) - ndtri(3.5 / 41)
    assert result.d_prime == pytest.approx(expected, abs=1e-12)
    assert result.correction == "loglinear"
    assert result.status == "ok"


def test_rates_of_0_and_1_are_flagged_and_finite():
    result = signal_detection(rows(20, 20, 0, 20), axis="strength")
    assert result.d_prime == pytest.approx(2 * ndtri(20.5 / 21), abs=1e-12)
    assert result.status == "corrected: all hits and no false alarms"
    raw = signal_detection(rows(20, 20, 0, 20), axis="strength", correction=None)
    assert raw.d_prime == np.inf
    assert raw.status == "infinite: all hits and no false alarms"
    assert np.isnan(raw.table["d_prime_low"]).all()
    always = signal_detection(rows(20, 20, 20, 20), axis="strength")
    assert always.d_prime == pytest.approx(0, abs=1e-12)
    assert always.criterion < -1.5
    raw.plot()
    assert "infinite" in repr(raw)


def test_intervals_cover_as_they_say():
    rng = np.random.default_rng(0)
    hits, alarms = rng.binomial(60, ndtr(0.4), 400), rng.binomial(80, ndtr(-1.0), 400)
    inside, about = [], []
    for h, f in zip(hits, alarms, strict=True):
        line = signal_detection(rows(h, 60, f, 80), axis="strength", level=0.9).table.iloc[-1]
        inside.append(line["d_prime_low"] < 1.4 < line["d_prime_high"])
        about.append(line["criterion_low"] < 0.3 < line["criterion_high"])
    assert 0.86 < np.mean(inside) < 0.95
    assert 0.86 < np.mean(about) < 0.95


def test_detection_shares_false_alarms_and_discrimination_does_not():
    weak, strong = rows(30, 50, 10, 50, x=0.5), rows(45, 50, 0, 0, x=1.0)
    table = signal_detection(pd.concat([weak, strong]), axis="strength").table
    assert table["x"].tolist()[:2] == [0.5, 1.0]
    assert np.isnan(table["x"][2])
    assert table["false_alarms"].tolist() == [10, 10, 10]
    assert table["hits"].tolist() == [30, 45, 75]
    two = pd.concat([rows(30, 50, 20, 50, 0.5, -0.5), rows(45, 50, 4, 50, 1.0, -1.0)])
    middle = rows(10, 20, 0, 0, x=0.0)
    result = signal_detection(pd.concat([two, middle]), axis="strength")
    assert result.table["false_alarms"].tolist() == [20, 4, 24]
    assert result.table["n_noise"].tolist() == [50, 50, 100]
    assert result.n_unscored == 20


def test_two_alternatives():
    table = pd.DataFrame({"x": [1.0] * 100, "correct": [1.0] * 76 + [0.0] * 23 + [np.nan]})
    result = signal_detection(table, axis="x", design="2afc", correction=None)
    assert result.d_prime == pytest.approx(np.sqrt(2) * ndtri(76 / 99), abs=1e-12)
    assert np.isnan([result.criterion, result.beta]).all()
    assert result.n_unscored == 1
    low, high = result.table.loc[1, ["d_prime_low", "d_prime_high"]]
    p = 76 / 99
    error = np.sqrt(2 * p * (1 - p) / 99) / norm.pdf(ndtri(p))
    assert (high - low) / 2 == pytest.approx(1.959964 * error, rel=1e-6)
    perfect = signal_detection(table[:76], axis="x", design="2afc")
    assert perfect.status == "corrected: all correct answers"
    assert perfect.d_prime == pytest.approx(np.sqrt(2) * ndtri(76.5 / 77), abs=1e-12)


def test_an_observer_of_the_task_has_the_sensitivity_it_must():
    """With the moment of the signal known, d' = a sqrt(T) / noise at the level a."""
    task = nt.load("signal_detection", wait=0.0, noise=0.1, signal=100.0, levels=(0.5,), rest=0.0)
    trials = task.trials(3000, seed=0)
    result = signal_detection(task.behavior(trials, task.observer(trials)))
    line = result.table.iloc[-1]
    assert line["d_prime_low"] - 0.05 < 0.5 * np.sqrt(0.1) / 0.1 < line["d_prime_high"] + 0.05
    assert abs(result.criterion) < 0.12


def test_going_or_not_takes_none_for_the_other_answer():
    task = nt.load("go_no_go", noise=0.5, strengths=(0.3,))
    trials = task.trials(1000, seed=0)
    table = task.behavior(trials, task.observer(trials))
    result = signal_detection(table)
    assert result.n_no_response == 0
    hits = ((table["evidence"] > 0) & (table["choice"] == "go")).sum()
    assert result.table["hits"].iloc[-1] == hits
    assert result.d_prime > 0.4


def test_sessions_groups_and_figures():
    table = pd.concat([rows(30, 50, 10, 50), rows(48, 50, 10, 50)], ignore_index=True)
    columns = {name: ("trial", table[name].to_numpy()) for name in ("strength",)}
    columns["choice"] = ("trial", np.where(table["choice"] == 1, "yes", "no"))
    columns["context"] = ("trial", np.repeat(["a", "b"], 100))
    attrs = {"psychometric_axis": "strength", "choices": ["no", "yes"]}
    session = xr.Dataset(coords=columns, attrs=attrs)
    groups = signal_detection(session, by="context")
    assert groups["b"].d_prime > groups["a"].d_prime
    assert groups.plot().get_ylabel() == "sensitivity d'"
    assert groups["a"].d_prime == signal_detection(table[:100], axis="strength").d_prime
    assert "100 trials; d_prime=" in repr(groups["a"])


def test_which_choice_means_yes_must_be_known():
    table = rows(30, 50, 10, 50).rename(columns={"strength": "since_reversal"})
    table["choice"] = np.where(table["choice"] == 1, "arm_1", "arm_0")
    table.attrs = {"choices": ["arm_0", "arm_1"]}
    with pytest.raises(
        ValueError, match=r'`choice` must say which choice means yes.* "arm_0", "arm'
    ):
        signal_detection(table, axis="since_reversal")
    assert signal_detection(table, axis="since_reversal", choice="arm_1").d_prime > 0
    signed = table.assign(since_reversal=2 * table["since_reversal"] - 1)
    signed.attrs = table.attrs
    assert signal_detection(signed, axis="since_reversal").d_prime > 0
    correct = table.assign(correct=1.0)
    correct.attrs = table.attrs
    assert signal_detection(correct, axis="since_reversal", design="2afc").d_prime > 0


def test_hollow_points_are_named():
    table = pd.concat([rows(30, 50, 10, 50, x=0.5), rows(50, 50, 0, 0, x=1.0)])
    result = signal_detection(table, axis="strength")
    legend: Any = result.plot().get_legend()
    assert [text.get_text() for text in legend.get_texts()] == ["corrected", "ok"]
    ok = signal_detection(table[:100], axis="strength")
    assert ok.plot().get_legend() is None


def test_what_is_none():
    table = rows(15, 20, 3, 20)
    with pytest.raises(ValueError, match=r"without one \(0 or below\), got none of 0 or below"):
        signal_detection(table[:20], axis="strength")
    with pytest.raises(ValueError, match=r"got none above 0\. Run trials of both kinds"):
        signal_detection(table[20:], axis="strength")
    with pytest.raises(ValueError, match='`design` must be one of "yes_no", "2afc"'):
        signal_detection(table, axis="strength", design="3afc")  # type: ignore[call-overload]
    with pytest.raises(ValueError, match='`correction` must be one of "loglinear"'):
        signal_detection(table, axis="strength", correction="half")  # type: ignore[call-overload]
    with pytest.raises(ValueError, match="`correct` must be 0 or 1 in some answered trials"):
        nothing = table.assign(correct=np.nan)
        signal_detection(nothing, axis="strength", design="2afc")
    with pytest.raises(ValueError, match="`data` must have 'choice' for each row"):
        signal_detection(table[["strength"]], axis="strength")
