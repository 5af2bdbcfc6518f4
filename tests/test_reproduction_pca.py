"""The reproduction of PsychRNN's PCA: its measures on trajectories of known order."""

import runpy
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import xarray as xr

import neurotask as nt

PATH = Path(__file__).parents[1] / "docs" / "reproductions" / "psychrnn_pca.py"


@pytest.fixture(scope="module")
def page():
    return SimpleNamespace(**runpy.run_path(str(PATH)))


def session(page, noise, sign=1.0):
    """Trials that move along one direction by their coherence, and along another with time."""
    rng = np.random.default_rng(0)
    levels = np.array([-0.7, -0.5, -0.3, -0.1, 0.1, 0.3, 0.5, 0.7])
    coherence = np.repeat(levels, 30)
    time = np.arange(-300.0, 1100.0, 20.0)
    since = np.clip(time, 0, page.STIMULUS) / page.STIMULUS
    axes = np.linalg.qr(rng.normal(size=(12, 2)))[0].T
    rates = sign * (coherence * np.abs(coherence) ** -0.5)[:, None, None] * since[:, None] * axes[0]
    rates = rates + since[:, None] ** 2 * axes[1] + noise * rng.normal(size=(240, len(time), 12))
    return xr.Dataset(
        {"rates": (("trial", "time", "unit"), rates)},
        {
            "coherence": ("trial", coherence),
            "correct": ("trial", np.ones(240)),
            "time": time - time[0],
            "phase": ["stimulus"],
            "phase_start": (("trial", "phase"), np.full((240, 1), 300.0)),
        },
        {"dt": 20.0},
    )


@pytest.mark.parametrize("sign", [1.0, -1.0])
def test_coherences_in_order_are_found_in_order(page, sign):
    trials = session(page, 0.0, sign)
    fit = nt.analysis.pca(trials, condition="coherence", align="stimulus")
    middle, separated = page.look(fit, trials)
    # The middle of the stimulus is half way; the border lies half way between the two ends.
    levels = np.array([-0.7, -0.5, -0.3, -0.1, 0.1, 0.3, 0.5, 0.7])
    np.testing.assert_allclose(middle, np.sign(levels) * np.sqrt(np.abs(levels)) / 2, atol=1e-9)
    assert separated == 1.0


def test_what_does_not_depend_on_direction_is_not_separated(page):
    trials = session(page, 0.3)
    shuffled = np.random.default_rng(1).permutation(trials["coherence"].to_numpy())
    fit = nt.analysis.pca(trials, condition="coherence", align="stimulus")
    _, right = page.look(fit, trials)
    _, chance = page.look(fit, trials.assign_coords(coherence=("trial", shuffled)))
    assert right > 0.85 and abs(chance - 0.5) < 0.12


def test_the_verdict_is_by_the_worst_network(page):
    trials = session(page, 0.0)
    fit = nt.analysis.pca(trials, condition="coherence", align="stimulus")
    middle, _ = page.look(fit, trials)
    settings: Any = dict(accuracy=0.9, pca=fit, untrained=0.5)
    good = page.Result(seed=0, middle=middle, separated=0.99, **settings)
    bad = page.Result(seed=1, middle=middle[::-1], separated=0.8, **settings)
    assert good.ordered and not bad.ordered and good.in_plane == pytest.approx(1)
    assert page.verdict([good]).count("- met") == 3
    assert page.verdict([good, bad]).count("not met") == 2
    assert page.table([good, bad]).count("\n") == 3
    axes = page.draw([good, bad]).axes
    assert [line.get_label() for line in axes[2].lines[:2]] == ["0", "1"]


def test_a_network_is_trained_and_measured(page):
    result = page.measure(0, updates=60, repeats=20)
    assert result.middle.shape == (8,) and 0 <= result.untrained <= 1
    assert result.pca.align == "stimulus" and result.pca.trials == "correct"
