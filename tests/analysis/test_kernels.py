"""Psychophysical kernels of observers whose weights over time are known."""

from typing import Any

import numpy as np
import pytest
import xarray as xr

from neurotask.analysis import psychophysical_kernel

DT, STEPS = 20.0, 40
START = 10  # of the stimulus, in steps
WEIGHTS = {
    "flat": np.ones(STEPS),
    "early": np.exp(-np.arange(STEPS) / 12),
    "late": np.exp((np.arange(STEPS) - STEPS) / 12),
}


def observed(weights, n=3000, seed=0, coherences=(-0.1, 0.0, 0.1), internal=0.5, **coords):
    """A Session in which white noise (sd 1) on `right` is weighed into a choice."""
    rng = np.random.default_rng(seed)
    x = rng.choice(coherences, n)
    noise = rng.normal(size=(n, STEPS))
    total = (noise + 3 * x[:, None]) @ weights / np.linalg.norm(weights)
    right = total + internal * rng.normal(size=n) > 0
    inputs = np.zeros((n, START + STEPS + 5, 3))
    inputs[:, START : START + STEPS, 1] = noise + 3 * x[:, None]
    inputs[:, :, 2] = rng.normal(size=inputs.shape[:2])
    edges = np.tile([0.0, START * DT], (n, 1)), np.tile([START * DT, (START + STEPS) * DT], (n, 1))
    return xr.Dataset(
        {"inputs": (("trial", "time", "input"), inputs)},
        {
            "coherence": ("trial", x),
            "choice": ("trial", np.where(right, "right", "left")),
            "time": np.arange(inputs.shape[1]) * DT,
            "input": ["fixation", "right", "other"],
            "phase": ["fixation", "stimulus"],
            "phase_start": (("trial", "phase"), edges[0]),
            "phase_stop": (("trial", "phase"), edges[1]),
            **{name: ("trial", values) for name, values in coords.items()},
        },
        {"dt": DT, "psychometric_axis": "coherence", "choices": ["left", "right"]},
    )


@pytest.mark.parametrize("name", WEIGHTS)
def test_the_weights_of_an_integrator_are_recovered(name):
    """Of white noise, the average is proportional to the weights; so are those of the regression."""
    weights = WEIGHTS[name]
    session = observed(weights)
    average = psychophysical_kernel(session, channel="right")
    table = average.table
    assert table["time"].tolist() == (np.arange(STEPS) * DT).tolist()
    kernel = table["kernel"].to_numpy()
    scale = kernel @ weights / (weights @ weights)
    error = (table["high"] - table["low"]).to_numpy() / 3.92
    assert np.mean(((kernel - scale * weights) / error) ** 2) < 1.7
    # At one level of coherence and none within, 2 phi(0) w / |w| / sqrt(1 + internal^2).
    nothing = psychophysical_kernel(observed(weights, coherences=(0.0,)), channel="right")
    expected = 2 * 0.79788456 / np.sqrt(1.25) * weights / np.linalg.norm(weights)
    error = (nothing.table["high"] - nothing.table["low"]) / 3.92
    z = (nothing.table["kernel"] - expected) / error
    assert np.mean(z**2) < 1.7
    regression = psychophysical_kernel(session, channel="right", method="logistic", n_bins=5)
    bins = weights.reshape(5, 8).mean(1)
    found = regression.table["kernel"].to_numpy()
    error = (regression.table["high"] - regression.table["low"]).to_numpy() / 3.92
    scale = found @ bins / (bins @ bins)
    assert np.mean(((found - scale * bins) / error) ** 2) < 3
    assert regression.status == "ok"


def test_a_channel_that_is_not_looked_at_has_no_kernel():
    session = observed(WEIGHTS["flat"])
    result = psychophysical_kernel(session, channel="other", band="permutation")
    outside = (result.table["kernel"] < result.table["low"]) | (
        result.table["kernel"] > result.table["high"]
    )
    assert outside.mean() < 0.15
    seen = psychophysical_kernel(session, channel="right", band="permutation").table
    assert (seen["kernel"] > seen["high"]).mean() > 0.9


def test_a_difference_of_channels_is_one():
    session = observed(WEIGHTS["early"])
    pairs: tuple[dict[str, Any], ...] = (
        {"channel": "right"},
        {"channel": "other"},
        {"channel": "right", "minus": "other"},
    )
    one, two, both = (psychophysical_kernel(session, **which).table["kernel"] for which in pairs)
    np.testing.assert_allclose(both, one - two, atol=1e-12)


def test_the_average_by_hand():
    session = observed(WEIGHTS["early"], n=200)
    x, c = session["coherence"].to_numpy(), session["choice"].to_numpy()
    values = session["inputs"].to_numpy()[:, START : START + STEPS, 1].copy()
    for level in np.unique(x):
        values[x == level] -= values[x == level].mean(0)
    expected = values[c == "right"].mean(0) - values[c == "left"].mean(0)
    table = psychophysical_kernel(session, channel="right").table
    np.testing.assert_allclose(table["kernel"], expected, atol=1e-10)
    assert table["n_positive"][0] == (c == "right").sum()


def test_padding_and_what_follows_the_answer_are_no_data():
    """Trials of differing length: each time has the trials that reach it; nothing is zero."""
    session = observed(WEIGHTS["flat"])
    rng = np.random.default_rng(1)
    n = session.sizes["trial"]
    length = rng.integers(20, STEPS + 1, n)
    stop = session["phase_stop"].to_numpy().copy()
    stop[:, 1] = (START + length) * DT
    cut = session.assign_coords(phase_stop=(("trial", "phase"), stop))
    inputs = session["inputs"].to_numpy().copy()
    inputs[np.arange(inputs.shape[1]) * DT >= stop[:, 1:]] = np.nan
    padded = cut.assign(inputs=(("trial", "time", "input"), inputs))
    one, two = (psychophysical_kernel(s, channel="right").table for s in (cut, padded))
    np.testing.assert_allclose(one["kernel"], two["kernel"], atol=1e-12)
    total = one["n_positive"] + one["n_other"]
    assert total.tolist() == [(length > i).sum() for i in range(STEPS)]
    # A reaction time ends what was seen, the step in which it falls included.
    rt = length * DT
    timed = session.assign_coords(rt=("trial", rt))
    seen = psychophysical_kernel(timed, channel="right").table
    assert (seen["n_positive"] + seen["n_other"]).tolist() == [
        (length >= i).sum() for i in range(STEPS)
    ]


def test_kernels_aligned_to_the_response():
    """An observer that listens to the last 10 steps before it answers."""
    rng = np.random.default_rng(0)
    n = 3000
    session = observed(WEIGHTS["flat"], n=n, coherences=(0.0,))
    noise = session["inputs"].to_numpy()[:, START : START + STEPS, 1]
    answer = rng.integers(15, STEPS - 1, n)
    last = answer[:, None] - np.arange(10)
    right = noise[np.arange(n)[:, None], last].sum(1) > 0
    session = session.assign_coords(
        choice=("trial", np.where(right, "right", "left")), rt=("trial", answer * DT)
    )
    table = psychophysical_kernel(session, channel="right", to="response").table
    table = table.set_index("time")
    assert table.index.max() == 0
    assert (table.loc[-180.0:0.0, "low"] > 0.2).all()
    before = table.loc[-300.0:-200.0]
    assert ((before["low"] < 0) & (before["high"] > 0)).mean() > 0.8
    few = np.minimum(table["n_positive"], table["n_other"]) < 10
    assert table.loc[few, "kernel"].isna().all()


def test_trials_without_a_choice_or_a_companion_are_counted():
    session = observed(WEIGHTS["flat"], n=300)
    choice = session["choice"].to_numpy().copy()
    choice[:7] = "none"
    x = session["coherence"].to_numpy().copy()
    x[10] = 0.5
    session = session.assign_coords(choice=("trial", choice), coherence=("trial", x))
    result = psychophysical_kernel(session, channel="right")
    assert (result.n_no_response, result.n_alone, result.n_trials) == (7, 1, 292)
    assert "292 trials; ok; left out 7 without a response, 1 alone" in repr(result)
    pooled = psychophysical_kernel(session, channel="right", condition=())
    assert pooled.n_alone == 0


def test_groups_are_drawn_together_with_labels():
    session = observed(WEIGHTS["flat"], context=np.arange(3000) % 2)
    groups = psychophysical_kernel(session, channel="right", by="context")
    axes = groups.plot()
    assert axes.get_xlabel() == "time from start of stimulus (ms)"
    assert axes.get_ylabel() == "kernel of choice right,\nright\n(input units)"
    before = psychophysical_kernel(session, channel="other", align="fixation")
    assert "from 0 to 180 ms from the start of fixation, 3000 trials" in repr(before)
    assert [t.get_text() for t in axes.get_legend().get_texts()] == ["0", "1"]
    one = psychophysical_kernel(session, channel="right", method="logistic")
    assert "log odds" in one.plot().get_ylabel()


def test_blocks_are_cut_into_their_trials():
    flat = observed(WEIGHTS["early"], n=300)
    n, k = 100, 3
    coords: dict[str, Any] = {
        name: (("block", "trial"), flat[name].to_numpy().reshape(n, k))
        for name in ("coherence", "choice")
    }
    # Trials of a block end with their last phase.
    inputs = flat["inputs"].to_numpy()[:, : START + STEPS]
    whole = START + STEPS
    for name in ("phase_start", "phase_stop"):
        values = flat[name].to_numpy().reshape(n, k, 2) + np.arange(k)[:, None] * whole * DT
        coords[name] = (("block", "trial", "phase"), values)
    blocks = xr.Dataset(
        {"inputs": (("block", "time", "input"), inputs.reshape(n, k * whole, 3))},
        {
            **coords,
            "time": np.arange(k * whole) * DT,
            "input": flat["input"].to_numpy(),
            "phase": flat["phase"].to_numpy(),
        },
        flat.attrs,
    )
    one, two = (psychophysical_kernel(s, channel="right").table["kernel"] for s in (flat, blocks))
    np.testing.assert_allclose(one, two, atol=1e-12)


def test_what_is_none():
    session = observed(WEIGHTS["flat"], n=100)
    with pytest.raises(ValueError, match='`channel` must be one of "fixation", "right", "other"'):
        psychophysical_kernel(session, channel="left")
    with pytest.raises(ValueError, match='`align` must be one of "fixation", "stimulus", got'):
        psychophysical_kernel(session, channel="right", align="motion")
    with pytest.raises(TypeError, match="`session` must be a Session with the variable 'inputs'"):
        psychophysical_kernel(session.drop_vars("inputs"), channel="right")
    with pytest.raises(ValueError, match="`choice` must be made in some trials and not in others"):
        one = session.assign_coords(choice=("trial", ["right"] * 100))
        psychophysical_kernel(one, channel="right")
    with pytest.raises(ValueError, match=r"`condition` must be one of .*got 'contrast'"):
        psychophysical_kernel(session, channel="right", condition="contrast")
    with pytest.raises(ValueError, match="`condition` must have two answered trials or more"):
        each = session.assign_coords(coherence=("trial", np.arange(100.0)))
        psychophysical_kernel(each, channel="right")
    with pytest.raises(ValueError, match="`data` must have 'rt' for each row"):
        psychophysical_kernel(session, channel="right", to="response")
    untimed, seconds = (session.assign_coords(rt=("trial", np.full(100, t))) for t in (np.nan, 0.5))
    with pytest.raises(ValueError, match="`rt` must be known for some trials, got none of 100"):
        psychophysical_kernel(untimed, channel="right", to="response")
    with pytest.raises(ValueError, match=r"`rt` must be in ms, got values of at most 0\.5"):
        psychophysical_kernel(seconds, channel="right")
    with pytest.raises(ValueError, match="`channel` must vary among the trials of a condition in"):
        psychophysical_kernel(session, channel="fixation")
    with pytest.raises(ValueError, match='`method` must be one of "average", "logistic"'):
        psychophysical_kernel(session, channel="right", method="glm")  # type: ignore[call-overload]


def test_reaction_times_may_count_from_another_event():
    flat = observed(WEIGHTS["early"], n=300)
    stop = (START + STEPS) * DT
    go = xr.concat([flat["phase_start"], xr.zeros_like(flat["phase_start"][:, :1]) + stop], "phase")
    off = xr.concat(
        [flat["phase_stop"], xr.zeros_like(flat["phase_stop"][:, :1]) + stop + 50], "phase"
    )
    told = flat.drop_vars(["phase", "phase_start", "phase_stop"]).assign_coords(
        phase=["fixation", "stimulus", "go"],
        phase_start=(("trial", "phase"), go.to_numpy()),
        phase_stop=(("trial", "phase"), off.to_numpy()),
        rt=("trial", np.full(300, 20.0)),
    )
    # 20 ms after the go cue all of the stimulus was seen; after its start, two steps and a bit.
    late = psychophysical_kernel(told.assign_attrs(rt_from="go"), channel="right")
    assert len(late.table) == STEPS
    early = psychophysical_kernel(told.assign_attrs(rt_from="stimulus"), channel="right")
    assert len(early.table) < 5
    kernel = psychophysical_kernel(flat, channel="right").table["kernel"]
    np.testing.assert_allclose(late.table["kernel"], kernel)
    back = psychophysical_kernel(told.assign_attrs(rt_from="go"), channel="right", to="response")
    assert back.table["time"].max() == -20.0 - DT  # the stimulus ended 20 ms before the response
